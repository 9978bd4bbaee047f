from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth.hdl import Shape

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.weights.weight_bus import COMPARE_STAGES, READ_STAGES, bus_word_bits, weight_bus_signature


@pytest.mark.parametrize(("protection", "bits"), [("secded", 108 + 4 * 8), ("none", 108)])
def test_the_word_carries_check_bits_for_four_columns(
    make_core: Callable[..., CoreSpec], protection: str, bits: int
) -> None:
    core = make_core(protection=protection)
    assert bus_word_bits(core) == bits
    assert Shape.cast(weight_bus_signature(core, 3).members["write_word"].shape).width == bits


@pytest.mark.parametrize("columns", [1, 8, 70])
def test_only_the_enables_depend_on_the_number_of_columns(tiny_core: CoreSpec, columns: int) -> None:
    widths = {
        name: Shape.cast(member.shape).width
        for name, member in weight_bus_signature(tiny_core, columns).members.items()
    }
    assert widths.pop("write_enable") == columns
    assert widths == {
        "write_all": 1,
        "repair": 1,
        "write_address": 5,
        "write_word": 140,
        "read_address": 5,
        "read_stages": 4,
        "compare": 2,
    }


def test_when_the_stages_of_a_read_and_of_a_comparison_are_enabled() -> None:
    # Address register, memory; a register without an enable; syndrome and correction, or the two of a comparison.
    assert READ_STAGES == (0, 1, 3, 4)
    assert COMPARE_STAGES == (3, 4)
    # What the last one took can be seen in the cycle after it.
    assert READ_LATENCY == READ_STAGES[-1] + 1 == COMPARE_STAGES[-1] + 1
