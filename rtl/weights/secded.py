"""SECDED: an extended Hamming code that corrects one flipped bit of a word and detects two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import xor

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
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
        matrix = [self._row(range(row * columns, (row + 1) * columns)) for row in range(rows)]

        # Words are not reset: who counts the cycles knows what they are, and a reset would take a wire to each bit.
        first = Signal(StructLayout({"word": len(self.word), "of_columns": columns, "of_rows": rows}), reset_less=True)
        corrected_word = Signal(len(self.word), reset_less=True)
        m.d.comb += Cat(self.data, self.checks).eq(corrected_word)
        with m.If(self.check):
            m.d.sync += first.eq(Cat(self.word, reduce(xor, matrix), *(row.xor() for row in matrix)))

        # Bit i of the syndrome is the parity of the positions with bit i: of half of the columns, or half of the rows.
        syndrome = Signal(code.hamming_bits)
        odd = Signal()
        m.d.comb += [
            syndrome.eq(
                Cat(
                    (parities & _with_bit(bit, len(parities))).xor()
                    for parities in (first.of_columns, first.of_rows)
                    for bit in range((len(parities) - 1).bit_length())
                )
            ),
            odd.eq(first.of_rows.xor()),
        ]

        # A syndrome that names no position of the code can only come from three or more flipped bits. A table, not a
        # comparison: that would take a chain of carries.
        unused = sum(1 << position for position in range(code.positions[-1] + 1, 1 << code.hamming_bits))
        beyond = Const(unused, 1 << code.hamming_bits).bit_select(syndrome, 1)
        # Rows are selected only in words with one flipped bit, so that a bit needs two wires beside its own, not three.
        column_is = Cat(syndrome[:low_bits] == column for column in range(columns))
        row_is = Cat(odd & (syndrome[low_bits:] == row) for row in range(rows))
        flips = Cat(column_is[position % columns] & row_is[position // columns] for position in code.word_positions)
        with m.If(self.correct):
            m.d.sync += corrected_word.eq(first.word ^ flips)
            m.d.sync += [self.corrected.eq(odd & ~beyond), self.uncorrectable.eq(Mux(odd, beyond, syndrome != 0))]
        return m

    def _row(self, positions: range) -> Value:
        """Return the bits of the given word at the given positions; 0 where the code has none."""
        index_at = {position: index for index, position in enumerate(self._code.word_positions)}
        parts: list[Value] = []
        run = range(0)
        for position in positions:
            index = index_at.get(position)
            if index is not None and run and index == run.stop:
                run = range(run.start, index + 1)
                parts[-1] = self.word[run.start : run.stop]
                continue
            run = range(0) if index is None else range(index, index + 1)
            parts.append(Const(0, 1) if index is None else self.word[index])
        return Cat(parts)


def _with_bit(bit: int, count: int) -> int:
    """Return the numbers below ``count`` that have a bit set, as a mask."""
    return sum(1 << number for number in range(count) if (number >> bit) & 1)
