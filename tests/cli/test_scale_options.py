from __future__ import annotations

import pytest

from oscc.cli.scale_options import parse_scale_options
from oscc.compiler.errors import OsccError
from oscc.compiler.passes.scale import ScaleOptions


def test_defaults_are_one_tau_and_no_clipping() -> None:
    assert parse_scale_options("common", None, None) == ScaleOptions()


def test_every_option_arrives() -> None:
    options = parse_scale_options("per-chunk", 1e-6, ["shil", "field", "shil"])
    assert options == ScaleOptions(per_chunk=True, clip=("shil", "field"), tau_s=1e-6)


def test_unknown_groups_are_refused() -> None:
    with pytest.raises(OsccError, match=r"'shill' is not a DAC group; did you mean 'shil'\?"):
        parse_scale_options("common", None, ["shill"])
