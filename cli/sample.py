"""`oscc sample`: images from the behavioural array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table, refuse_ignored, samples_option
from oscc.cli.option_record import with_options
from oscc.cli.output import FirstOption, SeedOption
from oscc.cli.progress import progress_bar


@dataclass(frozen=True)
class SampleVerbOptions:
    """The options of the verb."""

    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Output folder of oscc compile, or a checkpoint of any family.", show_default=False
        ),
    ]
    samples: Annotated[int, samples_option("How many images.", most=100_000)] = 64
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Picture to write; DIR/samples.png by default."),
    ] = None
    columns: Annotated[int, typer.Option("--columns", min=1, help="Images per row of the sheet.")] = 8
    seed: SeedOption = 0
    first: FirstOption = 0
    full_precision: Annotated[
        bool, typer.Option("--full-precision", help="Without quantization of weights and read-out, for comparison.")
    ] = False
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("sample")(sample_verb)


@with_options(SampleVerbOptions)
def sample_verb(context: typer.Context, given: SampleVerbOptions) -> None:
    """Run the program on the behavioural array and draw what the read-out delivers.

    A checkpoint runs in model time, at full precision and without a core.
    """
    import time

    from oscc.base.output_folder import PROBLEM
    from oscc.base.path_kind import kind_of
    from oscc.base.progress import tell_stage
    from oscc.core.program_folder import read_program_of
    from oscc.report.pictures import check_sheet_target, sample_sheet

    # A file that says nothing of what it is, is left to the reader of checkpoints.
    if kind_of(given.folder).name in ("checkpoint", "file"):
        refuse_ignored(context, {"first": "--first"}, "the samples of a checkpoint are drawn from their first on")
        _sample_checkpoint(given.folder, given.samples, given.output, given.columns, given.seed, given.as_json)
        return
    core, program = read_program_of(given.folder)
    target = given.output if given.output is not None else given.folder / "samples.png"
    check_sheet_target(target, (given.samples, *program.image_shape), given.columns)
    started = time.perf_counter()
    with progress_bar("running the array") as progress:
        if given.full_precision:
            from oscc.base.output_folder import read_output_folder
            from oscc.compiler.output.recompile import recompile
            from oscc.sim.array.full_precision import full_precision_images

            timed = recompile(read_output_folder(given.folder), progress).timed
            assert timed is not None, "a model that fits has a time scale"
            images = full_precision_images(
                timed, given.samples, seed=given.seed, first_sample=given.first, progress=progress
            )
        else:
            from oscc.sim.sampling import sample_program

            images = sample_program(core, program, given.samples, seed=given.seed, first=given.first, progress=progress)
        seconds = time.perf_counter() - started
        tell_stage(progress, "drawing the sheet")
        sample_sheet(images, target, given.columns)
    result = {
        "samples": given.samples,
        "seed": given.seed,
        "first": given.first,
        "sheet": str(target),
        "seconds": seconds,
    }
    if given.as_json:
        print_json(result)
    else:
        rows = [("images", f"{given.samples}, seed {given.seed}, from sample {given.first}"), ("sheet", str(target))]
        if (given.folder / PROBLEM).is_file() and not given.full_precision:
            rows.append(("as spins", f"oscc solve {given.folder}, where it is an Ising problem"))
        print_table(f"{program.name} on {core.name}", [*rows, ("time", f"{seconds:.1f} s")])


def _sample_checkpoint(model: Path, samples: int, output: Path | None, columns: int, seed: int, as_json: bool) -> None:
    from oscc.base.progress import tell_stage
    from oscc.models.quality.sampling import Conditions, draw_images, running_graph
    from oscc.report.pictures import check_sheet_target, sample_sheet

    target = output if output is not None else model.with_name("samples.png")
    # Before a large model is read.
    check_sheet_target(target)
    graph = running_graph(model, None)
    check_sheet_target(target, (samples, *graph.image_shape), columns)
    with progress_bar("drawing samples") as progress:
        images = draw_images(graph, Conditions(seed=seed), samples, progress)
        tell_stage(progress, "drawing the sheet")
        sample_sheet(images, target, columns)
    if as_json:
        print_json({"samples": samples, "seed": seed, "first": 0, "sheet": str(target)})
    else:
        print_table(model.name, [("images", f"{samples}, seed {seed}, at full precision"), ("sheet", str(target))])
