from __future__ import annotations

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.options import SynthesisOptions


@pytest.mark.parametrize(("given", "target"), [(None, 100.0), (12.5, 12.5)])
def test_the_clock_of_the_core_is_the_target_where_none_is_given(given: float | None, target: float) -> None:
    core = load_core("tiny-8x8")
    assert core.clock_hz == 1e8
    assert SynthesisOptions(frequency_mhz=given).target_mhz(core) == target
