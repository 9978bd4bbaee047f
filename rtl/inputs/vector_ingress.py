"""Vector ingress: from the input stream to codes, one by one, of vectors that are whole or refused."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.signals.shapes import index_shape

BYTE_BITS = 8
"""Bits of a code on the stream, whatever the width of a code is."""


class _Vector:
    """Signals that the parts of the ingress share: the vector that is arriving.

    Parameters
    ----------
    lanes : int
        Codes of a beat.
    """

    def __init__(self, lanes: int) -> None:
        self.held = Signal(lanes * BYTE_BITS)
        """The codes that are left of the beat, the next one in the lowest byte."""
        self.left = Signal(range(lanes + 1))
        """How many there are."""
        self.there = Signal()
        """There is one, and it is looked at in this cycle."""
        self.ends = Signal()
        """The beat is the last one of its vector."""
        self.begun = Signal()
        """A beat of a vector was taken, and not its last one."""
        self.taken = Signal()
        """A beat is taken in this cycle."""
        self.swallowing = Signal()
        """The vector is refused, and its beats are forgotten."""
        self.good = Signal()
        self.bad = Signal()
        """With the code at hand the vector is whole, or refused."""


class VectorIngress(wiring.Component):
    """Takes vectors of field codes, one code a byte, and tells which of them are whole.

    A vector has ``count`` codes, in whole beats; its last code is in the beat with ``last``, and bytes behind it are
    ignored. A vector is refused when ``last`` comes before the beat of its last code or not with it, and when a byte
    is no code: minus zero, or a bit beyond the width of a code. Nothing more is written of it, its other beats are
    taken and forgotten up to the one with ``last``, and the next vector begins behind that.

    A whole vector is kept until ``take``; meanwhile the stream is not ready. Codes of a vector that is refused later
    have been written: who reads waits for ``whole``.

    Latency: a code is written in the cycle after its beat was taken, or as many later as there are codes before it in
    the beat; ``whole`` rises one cycle after the last code is written. Throughput: a code per cycle; a beat is taken in
    the cycle of the last code of the beat before.

    Parameters
    ----------
    stream_width : int
        Bits of a beat, a multiple of 8.
    code_bits : int
        Bits of a code: the sign, and the magnitude below.
    capacity : int
        Most codes of a vector.

    Members
    -------
    stream_valid, stream_data, stream_last : In
    stream_ready : Out(1)
        As in `program_stream_signature`.
    count : In(range(capacity + 1))
        Does not change within a vector. With 0, every vector is refused.
    hold : In(1)
        No code is written in this cycle.
    flush : In(1)
        Forget a whole vector, and refuse silently what has been taken of the next one.
    take : In(1)
        With ``whole``: the vector was taken over, the next one may come.
    whole : Out(1)
    write : Out(1)
        A code of the vector that is arriving.
    index : Out(range(capacity))
        Its number, from 0 up.
    code : Out(code_bits)
    refused : Out(1)
        High for one cycle: a vector was refused.
    """

    def __init__(self, stream_width: int, code_bits: int, capacity: int) -> None:
        self._lanes = stream_width // BYTE_BITS
        self._code_bits = code_bits
        super().__init__(
            {
                "stream_valid": In(1),
                "stream_data": In(stream_width),
                "stream_last": In(1),
                "stream_ready": Out(1),
                "count": In(range(capacity + 1)),
                "hold": In(1),
                "flush": In(1),
                "take": In(1),
                "whole": Out(1),
                "write": Out(1),
                "index": Out(index_shape(capacity)),
                "code": Out(code_bits),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        vector = _Vector(self._lanes)
        self._look(m, vector)
        self._accept(m, vector)
        self._judge(m, vector)
        return m

    def _look(self, m: Module, vector: _Vector) -> None:
        """Look at the code at hand: it may make its vector whole, or a refused one."""
        byte = Signal(BYTE_BITS)
        legal = Signal()
        is_last = Signal()
        m.d.comb += [
            byte.eq(vector.held[:BYTE_BITS]),
            legal.eq(self._is_code(byte)),
            is_last.eq(self.index + 1 == self.count),
            vector.there.eq((vector.left != 0) & ~self.hold),
            vector.good.eq(vector.there & legal & is_last & vector.ends),
            vector.bad.eq(
                vector.there
                & (
                    ~legal
                    | (self.count == 0)
                    | (is_last & ~vector.ends)
                    | (~is_last & vector.ends & (vector.left == 1))
                )
            ),
            self.code.eq(byte[: self._code_bits]),
            self.write.eq(vector.there & ~vector.bad),
        ]

    def _is_code(self, byte: Signal) -> Value:
        """Return whether a byte is a code: not minus zero, and no bit beyond its width."""
        other = byte != 1 << (self._code_bits - 1)
        return other if self._code_bits == BYTE_BITS else other & (byte[self._code_bits :] == 0)

    def _accept(self, m: Module, vector: _Vector) -> None:
        """Take beats: to look at their codes, or to forget them."""
        held, left, swallowing, taken = vector.held, vector.left, vector.swallowing, vector.taken
        room = (left == 0) | ((left == 1) & ~self.hold)
        m.d.comb += [
            self.stream_ready.eq(swallowing | (~self.whole & room & ~vector.good & ~vector.bad)),
            taken.eq(self.stream_valid & self.stream_ready),
        ]
        with m.If(vector.there):
            m.d.sync += [held.eq(held >> BYTE_BITS), left.eq(left - 1), self.index.eq(self.index + 1)]
        with m.If(taken):
            m.d.sync += vector.begun.eq(~self.stream_last)
            with m.If(~swallowing):
                m.d.sync += [held.eq(self.stream_data), left.eq(self._lanes), vector.ends.eq(self.stream_last)]
            with m.Elif(self.stream_last):
                m.d.sync += swallowing.eq(0)

    def _judge(self, m: Module, vector: _Vector) -> None:
        """End a vector: it is whole, or it is refused and the rest of it swallowed."""
        begin_anew = [self.index.eq(0), vector.left.eq(0)]
        m.d.sync += self.refused.eq(vector.bad)
        with m.If(self.take):
            m.d.sync += self.whole.eq(0)
        with m.If(vector.good):
            m.d.sync += [self.whole.eq(1), *begin_anew]
        with m.If(vector.bad):
            m.d.sync += [vector.swallowing.eq(~vector.ends), *begin_anew]
        with m.If(self.flush):
            m.d.sync += [self.whole.eq(0), self.refused.eq(0), *begin_anew]
            # What has been taken of a vector decides, also in this cycle.
            m.d.sync += vector.swallowing.eq(Mux(vector.taken, ~self.stream_last, vector.begun))
