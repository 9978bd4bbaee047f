from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.base.number_words import percent, ratio, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (11.888, "11.9"),
        (142.86, "143"),
        (999.6, "1,000"),
        (12345.0, "12,300"),
        (-0.25, "-0.25"),
        (0.00123456, "0.00123"),
        (5.6e-40, "5.6e-40"),
        (1e30, "1e+30"),
        (1.0149e9, "1.01e+09"),
        (float("inf"), "inf"),
    ],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_short_number_is_the_number_to_three_digits(value: float) -> None:
    text = short(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=5.001e-3)
    assert len(text) <= 12


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0.0, "0"),
        (1.0, "100"),
        (0.996, "100"),
        (0.224, "22"),
        (0.031, "3.1"),
        (0.0005, "0.05"),
        (1e-9, "less than 0.001"),
        (1.2345, "123"),
        (98.0, "9,800"),
    ],
)
def test_percent(part: float, text: str) -> None:
    assert percent(part) == text


def test_a_ratio_has_no_more_digits_than_it_can_mean() -> None:
    assert ratio(1000.0, 1.0) == "1,000 : 1"
    assert ratio(2e30, 1.0) == "2e+30 : 1"
    assert ratio(11600.0, 7680.0) == "1.51 : 1"
