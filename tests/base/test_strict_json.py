from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.base.strict_json import JsonError, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_json_is_read_as_it_stands(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "Expecting value", 1),
        ('{"a": 1,\n"b"}', "Expecting ':' delimiter", 2),
        ('{"a": 1, "b": {"c": 1, "c": 1}}', "key 'c' stands twice", None),
        ('{"a\\n": 1, "a\\n": 2}', "key '\"a\\n\"' stands twice", None),
        ("[NaN]", "JSON has no NaN", None),
        ("[-Infinity]", "JSON has no -Infinity", None),
        ("[" * 100_000, "nested too deeply", None),
        ("9" * 5000, "an integer in it has too many digits", None),
    ],
)
def test_what_is_refused(text: str, message: str, line: int | None) -> None:
    with pytest.raises(JsonError) as caught:
        parse_json(text)
    assert (str(caught.value), caught.value.line) == (message, line)


@given(st.text(st.sampled_from('{}[]",:0123456789eE+-.truefalsn \n\\u'), max_size=40))
def test_any_text_is_json_or_one_line(text: str) -> None:
    with contextlib.suppress(JsonError):
        assert parse_json(text) == json.loads(text)
