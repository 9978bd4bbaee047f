"""A core in a Verilog simulator as its host reaches it: cocotbext-axi's models of its buses, inside the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, Timer, select, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from oscc.core.spec import CoreSpec
from oscc.sim.engines.pauses import LONGEST_SHORT, SLACK, bursts
from oscc.sim.engines.stream_rules import at
from oscc.sim.host.host import DiscardedFrameError, HostError

CLOCK_NS = 10
"""Simulated clock period; only the count of cycles matters."""


def cycle_now() -> int:
    """Return the number of the rising edge of the clock that came last, from 0."""
    return int(cocotb.utils.get_sim_time("ns") // CLOCK_NS)


class CocotbBus:
    """`oscc.sim.host.host.CoreBus` on a Verilog core, made of cocotbext-axi's models.

    Parameters
    ----------
    dut : cocotb handle
        The core.
    core : CoreSpec
    pauses : int, optional
        Seed of random pauses on every channel.
    longest_pause : int
        Of the image stream [clock cycles].
    """

    def __init__(self, dut: Any, core: CoreSpec, pauses: int | None = None, longest_pause: int = LONGEST_SHORT) -> None:
        self._dut = dut
        self._core = core
        self._slack = 1 if pauses is None else SLACK
        self._registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self._source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self._sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        if pauses is not None:
            reads, writes = self._registers.read_if, self._registers.write_if
            channels = {
                "ar": reads.ar_channel,
                "r": reads.r_channel,
                "aw": writes.aw_channel,
                "w": writes.w_channel,
                "b": writes.b_channel,
                "program": self._source,
                "images": self._sink,
            }
            for name, channel in channels.items():
                longest = longest_pause if name == "images" else LONGEST_SHORT
                cocotb.start_soon(_pause_now_and_then(channel, bursts(pauses, name, longest)))

    async def wait(self, cycles: int) -> None:
        """Let clock cycles pass."""
        await ClockCycles(self._dut.clk, cycles)

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        answer = await self._registers.read(address, 4)
        if answer.resp:
            raise HostError(at(f"read of 0x{address:03X}: response {int(answer.resp)}", "s_axil_rresp", cycle_now()))
        return int.from_bytes(answer.data, "little")

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address."""
        answer = await self._registers.write(address, word.to_bytes(4, "little"))
        if answer.resp:
            raise HostError(at(f"write of 0x{address:03X}: response {int(answer.resp)}", "s_axil_bresp", cycle_now()))

    async def send(self, stream: bytes) -> None:
        """Send a program image, TLAST with its last beat."""
        await self._source.send(AxiStreamFrame(stream))
        limit = self._slack * (2 * self._core.program_beats + 1000)
        try:
            await with_timeout(self._source.wait(), limit * CLOCK_NS, "ns")
        except cocotb.triggers.SimTimeoutError:
            refused = at(f"the program was not accepted within {limit} cycles", "s_axis_tready", cycle_now())
            raise HostError(refused) from None

    async def receive(self, limit: int) -> bytes:
        """Return the next image, padded to whole beats as on the wire."""
        # What comes first ends the wait for the other.
        either = select(self._sink.recv(compact=False), RisingEdge(self._dut.irq))
        # The limit is for a beat, the first one included; a frame adds its own beats.
        deadline = (limit + 4 * self._core.frame_beats) * CLOCK_NS
        try:
            which, frame = await with_timeout(either, deadline, "ns")
        except cocotb.triggers.SimTimeoutError:
            raise HostError(at(f"no image within {limit} cycles", "m_axis_tvalid", cycle_now())) from None
        if which:
            raise HostError(at("irq was raised while an image was awaited", "irq", cycle_now()))
        if frame.tuser[-1] if isinstance(frame.tuser, list) else frame.tuser:
            marked = at("the core delivered a sample that is no image", "m_axis_tuser", cycle_now())
            raise DiscardedFrameError(marked)
        return bytes(frame.tdata)


async def _pause_now_and_then(channel: Any, spells: Iterator[tuple[int, int]]) -> None:
    """Pause a channel of cocotbext-axi, halfway between clock edges, when its model looks at nothing."""
    await Timer(CLOCK_NS / 2, "ns")
    for going, pausing in spells:
        channel.pause = False
        await Timer(going * CLOCK_NS, "ns")
        channel.pause = True
        await Timer(pausing * CLOCK_NS, "ns")
