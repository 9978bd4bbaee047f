"""Long lines are broken where a reader would break them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oscc.rtl.verilog.layout import LINE, folded, literal, vector


def test_literals_have_their_width() -> None:
    assert [literal(1, 1), literal(9, 4), literal(-1, 3), literal(0xEDB88320, 32)] == [
        "1'b1",
        "4'd9",
        "3'd7",
        "32'hedb88320",
    ]
    assert (vector(1), vector(8)) == ("", "[7:0] ")


@given(words=st.lists(st.text(alphabet="abc(){}", min_size=1, max_size=30), min_size=1, max_size=40))
def test_nothing_is_lost_and_lines_fit(words: list[str]) -> None:
    text = " ".join(words)
    lines = folded(text, 4)
    assert " ".join(line.strip() for line in lines) == text
    assert all(len(line) <= LINE for line in lines)


def test_a_choice_is_broken_behind_its_cases() -> None:
    cases = " ".join(f"(state == STATE_NUMBER_{number}) ? value_{number} :" for number in range(4))
    lines = folded(f"assign y = {cases} 8'd0;", 4)
    assert all(line.endswith(":") for line in lines[:-1])
