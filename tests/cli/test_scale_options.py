from __future__ import annotations

import pytest

from oscc.base.errors import OsccError
from oscc.cli.scale_options import parse_scale_options
from oscc.compiler.passes.time_scale import ScaleOptions


def test_defaults_are_one_tau_and_no_clipping() -> None:
    assert parse_scale_options("common", None, None) == ScaleOptions()


def test_every_option_arrives() -> None:
    options = parse_scale_options("common", 1e-6, ["shil", "field", "shil"])
    assert options == ScaleOptions(clip=("shil", "field"), tau_s=1e-6)
    assert parse_scale_options("per-chunk", None, None) == ScaleOptions(per_chunk=True)


def test_a_tau_per_chunk_and_a_given_tau_are_refused_together() -> None:
    with pytest.raises(OsccError, match="a tau per chunk is chosen chunk by chunk, but tau is given as 1e-06 s"):
        parse_scale_options("per-chunk", 1e-6, None)


def test_unknown_groups_are_refused() -> None:
    with pytest.raises(OsccError, match=r"'shill' is not a DAC group; did you mean 'shil'\?"):
        parse_scale_options("common", None, ["shill"])
