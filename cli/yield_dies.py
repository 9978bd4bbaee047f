"""`oscc yield`: how many dies with random defects still take a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import CoreOption, JsonOption, ModelArgument, print_json, print_table, seed_option
from oscc.cli.named_command import NamedCommand
from oscc.cli.option_record import with_options
from oscc.cli.place_options import FrontEndOption
from oscc.cli.progress import progress_bar


@dataclass(frozen=True)
class YieldVerbOptions:
    """The options of the verb."""

    model: ModelArgument
    core: CoreOption
    defect_rate: Annotated[
        float, typer.Option("--defect-rate", min=0.0, max=1.0, help="Probability that a cell is dead.")
    ] = 0.001
    slot_defect_rate: Annotated[
        float, typer.Option("--slot-defect-rate", min=0.0, max=1.0, help="Probability that a slot is dead.")
    ] = 0.0
    dies: Annotated[int, typer.Option("--dies", min=1, max=100_000, help="How many dies.")] = 200
    seed: Annotated[int, seed_option("the defects, and the moves of --repair")] = 0
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Plot to write: dies by dead cells.", show_default=False),
    ] = None
    repairing: Annotated[
        bool, typer.Option("--repair", help="Move single nodes off the defects, too: up to seconds for each die.")
    ] = False
    frontend: FrontEndOption = None
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("yield", cls=NamedCommand)(yield_verb)


@with_options(YieldVerbOptions)
def yield_verb(given: YieldVerbOptions) -> None:
    """Draw dies with random defects, and try to place the model on each: shifted, mirrored, rotated around them."""
    from oscc.compiler.feasibility.yield_study import YieldOptions, study_yield
    from oscc.compiler.frontends.front_end import read_source
    from oscc.core.spec_file import load_core

    if given.output is not None:
        from oscc.report.pictures import check_plot_target

        check_plot_target(given.output)
    target = load_core(given.core)
    source = read_source(given.model, given.frontend, target)
    options = YieldOptions(given.defect_rate, given.slot_defect_rate, given.dies, given.seed, given.repairing)
    with progress_bar("placing the model on a whole core") as report:
        study = study_yield(source.model.graph, target, options, report, where=str(given.model))
    if given.output is not None:
        from oscc.report.yield_plot import yield_plot

        yield_plot(study, given.output)
    content = study.as_dict()
    if given.as_json:
        print_json(content)
        return
    low, high = content["interval_95"]
    rates = f"cells dead with {given.defect_rate:g}, slots with {given.slot_defect_rate:g}"
    share = f"{100 * study.good / given.dies:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)"
    rows = [
        ("dies", f"{given.dies}, seed {given.seed}; {rates}"),
        ("take the model", f"{study.good}, {share}"),
        *([("with nodes moved", str(content["repaired"]))] if given.repairing else []),
        *((f"refused by {reason}", str(count)) for reason, count in content["refused_by"].items()),
    ]
    if given.output is not None:
        rows.append(("plot", str(given.output)))
    print_table(f"{study.model} on dies of {study.core}", rows)
