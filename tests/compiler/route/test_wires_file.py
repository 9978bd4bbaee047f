from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors, write_tensors
from oscc.compiler.ir.wire_routes import WireRoutes, straight_routes
from oscc.compiler.route.tracks import assign_tracks
from oscc.compiler.route.wires_file import read_wires, write_wires


@pytest.fixture
def routes() -> WireRoutes:
    start = np.array([[0, 0], [3, 4], [2, 2]], dtype=np.int32)
    end = np.array([[2, 1], [3, 4], [2, 0]], dtype=np.int32)
    return straight_routes(start, end)


def test_what_is_written_is_read(routes: WireRoutes, tmp_path: Path) -> None:
    track = assign_tracks(routes)
    write_wires(tmp_path / "a", routes, track)
    read, tracks = read_wires(tmp_path / "a")
    # One column to the right and two rows down; nothing; two columns to the left.
    assert read.direction.tolist() == [1, 2, 2, 3, 3]
    assert read.first.tolist() == [0, 3, 3, 5]
    assert read.start.tolist() == routes.start.tolist()
    assert read.end.tolist() == routes.end.tolist()
    assert tracks.tolist() == track.tolist()
    write_wires(tmp_path / "b", routes, track)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"track": np.zeros(4, np.int16)}, "do not belong together"),
        ({"first": np.array([0, 3, 2, 5], np.int32)}, "do not belong together"),
        ({"first": np.array([0, 3, 3, 4], np.int32)}, "do not belong together"),
        ({"direction": np.array([1, 2, 2, 3, 4], np.uint8)}, "do not belong together"),
        ({"start": np.zeros((3, 3), np.int16)}, "do not belong together"),
        ({"end": np.zeros((3, 2), np.int32)}, "no end of int16"),
    ],
)
def test_damage_is_refused(routes: WireRoutes, changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_wires(tmp_path / "a", routes, assign_tracks(routes))
    file = read_tensors(tmp_path / "a")
    write_tensors(tmp_path / "a", {**file.tensors, **changes}, file.metadata)
    with pytest.raises(OsccError, match=message):
        read_wires(tmp_path / "a")


def test_tensors_of_another_kind(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {"x": np.zeros(1)}, {})
    with pytest.raises(OsccError, match="no wires of oscc: no start of int16"):
        read_wires(tmp_path / "a")
