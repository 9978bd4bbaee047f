"""Results of proofs for people and for programs: a table, Markdown, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from formal.proof import Proof
from formal.runner import ProofResult

HEAD = ("proof", "component", "how far", "result", "seconds", "seeded bugs found")


def how_far(proof: Proof) -> str:
    """``all time (induction, k = 3)``, ``24 cycles from reset``, or, of designs without time, ``any inputs``."""
    if proof.mode == "prove":
        return f"all time (induction, k = {proof.depth})"
    return "any inputs (combinational)" if proof.depth == 1 else f"{proof.depth} cycles from reset"


def cells(result: ProofResult) -> tuple[str, ...]:
    """A line of the table, a text per column of `HEAD`."""
    return (
        result.proof.name,
        result.proof.component,
        how_far(result.proof),
        verdict_word(result),
        f"{result.seconds:.1f}",
        f"{result.killed}/{len(result.mutants)}",
    )


def verdict_word(result: ProofResult) -> str:
    """PASS, or what is wrong in one word or two."""
    if result.check.status != "PASS":
        return result.check.status
    if result.cover.status != "PASS":
        return f"cover {result.cover.status}"
    if result.stale:
        return "stale bug"
    return "PASS" if result.passed else "too weak"


def summary(results: Sequence[ProofResult]) -> str:
    """The end of a run in one line: how many proofs passed, and what is wrong with the others."""
    failed = [f"{result.proof.name} ({verdict_word(result)})" for result in results if not result.passed]
    if not failed:
        return f"{len(results)} of {len(results)} proofs passed"
    return f"{len(failed)} of {len(results)} proofs did not pass: {', '.join(failed)}"


def table(results: Sequence[ProofResult]) -> Table:
    """For a terminal."""
    printed = Table(title="formal proofs", title_justify="left")
    for column in HEAD:
        printed.add_column(column, justify="right" if column in ("seconds", "seeded bugs found") else "left")
    for result in results:
        printed.add_row(*cells(result))
    return printed


def markdown(results: Sequence[ProofResult], command: str) -> str:
    """For docs/: one table of what is proved, with the command that makes it.

    Parameters
    ----------
    results : sequence of ProofResult
    command : str
    """
    lines = [
        "# Proofs",
        "",
        f"Made by `{command}`; [verification.md](verification.md) says what they leave open.",
        "",
        "| proof | what is proved | parameters | how far | result | seconds | seeded bugs found |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        proof = result.proof
        found = f"{result.killed}/{len(result.mutants)}: {', '.join(mutant.name for mutant, _ in result.mutants)}"
        row = (
            f"`{proof.component}` ({proof.name})",
            proof.claim,
            proof.parameters,
            how_far(proof),
            verdict_word(result),
            f"{result.seconds:.1f}",
            found,
        )
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def as_json(results: Sequence[ProofResult]) -> str:
    """One object with the key ``proofs``; times are in seconds."""
    listed: list[dict[str, Any]] = []
    for result in results:
        proof = result.proof
        listed.append(
            {
                "name": proof.name,
                "component": proof.component,
                "claim": proof.claim,
                "parameters": proof.parameters,
                "mode": proof.mode,
                "depth": proof.depth,
                "quick": proof.quick,
                "passed": result.passed,
                "check": result.check.status,
                "cover": result.cover.status,
                "seconds": round(result.seconds, 2),
                "mutants": [
                    {"name": mutant.name, "file": mutant.file, "status": verdict.status, "broke": verdict.detail}
                    for mutant, verdict in result.mutants
                ],
                "faults": list(result.faults()),
            }
        )
    return json.dumps({"proofs": listed}, indent=2) + "\n"
