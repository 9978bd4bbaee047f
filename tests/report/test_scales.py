from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.report.scales import DARK, FULL, LIGHT, NONE, OVER, classify


@given(limit=st.integers(1, 60), values=st.lists(st.integers(-1, 90), min_size=1, max_size=30))
def test_classes_follow_the_values(limit: int, values: list[int]) -> None:
    index = classify(np.array(values), limit, "wires").index.tolist()
    for value, step in zip(values, index, strict=True):
        if value < 0:
            assert step == NONE
        elif value == 0:
            assert step == 0
        elif value > limit:
            assert step == OVER
        elif value == limit:
            assert step == FULL
        else:
            assert 1 <= step < FULL
    order = sorted(zip(values, index, strict=True))
    assert [step for _, step in order] == sorted(step for _, step in order)


@given(limit=st.integers(1, 60), values=st.lists(st.integers(-1, 90), min_size=1, max_size=30))
def test_the_legend_tells_each_value_its_class(limit: int, values: list[int]) -> None:
    classes = classify(np.array(values), limit, "wires", "no cell")
    counted = {step: (text, count) for step, text, count in classes.counted()}
    assert sum(count for _, count in counted.values()) == len(values)
    for value, step in zip(values, classes.index.tolist(), strict=True):
        text = counted[step][0]
        if 0 <= value <= limit:
            numbers = [int(word) for word in text.split() if word.isdigit()]
            assert min(numbers) <= value <= max(numbers), text


def test_what_does_not_occur_beyond_the_limit_is_not_in_the_legend() -> None:
    texts = [text for _, text, _ in classify(np.array([1, 4]), 4, "wires", "no cell").counted()]
    assert texts == ["0 wires", "1 wires", "2 wires", "3 wires", "4 wires (all)"]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_lightness_orders_the_colours(colours: tuple[str, ...]) -> None:
    """So that they stay apart without colour vision; the one beyond the limit has another hue."""
    shades = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours[: FULL + 1]]
    lightness = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in shades]
    steps = np.diff(lightness)
    assert np.all(steps < -15) or np.all(steps > 15)
    red, _, blue = (int(colours[OVER][at : at + 2], 16) for at in (1, 3, 5))
    assert red > 2 * blue
