from __future__ import annotations

import pytest

from oscc.base.near_names import near_name

NODE = ("shil", "field", "detuning", "row", "col", "pixel")


@pytest.mark.parametrize(
    ("given", "accepted", "meant"),
    [
        ("Weight", ("weight",), "weight"),
        ("WEIGHT", ("weight",), "weight"),
        (" weight ", ("weight",), "weight"),
        ("weights", ("weight",), "weight"),
        ("wieght", ("weight",), "weight"),
        ("weigth", ("weight",), "weight"),
        ("weght", ("weight",), "weight"),
        ("weeight", ("weight",), "weight"),
        ("weihht", ("weight",), "weight"),
        ("de-tuning", NODE, "detuning"),
        ("Pixels", NODE, "pixel"),
        ("rows", NODE, "row"),
        ("Column", NODE, "col"),
        ("edge_default", ("edgedefault",), "edgedefault"),
        ("attr_name", ("attr.name",), "attr.name"),
        # What other tools write, and what means something else.
        ("height", ("weight",), None),
        ("color", NODE, None),
        ("colour", NODE, None),
        ("label", NODE, None),
        ("x", NODE, None),
        ("raw", NODE, None),
        ("shell", NODE, None),
        ("weighted degree", ("weight",), None),
        ("", NODE, None),
        ("???", NODE, None),
    ],
)
def test_names_that_a_slip_makes(given: str, accepted: tuple[str, ...], meant: str | None) -> None:
    assert near_name(given, accepted) == meant
