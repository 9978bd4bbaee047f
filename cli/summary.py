"""The summary of a compiled or checked model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oscc.cli.code_lines import code_rows, verdict_words
from oscc.cli.common import counted, print_table

if TYPE_CHECKING:
    from oscc.compiler.feasibility.changes import Changed
    from oscc.compiler.feasibility.what_if import WhatIf


def print_summary(summary: Mapping[str, Any], more: Mapping[str, str]) -> None:
    """Print the summary of a result as a short table.

    Parameters
    ----------
    summary : mapping
        As `CompileResult.summary` gives it.
    more : mapping of str to str
        Further lines.
    """
    rows = [
        ("model", ", ".join(counted(summary[name], name[:-1]) for name in ("nodes", "couplings", "chunks"))),
        ("couplings into a node", f"at most {summary['max_degree']}"),
    ]
    if "idle_couplings" in summary:
        rows.append(("left out", f"{counted(summary['idle_couplings'], 'coupling')} of weight zero in all chunks"))
    if "placement" in summary:
        rows.append(("placement", summary["placement"]))
    if "tau_s" in summary:
        rows += [
            ("time scale", f"{_times(summary)}, decided by {summary['tau_active_bound']}"),
            ("cycles per sample", str(summary["cycles_per_sample"])),
        ]
    if "quantization" in summary:
        numbers = summary["quantization"]
        rows += [
            ("coupling error", f"{numbers['rms_lsb']:.3f} LSB rms, {numbers['max_lsb']:.3f} LSB at most"),
            (
                "coupling codes",
                f"{numbers['clipped']} clipped, {numbers['zeroed']} zeroed, {numbers['sign_changed']} of another sign",
            ),
        ]
    rows += [*code_rows(summary), *more.items()]
    print_table(f"{summary['model']} on {summary['core']}: {_verdict(summary)}", rows)


def _verdict(summary: Mapping[str, Any]) -> str:
    """Return whether it fits, with what there is to be warned of, and the most fundamental cause where it does not."""
    causes = summary["findings"]
    if not causes:
        return verdict_words(summary)
    more = f" (and {counted(len(causes) - 1, 'more cause')})" if len(causes) > 1 else ""
    return f"does not fit: {causes[0]['message']}{more}"


def change_rows(changed: Changed, spread: Mapping[str, Any] | None) -> dict[str, str]:
    """Return lines about what was changed of a model.

    Parameters
    ----------
    changed : Changed
    spread : mapping or None
        As `oscc.sim.copy_spread.copy_spread` gives it.
    """
    rows = {}
    if pruned := changed.changes.get("pruned"):
        rows["pruned"] = f"entry {pruned['entry']}: {pruned['change']}"
    if copies := changed.changes.get("copies"):
        low, high = copies["strength"]
        rows["copies"] = (
            f"{copies['extra']} extra cells for {copies['split']} of {copies['nodes']} nodes, at most "
            f"{copies['longest']} copies"
        )
        rows["chain strength"] = (
            f"{copies['strength_factor']:g} times what pulls on a copy: {low:.4g} to {high:.4g} rad per unit of model "
            "time, in the couplings of the model as it was read (those of a problem are scaled)"
        )
    witnesses = changed.witnesses
    if witnesses is not None and witnesses.checked:
        findings = counted(witnesses.findings, "finding")
        verdict = (
            f"but of {', '.join(witnesses.disagreeing)} with other numbers: a fault of oscc, please report it"
            if witnesses.disagreeing
            else "all hold"
        )
        rows["witnesses"] = f"{witnesses.checked} of {findings} re-computed by an independent check, {verdict}"
    if spread is not None:
        median, most = spread["difference_rad"]["0.5"], spread["difference_rad"]["0.99"]
        rows["copies differ by"] = (
            f"{median:.3f} rad in half, {most:.3f} rad in 99 % of the chains; {100 * spread['broken']:.1f} % broken "
            f"(simulated, {spread['samples']} samples)"
        )
    return rows


def print_what_if(what_if: WhatIf | None) -> None:
    """Print what would make a model fit, an entry a line.

    Parameters
    ----------
    what_if : WhatIf or None
        Nothing is printed where it is None.
    """
    if what_if is None:
        return
    from oscc.compiler.feasibility.advice.entry import yaml_words
    from oscc.compiler.feasibility.change_costs import cost_words

    rows: list[tuple[str, str]] = []
    untried: list[tuple[str, str]] = []
    for number, entry in enumerate(what_if.entries, 1):
        change = "use a core with these keys" if entry.kind == "core" else entry.change
        # Each as it stands in the file of a core.
        keys = [("", yaml_words({key: value})) for key, value in entry.keys.items()]
        (rows if entry.tried else untried).extend([(str(number), f"{change}: {cost_words(entry.cost)}"), *keys])
    print_table("what would make it fit", rows or [("none", "no set of changes was found")])
    if untried:
        print_table("what may make it fit (not tried)", untried)


def _times(summary: Mapping[str, Any]) -> str:
    """Return runs and tau, once where all chunks are alike."""
    runs, taus = summary["run_cycles"], summary["tau_s_per_chunk"]
    if len(set(runs)) == 1 and len(set(taus)) == 1:
        return f"{len(runs)} x {runs[0]} cycles, tau {taus[0]:.6g} s"
    return f"{' + '.join(map(str, runs))} cycles, tau {', '.join(f'{tau:.6g}' for tau in taus)} s"
