"""`oscc check`: whether a model fits a core."""

from __future__ import annotations

import typer

from oscc.cli.common import EXIT_NO, CoreOption, JsonOption, ModelArgument, print_findings, print_json
from oscc.cli.place_options import FrontEndOption, PlacerOption, SeedOption, TimeoutOption, parse_place_options
from oscc.cli.progress import progress_bar
from oscc.cli.scale_options import ClipOption, TauOption, TauSecondsOption, parse_scale_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("check")(check)


def check(
    model: ModelArgument,
    core: CoreOption,
    tau: TauOption = "common",
    tau_s: TauSecondsOption = None,
    clip: ClipOption = None,
    placer: PlacerOption = "auto",
    seed: SeedOption = 0,
    timeout: TimeoutOption = None,
    frontend: FrontEndOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a model fits a core: placement, routing, read-out, initial phases, chunks and time scale.

    Exit status 0 when it fits, 3 with every finding when it does not.
    """
    from oscc.cli.summary import print_summary
    from oscc.compiler.compile import check_model
    from oscc.compiler.findings import shorten_findings
    from oscc.compiler.frontends.front_end import opened_source
    from oscc.compiler.spec_file import load_core

    options = parse_scale_options(tau, tau_s, clip)
    target = load_core(core)
    with opened_source(model, frontend, target) as source, progress_bar() as report:
        placing = parse_place_options(placer, seed, timeout, report)
        result = check_model(source.checkpoint, target, options, placing=placing)
    if as_json:
        print_json({**result.summary(), "passes": [record.as_dict() for record in result.records]})
    else:
        print_summary(result.summary(), {})
        print_findings(shorten_findings(result.findings))
    if not result.feasible:
        raise typer.Exit(EXIT_NO)
