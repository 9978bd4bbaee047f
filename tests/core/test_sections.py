from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from oscc.base.config import Section
from oscc.core.sections import DacSpec, DefectSpec, InitSpec, ReadoutSpec
from oscc.core.spec_file import load_core


def test_allowed_codes_leave_out_the_forbidden() -> None:
    dac = DacSpec(bits=3, full_scale_rad_s=1.0, forbidden=(-3, 2))
    assert dac.top_code == 3
    assert dac.allowed_codes == (-2, -1, 0, 1, 3)


def test_init_spec_limits() -> None:
    assert InitSpec().kind == "normal"
    with pytest.raises(ValidationError, match="greater than 0"):
        InitSpec(std_rad=0.0)
    with pytest.raises(ValidationError, match=r"less than or equal to 3\.14"):
        InitSpec(mean_rad=3.2)
    with pytest.raises(ValidationError, match=r"mean_rad 0\.5 means nothing for uniform phases"):
        InitSpec(kind="uniform", mean_rad=0.5)


def test_a_mean_of_zero_leaves_the_hash_of_a_core_alone() -> None:
    assert "mean_rad" not in InitSpec(mean_rad=0.0).model_dump()
    assert InitSpec(mean_rad=0.5).model_dump()["mean_rad"] == 0.5
    core = load_core("tiny-8x8")
    moved = core.changed(init={"mean_rad": 0.5})
    assert moved.hash != core.hash == core.changed(init={"mean_rad": 0}).hash
    assert moved.changed(name="other").init.mean_rad == 0.5


def test_largest_readout_code_has_eight_bits() -> None:
    assert ReadoutSpec(taps=8, subphases=16).phase_steps == 256
    assert ReadoutSpec(taps=2, subphases=1).phase_steps == 4


@pytest.mark.parametrize(
    ("section", "given"),
    [
        (DacSpec, {"bits": "4", "full_scale_rad_s": 1.0}),
        (DacSpec, {"bits": True, "full_scale_rad_s": 1.0}),
        (DacSpec, {"bits": 4, "full_scale_rad_s": "100"}),
        (DacSpec, {"bits": 4, "full_scale_rad_s": 1.0, "forbidden": [1.0]}),
        (InitSpec, {"cycles": 64.0}),
        (InitSpec, {"std_rad": True}),
        (InitSpec, {"mean_rad": "1"}),
        (ReadoutSpec, {"origin": [False, 0]}),
        (ReadoutSpec, {"step": ["1", 1]}),
        (DefectSpec, {"cells": [[0, "0"]]}),
        (DefectSpec, {"slots": [[0, 0, 1.0]]}),
    ],
)
def test_numbers_are_strict(section: type[Section], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"Input should be a valid (integer|number)"):
        section.model_validate(given)


def test_the_exponent_of_a_number_needs_no_sign() -> None:
    assert DacSpec.model_validate({"bits": 4, "full_scale_rad_s": "1.8e6"}).full_scale_rad_s == 1.8e6
    assert DacSpec.model_validate({"bits": 4, "full_scale_rad_s": 2}).full_scale_rad_s == 2.0


@pytest.mark.parametrize("value", [1e-31, 1e31, 1e308, 5e-324])
def test_numbers_beyond_all_sense_are_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="is not between 1e-30 and 1e30"):
        DacSpec(bits=4, full_scale_rad_s=value)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        InitSpec.model_validate({"cycle": 64})
