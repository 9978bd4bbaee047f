from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oscc.report.scales import Classes, classify
from oscc.report.svg_maps import boundary_map, cell_map, crosses, dots

LABEL = 'a "map" <of> cells'


def painted(picture: str) -> dict[tuple[int, int], str]:
    """Style of each cell, from the rectangles of the paths."""
    found: dict[tuple[int, int], str] = {}
    for path in ET.fromstring(picture).iter("path"):
        if path.get("class") in ("mesh", "dead", "dead-slot"):
            continue
        for left, top, width in re.findall(r"M(\d+) (\d+)h(\d+)v10h-\d+z", path.get("d", "")):
            for col in range(int(left) // 10, (int(left) + int(width)) // 10):
                cell = (int(top) // 10, col)
                assert cell not in found
                found[cell] = path.get("class", "")
    return found


@given(arrays(np.int8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(-1, 6)))
def test_every_cell_has_the_colour_of_its_class(index: np.ndarray) -> None:
    picture = cell_map(Classes(index, ()), name="degree", label=LABEL)
    assert painted(picture) == {
        cell: "none" if step < 0 else f"k{step}" for cell, step in np.ndenumerate(index.astype(int))
    }


def test_boundaries_are_strokes_where_two_cells_meet() -> None:
    columns = classify(np.array([[0, 4], [2, 9]]), 4, "tracks")
    rows = classify(np.array([[4, 1, 0]]), 4, "tracks")
    picture = boundary_map(columns, rows, (2, 3), name="boundaries", label=LABEL)
    strokes = {
        each.get("class", "").split()[0]: each.get("d", "")
        for each in ET.fromstring(picture).iter("path")
        if "stroke" in each.get("class", "")
    }
    # The boundary of (0, 1) and (0, 2) is full, as is that of (0, 0) and (1, 0); that of (1, 1) and (1, 2) is beyond.
    assert strokes["s5"] == "M20 2v6M2 10h6"
    assert strokes["s6"] == "M20 12v6"
    assert list(strokes)[-1] == "s6"


def test_marks() -> None:
    cells = np.array([[1, 2]])
    assert crosses(cells, "dead") == '<path class="dead" d="M22 12l6 6m0-6l-6 6"/>'
    assert dots(cells, "dead-slot") == '<path class="dead-slot" d="M25 15h0"/>'
    assert crosses(cells[:0], "dead") == dots(cells[:0], "dead") == ""


def test_a_large_grid_stays_small() -> None:
    index = np.full((512, 512), 5, dtype=np.int8)
    assert len(cell_map(Classes(index, ()), name="degree", label="x")) < 60_000
