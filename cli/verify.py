"""`oscc verify`: the contract between program, RTL, array and reference, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from oscc.cli.choice_names import completing
from oscc.cli.code_lines import recorded_warnings, warning_words
from oscc.cli.common import EXIT_NO, JsonOption, print_json, samples_option
from oscc.cli.named_command import NamedCommand
from oscc.cli.option_record import with_options
from oscc.cli.output import FolderArgument, SeedOption
from oscc.cli.progress import progress_bar
from oscc.cli.wave_options import WavesCyclesOption, WavesOption, window_of


@dataclass(frozen=True)
class VerifyVerbOptions:
    """The options of the verb."""

    folder: FolderArgument
    engine: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            autocompletion=completing("engines"),
            metavar="ENGINE",
            help="{engines}; repeatable. array and pysim if left out.",
        ),
    ] = None
    samples: Annotated[int, samples_option("Samples that each engine runs, back to back.", most=1000)] = 2
    pixel_samples: Annotated[
        int, typer.Option("--pixel-samples", min=1, max=100_000, help="Samples over which pixels are compared.")
    ] = 64
    seed: SeedOption = 0
    max_step: Annotated[
        float | None,
        typer.Option(
            "--max-step", min=1e-3, max=1.0, help="Longest integration step, in model time; 0.02 if left out."
        ),
    ] = None
    anew: Annotated[
        bool, typer.Option("--anew", help="Run every engine, also where oscc cosim recorded the very same run.")
    ] = False
    waves: WavesOption = False
    waves_cycles: WavesCyclesOption = None
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 also when a check was skipped.")] = False
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("verify", cls=NamedCommand)(verify_verb)


@with_options(VerifyVerbOptions)
def verify_verb(given: VerifyVerbOptions) -> None:
    """Check what was compiled: codes at the array, cycles, read-out codes, phases and pixels against PyTorch.

    Engines icarus and verilator simulate the Verilog in DIR/rtl, or emit it where there is none. What oscc cosim
    recorded of the same engine, program, Verilog and options is taken and not run again, and the table says so.
    Writes DIR/verify/. Exit status 0 when nothing failed, 3 when something did.
    """
    import importlib.util
    import shutil
    import sys

    from oscc.base.child_process import scratch_folder
    from oscc.base.errors import OsccError
    from oscc.base.file_output import write_text
    from oscc.base.output_folder import read_any_output_folder, replace_subfolder, write_json
    from oscc.sim.cosimulation import check_waves_of
    from oscc.sim.engines.registry import WITHOUT_WAVES, engine_named
    from oscc.sim.verify.checks import Status, verdict_table

    if importlib.util.find_spec("torch") is None:
        raise OsccError("verify.torch", "the reference needs PyTorch", hint="pip install 'oscc[torch]'")
    from oscc.sim.verify.verify import VerifyOptions, verify_folder

    engines = tuple(dict.fromkeys(given.engine)) if given.engine else VerifyOptions.engines
    for name in engines:
        engine_named(name)
    options = VerifyOptions(
        engines=engines,
        samples=given.samples,
        pixel_samples=given.pixel_samples,
        seed=given.seed,
        max_step=VerifyOptions.max_step if given.max_step is None else given.max_step,
        anew=given.anew,
        waves=window_of(given.waves_cycles) if given.waves else None,
    )
    if given.waves and not set(engines) - set(WITHOUT_WAVES):
        check_waves_of(engines[0])
    with scratch_folder("oscc-verify-") as scratch:
        with progress_bar("reading the folder") as progress:
            verdict = verify_folder(given.folder, options, engine_named, progress, scratch)
        table = verdict_table(verdict.lines)
        with replace_subfolder(given.folder, "verify") as target:
            write_json(target / "verdict.json", verdict.as_dict())
            write_text(target / "verdict.txt", table)
            for file in sorted(scratch.iterdir()):
                shutil.move(file, target / file.name)
    if given.as_json:
        print_json(verdict.as_dict())
    else:
        counts = ", ".join(f"{verdict.count(status)} {status.value}" for status in Status)
        sys.stdout.write(f"{table}\n{counts}\n")
        if warned := warning_words(recorded_warnings(read_any_output_folder(given.folder).manifest)):
            sys.stdout.write(f"compiled with warnings: {warned}; oscc report {given.folder} says of what\n")
    if not verdict.passed or (given.strict and not verdict.complete):
        raise typer.Exit(EXIT_NO)
