"""A read-out with the latches of an array and a host, for the tests of several files."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import Beat, Pause, StreamPort, StreamWatch, get_beats, no_pause, wait
from oscc.rtl.readout.readout import Readout

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


MARKER = Beat(0, last=True, keep=1, user=True)
