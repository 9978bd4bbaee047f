from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import Beat, Pause, StreamPort, StreamWatch, get_beats, no_pause, random_pauses, wait
from oscc.rtl.readout.readout import DRAIN_BEATS, Readout

MakeCore = Callable[..., CoreSpec]


def expected_codes(theta: np.ndarray, core: CoreSpec) -> np.ndarray:
    """floor(steps theta / 2 pi) mod steps."""
    steps = 2 * core.readout.taps * core.readout.subphases
    return np.floor(steps * theta / (2 * np.pi)).astype(int) % steps


def tap_rows(theta: np.ndarray, core: CoreSpec) -> list[int]:
    """Taps of every row of a frame: bit (j subphases + s) taps + k is the sign of cos(theta_j + shift of s and k)."""
    taps, subphases = core.readout.taps, core.readout.subphases
    shift = np.pi * np.arange(taps) / taps + np.pi * np.arange(subphases)[:, None] / (taps * subphases)
    bits = np.cos(theta[..., None, None] + shift) >= 0
    return [sum(int(bit) << index for index, bit in enumerate(row.ravel())) for row in bits]


def frame_of(codes: np.ndarray, lanes: int) -> list[Beat]:
    """The beats of a frame: a byte per code, each row from a new beat, the unused bytes zero."""
    beats = []
    for row in codes.tolist():
        for start in range(0, len(row), lanes):
            group = row[start : start + lanes]
            beats.append(Beat(sum(code << (8 * lane) for lane, code in enumerate(group)), False, 2 ** len(group) - 1))
    return [*beats[:-1], Beat(beats[-1].data, True, beats[-1].keep)]


def random_frames(core: CoreSpec, count: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    shape = len(range(row0, core.rows, drow)), len(range(col0, core.cols, dcol))
    return [generator.uniform(-30.0, 30.0, shape) for _ in range(count)]


class Bench:
    """A read-out with the latches of an array, which take the next of some frames at each start.

    What the tap bus carries is random while it need not be stable. With ``slow``, a row may take longer; the row
    ``stuck_row`` never gets valid.
    """

    def __init__(self, core: CoreSpec, frames: list[np.ndarray], seed: int = 0) -> None:
        self.core = core
        self.frames = frames
        self.readout, self.simulation = prepared(Readout, core)
        readout = self.readout
        self.port = StreamPort.of(readout.stream)
        self.stream = StreamWatch(self.port)
        ordered = {name: getattr(readout.frames, name) for name in ("start", "busy", "room")}
        self.record = Recorder.of(readout, "pending", "tap.row", "awaiting_taps", **ordered)
        self.beats: list[Beat] = []
        self.slow: random.Random | None = None
        self.stuck_row = -1
        self._random = random.Random(seed)

    async def array(self, context: Any) -> None:
        """The latches take a frame on the edge after the one that ends the cycle of ``start``."""
        readout, width = self.readout, self.core.row_tap_bits
        frames = iter(self.frames)
        latched: list[int] = []
        sampled, row_before = False, -1
        watched = (readout.frames.start, readout.frames.busy, readout.tap.row)
        async for _, _, start, busy, row in context.tick().sample(*watched):
            settled = latched
            if sampled:
                latched = tap_rows(next(frames), self.core)
            sampled = bool(start and not busy)
            stable = settled and row_before == row == context.get(readout.tap.row) != self.stuck_row
            if self.slow and self.slow.random() < 0.5:
                stable = False
            context.set(readout.tap.data, settled[row] if stable else self._random.getrandbits(width))
            context.set(readout.tap.valid, bool(stable))
            row_before = row

    def state(self, context: Any) -> list[int]:
        """``busy``, ``room`` and ``pending``."""
        frames = self.readout.frames
        return [context.get(value) for value in (frames.busy, frames.room, self.readout.pending)]

    async def starts(self, context: Any, pause: Pause = no_pause) -> None:
        for _ in self.frames:
            await self.start(context)
            await wait(context, pause())

    async def start(self, context: Any) -> None:
        while context.get(self.readout.frames.busy):
            await context.tick()
        context.set(self.readout.frames.start, 1)
        await context.tick()
        context.set(self.readout.frames.start, 0)

    async def host(self, context: Any, pause: Pause = no_pause) -> None:
        self.beats = await get_beats(context, self.port, len(self.frames) * self.core.frame_beats, pause, limit=3000)
        await wait(context, 10)

    def run(self, *benches: Any, limit: int = 50_000) -> None:
        background = [self.record.watch, self.stream.watch, self.array]
        self.simulation.run(*benches, background=background, limit=limit)

    def run_freely(self, start_pause: Pause = no_pause, host_pause: Pause = no_pause) -> None:
        async def starts(context: Any) -> None:
            await self.starts(context, start_pause)

        async def host(context: Any) -> None:
            await self.host(context, host_pause)

        self.run(starts, host)

    def expected(self) -> list[Beat]:
        lanes = self.core.stream_width // 8
        return [beat for theta in self.frames for beat in frame_of(expected_codes(theta, self.core), lanes)]


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


MARKER = Beat(0, last=True, keep=1, user=True)


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
