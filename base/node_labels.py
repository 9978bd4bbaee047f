"""What nodes are called in the file that a model came from, and how messages and files name them."""

from __future__ import annotations

import json
from collections.abc import Sequence

MAX_SHOWN = 40
"""Characters of a label that a message shows."""

Label = str | int | float | tuple["Label", ...]
"""What a file calls a node: any of these, as JSON has them (a tuple is a list there)."""


def label_json(label: Label) -> str:
    """Return a label as JSON on one line, so that 1 and "1" differ, and no line end or lone surrogate is in it.

    Parameters
    ----------
    label : Label
    """
    text = json.dumps(label, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else json.dumps(label)


def distinct_texts(labels: Sequence[Label]) -> tuple[str, ...]:
    """Return labels as texts, no two of them alike: texts and numbers as they are, JSON where a file has both.

    Parameters
    ----------
    labels : sequence of Label
        No two alike.
    """
    texts = [label for label in labels if isinstance(label, str)]
    return tuple(texts) if len(texts) == len(labels) else tuple(map(label_json, labels))


def node_label(labels: Sequence[str], node: int) -> str:
    """Return how a message names a node: its label as one printable line, shortened where it is long.

    Parameters
    ----------
    labels : sequence of str
        Of all nodes, such as `oscc.compiler.frontends.front_end.Source.labels`; empty where the file calls nodes by
        their numbers, as a checkpoint does.
    node : int
        From 0.
    """
    return printable(labels[node]) if labels else str(node)


def printable(label: str) -> str:
    """Return a label as one printable line of at most `MAX_SHOWN` characters, its middle left out where it is longer.

    A label that is printable and has no blank at its ends stands as it is. Any other stands as a JSON string: quoted,
    with line ends and all that cannot be printed escaped.

    Parameters
    ----------
    label : str
    """
    plain = label.isprintable() and label == label.strip() and label != ""
    text = label if plain else json.dumps(label, ensure_ascii=not label.isprintable())
    if len(text) <= MAX_SHOWN:
        return text
    half = (MAX_SHOWN - 3) // 2
    return f"{text[:half]}...{text[-half:]}"
