"""Frame FIFO: the beats of frames, from the decoders to the image stream."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.memories.memory_pins import MEMORY_PIN_MEMBERS, chain_pins
from oscc.rtl.memories.sram import Sram1R1W


class FrameFifo(wiring.Component):
    """First in, first out, of ``depth`` beats: all but two in a memory, one in its read register, one that is offered.

    The memory reads and writes one address only when it is empty or full; it reads nothing in the one case and writes
    nothing in the other. What is offered has a register of its own: a block RAM takes most of a cycle to give its word.

    Latency: a beat that is written in cycle t to an empty FIFO is offered in cycle t + 3. Throughput: a beat per cycle.

    Parameters
    ----------
    bits : int
        Of a beat.
    depth : int
        At least 4.

    Members
    -------
    write_enable : In(1)
        Take ``write_data``; ignored while not ``write_ready``.
    write_data : In(bits)
    write_ready : Out(1)
    read_valid : Out(1)
        ``read_data`` is the oldest beat.
    read_data : Out(bits)
        From a register; the last beat while not ``read_valid``, and 0 before the first one.
    read_ready : In(1)
        With ``read_valid``: the beat is taken.
    level : Out(range(depth + 1))
        Beats that were written and not taken.
    <pin>
        As in `memory_pin_members`.

    Raises
    ------
    ValueError
        When the depth is less than 4.
    """

    def __init__(self, bits: int, depth: int) -> None:
        if depth < 4:
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
        self.memory = Sram1R1W(depth - 2, bits)

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
        fetched = Signal()
        """The memory gives a beat that is not offered yet."""
        takes = Signal()
        """The register of the beat that is offered can take another one."""
        m.d.comb += [
            self.write_ready.eq(stored != words),
            writes.eq(self.write_enable & self.write_ready),
            takes.eq(~self.read_valid | self.read_ready),
            reads.eq((stored != 0) & (~fetched | takes)),
            memory.write_enable.eq(writes),
            memory.write_address.eq(produce),
            memory.write_data.eq(self.write_data),
            memory.read_enable.eq(reads),
            memory.read_address.eq(consume),
            self.level.eq(stored + fetched + self.read_valid),
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
            m.d.sync += fetched.eq(1)
        with m.Elif(takes):
            m.d.sync += fetched.eq(0)
        with m.If(takes):
            m.d.sync += self.read_valid.eq(fetched)
            with m.If(fetched):
                m.d.sync += self.read_data.eq(memory.read_data)
        return m


def _next(place: Signal, words: int) -> Value:
    """Return the place behind another one in a ring."""
    return Mux(place == words - 1, 0, place + 1)[: len(place)]
