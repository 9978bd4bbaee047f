from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from oscc.base.config import Section
from oscc.core.sections import DacSpec, DefectSpec, InitSpec, ReadoutSpec


def test_allowed_codes_leave_out_the_forbidden() -> None:
    dac = DacSpec(bits=3, full_scale_rad_s=1.0, forbidden=(-3, 2))
    assert dac.top_code == 3
    assert dac.allowed_codes == (-2, -1, 0, 1, 3)


def test_init_spec_limits() -> None:
    assert InitSpec().kind == "normal"
    with pytest.raises(ValidationError, match="greater than 0"):
        InitSpec(std_rad=0.0)


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
