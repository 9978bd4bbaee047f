from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.sim.array.macro import MacroRecord
from oscc.sim.engines.job import CosimRecord
from oscc.sim.engines.record_file import read_record, write_record


@pytest.mark.parametrize("engine", ["array", "pysim"])
def test_records_come_back_whole(engine: str, record_of: Callable[[str], CosimRecord], tmp_path: Path) -> None:
    record = record_of(engine)
    write_record(tmp_path / "record.npz", record)
    back = read_record(tmp_path / "record.npz")
    for field in dataclasses.fields(MacroRecord):
        given, expected = getattr(back.macro, field.name), getattr(record.macro, field.name)
        assert given.dtype == expected.dtype
        np.testing.assert_array_equal(given, expected, err_msg=field.name)
    np.testing.assert_array_equal(back.codes, record.codes)
    assert back.codes.dtype == np.uint8
    for name in ("engine", "counters", "cycles", "load_seconds", "run_seconds"):
        assert getattr(back, name) == getattr(record, name)


def test_empty_arrays_keep_their_shapes(record_of: Callable[[str], CosimRecord], tmp_path: Path) -> None:
    record = record_of("array")
    nothing = dataclasses.replace(record.macro, boundary_phases=record.macro.boundary_phases[:0])
    write_record(tmp_path / "record.npz", dataclasses.replace(record, macro=nothing))
    assert read_record(tmp_path / "record.npz").macro.boundary_phases.shape == (0, 8, 8, 2)


def test_nothing_is_unpickled(record_of: Callable[[str], CosimRecord], tmp_path: Path) -> None:
    write_record(tmp_path / "record.npz", record_of("array"))
    with np.load(tmp_path / "record.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "pickled.npz", **{**arrays, "codes": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_record(tmp_path / "pickled.npz")


def test_what_is_not_a_record_is_refused(record_of: Callable[[str], CosimRecord], tmp_path: Path) -> None:
    write_record(tmp_path / "record.npz", record_of("array"))
    with np.load(tmp_path / "record.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "commit_patterns"}
    np.savez(tmp_path / "half.npz", **arrays)
    with pytest.raises(KeyError, match="commit_patterns"):
        read_record(tmp_path / "half.npz")
