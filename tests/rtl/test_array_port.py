from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.array_port import array_signature


def widths(core: CoreSpec) -> dict[str, int]:
    return {name: Shape.cast(member.shape).width for name, member in array_signature(core).members.items()}


def test_ports_of_the_large_core() -> None:
    assert widths(load_core("ais-56x56")) == {
        "load_row": 6,
        "load_data": 56 * 108,
        "load_strobe": 1,
        "commit": 1,
        "init": 1,
        "run": 1,
        "sample": 1,
        "noise_seed": 32,
        "noise_index": 32,
        "tap_row": 5,
        "tap_data": 28 * 32,
        "tap_valid": 1,
        "ready": 1,
    }


def test_the_taps_and_two_answers_come_from_the_macro(tiny_core: CoreSpec) -> None:
    members = array_signature(tiny_core).members
    assert {name for name, member in members.items() if member.flow == wiring.In} == {"tap_data", "tap_valid", "ready"}


def test_widths_follow_the_core_not_a_constant(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(
        grid=[5, 3], stencil="king", coupling_dac={"bits": 2}, readout={"step": [5, 1], "taps": 4, "subphases": 2}
    )
    ports = widths(core)
    # Eight couplings of 2 bits and three codes of 4 bits; one readable row of three columns with 4 x 2 taps.
    assert (ports["load_row"], ports["load_data"]) == (3, 3 * (8 * 2 + 3 * 4))
    assert (ports["tap_row"], ports["tap_data"]) == (1, 3 * 8)
