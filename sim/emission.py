"""Emitting a core with the bench of a program: what a hardware team takes over, as files of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.manifest_writer import OutputEntry, described_outputs
from oscc.base.output_folder import REPORTS, read_output_folder, replace_folder, replace_subfolder
from oscc.base.progress import Report, tell_stage
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.core_manifest import write_core_manifest
from oscc.rtl.delivery.emit import DEFAULT, emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.register_pages import write_register_pages
from oscc.rtl.delivery.standalone_data import bench_data

RTL_FOLDER = "rtl"
"""Sub-folder of the output that holds what was emitted."""

REGISTERS_FOLDER = "registers"
"""Sub-folder of that for what is made from the register map."""


@dataclass(frozen=True)
class BenchOptions:
    """What the stand-alone test bench runs.

    Parameters
    ----------
    program : Program
        For the core that is emitted.
    samples : int
    seed : int
        Key of the initial noise.
    """

    program: Program
    samples: int = 2
    seed: int = 0


def compiled_core(folder: Path) -> CoreSpec | None:
    """Return the core of a compilation, whose files stay when a core is emitted into it; None where a folder is none.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OsccError
        What `read_output_folder` and `load_core` raise: one that did not fit holds no core to emit.
    """
    return load_core(read_output_folder(folder).core) if (folder / REPORTS).is_dir() else None


def refuse_other_core(theirs: CoreSpec, given: CoreSpec, where: Path, hint: str) -> None:
    """Refuse to emit a core into the compilation for another one.

    Parameters
    ----------
    theirs, given : CoreSpec
    where : Path
    hint : str

    Raises
    ------
    OsccError
        ``emit.other-core``.
    """
    if given != theirs:
        raise OsccError(
            "emit.other-core",
            f"holds a program for another core ({theirs.name}, {theirs.hash[:8]}) than {given.name} ({given.hash[:8]})",
            where=str(where),
            hint=hint,
        )


def emit_files(
    core: CoreSpec,
    bench: BenchOptions | None = None,
    progress: Report | None = None,
    options: EmitOptions = DEFAULT,
) -> dict[str, str]:
    """Return the files of a core as text, by their relative names.

    Parameters
    ----------
    core : CoreSpec
    bench : BenchOptions or None
        Without it, the bench has no program.
    progress : callable, optional
    options : EmitOptions

    Raises
    ------
    HostError
        When the program's schedule does not deliver that many samples.
    OsccError
        As `oscc.rtl.delivery.wrappers.checked_wrappers` raises it.
    """
    data: dict[str, str] = {}
    if bench is not None:
        # The kernels of the array are loaded only where something runs.
        from oscc.sim.standalone_run import standalone_run

        tell_stage(progress, f"running {bench.samples} samples for the test bench")
        run = standalone_run(core, bench.program, bench.samples, bench.seed)
        data = bench_data(core, bench.program, run)
    tell_stage(progress, f"emitting {core.name}")
    return emit_core(core, data, options)


def write_emitted(
    output: Path, core: CoreSpec, files: Mapping[str, str], *, compiled: bool, register_pages: bool = False
) -> dict[str, OutputEntry]:
    """Write the files of a core into ``rtl/`` of a folder, and return what their manifest says of them.

    Parameters
    ----------
    output : Path
        Made, where it is none yet.
    core : CoreSpec
    files : mapping
        As `emit_files` returns it.
    compiled : bool
        Whether the folder is a compilation, whose other files stay.
    register_pages : bool
        Write PeakRDL's HTML pages and UVM model, too.

    Raises
    ------
    OsccError
        As `replace_folder`, `replace_subfolder` and `write_register_pages` raise it.
    """
    if compiled:
        with replace_subfolder(output, RTL_FOLDER) as folder:
            return _fill(folder, core, files, register_pages)
    with replace_folder(output) as folder:
        entries = _fill(folder / RTL_FOLDER, core, files, register_pages)
        # A manifest of its own makes it a folder that oscc may replace.
        write_core_manifest(folder, core, {f"{RTL_FOLDER}/{name}": entry for name, entry in entries.items()})
        return entries


def _fill(folder: Path, core: CoreSpec, files: Mapping[str, str], register_pages: bool) -> dict[str, OutputEntry]:
    """Write emitted files and their manifest into an empty or new folder."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, text)
    names = list(files)
    if register_pages:
        pages = write_register_pages(core, folder / REGISTERS_FOLDER)
        names += [f"{REGISTERS_FOLDER}/{name}" for name in pages]
    entries = described_outputs(folder, sorted(names))
    write_core_manifest(folder, core, entries)
    return entries
