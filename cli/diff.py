"""`oscc diff`: what changed from one compilation to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.code_lines import warning_words
from oscc.cli.common import EXIT_NO, JsonOption, print_json, print_table

if TYPE_CHECKING:
    from oscc.report.compilation_diff import CompilationDiff


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("diff")(diff_verb)


def diff_verb(
    before: Annotated[Path, typer.Argument(metavar="A", help="Output folder of oscc compile.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    thresholds: Annotated[
        Path | None,
        typer.Option("--thresholds", metavar="FILE", help="YAML of how much may change.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two compilations: verdict, placement, codes, wires, errors and times.

    Exit status 3 when a threshold of FILE is exceeded, 0 otherwise.
    """
    from oscc.report.compilation_diff import diff_folders
    from oscc.report.thresholds import read_thresholds

    limits = None if thresholds is None else read_thresholds(thresholds)
    diff = diff_folders(before, after)
    exceeded = [] if limits is None else limits.exceeded(diff)
    if as_json:
        print_json({**diff.as_dict(), **({} if limits is None else {"exceeded": exceeded})})
    else:
        print_table(f"{before} -> {after}", _rows(diff))
        if limits is not None:
            rows = [tuple(line.split(": ", 1)) for line in exceeded] or [("thresholds", "none exceeded")]
            print_table(f"{thresholds}: {len(exceeded)} exceeded", rows)
    if exceeded:
        raise typer.Exit(EXIT_NO)


def _rows(diff: CompilationDiff) -> list[tuple[str, str]]:
    rows = [("verdict", _both(diff.before.verdict, diff.after.verdict))]
    if diff.before.warnings or diff.after.warnings:
        rows.append(
            ("warned of", _both(*(warning_words(data.warnings) or "none" for data in (diff.before, diff.after))))
        )
    for name, one, other in (
        ("model", diff.before.inputs.model_sha256, diff.after.inputs.model_sha256),
        ("core", diff.before.inputs.core_sha256, diff.after.inputs.core_sha256),
    ):
        rows.append((name, "the same" if one == other else f"{one[:12]} -> {other[:12]}"))
    if diff.same_program is not None:
        rows.append(("program", "the same" if diff.same_program else "another"))
    for measure in diff.measures:
        if measure.before is not None or measure.after is not None:
            change = f" ({measure.change:+.6g})" if measure.change else ""
            rows.append((measure.name.replace("_", " "), _both(_text(measure.before), _text(measure.after)) + change))
    if diff.cells_moved is not None:
        rows.append(("cells moved", f"{diff.cells_moved} of {diff.before.nodes} nodes"))
    for group in diff.codes or ():
        chunks = ", ".join(map(str, group.by_chunk))
        if not group.same_steps:
            steps = [" ".join(f"{step:.4g}" for step in side) for side in (group.step_before, group.step_after)]
            rows.append((f"{group.group} code step", f"{steps[0]} -> {steps[1]}; codes count by what they are worth"))
        rows.append((f"{group.group} codes changed", f"{group.changed} of {group.values} (by chunk: {chunks})"))
    if diff.codes is None:
        rows.append(("codes changed", "not compared: no program in one, or cores of another shape"))
    return rows


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} -> {other}"


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
