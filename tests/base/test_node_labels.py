from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.base.errors import one_line
from oscc.base.node_labels import MAX_SHOWN, Label, distinct_texts, label_json, node_label, printable


@pytest.mark.parametrize(
    ("labels", "node", "shown"),
    [
        ((), 7, "7"),
        (("1", "2"), 1, "2"),
        (("a b", "\u00fc"), 0, "a b"),
        (("a b", "\u00fc"), 1, "\u00fc"),
        (("c\nd",), 0, r'"c\nd"'),
        (("\u202e",), 0, r'"\u202e"'),
        (("",), 0, '""'),
        ((" a",), 0, '" a"'),
        (("n" * 100,), 0, "n" * 18 + "..." + "n" * 18),
    ],
)
def test_a_node_as_a_message_names_it(labels: tuple[str, ...], node: int, shown: str) -> None:
    assert node_label(labels, node) == shown


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_every_label_is_one_short_printable_line(label: str) -> None:
    shown = printable(label)
    assert shown
    assert shown.isprintable()
    assert len(shown) <= MAX_SHOWN


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (("a", "1"), ("a", "1")),
        ((1, 2), ("1", "2")),
        ((1, "1"), ("1", '"1"')),
        ((1.5, ("a", (2,))), ("1.5", '["a", [2]]')),
    ],
)
def test_texts_of_labels_can_be_told_apart(labels: tuple[Label, ...], texts: tuple[str, ...]) -> None:
    assert distinct_texts(labels) == texts


@given(
    st.recursive(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.lists, max_leaves=4)
)
def test_json_of_a_label_is_one_line_that_reads_back(label: Label) -> None:
    text = label_json(label)
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    assert json.loads(text) == label
    text.encode()


@given(st.text(max_size=80))
def test_a_text_on_one_line_is_whole(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


def test_what_cannot_be_printed_is_escaped() -> None:
    assert one_line("a\nb\u2028\udcff \u00fc\\") == "a\\nb\\u2028\\xff \u00fc\\"
