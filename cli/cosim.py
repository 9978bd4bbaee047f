"""`oscc cosim`: images through the RTL."""

from __future__ import annotations

from typing import Annotated

import typer

from oscc.cli.choice_names import completing
from oscc.cli.common import JsonOption, print_json, print_table, samples_option
from oscc.cli.named_command import NamedCommand
from oscc.cli.output import FirstOption, FolderArgument, SeedOption
from oscc.cli.progress import progress_bar
from oscc.cli.wave_options import WavesCyclesOption, WavesOption, waves_row, window_of


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cosim", cls=NamedCommand)(cosim_verb)


def cosim_verb(
    folder: FolderArgument,
    engine: Annotated[
        str, typer.Option("--engine", metavar="ENGINE", help="{engines}.", autocompletion=completing("engines"))
    ] = "pysim",
    samples: Annotated[int, samples_option("How many images.", most=10_000)] = 1,
    seed: SeedOption = 0,
    first: FirstOption = 0,
    waves: WavesOption = False,
    waves_cycles: WavesCyclesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load the program into the RTL, run it with the behavioural array attached, and read the images out.

    Engines icarus and verilator simulate the Verilog in DIR/rtl, or emit it where there is none. Writes
    DIR/cosim-ENGINE/: codes.npy, sheet.png, cosim.png (beside the PyTorch reference, where PyTorch is installed),
    record.json and record.npz, which oscc verify takes; with --waves, waves.vcd, waves.gtkw and waves.sucl.
    """
    from oscc.base.output_folder import read_output_folder
    from oscc.base.progress import tell_stage
    from oscc.compiler.output.recompile import recompile
    from oscc.core.program_folder import read_program_of
    from oscc.report.cosim_files import write_cosimulation
    from oscc.sim.cosimulation import check_engine_named, check_waves_of, cosimulate
    from oscc.sim.emission import RTL_FOLDER
    from oscc.sim.engines.core_sources import read_core_verilog
    from oscc.sim.engines.job import CosimJob
    from oscc.sim.failed_run import failures_kept
    from oscc.sim.waves.wave_file import Waves

    window = window_of(waves_cycles)
    core, program = read_program_of(folder)
    check_engine_named(engine)
    if waves:
        check_waves_of(engine)
    verilog = read_core_verilog(folder / RTL_FOLDER, core)
    with (
        progress_bar(f"starting engine {engine}") as progress,
        failures_kept(folder / f"cosim-{engine}") as scratch,
    ):
        wanted = Waves(scratch / "waves.vcd", *window) if waves else None
        job = CosimJob(core, program, samples, seed=seed, first_sample=first, waves=wanted)
        found = cosimulate(
            job, engine, lambda: recompile(read_output_folder(folder), progress).codes, progress, verilog
        )
        tell_stage(progress, "drawing and writing the images")
        written = write_cosimulation(folder, found, scratch)
    result = found.to_dict()
    if as_json:
        print_json({**result, "output": str(written), "waves": waves_row(written, "waves") if waves else None})
        return
    rows = [
        ("images", f"{samples}, seed {seed}, from sample {first}"),
        ("design", found.record.design),
        ("clock cycles", f"{found.record.cycles} ({program.stream_crc():#010x} is the program's CRC-32)"),
        ("time", f"{found.record.load_seconds:.1f} s to load the program, {found.record.run_seconds:.1f} s to run"),
        ("codes", f"SHA-256 {result['codes_sha256'][:16]}"),
        ("against PyTorch", _compared(found.pixel_difference)),
        ("output", str(written)),
        *([("waves", waves_row(written, "waves"))] if waves else []),
    ]
    print_table(f"{program.name} on {core.name}, engine {engine}", rows)


def _compared(difference: float | None) -> str:
    if difference is None:
        return "SKIPPED, PyTorch is not installed: pip install 'oscc[torch]'"
    return f"pixels differ by {difference:.4f} on average (they lie within -1 and 1)"
