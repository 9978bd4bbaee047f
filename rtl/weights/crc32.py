"""CRC-32 of a stream, one beat per cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

POLYNOMIAL = 0xEDB8_8320
"""The polynomial of zlib's CRC-32, bit-reversed."""


def crc32_masks(width: int) -> tuple[int, ...]:
    """Return which input bits each bit of the next CRC state is the parity of.

    A CRC is linear over GF(2): with x = beat XOR state (in the low 32 bits), bit i of the next state is the parity of
    x AND mask[i]. The masks follow from shifting each single bit of x through the serial register.

    Parameters
    ----------
    width : int
        Bits of a beat, at least 32; the first byte of the stream is in the lowest bits.

    Returns
    -------
    tuple of int
        32 masks of ``width`` bits.
    """
    masks = [0] * 32
    for position in range(width):
        state = 1 << position
        for _ in range(width):
            state = (state >> 1) ^ (POLYNOMIAL if state & 1 else 0)
        for bit in range(32):
            masks[bit] |= ((state >> bit) & 1) << position
    return tuple(masks)


class Crc32(wiring.Component):
    """CRC-32 (zlib) over the beats of a stream.

    Latency: ``crc`` holds the CRC of all beats up to the one of the previous cycle. Throughput: a beat per cycle.
    Written out as parities of masks, where the CRC generator of Amaranth's library spends one operation per bit: the
    embedded simulator is several times faster so, the logic is the same.

    Parameters
    ----------
    width : int
        Bits of a beat.

    Members
    -------
    clear : In(1)
        Start anew; wins over ``valid``.
    valid : In(1)
        ``data`` is a beat.
    data : In(width)
    crc : Out(32)
    """

    def __init__(self, width: int) -> None:
        self._width = width
        super().__init__({"clear": In(1), "valid": In(1), "data": In(width), "crc": Out(32)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        state = Signal(32, init=0xFFFF_FFFF)
        mixed = Signal(self._width)
        m.d.comb += [mixed.eq(self.data ^ state), self.crc.eq(~state)]
        with m.If(self.clear):
            m.d.sync += state.eq(0xFFFF_FFFF)
        with m.Elif(self.valid):
            m.d.sync += state.eq(Cat((mixed & mask).xor() for mask in crc32_masks(self._width)))
        return m
