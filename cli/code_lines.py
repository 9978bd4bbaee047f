"""What the verbs say of the codes of a model: how many are in use, and what to be warned of."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.common import counted

if TYPE_CHECKING:
    from oscc.compiler.findings.of_codes import CodeWarning

ENERGY = ("coupling", "field")
"""Groups of which the energy of a problem is made."""

EXACT = 1e-5
"""Relative error of h and J that float32 leaves, and nothing else."""

StrictOption = Annotated[bool, typer.Option("--strict", help="Exit 3 also when there are warnings.")]


def verdict_words(summary: Mapping[str, Any]) -> str:
    """Return the verdict on a model that fits: ``fits``, or with what there is to say against it.

    Parameters
    ----------
    summary : mapping
        As `CompileResult.summary` gives it.
    """
    from oscc.base.number_words import percent
    from oscc.compiler.findings.of_codes import SATURATED_CODES

    warnings = summary.get("warnings", [])
    saturated = [warning["numbers"] for warning in warnings if warning["code"] == SATURATED_CODES.code]
    if not saturated:
        return f"fits, with {counted(len(warnings), 'warning')}" if warnings else "fits"
    count, of = (sum(each[name] for each in saturated) for name in ("saturated", "parameters"))
    error, more = max(each["error"] for each in saturated), len(warnings) - len(saturated)
    clipped = f"fits, but {count:,} of {of:,} parameters saturate, with an error of up to {percent(error)} %"
    return clipped + (f", and with {counted(more, 'more warning')}" if more else "")


def code_rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return lines about the codes in use, none where codes were not reached.

    Parameters
    ----------
    summary : mapping
        As `CompileResult.summary` gives it.
    """
    use = summary.get("code_use")
    if use is None:
        return []
    groups = {group: each for group, each in use["groups"].items() if each["not_zero"]}
    rows = []
    for group, each in groups.items():
        share = 100 * each["codes_not_zero"] / each["parameters"]
        least, most = (f"{each[name]:.3g}" for name in ("smallest_lsb", "largest_lsb"))
        size = most if least == most else f"{least} to {most}"
        rows.append(
            (
                f"{group} in use",
                f"{each['codes_not_zero']:,} of {each['parameters']:,} not 0 ({share:.1f} %), {each['codes_used']} of "
                f"{each['codes_available']} codes; {size} LSB",
            )
        )
    if problem := use.get("problem"):
        rows.append(("coded problem", _problem_words(problem, [use["groups"].get(group, {}) for group in ENERGY])))
    return rows


def _problem_words(problem: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> str:
    """Return what codes make of a problem: by how much it is off, or that it is the one that was given."""
    from oscc.base.number_words import percent, short

    errors = problem["field_error"], problem["coupling_error"]
    # What is lost may be small beside the largest term, and yet is another problem.
    lost = any(each.get(name, 0) for each in groups for name in ("zeroed", "sign_changed", "merged"))
    if max(errors) <= EXACT and not lost:
        return "the one that was given, but for a factor"
    if problem.get("kind") == "max-cut":
        # An edge of weight w is a coupling of w / 2.
        cut = 2 * problem["largest_error"]
        return f"weights off by {percent(errors[1])} % of their norm, cuts by at most {short(cut)}"
    return (
        f"h off by {percent(errors[0])} %, J by {percent(errors[1])} % of their norms, energies by at most "
        f"{short(problem['largest_error'])}"
    )


def print_warnings(warnings: Sequence[CodeWarning]) -> None:
    """Print warnings on standard output: what is lost, and in a line below what would keep it.

    Parameters
    ----------
    warnings : sequence of CodeWarning
        One after another with the same advice are followed by it once.
    """
    for warning, following in zip_longest(warnings, warnings[1:]):
        sys.stdout.write(f"{warning.code} (warning): {warning.message}\n")
        if following is None or following.advice != warning.advice:
            sys.stdout.write(f"    {warning.advice}\n")


def recorded_warnings(manifest: Mapping[str, Any]) -> tuple[CodeWarning, ...]:
    """Return the warnings that a compilation ended with.

    Parameters
    ----------
    manifest : mapping
        Of an output folder, checked when it was read; that of the first release has none.
    """
    from oscc.compiler.findings.of_codes import CodeWarning

    names = ("code", "message", "advice", "numbers")
    found = manifest.get("summary", {}).get("warnings", [])
    return tuple(CodeWarning(**{name: warning[name] for name in names}) for warning in found)


def warning_words(warnings: Sequence[CodeWarning]) -> str:
    """Return warnings in a line, such as ``1 of W003, 2 of W004``, for verbs that only point at them.

    Parameters
    ----------
    warnings : sequence of CodeWarning
    """
    codes = [warning.code for warning in warnings]
    return ", ".join(f"{codes.count(code)} of {code}" for code in dict.fromkeys(codes))
