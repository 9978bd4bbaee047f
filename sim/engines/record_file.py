"""Co-simulation records as files: how a simulator's process hands its result over."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np

from oscc.base.file_output import write_bytes
from oscc.sim.array.macro import MacroRecord
from oscc.sim.engines.job import CosimRecord
from oscc.sim.host.host import RunCounters


def write_record(path: Path, record: CosimRecord) -> None:
    """Write a record as .npz.

    Parameters
    ----------
    path : Path
    record : CosimRecord
    """
    arrays = {name: getattr(record.macro, name) for name in _macro_names()}
    about = {
        "engine": record.engine,
        "counters": dataclasses.asdict(record.counters),
        "cycles": record.cycles,
        "load_seconds": record.load_seconds,
        "run_seconds": record.run_seconds,
        "design": record.design,
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, codes=record.codes, about=np.array(json.dumps(about)), **arrays)
    write_bytes(path, packed.getvalue())


def read_record(path: Path) -> CosimRecord:
    """Read what `write_record` wrote."""
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        return CosimRecord(
            engine=about["engine"],
            codes=file["codes"],
            macro=MacroRecord(**{name: file[name] for name in _macro_names()}),
            counters=RunCounters(**about["counters"]),
            cycles=about["cycles"],
            load_seconds=about["load_seconds"],
            run_seconds=about["run_seconds"],
            design=about["design"],
        )


def _macro_names() -> list[str]:
    return [field.name for field in dataclasses.fields(MacroRecord)]
