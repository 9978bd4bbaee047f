from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from oscc.base.errors import OsccError
from oscc.report.compilation_diff import CompilationDiff, Measure
from oscc.report.thresholds import Thresholds, read_thresholds


def diff(**measures: tuple[float | None, float | None]) -> CompilationDiff:
    sides: Any = SimpleNamespace(fits=True, nodes=10)
    found = tuple(Measure(name, *values) for name, values in measures.items())
    return CompilationDiff(sides, sides, found, codes=None, cells_moved=2, same_program=None)


def limits(text: str, tmp_path: Path) -> Thresholds:
    path = tmp_path / "t.yaml"
    path.write_text(f"schema: oscc.thresholds/1\n{text}")
    return read_thresholds(path)


def test_nothing_is_asked_for(tmp_path: Path) -> None:
    assert limits("", tmp_path).exceeded(diff(peak_demand=(3, 9))) == []


def test_growth_up_to_the_limit(tmp_path: Path) -> None:
    allowed = limits("peak_demand: 2\n", tmp_path)
    assert allowed.exceeded(diff(peak_demand=(3, 5))) == []
    assert allowed.exceeded(diff(peak_demand=(9, 1))) == []
    assert allowed.exceeded(diff(peak_demand=(3, 6))) == ["peak_demand: grew by 3, at most 2 is allowed"]


def test_what_cannot_be_compared_is_exceeded(tmp_path: Path) -> None:
    assert limits("rms_lsb: 1.0\n", tmp_path).exceeded(diff(rms_lsb=(0.1, None))) == [
        "rms_lsb: cannot be compared, one of the two has none"
    ]
    assert limits("codes_changed_share: 1\n", tmp_path).exceeded(diff()) != []


def test_shares_of_moved_cells(tmp_path: Path) -> None:
    assert limits("cells_moved_share: 0.2\n", tmp_path).exceeded(diff()) == []
    assert limits("cells_moved_share: 0.1\n", tmp_path).exceeded(diff()) == [
        "cells_moved_share: is 0.2, at most 0.1 is allowed"
    ]


def test_the_second_must_fit(tmp_path: Path) -> None:
    misfit = cast("Any", diff())
    changed = CompilationDiff(misfit.before, SimpleNamespace(fits=False, nodes=10), (), None, None, None)  # type: ignore[arg-type]
    assert limits("", tmp_path).exceeded(changed) == ["must_fit: the second does not fit"]
    assert limits("must_fit: false\n", tmp_path).exceeded(changed) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peak_demandd: 1\n", "unknown key; did you mean 'peak_demand'"),
        ("peak_demand: -1\n", "greater than or equal to 0"),
        ("codes_changed_share: 2\n", "less than or equal to 1"),
        ("must_fit: 1\n", "valid boolean"),
        ("peak_demand: [\n", "not YAML"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OsccError, match=message):
        limits(text, tmp_path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="cannot be read"):
        read_thresholds(tmp_path / "none.yaml")
