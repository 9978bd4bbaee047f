"""Frame FIFO: the beats of frames, from the decoders to the image stream."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.memories.memory_pins import MEMORY_PIN_MEMBERS, chain_pins
from oscc.rtl.memories.sram import Sram1R1W


class FrameFifo(wiring.Component):
    """First in, first out, of ``depth`` beats: all but one in a memory, the one that is offered in its read register.

    The memory reads and writes one address only when it is empty or full; it reads nothing in the one case and writes
    nothing in the other.

    Latency: a beat that is written in cycle t to an empty FIFO is offered in cycle t + 2. Throughput: a beat per cycle.

    Parameters
    ----------
    bits : int
        Of a beat.
    depth : int
        At least 3.

    Members
    -------
    write_enable : In(1)
        Take ``write_data``; ignored while not ``write_ready``.
    write_data : In(bits)
    write_ready : Out(1)
    read_valid : Out(1)
        ``read_data`` is the oldest beat.
    read_data : Out(bits)
        0 while not ``read_valid``.
    read_ready : In(1)
        With ``read_valid``: the beat is taken.
    level : Out(range(depth + 1))
        Beats that were written and not taken.
    <pin>
        As in `memory_pin_members`.

    Raises
    ------
    ValueError
        When the depth is less than 3.
    """

    def __init__(self, bits: int, depth: int) -> None:
        if depth < 3:
            raise ValueError(f"a frame FIFO of {depth} beats has no memory of two or more")
        self.depth = depth
        super().__init__(
            {
                "write_enable": In(1),
                "write_data": In(bits),
                "write_ready": Out(1),
                "read_valid": Out(1),
                "read_data": Out(bits),
                "read_ready": In(1),
                "level": Out(range(depth + 1)),
                **MEMORY_PIN_MEMBERS,
            }
        )
        self.memory = Sram1R1W(depth - 1, bits)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.memory = memory = self.memory
        chain_pins(m, self, (memory,))
        words = memory.words
        produce = Signal(range(words))
        consume = Signal(range(words))
        stored = Signal(range(words + 1))
        """Beats in the memory."""
        writes = Signal()
        reads = Signal()
        m.d.comb += [
            self.write_ready.eq(stored != words),
            writes.eq(self.write_enable & self.write_ready),
            reads.eq((stored != 0) & (~self.read_valid | self.read_ready)),
            memory.write_enable.eq(writes),
            memory.write_address.eq(produce),
            memory.write_data.eq(self.write_data),
            memory.read_enable.eq(reads),
            memory.read_address.eq(consume),
            self.read_data.eq(Mux(self.read_valid, memory.read_data, 0)),
            self.level.eq(stored + self.read_valid),
        ]
        with m.If(writes):
            m.d.sync += produce.eq(_next(produce, words))
        with m.If(reads):
            m.d.sync += consume.eq(_next(consume, words))
        with m.If(writes & ~reads):
            m.d.sync += stored.eq(stored + 1)
        with m.Elif(reads & ~writes):
            m.d.sync += stored.eq(stored - 1)
        with m.If(reads):
            m.d.sync += self.read_valid.eq(1)
        with m.Elif(self.read_ready):
            m.d.sync += self.read_valid.eq(0)
        return m


def _next(place: Signal, words: int) -> Value:
    """Return the place behind another one in a ring."""
    return Mux(place == words - 1, 0, place + 1)[: len(place)]
