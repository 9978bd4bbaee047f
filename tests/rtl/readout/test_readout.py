from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import get_beats, random_pauses, wait
from oscc.rtl.readout.readout import DRAIN_BEATS
from tests.rtl.readout.readout_bench import Bench, MakeCore, random_frames


def test_ten_thousand_random_phases() -> None:
    core = load_core("ising-56x56")
    bench = Bench(core, random_frames(core, 4, seed=1))
    bench.run_freely(random_pauses(2, longest=300), random_pauses(3, chance=0.3))
    codes = [(beat.data >> (8 * lane)) & 0xFF for beat in bench.beats for lane in range(8)]
    theta = np.concatenate([frame.ravel() for frame in bench.frames])
    assert theta.size == 12_544
    assert codes == (np.floor(64 * theta / (2 * np.pi)).astype(int) % 64).tolist()
    assert bench.beats == bench.expected() == bench.stream.beats


SHAPES = [
    {"grid": [8, 8], "readout": {"step": [2, 2]}},
    {"grid": [1, 1], "readout": {"step": [1, 1]}},
    {"grid": [5, 7], "readout": {"step": [1, 1]}},
    {"grid": [7, 11], "readout": {"step": [3, 1], "origin": [1, 2]}},
    {"grid": [6, 17], "readout": {"step": [2, 1]}},
    {"grid": [3, 16], "readout": {"step": [1, 1], "taps": 4, "subphases": 2}},
    {"grid": [4, 33], "readout": {"step": [4, 1], "taps": 8, "subphases": 16}},
    {"grid": [9, 3], "readout": {"step": [1, 2], "taps": 2, "subphases": 1}},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape["grid"])))
@pytest.mark.parametrize("width", [32, 64, 128])
def test_frames_of_all_shapes_under_back_pressure(make_core: MakeCore, shape: dict[str, Any], width: int) -> None:
    core = make_core(stream_width=width, **shape)
    bench = Bench(core, random_frames(core, 5, width), seed=width)
    bench.run_freely(random_pauses(width, longest=30), random_pauses(width + 1))
    # Nothing is lost, doubled or out of order; the last beats of rows are partial where the columns do not fill them.
    assert bench.stream.beats == bench.beats == bench.expected()
    assert [beat.last for beat in bench.beats].count(True) == 5


@pytest.mark.parametrize("seed", range(6))
def test_no_frame_suffers_from_a_slow_host(make_core: MakeCore, seed: int) -> None:
    core = make_core(grid=[6, 20], readout={"step": [1, 1]}, stream_width=32)
    bench = Bench(core, random_frames(core, 6, seed), seed)
    bench.run_freely(random_pauses(seed, longest=100), random_pauses(seed + 50, chance=0.9, longest=2 + 3 * seed))
    assert bench.stream.beats == bench.expected()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape["grid"])))
@pytest.mark.parametrize("width", [32, 64])
def test_a_frame_takes_readout_cycles_also_back_to_back(make_core: MakeCore, shape: dict[str, Any], width: int) -> None:
    core = make_core(stream_width=width, **shape)
    bench = Bench(core, random_frames(core, 4, 1))
    bench.run_freely()
    rows, cols = core.frame_shape
    cycles = rows * (3 + -(-cols // (width // 8))) + 1
    assert core.readout_cycles == cycles
    starts = bench.record.cycles("start")
    assert starts == [frame * cycles for frame in range(4)]
    # Busy from the cycle after a start; in between it is low for the one cycle of the next start.
    busy = [cycle for cycle in range(1, 4 * cycles) if cycle not in starts]
    assert bench.record.cycles("busy") == busy
    # The host takes everything: whenever a sample may be taken, an init may begin.
    assert all(bench.record.values("room"))
    assert bench.beats == bench.expected()


def test_each_row_is_selected_for_as_long_as_it_takes(make_core: MakeCore) -> None:
    core = make_core(grid=[3, 10], readout={"step": [1, 1]}, stream_width=32)
    bench = Bench(core, random_frames(core, 1, 1))
    bench.run_freely()
    # Select, settle, latch and three beats.
    assert bench.record.values("tap.row")[1:19] == [0] * 6 + [1] * 6 + [2] * 6


def test_start_is_ignored_while_busy(make_core: MakeCore) -> None:
    core = make_core(grid=[4, 9], readout={"step": [1, 1]})
    bench = Bench(core, random_frames(core, 2, 4))

    async def starts(context: Any) -> None:
        context.set(bench.readout.frames.start, 1)
        # High until the last busy cycle of the first walk, and again while the second one walks.
        await wait(context, core.readout_cycles)
        context.set(bench.readout.frames.start, 0)
        await wait(context, 30)
        context.set(bench.readout.frames.start, 1)
        await wait(context, core.readout_cycles)
        context.set(bench.readout.frames.start, 0)

    async def host(context: Any) -> None:
        await bench.host(context, random_pauses(3))
        await wait(context, 3 * core.readout_cycles)

    bench.run(starts, host)
    assert bench.stream.beats == bench.expected()


def test_a_frame_waits_in_the_latches_until_the_output_has_room(make_core: MakeCore) -> None:
    core = make_core(grid=[5, 12], readout={"step": [1, 1]})
    assert core.frame_beats == 10 > DRAIN_BEATS
    bench = Bench(core, random_frames(core, 2, 9))
    marks: dict[str, int] = {}

    async def host(context: Any) -> None:
        readout = bench.readout
        await bench.start(context)
        await wait(context, core.readout_cycles + 10)
        # The first frame is in the FIFO: the latches are free, but there is no room for another.
        assert bench.state(context) == [
            0,
            0,
            1,
        ]
        await bench.start(context)
        await wait(context, 200)
        assert bench.state(context) == [
            1,
            0,
            1,
        ]
        assert len(bench.stream.beats) == 0
        for left in reversed(range(DRAIN_BEATS, core.frame_beats)):
            bench.beats += await get_beats(context, bench.port, 1)
            await wait(context, 4)
            # Room is there as soon as the walk cannot overflow the FIFO, though nobody takes another beat.
            assert context.get(readout.frames.room) == (left == DRAIN_BEATS)
        marks["room"] = len(bench.record) - 4
        await wait(context, core.readout_cycles + 10)
        assert bench.state(context) == [
            0,
            0,
            1,
        ]
        bench.beats += await get_beats(context, bench.port, DRAIN_BEATS + core.frame_beats)
        await wait(context, 5)
        assert bench.state(context) == [
            0,
            1,
            0,
        ]

    bench.run(host)
    assert bench.beats == bench.expected()
    second = bench.record.cycles("start")[1]
    assert bench.record.cycles("busy")[-1] > marks["room"]
    assert all(bench.record.values("busy")[second + 1 : marks["room"]])


def test_pending_from_the_start_to_the_last_beat(tiny_core: CoreSpec) -> None:
    bench = Bench(tiny_core, random_frames(tiny_core, 1, 2))

    async def starts(context: Any) -> None:
        await wait(context, 5)
        await bench.start(context)

    async def host(context: Any) -> None:
        await bench.host(context, random_pauses(4, chance=0.9, longest=20))

    bench.run(starts, host)
    assert bench.record.cycles("pending") == list(range(6, bench.stream.cycles[-1] + 1))


def test_nothing_comes_before_the_first_start() -> None:
    core = load_core("tiny-8x8")
    bench = Bench(core, [])

    async def host(context: Any) -> None:
        context.set(bench.port.ready, 1)
        await wait(context, 60)

    bench.run(host)
    assert bench.stream.beats == []
    assert bench.record.cycles("busy") == bench.record.cycles("pending") == []
    assert all(bench.record.values("room"))
