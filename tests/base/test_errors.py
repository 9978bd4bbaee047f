from __future__ import annotations

from oscc.base.errors import OsccError, did_you_mean, one_line


def test_message_names_the_place_and_ends_with_the_hint() -> None:
    error = OsccError("spec.invalid", "grid: missing", where="core.yaml", hint="write grid: [rows, columns]")
    assert str(error) == "core.yaml: grid: missing\nwrite grid: [rows, columns]"


def test_message_without_place_and_hint_is_one_line() -> None:
    assert str(OsccError("x.y", "no such thing")) == "no such thing"


def test_as_dict_is_the_error_object_of_json() -> None:
    error = OsccError("x.y", "wrong", where="there", hint="do this")
    assert error.as_dict() == {"code": "x.y", "message": "wrong", "where": "there", "hint": "do this"}


def test_near_miss_gets_a_suggestion() -> None:
    assert did_you_mean("box2", ["king", "box-2"]) == "; did you mean 'box-2'?"


def test_far_miss_gets_the_sorted_list() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "; accepted: a, b"


def test_what_cannot_be_shown_is_escaped() -> None:
    assert one_line("a b\u00e4\u20ac") == "a b\u00e4\u20ac"
    assert one_line("a\nb\t\x1b\u2028") == "a\\nb\\t\\x1b\\u2028"
    # A byte of a file's name that is no character is shown as the byte.
    assert one_line("m\udcff") == "m\\xff"
    error = OsccError("x.y", "no\nline", where="a\nb", hint="c\nd")
    assert str(error) == "a\\nb: no\\nline\nc\\nd"
    assert error.as_dict()["where"] == "a\nb"
