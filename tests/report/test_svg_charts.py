from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.report.svg_charts import MOST_BARS, bar_chart, distances, matrix, merge_bars, value_text


def bars_of(picture: str) -> list[tuple[str, float]]:
    """Tooltip and height of each bar."""
    found = []
    for bar in ET.fromstring(picture).iter("rect"):
        title = bar.find("title")
        assert title is not None
        assert title.text is not None
        found.append((title.text, float(bar.get("height", "nan"))))
    return found


def test_heights_follow_the_counts() -> None:
    picture = bar_chart([("a<b", 1000), ("c", 500), ("d", 0), ("e", 1)], across="x", up="y", label='"z"')
    texts, heights = zip(*bars_of(picture), strict=True)
    assert texts == ("a<b: 1,000", "c: 500", "d: 0", "e: 1")
    assert heights[1] == pytest.approx(heights[0] / 2, abs=0.1)
    assert heights[2] == 0
    assert heights[3] == 1.0, "what is there can be seen"


def test_nothing_to_show() -> None:
    assert bars_of(bar_chart([("0", 0)], across="x", up="y", label="z")) == [("0: 0", 0.0)]


def words_of(picture: str) -> list[str]:
    """The texts of a picture, in their order."""
    return [text.text or "" for text in ET.fromstring(picture).iter("text")]


def test_numbers_stand_above_the_bars_where_they_all_have_room() -> None:
    few = words_of(bar_chart([("a", 12_345), ("b", 2)], across="x", up="y", label="z"))
    assert {"12,345", "2"} <= set(few)
    many = [(str(bar), 12_345 + bar) for bar in range(10)]
    shorter = words_of(bar_chart(many, across="x", up="y", label="z"))
    assert shorter.count("12k") == 10
    none = words_of(bar_chart([(str(bar), 12_345 + bar) for bar in range(30)], across="x", up="y", label="z"))
    assert [word for word in none if word.startswith("12")] == ["12"]


def test_labels_of_bars_keep_a_distance() -> None:
    labels = words_of(
        bar_chart([(f"{bar * 1000} to {bar * 1000 + 999}", 0) for bar in range(30)], across="x", up="y", label="z")
    )
    shown = [label for label in labels if " to " in label]
    assert shown[0] == "0 to 999"
    assert 2 <= len(shown) <= 6


@pytest.mark.parametrize(
    ("value", "text"),
    [(4_827_190.0, "4,827,190"), (-3.0, "-3"), (0.0, "0"), (5.25, "5.25"), (1 / 3, "0.333333"), (1e20, "1e+20")],
)
def test_values_are_written_in_full_where_they_are_whole(value: float, text: str) -> None:
    assert value_text(value) == text


@given(st.dictionaries(st.integers(-50, 300), st.integers(1, 99), min_size=1, max_size=20))
def test_merged_bars_keep_every_count(counts: dict[int, int]) -> None:
    bars = merge_bars(sorted(counts.items()))
    assert len(bars) <= MOST_BARS
    assert sum(count for _, count in bars) == sum(counts.values())
    for text, count in bars:
        low, _, high = text.partition(" to ")
        assert count == sum(counts.get(value, 0) for value in range(int(low), int(high or low) + 1))


def test_a_matrix_of_displacements() -> None:
    picture = matrix([(0, 1, 40, False), (-1, 0, 0, False), (2, -2, 7, True)], label="x")
    cells = {}
    for cell in ET.fromstring(picture).iter("rect"):
        title = cell.find("title")
        assert title is not None
        cells[title.text] = (cell.get("class"), float(cell.get("x", "nan")) // 46, float(cell.get("y", "nan")) // 46)
    # Five by five cells; x is the column, y the row.
    assert cells == {
        "(+0, +1): 40 couplings": ("k5", 3, 2),
        "(-1, +0): 0 couplings": ("k0", 2, 1),
        "(+2, -2): 7 couplings, outside the stencil": ("k6", 0, 4),
    }


def test_distances_are_the_larger_of_rows_and_columns() -> None:
    assert distances([(0, 1, 0, 5), (-1, 1, 1, 2), (3, -2, None, 4)]) == [(1, 7), (3, 4)]
    assert distances([]) == []
