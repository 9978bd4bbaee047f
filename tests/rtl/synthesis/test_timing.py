from __future__ import annotations

import copy
from typing import Any

import pytest

from oscc.rtl.synthesis.timing import MAX_ENDPOINTS, Endpoint, Hop, read_timing, readable_name


def test_the_critical_path_is_the_one_between_registers(sample: dict[str, Any]) -> None:
    timing = read_timing(sample["report"]())
    path = timing.critical_path
    assert (timing.achieved_mhz, timing.target_mhz, timing.met) == (64.24, 100.0, False)
    assert (path.start, path.end) == ("schedule.0.0", "sequencer.fetch.group__stop")
    # 5.83 + 0.97 + 0.24 + 0.66 + 0.24 + 0.72
    assert path.delay_ns == 8.66
    assert path.routing_ns == 2.35
    assert path.logic_levels == 2
    assert path.hops[0] == Hop("clk-to-q", 5.83, "schedule.0.0", "DOB16")
    assert path.hops[-1] == Hop("setup", 0.0, "sequencer.fetch.group__stop", "CE")


def test_the_reset_is_a_path_of_its_own(sample: dict[str, Any]) -> None:
    report = sample["report"]()
    reset = read_timing(report).reset_path
    assert reset is not None
    assert (reset.start, reset.end, reset.delay_ns) == ("harness.rst", "loader.busy", 4.25)
    del report["critical_paths"][1]
    assert read_timing(report).reset_path is None


def test_the_latest_arrival_of_each_name(sample: dict[str, Any]) -> None:
    # What goes to a pin, or comes from one, is no path between registers.
    assert read_timing(sample["report"]()).endpoints == (
        Endpoint("sequencer.fetch.group__stop", 15.57),
        Endpoint("memory.bank_*.decoder.odd", 14.91),
    )


def test_what_comes_later_than_the_clock_allows_comes_from_the_reset(sample: dict[str, Any]) -> None:
    # The period of 66.9 MHz is 14.95 ns: between the two arrivals that count at 64.2 MHz.
    endpoints = read_timing(sample["report"](66.9)).endpoints
    assert endpoints == (Endpoint("memory.bank_*.decoder.odd", 14.91),)


def test_only_so_many_are_listed(sample: dict[str, Any]) -> None:
    report = sample["report"](1000 / 40)
    (first, *_) = report["detailed_net_timings"]
    nets = []
    for number in range(2 * MAX_ENDPOINTS):
        nets.append(copy.deepcopy(first))
        nets[-1]["endpoints"][0] |= {"cell": f"core.part{number}.x_TRELLIS_FF_Q", "delay": [0.0, float(number)]}
    report["detailed_net_timings"] = nets
    endpoints = read_timing(report).endpoints
    assert [endpoint.delay_ns for endpoint in endpoints] == [float(39 - place) for place in range(MAX_ENDPOINTS)]


def test_a_target_that_is_met(sample: dict[str, Any]) -> None:
    assert read_timing(sample["report"](100.0)).met
    assert not read_timing(sample["report"](99.98)).met


def test_two_clocks_are_not_expected(sample: dict[str, Any]) -> None:
    report = sample["report"]()
    report["fmax"]["other"] = {"achieved": 1.0, "constraint": 1.0}
    with pytest.raises(ValueError, match="too many values"):
        read_timing(report)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("core.sequencer.fetch.decode_LUT4_D_Z_LUT4_Z_1", "sequencer.fetch.decode"),
        ("core.loader.chunk_TRELLIS_FF_Q_CE_LUT4_Z_C", "loader.chunk"),
        ("core.memory.bank_4.memory.0.2_DOB17_LUT4_C_Z", "memory.bank_4.memory.0.2"),
        ("core.sequencer.fetch.counters.0.11$RAMW_SLICE$conn", "sequencer.fetch.counters.0.11"),
        ("core.sequencer.$signal$26_TRELLIS_FF_Q", "sequencer.$signal$26"),
        ("core.schedule.0.0_RDATA_10_SB_LUT4_I0", "schedule.0.0"),
        ("core.readout.beat_SB_DFFESR_Q_E", "readout.beat"),
        ("fold.fold_6_TRELLIS_FF_Q", "harness.fold.fold_6"),
        ("core.irq", "irq"),
    ],
)
def test_names_lose_what_the_tools_added(cell: str, name: str) -> None:
    assert readable_name(cell) == name
