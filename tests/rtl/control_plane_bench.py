"""A control plane with an array, a host and both streams, for the tests of several files."""

from __future__ import annotations

import random
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import (
    AxiLiteHost,
    Beat,
    Pause,
    StreamPort,
    StreamWatch,
    frame_beats,
    get_beats,
    no_pause,
    put_beats,
    random_pauses,
    wait,
)
from oscc.rtl.control_plane import ControlPlane
from oscc.rtl.weights.stored_bit import flip_bit
from oscc.sim.host.core_registers import CoreRegisters

TINY = load_core("tiny-8x8")
# A quarter of its cells, for what does not depend on their number: its program loads in a moment.
QUARTER = CoreSpec.model_validate(TINY.model_dump(by_alias=True) | {"name": "quarter", "grid": [4, 4]})
MakeCore = Callable[..., CoreSpec]
MARKER = Beat(0, last=True, keep=1, user=True)
SAMPLES = sample_schedule([20, 21, 22, 23], 64)
ONE_SAMPLE = [
    Instruction(Operation.LOAD, 0),
    Instruction(Operation.COMMIT),
    Instruction(Operation.INIT, 9),
    Instruction(Operation.RUN, 30),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.STOP),
]


class Array:
    """What the array macro does at the boundary: shadow and active codes, and latches that take the next phases."""

    def __init__(self, plane: ControlPlane, core: CoreSpec, frames: Sequence[np.ndarray]) -> None:
        self._port = plane.array
        self._core = core
        self._frames = list(frames)
        self._shadow = [0] * core.rows
        self.commits: list[list[int]] = []
        self.samples = 0
        self.ready, self.tap_valid = True, True

    async def watch(self, context: Any) -> None:
        port, latched = self._port, [0] * self._core.frame_shape[0]
        signals = (port.sample, port.commit, port.load_strobe, port.load_row, port.load_data)
        context.set(port.ready, self.ready)
        context.set(port.tap_valid, self.tap_valid)
        async for _, _, sample, commit, strobe, row, data in context.tick().sample(*signals):
            if sample:
                latched = tap_rows(self._frames[self.samples % len(self._frames)], self._core)
                self.samples += 1
            if commit:
                self.commits.append(list(self._shadow))
            if strobe:
                self._shadow[row] = data
            context.set(port.tap_data, latched[context.get(port.tap_row)])
            context.set(port.ready, self.ready)
            context.set(port.tap_valid, self.tap_valid)


def tap_rows(theta: np.ndarray, core: CoreSpec) -> list[int]:
    taps, subphases = core.readout.taps, core.readout.subphases
    shift = np.pi * np.arange(taps) / taps + np.pi * np.arange(subphases)[:, None] / (taps * subphases)
    bits = np.cos(theta[..., None, None] + shift) >= 0
    return [sum(int(bit) << index for index, bit in enumerate(row.ravel())) for row in bits]


class Bench:
    """A control plane with an array, a host for its registers, and both streams."""

    def __init__(self, core: CoreSpec = QUARTER, seed: int = 0, pauses: bool = False) -> None:
        self.core = core
        generator = np.random.default_rng(seed)
        self.frames = [generator.uniform(-9, 9, core.frame_shape) for _ in range(4)]
        words = random.Random(seed)
        self.words = [[words.getrandbits(core.word_bits) for _ in range(core.bank_depth)] for _ in range(core.cols)]
        self.plane, self._simulation = prepared(ControlPlane, core)
        self.array = Array(self.plane, core, self.frames)
        self.program = StreamPort.of(self.plane, "s_axis_t")
        self.images = StreamPort.of(self.plane, "m_axis_t")
        self.images_seen = StreamWatch(self.images)
        port = self.plane.array
        names = ("init", "run", "sample", "commit", "load_strobe", "noise_seed", "noise_index")
        self.record = Recorder.of(port, *names, irq=self.plane.irq)
        self._pause = (lambda number: random_pauses(100 * seed + number)) if pauses else (lambda number: no_pause)
        self.registers: CoreRegisters
        self.axi: AxiLiteHost

    def image(self) -> list[int]:
        """The beats of the program: bank after bank, address after address, the lowest bits first."""
        width = self.core.stream_width
        per_word = -(-self.core.word_bits // width)
        return [(word >> (width * beat)) % 2**width for bank in self.words for word in bank for beat in range(per_word)]

    def crc(self, image: Sequence[int]) -> int:
        return zlib.crc32(b"".join(beat.to_bytes(self.core.stream_width // 8, "little") for beat in image))

    def run(self, host: Callable[[Any], Awaitable[None]], *, take: bool = True, limit: int = 20_000) -> Recorder:
        async def whole(context: Any) -> None:
            self.axi = AxiLiteHost(context, self.plane, "s_axil_", self._pause(1))
            self.registers = CoreRegisters(self.axi)
            await host(context)

        async def drain(context: Any) -> None:
            pause: Pause = self._pause(2)
            while take:
                await get_beats(context, self.images, 1, pause, limit=limit)

        background = [self.record.watch, self.array.watch, self.images_seen.watch, drain]
        self._simulation.run(whole, background=background, limit=limit)
        return self.record

    async def load(self, context: Any, schedule: Sequence[Instruction] = (), *, crc: int | None = None) -> None:
        """Load weights and schedule."""
        image = self.image()
        await self.registers.write_program_crc(self.crc(image) if crc is None else crc)
        await self.registers.write_control(load=1)
        await put_beats(context, self.program, frame_beats(image), self._pause(3))
        await wait(context, 5)
        await self.write_schedule(schedule)

    async def write_schedule(self, schedule: Sequence[Instruction]) -> None:
        for index, word in enumerate(encode_schedule(schedule).tolist()):
            await self.registers.write_schedule(index, word)
        await self.registers.write_schedule_length(len(schedule))

    async def errors(self) -> set[str]:
        """Names of the error causes that are set."""
        return {name for name, value in vars(await self.registers.read_error()).items() if value}

    async def interrupts(self) -> set[str]:
        return {name for name, value in vars(await self.registers.read_irq_status()).items() if value}

    async def status(self) -> set[str]:
        """What STATUS says, besides that the array is ready, which it is nearly always."""
        status = vars(await self.registers.read_status())
        return {name for name, value in status.items() if value} - {"array_ready"}

    def rows_of(self, chunk: int) -> list[int]:
        """What the row bus carries for each row of a chunk: column 0 lowest."""
        core = self.core
        return [
            sum(bank[chunk * core.rows + row] << (column * core.word_bits) for column, bank in enumerate(self.words))
            for row in range(core.rows)
        ]

    def codes_of(self, sample: int) -> list[Beat]:
        """The frame of a sample: floor(steps theta / 2 pi) mod steps, a byte each."""
        lanes, steps = self.core.stream_width // 8, self.core.readout.phase_steps
        codes = np.floor(steps * self.frames[sample % 4] / (2 * np.pi)).astype(int) % steps
        beats = []
        for row in codes.tolist():
            for start in range(0, len(row), lanes):
                part = row[start : start + lanes]
                beats.append(Beat(sum(code << (8 * lane) for lane, code in enumerate(part)), False, 2 ** len(part) - 1))
        return [*beats[:-1], Beat(beats[-1].data, True, beats[-1].keep)]


def flip(context: Any, bench: Bench, column: int, address: int, *bits: int) -> None:
    for bit in bits:
        flip_bit(context, bench.plane.store, bench.core, column, address, bit)
