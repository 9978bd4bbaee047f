"""The timing contract of the array macro, declared once.

The table in docs/macro.md, the checks of the behavioural macro in Python and those of the SystemVerilog macro
name the rules by the codes given here.
"""

from __future__ import annotations

from dataclasses import dataclass

READY_LATENCY = 8
"""Edges within which the control plane follows a change of ``ready``: two to synchronise it, the rest to act on it."""


@dataclass(frozen=True)
class Rule:
    """Something that the control plane promises to the array macro.

    Parameters
    ----------
    code : str
        Stable; messages begin with it.
    statement : str
        What always holds on every rising edge. No full stop.
    why : str
        What would go wrong in an array otherwise.
    strobes_only : bool
        Whether it can be judged from the edges with a strobe or a new level of ``init`` or ``run`` alone, without
        seeing undriven signals. The behavioural macro in Python sees no others; that in SystemVerilog checks them all.
    """

    code: str
    statement: str
    why: str
    strobes_only: bool = True


CONTRACT = (
    Rule(
        "A001",
        "init and run are never high together",
        "noise injection and evolution would drive the same nodes",
    ),
    Rule(
        "A002",
        "with load_strobe, load_row is a row of the grid",
        "a row address without a row may select several",
    ),
    Rule(
        "A003",
        "rows are written in ascending order, each once; row 0 begins a load",
        "a row left out would keep the codes of another chunk",
    ),
    Rule(
        "A004",
        "load_strobe and commit are never high on the same edge",
        "active latches would follow shadow latches that are just being written: setup is one cycle",
    ),
    Rule(
        "A005",
        "commit comes only when every row has been written since the commit before",
        "a partial shadow would become active",
    ),
    Rule(
        "A006",
        "commit and sample are high for one edge at a time",
        "a second edge would take what has changed since the first",
    ),
    Rule(
        "A007",
        "run begins only after a commit and an init",
        "codes and phases are undefined before",
    ),
    Rule(
        "A008",
        "tap_row is 0 on the edge of a sample",
        "the latches of the sample before would be overwritten while they are read",
    ),
    Rule(
        "A009",
        "noise_seed and noise_index do not change while init is high",
        "for simulation: the noise of a sample would be ambiguous",
    ),
    Rule(
        "A010",
        f"init begins only when ready was high within the last {READY_LATENCY} edges",
        "bias and reference have not settled",
        strobes_only=False,
    ),
    Rule(
        "A011",
        f"init and run fall within {READY_LATENCY} edges after ready fell",
        "an array that has lost its reference must not be driven on",
        strobes_only=False,
    ),
    Rule(
        "A012",
        "load_strobe, commit, init, run and sample are never unknown once all of them have been low",
        "an undriven strobe may write anything",
        strobes_only=False,
    ),
    Rule(
        "A013",
        "load_row and load_data with load_strobe, noise_seed and noise_index with init, tap_row with sample are known",
        "what is written, drawn or latched would be undefined",
        strobes_only=False,
    ),
)
"""Every rule, by ascending code."""


def rule(code: str) -> Rule:
    """Return the rule of a code.

    Raises
    ------
    KeyError
        When there is none.
    """
    for candidate in CONTRACT:
        if candidate.code == code:
            return candidate
    raise KeyError(code)


def contract_table() -> str:
    """Return the contract as the Markdown table of docs/macro.md."""
    lines = ["| rule | on every rising edge | otherwise |", "|---|---|---|"]
    for each in CONTRACT:
        lines.append(f"| {each.code} | {each.statement} | {each.why} |")
    return "\n".join(lines) + "\n"
