from __future__ import annotations

import pytest
import typer

from oscc.cli.wave_options import window_of


@pytest.mark.parametrize(
    ("text", "window"), [(None, (0, None)), ("10:20", (10, 20)), (":20", (0, 20)), ("10:", (10, None)), ("5:5", (5, 5))]
)
def test_a_window_of_clock_cycles(text: str | None, window: tuple[int, int | None]) -> None:
    assert window_of(text) == window


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10", "'10' is no window; give FIRST:LAST, 1200:1900"),
        ("a:b", "'a:b' is no window; give FIRST:LAST, 1200:1900"),
        ("-1:4", "'-1:4' is no window; give FIRST:LAST, 1200:1900"),
        ("9:8", "'9:8' ends before it begins"),
    ],
)
def test_what_is_no_window(text: str, message: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        window_of(text)
    assert caught.value.message == message
