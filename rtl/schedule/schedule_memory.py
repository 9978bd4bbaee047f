"""Schedule memory: the instructions, which the host writes and reads, and the sequencer fetches."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.instructions import SCHEDULE_DEPTH
from oscc.rtl.memories.memory_pins import MEMORY_PIN_MEMBERS, chain_pins
from oscc.rtl.memories.sram import IN_LOGIC, Sram1R1W
from oscc.rtl.signals.fetch_port import fetch_port_signature
from oscc.rtl.signals.shapes import index_shape

WORD_BITS = 32
LANE_BITS = 8


class ScheduleMemory(wiring.Component):
    """64 words of 32 bits: two memories that hold the same, one read by the host, the other one by the sequencer.

    A word that was not written since reset reads 0, which is no instruction: the words are cleared, one per cycle, in
    the 64 cycles after reset. A bit per word that says whether it was written would be the longest path of a core.

    Latency: a word one cycle after its address; one that is written in cycle t is read from cycle t + 1 on, and what a
    read of it in cycle t gives is undefined. The host cannot write while a schedule is checked or runs. Throughput: a
    write and two reads per cycle, once ``clearing`` is low.

    Members
    -------
    write_mask : In(4)
        Bytes that are written.
    write_address : In(range(64))
    write_data : In(32)
    host_read_enable : In(1)
    host_read_address : In(range(64))
    host_read_data : Out(32)
    fetch : In(fetch_port_signature(64))
        In every cycle.
    clearing : Out(1)
        The words are being cleared: a write is lost, and what is read undefined.
    <pin>
        As in `memory_pin_members`: the host's memory, then the sequencer's.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "write_mask": In(WORD_BITS // LANE_BITS),
                "write_address": In(index_shape(SCHEDULE_DEPTH)),
                "write_data": In(WORD_BITS),
                "host_read_enable": In(1),
                "host_read_address": In(index_shape(SCHEDULE_DEPTH)),
                "host_read_data": Out(WORD_BITS),
                "fetch": In(fetch_port_signature(SCHEDULE_DEPTH)),
                "clearing": Out(1, init=1),
                **MEMORY_PIN_MEMBERS,
            }
        )
        # Small, and at the head of the longest path: block RAM would be several times slower than look-up tables.
        self.host_memory = Sram1R1W(SCHEDULE_DEPTH, WORD_BITS, LANE_BITS, IN_LOGIC)
        self.fetch_memory = Sram1R1W(SCHEDULE_DEPTH, WORD_BITS, LANE_BITS, IN_LOGIC)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.host_memory = host_memory = self.host_memory
        m.submodules.fetch_memory = fetch_memory = self.fetch_memory
        chain_pins(m, self, (host_memory, fetch_memory))

        cleared = Signal(index_shape(SCHEDULE_DEPTH))
        with m.If(self.clearing):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == SCHEDULE_DEPTH - 1):
                m.d.sync += self.clearing.eq(0)
        for memory in (host_memory, fetch_memory):
            m.d.comb += [
                memory.write_enable.eq(self.write_mask.any() | self.clearing),
                memory.write_mask.eq(self.write_mask | self.clearing.replicate(len(self.write_mask))),
                memory.write_address.eq(Mux(self.clearing, cleared, self.write_address)),
                memory.write_data.eq(Mux(self.clearing, 0, self.write_data)),
            ]
        m.d.comb += [
            host_memory.read_enable.eq(self.host_read_enable),
            host_memory.read_address.eq(self.host_read_address),
            self.host_read_data.eq(host_memory.read_data),
            fetch_memory.read_enable.eq(1),
            fetch_memory.read_address.eq(self.fetch.address),
            self.fetch.word.eq(fetch_memory.read_data),
        ]
        return m
