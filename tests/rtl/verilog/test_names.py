"""Names are plain identifiers, each used once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.rtl.verilog.names import KEYWORDS, Names, identifier


@given(name=st.text(max_size=12))
def test_every_name_becomes_an_identifier(name: str) -> None:
    plain = identifier(name)
    assert plain.isidentifier()
    assert plain.isascii()
    assert plain not in KEYWORDS


@pytest.mark.parametrize(
    ("name", "expected"),
    [("running", "running"), ("fsm.state", "fsm_state"), ("$signal", "signal"), ("1st", "_1st"), ("", "value")],
)
def test_what_is_an_identifier_stays(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_no_name_is_given_twice_whatever_the_case_of_its_letters() -> None:
    names = Names()
    assert [names.take(name) for name in ("a", "a", "A", "a_2", "b")] == ["a", "a_2", "A_3", "a_2_2", "b"]
