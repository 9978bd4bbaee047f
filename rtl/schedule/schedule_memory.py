"""Schedule memory: the instructions, which the host writes and reads, and the sequencer fetches."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
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

    A word that was not written since reset reads 0, which is no instruction; so do the bytes that the first write to a
    word leaves out. A bit per word keeps whether it was written.

    Latency: a word one cycle after its address; one that is written in cycle t is read from cycle t + 1 on, and what a
    read of it in cycle t gives is undefined. The host cannot write while a schedule is checked or runs. Throughput: a
    write and two reads per cycle.

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

        writes = Signal()
        m.d.comb += writes.eq(self.write_mask.any())
        known = Signal(SCHEDULE_DEPTH)
        with m.If(writes):
            m.d.sync += known.bit_select(self.write_address, 1).eq(1)
        # The first write to a word writes all of it.
        fresh = Signal()
        lane_mask = Signal.like(self.write_mask)
        word = Signal(WORD_BITS)
        m.d.comb += [
            fresh.eq(~known.bit_select(self.write_address, 1)),
            lane_mask.eq(self.write_mask | fresh.replicate(len(lane_mask))),
            word.eq(self.write_data & Cat(bit.replicate(LANE_BITS) for bit in self.write_mask)),
        ]
        for memory in (host_memory, fetch_memory):
            m.d.comb += [
                memory.write_enable.eq(writes),
                memory.write_mask.eq(lane_mask),
                memory.write_address.eq(self.write_address),
                memory.write_data.eq(word),
            ]

        host_known = Signal()
        fetch_known = Signal()
        with m.If(self.host_read_enable):
            m.d.sync += host_known.eq(known.bit_select(self.host_read_address, 1))
        m.d.sync += fetch_known.eq(known.bit_select(self.fetch.address, 1))
        m.d.comb += [
            host_memory.read_enable.eq(self.host_read_enable),
            host_memory.read_address.eq(self.host_read_address),
            self.host_read_data.eq(Mux(host_known, host_memory.read_data, 0)),
            fetch_memory.read_enable.eq(1),
            fetch_memory.read_address.eq(self.fetch.address),
            self.fetch.word.eq(Mux(fetch_known, fetch_memory.read_data, 0)),
        ]
        return m
