"""`oscc cosim`: images through the RTL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.common import JsonOption, print_json, print_table, samples_option
from oscc.cli.output import FirstOption, FolderArgument, SeedOption, read_program_of
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np

    from oscc.base.progress import Report
    from oscc.sim.engines.job import CosimJob, CosimRecord


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cosim")(cosim_verb)


def cosim_verb(
    folder: FolderArgument,
    engine: Annotated[
        str, typer.Option("--engine", metavar="ENGINE", help="array, pysim, icarus or verilator.")
    ] = "pysim",
    samples: Annotated[int, samples_option("How many images.", most=10_000)] = 1,
    seed: SeedOption = 0,
    first: FirstOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Load the program into the RTL, run it with the behavioural array attached, and read the images out.

    Writes DIR/cosim-ENGINE/: codes.npy, sheet.png, cosim.png (beside the PyTorch reference, where PyTorch is installed)
    and record.json.
    """
    from oscc.base.errors import OsccError
    from oscc.base.output_folder import replace_subfolder, write_json
    from oscc.base.progress import tell_stage
    from oscc.sim.array.macro import MacroContractError
    from oscc.sim.engines.job import CosimJob
    from oscc.sim.engines.registry import engine_named, missing_for
    from oscc.sim.host.host import HostError

    core, program = read_program_of(folder)
    runner = engine_named(engine)
    if missing := missing_for(engine):
        raise OsccError("engine.missing", f"engine '{engine}' is not installed", hint=f"install: {missing}")
    job = CosimJob(core, program, samples, seed=seed, first_sample=first)
    with progress_bar(f"starting engine {engine}") as progress:
        try:
            record = runner.run(job, progress)
        except (HostError, MacroContractError) as error:
            raise OsccError("cosim.refused", str(error), where=engine, hint="see docs/registers.md, ERROR") from None
        reference = _reference(folder, job, progress)
        tell_stage(progress, "drawing and writing the images")
        result = _result(job, record, reference)
        with replace_subfolder(folder, f"cosim-{engine}") as target:
            _write(target, job, record, reference)
            write_json(target / "record.json", {key: value for key, value in result.items() if "seconds" not in key})
    if as_json:
        print_json({**result, "output": str(folder / f"cosim-{engine}")})
        return
    rows = [
        ("images", f"{samples}, seed {seed}, from sample {first}"),
        ("clock cycles", f"{record.cycles} ({program.stream_crc():#010x} is the program's CRC-32)"),
        ("time", f"{record.load_seconds:.1f} s to load the program, {record.run_seconds:.1f} s to run"),
        ("codes", f"SHA-256 {result['codes_sha256'][:16]}"),
        ("against PyTorch", _compared(result)),
        ("output", str(folder / f"cosim-{engine}")),
    ]
    print_table(f"{program.name} on {core.name}, engine {engine}", rows)


def _compared(result: dict[str, Any]) -> str:
    difference = result["pixel_difference"]
    if difference is None:
        return "SKIPPED, PyTorch is not installed: pip install 'oscc[torch]'"
    return f"pixels differ by {difference:.4f} on average (they lie within -1 and 1)"


def _reference(folder: Path, job: CosimJob, progress: Report | None) -> np.ndarray | None:
    """Images of the PyTorch reference with the same codes and noise; None without PyTorch."""
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    from oscc.base.output_folder import read_output_folder
    from oscc.compiler.output.recompile import recompile
    from oscc.sim.verify.phase_checks import reference_images, run_reference

    torch.set_num_threads(1)
    coded = recompile(read_output_folder(folder), progress).coded
    assert coded is not None
    return reference_images(run_reference(coded, job, progress), coded)


def _images(job: CosimJob, record: CosimRecord) -> np.ndarray:
    from oscc.sim.array.phase_readout import code_to_pixel

    return job.program.image_of(code_to_pixel(record.codes, job.core))


def _result(job: CosimJob, record: CosimRecord, reference: np.ndarray | None) -> dict[str, Any]:
    import dataclasses
    import hashlib

    difference = None if reference is None else float(abs(_images(job, record) - reference).mean())
    return {
        "engine": record.engine,
        "samples": job.samples,
        "seed": job.seed,
        "first": job.first_sample,
        "cycles": record.cycles,
        "counters": dataclasses.asdict(record.counters),
        "codes_sha256": hashlib.sha256(record.codes.tobytes()).hexdigest(),
        "pixel_difference": difference,
        "load_seconds": record.load_seconds,
        "run_seconds": record.run_seconds,
    }


def _write(target: Path, job: CosimJob, record: CosimRecord, reference: np.ndarray | None) -> None:
    import io

    import numpy as np

    from oscc.base.file_output import write_bytes
    from oscc.report.pictures import cosim_picture, sample_sheet

    images = _images(job, record)
    codes = io.BytesIO()
    np.save(codes, record.codes)
    write_bytes(target / "codes.npy", codes.getvalue())
    sample_sheet(images, target / "sheet.png")
    if reference is not None:
        source = record.engine if record.engine == "array" else f"RTL in {record.engine}"
        cosim_picture(images[0], reference[0], target / "cosim.png", source)
