"""SECDED: an extended Hamming code that corrects one flipped bit of a word and detects two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from operator import xor

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
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
        """Return the Hamming position of each data bit."""
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
        """Count all check bits."""
        return self.hamming_bits + 1

    @cached_property
    def word_positions(self) -> tuple[int, ...]:
        """Return the position of each bit of a protected word: data, Hamming check bits, overall parity bit at 0."""
        return (*self.positions, *(1 << bit for bit in range(self.hamming_bits)), 0)

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """Return for each Hamming check bit the data bits that it covers."""
        return tuple(
            sum(1 << index for index, position in enumerate(self.positions) if (position >> bit) & 1)
            for bit in range(self.hamming_bits)
        )

    def check_of(self, data: Value) -> Value:
        """Check bits of a data word, as combinational logic."""
        hamming = Cat((data & mask).xor() for mask in self.masks)
        # The parity of data and check bits, straight from the data: a bit counts where an even number of checks cover
        # it.
        overall = sum(1 << index for index, position in enumerate(self.positions) if position.bit_count() % 2 == 0)
        return Cat(hamming, (data & overall).xor())


class SecdedEncoder(wiring.Component):
    """Appends the check bits to a word. Latency: none (combinational). Throughput: a word per cycle.

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

    The bits of a word are seen as a matrix: the position of a bit in the code is (row, column), the overall parity bit
    stands at position 0. The first stage takes the parity of each row and of each column, from 16 bits each in a word
    of up to 247 data bits (2 levels of 4-input tables behind a slow memory); the second one makes the syndrome of them
    (2 levels), decodes it by row and column (1) and corrects the bit where they meet (1).

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
    checks : Out(check_bits)
        The corrected check bits, overall parity last: ``data`` and ``checks`` together are a word of the code again.
    corrected : Out(1)
        One bit of the word, data or check, was flipped.
    uncorrectable : Out(1)
        Two bits were flipped, or more than two in a way that shows; ``data`` and ``checks`` are not to be used.
    """

    def __init__(self, data_bits: int) -> None:
        self._code = SecdedCode(data_bits)
        super().__init__(
            {
                "check": In(1),
                "correct": In(1),
                "word": In(data_bits + self._code.check_bits),
                "data": Out(data_bits),
                "checks": Out(self._code.check_bits),
                "corrected": Out(1),
                "uncorrectable": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        code = self._code
        low_bits = (code.hamming_bits + 1) // 2
        columns = 1 << low_bits
        rows = 1 << (code.hamming_bits - low_bits)

        # Words are not reset: who counts the cycles knows what they are, and a reset would take a wire to each bit.
        matrix = Signal(rows * columns)
        checked_word = Signal(len(self.word), reset_less=True)
        column_parities = Signal(columns, reset_less=True)
        row_parities = Signal(rows, reset_less=True)
        m.d.comb += matrix.eq(self._by_position(self.word, len(matrix)))
        row_words = [matrix[row * columns : (row + 1) * columns] for row in range(rows)]
        with m.If(self.check):
            m.d.sync += [
                checked_word.eq(self.word),
                column_parities.eq(reduce(xor, row_words)),
                row_parities.eq(Cat(word.xor() for word in row_words)),
            ]

        # Bit i of the syndrome is the parity of the positions with bit i: of half of the columns, or half of the rows.
        column = Signal(low_bits)
        row = Signal(code.hamming_bits - low_bits)
        odd = Signal()
        m.d.comb += [
            column.eq(Cat((column_parities & _with_bit(bit, columns)).xor() for bit in range(low_bits))),
            row.eq(Cat((row_parities & _with_bit(bit, rows)).xor() for bit in range(len(row)))),
            odd.eq(row_parities.xor()),
        ]

        # A syndrome that names no position of the code can only come from three or more flipped bits. A table, not a
        # comparison: that would take a chain of carries.
        unused = Signal(1 << code.hamming_bits)
        beyond = Signal()
        beyond_mask = sum(1 << position for position in range(code.positions[-1] + 1, len(unused)))
        m.d.comb += [unused.eq(beyond_mask), beyond.eq(unused.bit_select(Cat(column, row), 1))]
        # Rows are selected only in words with one flipped bit, so that a bit needs two wires beside its own, not three.
        column_is = Signal(columns)
        row_is = Signal(rows)
        flipped = Signal(rows * columns)
        flips = Signal(len(self.word))
        m.d.comb += [
            column_is.eq(Cat(column == number for number in range(columns))),
            row_is.eq(Cat(odd & (row == number) for number in range(rows))),
            flipped.eq(Cat(Mux(row_is[number], column_is, 0) for number in range(rows))),
            flips.eq(self._by_index(flipped)),
        ]
        corrected_word = Signal(len(self.word), reset_less=True)
        m.d.comb += Cat(self.data, self.checks).eq(corrected_word)
        with m.If(self.correct):
            m.d.sync += [
                corrected_word.eq(checked_word ^ flips),
                self.corrected.eq(odd & ~beyond),
                self.uncorrectable.eq(Mux(odd, beyond, Cat(column, row) != 0)),
            ]
        return m

    def _by_position(self, word: Value, count: int) -> Value:
        """Return the bits of a word in the order of their positions, of which there are ``count``; 0 where none is."""
        index_at = {position: index for index, position in enumerate(self._code.word_positions)}
        return _gathered(word, [index_at.get(position) for position in range(count)])

    def _by_index(self, matrix: Value) -> Value:
        """Return the bits of a matrix of positions in the order in which they stand in a word."""
        return _gathered(matrix, list(self._code.word_positions))


def _gathered(value: Value, places: Sequence[int | None]) -> Value:
    """Return chosen bits of a value side by side, neighbours as one part; 0 for None."""
    ends = [
        number
        for number, (before, after) in enumerate(pairwise(places), 1)
        if (before is None) != (after is None) or (before is not None and after != before + 1)
    ]
    parts: list[Value] = []
    for start, stop in pairwise([0, *ends, len(places)]):
        first = places[start]
        parts.append(Const(0, stop - start) if first is None else value[first : first + stop - start])
    return Cat(parts)


def _with_bit(bit: int, count: int) -> int:
    """Return the numbers below ``count`` that have a bit set, as a mask."""
    return sum(1 << number for number in range(count) if (number >> bit) & 1)
