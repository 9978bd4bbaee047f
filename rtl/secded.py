"""SECDED: an extended Hamming code that corrects one flipped bit of a word and detects two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


@dataclass(frozen=True)
class SecdedCode:
    """The extended Hamming code for words of a given width.

    Data bits sit at the positions 3, 5, 6, 7, 9, ... that are no power of two; check bit i is the parity of the data
    bits whose position has bit i set. The last check bit makes the parity of data and check bits even.

    Parameters
    ----------
    data_bits : int
    """

    data_bits: int

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Hamming position of each data bit."""
        found: list[int] = []
        position = 3
        while len(found) < self.data_bits:
            if position & (position - 1):
                found.append(position)
            position += 1
        return tuple(found)

    @property
    def hamming_bits(self) -> int:
        """Check bits without the overall parity."""
        return self.positions[-1].bit_length()

    @property
    def check_bits(self) -> int:
        """All check bits."""
        return self.hamming_bits + 1

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """For each Hamming check bit, the data bits that it covers."""
        return tuple(
            sum(1 << index for index, position in enumerate(self.positions) if (position >> bit) & 1)
            for bit in range(self.hamming_bits)
        )

    def check_of(self, data: Value) -> Value:
        """Check bits of a data word, as combinational logic."""
        hamming = Cat((data & mask).xor() for mask in self.masks)
        return Cat(hamming, data.xor() ^ hamming.xor())


class SecdedEncoder(wiring.Component):
    """Appends the check bits to a word. Latency: none (combinational).

    Parameters
    ----------
    data_bits : int

    Members
    -------
    data : In(data_bits)
    word : Out(data_bits + check_bits)
        Data in the low bits, check bits above.
    """

    def __init__(self, data_bits: int) -> None:
        self._code = SecdedCode(data_bits)
        super().__init__({"data": In(data_bits), "word": Out(data_bits + self._code.check_bits)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.d.comb += self.word.eq(Cat(self.data, self._code.check_of(self.data)))
        return m


class SecdedDecoder(wiring.Component):
    """Checks a word and corrects one flipped bit. Latency: 2 cycles. Throughput: a word per cycle.

    Parameters
    ----------
    data_bits : int

    Members
    -------
    check, correct : In(1)
        Enables of the two stages, so that nothing toggles while nothing is read: ``check`` with the word, ``correct``
        one cycle later.
    word : In(data_bits + check_bits)
    data : Out(data_bits)
        The corrected data.
    corrected : Out(1)
        One bit of the word, data or check, was flipped.
    uncorrectable : Out(1)
        Two bits were flipped, or more than two in a way that shows; ``data`` is not to be used.
    """

    def __init__(self, data_bits: int) -> None:
        self._code = SecdedCode(data_bits)
        super().__init__(
            {
                "check": In(1),
                "correct": In(1),
                "word": In(data_bits + self._code.check_bits),
                "data": Out(data_bits),
                "corrected": Out(1),
                "uncorrectable": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        code = self._code
        given = self.word[: code.data_bits]
        stored = self.word[code.data_bits :]
        recomputed = Cat((given & mask).xor() for mask in code.masks)

        data = Signal(code.data_bits)
        syndrome = Signal(code.hamming_bits)
        odd = Signal()
        with m.If(self.check):
            m.d.sync += [
                data.eq(given),
                syndrome.eq(recomputed ^ stored[: code.hamming_bits]),
                odd.eq(self.word.xor()),
            ]

        # A syndrome that names no position of the code can only come from three or more flipped bits.
        beyond = syndrome > code.positions[-1]
        with m.If(self.correct):
            m.d.sync += [
                self.data.eq(data),
                self.corrected.eq(odd & ~beyond),
                self.uncorrectable.eq((~odd & (syndrome != 0)) | (odd & beyond)),
            ]
            with m.If(odd):
                m.d.sync += self.data.eq(data ^ Cat(syndrome == position for position in code.positions))
        return m
