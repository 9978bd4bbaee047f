from __future__ import annotations

import random
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import get_beats, wait
from oscc.rtl.readout.readout import DRAIN_BEATS
from tests.rtl.readout.readout_bench import MARKER, Bench, MakeCore, random_frames


@pytest.mark.parametrize("seed", range(4))
def test_a_row_waits_until_its_taps_are_valid(make_core: MakeCore, seed: int) -> None:
    core = make_core(grid=[4, 9], readout={"step": [1, 1]}, stream_width=32)
    bench = Bench(core, random_frames(core, 3, seed), seed)
    bench.slow = random.Random(seed + 7)
    bench.run_freely()
    assert bench.beats == bench.expected() == bench.stream.beats
    # Some row did wait, and the frames took as much longer.
    waited = len(bench.record.cycles("awaiting_taps"))
    assert waited > 0
    starts = bench.record.cycles("start")
    assert sum(bench.record.values("busy")) == 3 * (core.readout_cycles - 1) + waited
    assert starts[1] - starts[0] >= core.readout_cycles


@pytest.mark.parametrize("row", [0, 2, 3])
def test_a_frame_whose_taps_do_not_come_can_be_cut(make_core: MakeCore, row: int) -> None:
    core = make_core(grid=[4, 9], readout={"step": [1, 1]}, stream_width=32)
    bench = Bench(core, random_frames(core, 2, 5))
    bench.stuck_row = row

    async def host(context: Any) -> None:
        await bench.start(context)
        await wait(context, 60)
        assert context.get(bench.readout.awaiting_taps)
        assert context.get(bench.readout.frames.busy)
        context.set(bench.readout.cut, 1)
        await context.tick()
        context.set(bench.readout.cut, 0)
        bench.stuck_row = -1
        await wait(context, 4)
        assert not context.get(bench.readout.frames.busy)
        await bench.start(context)
        bench.beats = await get_beats(context, bench.port, row * core.row_beats + 1)
        bench.beats += await get_beats(context, bench.port, core.frame_beats)
        await wait(context, 20)

    bench.run(host)
    # The rows before, one beat that says so, and the next frame is whole and good.
    whole = bench.expected()
    assert bench.beats == [*whole[: row * core.row_beats], MARKER, *whole[core.frame_beats :]] == bench.stream.beats


def test_a_cut_changes_nothing_between_frames(tiny_core: CoreSpec) -> None:
    bench = Bench(tiny_core, random_frames(tiny_core, 1, 5))

    async def host(context: Any) -> None:
        context.set(bench.readout.cut, 1)
        await wait(context, 5)
        context.set(bench.readout.cut, 0)
        await bench.start(context)
        await bench.host(context)

    bench.run(host)
    assert bench.stream.beats == bench.expected()


@pytest.mark.parametrize("after", [0, 1, 5, 40])
def test_a_discarded_sample_is_told_behind_the_frame_before_it(make_core: MakeCore, after: int) -> None:
    core = make_core(grid=[4, 9], readout={"step": [1, 1]}, stream_width=32)
    bench = Bench(core, random_frames(core, 2, 8))

    async def host(context: Any) -> None:
        await bench.start(context)
        await wait(context, after)
        context.set(bench.readout.frames.discard, 1)
        await context.tick()
        context.set(bench.readout.frames.discard, 0)
        assert context.get(bench.readout.frames.busy)
        assert not context.get(bench.readout.frames.room)
        await bench.start(context)
        bench.beats = await get_beats(context, bench.port, 2 * core.frame_beats + 1, limit=3000)
        await wait(context, 10)
        assert context.get(bench.readout.frames.room)
        assert not context.get(bench.readout.pending)

    bench.run(host)
    whole = bench.expected()
    assert bench.beats == [*whole[: core.frame_beats], MARKER, *whole[core.frame_beats :]] == bench.stream.beats


def test_a_discarded_sample_waits_until_a_full_output_has_room_for_its_beat(make_core: MakeCore) -> None:
    core = make_core(grid=[5, 12], readout={"step": [1, 1]})
    bench = Bench(core, random_frames(core, 2, 9))

    async def host(context: Any) -> None:
        await bench.start(context)
        await wait(context, core.readout_cycles + 5)
        bench.beats = await get_beats(context, bench.port, core.frame_beats - DRAIN_BEATS)
        await bench.start(context)
        await wait(context, core.readout_cycles + 5)
        # The FIFO is full now.
        context.set(bench.readout.frames.discard, 1)
        await context.tick()
        context.set(bench.readout.frames.discard, 0)
        await wait(context, 50)
        assert context.get(bench.readout.frames.busy)
        assert not context.get(bench.readout.frames.room)
        bench.beats += await get_beats(context, bench.port, DRAIN_BEATS + core.frame_beats + 1)

    bench.run(host)
    assert bench.beats == [*bench.expected(), MARKER] == bench.stream.beats
