"""The run that the timing diagrams of docs/macro.md and docs/interface.md show, and variants of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.hdl import Elaboratable, Module, ResetInserter, Signal

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import AxiLiteHost, Beat, StreamPort, get_beats, put_beats, wait
from oscc.rtl.control_plane import ControlPlane
from tests.rtl.documented_pages import SCHEDULE, TINY, program_beats, program_bytes, tap_row_bits

SEED = 7
END = 270
"""Cycle in which the host begins to read registers."""


@dataclass(frozen=True)
class Variant:
    """What differs from the run of the diagrams.

    Parameters
    ----------
    late : int
        Cycles by which the tap bus is stable later than at the first edge on which ``tap_valid`` is looked at.
    stamped : bool
        The tap bus holds the number of cycles since the last sample as the code of every cell.
    rises, falls : int, optional
        Cycle in which ``ready`` is first high, or first low.
    reset : int, optional
        Cycle in which ``rst`` is high.
    irq_enable : int
        Content of register IRQ_ENABLE.
    """

    late: int = 0
    stamped: bool = False
    rises: int | None = None
    falls: int | None = None
    reset: int | None = None
    irq_enable: int = 0


class ResettablePlane(Elaboratable):  # type: ignore[misc]
    """A control plane with a reset that a bench can drive."""

    def __init__(self, core: CoreSpec) -> None:
        self.plane, self.rst = ControlPlane(core), Signal()

    def elaborate(self, platform: object) -> Module:
        module = Module()
        module.submodules.plane = ResetInserter(self.rst)(self.plane)
        return module


class Macro:
    """A macro with phases that are given: the code of each cell follows from the number of the sample.

    Until the first edge on which the bus may be looked at, and until ``tap_valid``, it has every tap wrong.
    """

    def __init__(self, plane: ControlPlane, core: CoreSpec, how: Variant) -> None:
        self._port, self._core, self._how = plane.array, core, how
        self.ready = how.rises is None

    def _rows(self, codes: Sequence[Sequence[int]]) -> list[int]:
        step = 2 * math.pi / self._core.readout.phase_steps
        return [tap_row_bits([(code + 0.5) * step for code in row], self._core) for row in codes]

    async def watch(self, context: Any) -> None:
        """Answer the control plane: a background bench."""
        port, (rows, columns) = self._port, self._core.frame_shape
        wrong = 2**self._core.row_tap_bits - 1
        latched = [0] * rows
        samples, since_sample, age, row_before = 0, 0, 0, 0
        context.set(port.ready, self.ready)
        context.set(port.tap_valid, not self._how.late)
        async for _, _, sample, row in context.tick().sample(port.sample, port.tap_row):
            since_sample, age = since_sample + 1, age + 1
            if sample:
                latched = self._rows(
                    [[10 + 16 * samples + columns * row + col for col in range(columns)] for row in range(rows)]
                )
                samples, since_sample = samples + 1, 1
            if sample or row != row_before:
                age = 1
            row_before = row
            selected = context.get(port.tap_row)
            if self._how.stamped:
                context.set(port.tap_data, self._rows([[since_sample % 64] * columns])[0])
            else:
                stable = age >= 2 + self._how.late
                context.set(port.tap_data, latched[selected] ^ (0 if stable else wrong))
                context.set(port.tap_valid, stable or not self._how.late)
            context.set(port.ready, self.ready)


class Worked:
    """The worked schedule on tiny-8x8.

    Attributes
    ----------
    frames : list of list of Beat
        Frames of the image stream.
    answers : dict of int to int
        What the registers held that were read at the end, by address.
    """

    def __init__(self, how: Variant) -> None:
        top, simulation = prepared(ResettablePlane, TINY)
        self._plane = plane = top.plane
        self._how = how
        self._start = 0
        self.frames: list[list[Beat]] = []
        self.answers: dict[int, int] = {}
        names = [name for name in plane.signature.members if name != "array"]
        array = {name: getattr(plane.array, name) for name in plane.array.signature.members}
        self._record = Recorder.of(plane, *names, **array)
        self._macro = Macro(plane, TINY, how)
        images = StreamPort.of(plane, "m_axis_t")

        async def host(context: Any) -> None:
            bus = AxiLiteHost(context, plane, "s_axil_")
            await self._load(context, bus)
            await wait(context, 3)
            self._start = len(self._record)
            await bus.write(0x020, 1)
            for change in (how.rises, how.falls):
                if change is not None:
                    # The macro drives what it is told in the cycle behind.
                    await self._until(context, change - 1)
                    self._macro.ready = not self._macro.ready
            if how.reset is not None:
                await self._until(context, how.reset)
                context.set(top.rst, 1)
                await wait(context, 1)
                context.set(top.rst, 0)
            await self._until(context, END)
            for address in (0x024, 0x028, 0x04C, 0x050, 0x054):
                self.answers[address] = await bus.read(address)

        async def drain(context: Any) -> None:
            while True:
                self.frames.append(await get_beats(context, images, limit=5000))

        simulation.run(host, background=[self._record.watch, self._macro.watch, drain])

    async def _until(self, context: Any, cycle: int) -> None:
        """Wait for the beginning of a cycle."""
        await wait(context, cycle - (len(self._record) - self._start))

    async def _load(self, context: Any, bus: AxiLiteHost) -> None:
        await bus.write(0x038, zlib.crc32(program_bytes(TINY)))
        await bus.write(0x020, 4)
        beats = [Beat(beat) for beat in program_beats(TINY)]
        await put_beats(context, StreamPort.of(self._plane, "s_axis_t"), [*beats[:-1], Beat(beats[-1].data, last=True)])
        for number, word in enumerate(SCHEDULE):
            await bus.write(0x400 + 4 * number, word)
        await bus.write(0x040, len(SCHEDULE))
        await bus.write(0x044, SEED)
        await bus.write(0x034, self._how.irq_enable)

    def value(self, name: str, cycle: int) -> int:
        """A port in a cycle of the diagrams: cycle 0 is the one in which the write of CONTROL is taken."""
        return self._record.values(name)[self._start + cycle]

    def cycles(self, name: str) -> list[int]:
        """Cycles from the start on in which a port was not 0."""
        return [cycle - self._start for cycle in self._record.cycles(name) if cycle >= self._start]


@cache
def worked(how: Variant = Variant()) -> Worked:
    """The worked schedule, run once in a process."""
    return Worked(how)
