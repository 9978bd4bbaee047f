"""`oscc check`: whether a model fits a core."""

from __future__ import annotations

import typer

from oscc.cli.code_lines import print_warnings
from oscc.cli.common import EXIT_NO, print_findings, print_json
from oscc.cli.model_options import ModelOptions, timed_source, with_model_options
from oscc.cli.named_command import NamedCommand
from oscc.cli.place_options import load_target, open_die
from oscc.cli.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("check", cls=NamedCommand)(check)


@with_model_options
def check(given: ModelOptions) -> None:
    """Check that a model fits a core: placement, routing, read-out, initial phases, chunks and time scale.

    And whether its codes still are the model: a warning says where they are not. Exit status 0 when it fits, 3 with
    every finding when it does not, and what would make it fit; with --strict 3 also when there are warnings.
    """
    from oscc.cli.summary import change_rows, print_summary, print_what_if
    from oscc.compiler.output.compilation import check_source

    given.scaling()
    target = load_target(given.core, open_die(given.die))
    source, loaded = timed_source(given, target)
    with progress_bar("placing and routing") as report:
        checked = check_source(source, target, given.compiling(report), (loaded,))
    result = checked.result
    if given.as_json:
        print_json(checked.to_dict())
    else:
        print_summary(result.summary(), change_rows(checked.changed, None))
        print_what_if(checked.changed.what_if)
        print_findings(result.causes)
        print_warnings(result.warnings)
    if not result.feasible or (given.strict and result.warnings):
        raise typer.Exit(EXIT_NO)
