"""Quiet samples and looks: what the read-out of a driven core walks without delivering it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oscc.core.latencies import READOUT_ROW_CYCLES
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY
from oscc.rtl.readout.readout import Readout
from tests.rtl.readout.readout_bench import expected_codes, random_frames, tap_rows

CORE = load_core("driven-8x8")


class DrivenBench:
    """A read-out of a driven core: latches that take the next of some frames, and what comes out of it."""

    def __init__(self, core: CoreSpec, frames: list[np.ndarray], first_row: int = 0, last_row: int = 7) -> None:
        self.core, self.frames = core, frames
        self.readout, self._simulation = prepared(Readout, core)
        self._rows = first_row, last_row
        self.cycle = 0
        self.beats: list[tuple[int, int, int, bool, bool]] = []
        """Cycle, address, codes, look and last of each beat of codes."""
        self.delivered: list[tuple[int, int, int]] = []
        """Data, last and user of each beat for the host."""
        self.tap_rows_at_latch: list[int] = []

    async def _watch(self, context: Any) -> None:
        readout, frames = self.readout, iter(self.frames)
        context.set(readout.first_row, self._rows[0])
        context.set(readout.last_row, self._rows[1])
        context.set(readout.tap.valid, 1)
        context.set(readout.stream.ready, 1)
        beat, stream = readout.beat, readout.stream
        sampled, latched = False, []
        watched = (readout.frames.start | readout.frames.look, readout.tap.row, beat.valid, beat.address, beat.codes)
        async for _, _, latch, row, valid, address, codes, look, last, *out in context.tick().sample(
            *watched, beat.look, beat.last, stream.valid, stream.data, stream.last, stream.user
        ):
            if valid:
                self.beats.append((self.cycle, address, codes, bool(look), bool(last)))
            if out[0]:
                self.delivered.append((out[1], out[2], out[3]))
            if sampled:
                latched = tap_rows(next(frames), self.core)
                self.tap_rows_at_latch.append(row)
            sampled = bool(latch)
            context.set(readout.tap.data, latched[context.get(readout.tap.row)] if latched else 0)
            self.cycle += 1

    def run(self, bench: Any) -> None:
        self._simulation.run(bench, background=[self._watch], limit=5000)

    async def pulse(self, context: Any, *names: str) -> int:
        """Set members of the frame port for a cycle; return which cycle that was."""
        for name in names:
            context.set(getattr(self.readout.frames, name), 1)
        await context.tick()
        for name in names:
            context.set(getattr(self.readout.frames, name), 0)
        return self.cycle - 1

    def packed(self, frame: np.ndarray) -> list[int]:
        """Codes of the beats of a frame."""
        core, packed = self.core, []
        for row in expected_codes(frame, core).tolist():
            for start in range(0, len(row), core.codes_per_beat):
                group = row[start : start + core.codes_per_beat]
                packed.append(sum(code << (core.code_bits * lane) for lane, code in enumerate(group)))
        return packed


async def idle(context: Any, cycles: int) -> None:
    for _ in range(cycles):
        await context.tick()


def test_a_quiet_sample_tells_its_codes_and_delivers_nothing() -> None:
    bench = DrivenBench(CORE, random_frames(CORE, 2, seed=1))

    async def host(context: Any) -> None:
        await bench.pulse(context, "start", "quiet")
        await idle(context, CORE.readout_cycles - 1)
        assert not context.get(bench.readout.frames.busy)
        await idle(context, 20)
        assert not bench.delivered
        assert not context.get(bench.readout.pending)
        await bench.pulse(context, "start")
        await idle(context, CORE.readout_cycles + 20)

    bench.run(host)
    assert [codes for _, _, codes, _, _ in bench.beats] == bench.packed(bench.frames[0]) + bench.packed(bench.frames[1])
    assert [address for _, address, *_ in bench.beats] == [*range(CORE.frame_beats)] * 2
    assert not any(look for *_, look, _ in bench.beats)
    # The frame of the second, loud one, and nothing before it.
    assert len(bench.delivered) == CORE.frame_beats
    assert [last for _, last, _ in bench.delivered] == [0] * (CORE.frame_beats - 1) + [1]


@pytest.mark.parametrize(("first", "last"), [(0, 7), (2, 4), (7, 7), (5, 60)])
def test_a_look_walks_the_watched_rows_and_takes_a_cycle_more(first: int, last: int) -> None:
    bench = DrivenBench(CORE, random_frames(CORE, 1, seed=2), first, last)
    begun = []

    async def host(context: Any) -> None:
        await idle(context, 3)
        context.set(bench.readout.frames.looking, 1)
        begun.append(await bench.pulse(context, "look"))
        assert not context.get(bench.readout.frames.busy)
        await idle(context, 80)
        context.set(bench.readout.frames.looking, 0)

    bench.run(host)
    rows = min(last, 7) - first + 1
    beats = range(first * CORE.row_beats, (first + rows) * CORE.row_beats)
    assert [address for _, address, *_ in bench.beats] == [*beats]
    assert [codes for _, _, codes, _, _ in bench.beats] == [bench.packed(bench.frames[0])[beat] for beat in beats]
    assert all(look for *_, look, _ in bench.beats)
    assert [end for *_, end in bench.beats] == [False] * (len(beats) - 1) + [True]
    walk = rows * (CORE.row_beats + READOUT_ROW_CYCLES)
    assert bench.beats[-1][0] == begun[0] + 1 + walk + DECODE_LATENCY
    assert not bench.delivered
    assert bench.tap_rows_at_latch == [0]


@pytest.mark.parametrize("after", range(1, 40))
def test_a_look_is_abandoned_for_a_sample(after: int) -> None:
    """Whatever state the walk of the look is in, a sample may be latched, and its frame is whole."""
    bench = DrivenBench(CORE, random_frames(CORE, 2, seed=3), first_row=3)

    async def host(context: Any) -> None:
        await idle(context, 3)
        context.set(bench.readout.frames.looking, 1)
        await bench.pulse(context, "look")
        await idle(context, after)
        context.set(bench.readout.frames.looking, 0)
        assert not context.get(bench.readout.frames.busy)
        began = await bench.pulse(context, "start", "unsettled")
        assert not any(look and cycle > began for cycle, _, _, look, _ in bench.beats)
        await idle(context, CORE.readout_cycles + 20)
        assert not any(look and cycle > began for cycle, _, _, look, _ in bench.beats)

    bench.run(host)
    codes = [beat for beat in bench.beats[-CORE.frame_beats :]]
    assert [each[1] for each in codes] == [*range(CORE.frame_beats)]
    assert [each[2] for each in codes] == bench.packed(bench.frames[1])
    assert bench.tap_rows_at_latch == [0, 0]
    # Bit 1 of user, with the last beat alone: the settle before ran out of cycles.
    assert [user for _, _, user in bench.delivered] == [0] * (CORE.frame_beats - 1) + [2]


def test_a_look_is_abandoned_without_a_sample() -> None:
    bench = DrivenBench(CORE, random_frames(CORE, 1, seed=4))

    async def host(context: Any) -> None:
        context.set(bench.readout.frames.looking, 1)
        await bench.pulse(context, "look")
        await idle(context, 9)
        context.set(bench.readout.frames.looking, 0)
        await idle(context, 40)

    bench.run(host)
    assert len(bench.beats) < CORE.frame_beats
    assert not any(last for *_, last in bench.beats)
    assert not bench.delivered
