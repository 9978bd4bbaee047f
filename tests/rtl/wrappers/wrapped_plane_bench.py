"""A control plane behind an adapter of another bus, for the tests of every adapter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.hdl import Elaboratable, Module

from oscc.core.instructions import encode_schedule
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.bus_hosts import BusHost, WordAccesses
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.simulation import StreamPort, StreamWatch, wait
from oscc.rtl.control_plane import ControlPlane
from oscc.rtl.host.axi_lite import AXI_LITE_MEMBERS
from oscc.rtl.wrappers.window_map import IMAGE_DATA, PROGRAM_DATA, PROGRAM_LAST, STREAM_STATUS
from oscc.sim.host.core_registers import CoreRegisters
from tests.rtl.control_plane_bench import ONE_SAMPLE, Array, Bench


class WrappedPlane(Elaboratable):  # type: ignore[misc]
    """What a wrapper's top module is made of, with the boundary of the array left open."""

    def __init__(self, adapter: Callable[[CoreSpec], Any], core: CoreSpec) -> None:
        self.plane = ControlPlane(core)
        self.adapter = adapter(core)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.plane, m.submodules.adapter = plane, adapter = self.plane, self.adapter
        for name, member in AXI_LITE_MEMBERS.items():
            inner, outer = getattr(plane, f"s_axil_{name}"), getattr(adapter.axil, name)
            m.d.comb += inner.eq(outer) if member.flow.name == "In" else outer.eq(inner)
        for name in ("data", "valid", "last"):
            m.d.comb += getattr(plane, f"s_axis_t{name}").eq(getattr(adapter.program, name))
        for name in ("data", "valid", "last", "keep", "user"):
            m.d.comb += getattr(adapter.images, name).eq(getattr(plane, f"m_axis_t{name}"))
        m.d.comb += [adapter.program.ready.eq(plane.s_axis_tready), plane.m_axis_tready.eq(adapter.images.ready)]
        return m


class WrappedBench:
    """A wrapped control plane with an array, and what a host does by word accesses alone."""

    def __init__(self, adapter: Callable[[CoreSpec], Any], core: CoreSpec) -> None:
        self.core = core
        self.expected = Bench(core)
        self.design, self._simulation = prepared(WrappedPlane, adapter, core)
        self.array = Array(self.design.plane, core, self.expected.frames)
        self.program_seen = StreamWatch(StreamPort.of(self.design.plane, "s_axis_t"))

    def run(self, host: Callable[[Any], Awaitable[None]], limit: int = 40_000) -> None:
        self._simulation.run(host, background=[self.array.watch, self.program_seen.watch], limit=limit)

    def words(self) -> list[int]:
        """The program stream in words of the bus, the lowest of a beat first."""
        width = self.core.stream_width
        return [(beat >> low) % 2**32 for beat in self.expected.image() for low in range(0, width, 32)]


async def load_and_take(context: Any, bench: WrappedBench, host: BusHost) -> tuple[list[int], int]:
    """Load a program, take one sample; return the words of its frame, and its last status."""
    bus = WordAccesses(host)
    registers = CoreRegisters(bus)
    await registers.write_program_crc(bench.expected.crc(bench.expected.image()))
    await registers.write_control(load=1)
    words = bench.words()
    for word in words[:-1]:
        await bus.write(PROGRAM_DATA.address, word)
    await bus.write(PROGRAM_LAST.address, words[-1])
    await wait(context, 8)
    assert (await registers.read_status()).programmed
    for index, instruction in enumerate(encode_schedule(ONE_SAMPLE).tolist()):
        await registers.write_schedule(index, instruction)
    await registers.write_schedule_length(len(ONE_SAMPLE))
    await registers.write_control(start=1)
    frame: list[int] = []
    for _ in range(2000):
        status = await bus.read(STREAM_STATUS.address)
        if not status & STREAM_STATUS.field("image_valid").mask:
            continue
        for _ in range(bench.core.stream_width // 32):
            frame.append(await bus.read(IMAGE_DATA.address))
        if status & STREAM_STATUS.field("image_last").mask:
            return frame, status
    raise AssertionError("no whole frame came")


def frame_words(bench: WrappedBench) -> list[int]:
    """The words of the frame of the first sample, as the streams of an unwrapped core give it."""
    beats = bench.expected.codes_of(0)
    return [(beat.data >> low) % 2**32 for beat in beats for low in range(0, bench.core.stream_width, 32)]
