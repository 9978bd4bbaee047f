"""Fault collector: from what each bank found to counters and the first place."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from oscc.core.latencies import BUS_FANOUT
from oscc.core.spec import CoreSpec
from oscc.rtl.signals.findings_port import findings_port_signature


def collector_latency(core: CoreSpec) -> int:
    """Return the cycles from findings to counters: a level per power of `BUS_FANOUT`, and the counters."""
    return core.bus_levels + 1


@dataclass(frozen=True)
class _Found:
    """What a level of the tree knows of a part of the columns."""

    count: Value
    first: Value
    """Number of the first column within the part; 0 when there is none."""


class FaultCollector(wiring.Component):
    """Counts flagged columns and keeps the first place, through a tree of registers of degree `BUS_FANOUT`.

    Latency: what is found in cycle t is in the counters, and pulses ``uncorrectable``, in cycle t +
    `collector_latency`, that is t + ``bus_levels`` + 1. Throughput: a row per cycle. No level adds more than
    `BUS_FANOUT` numbers.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    corrected_columns, uncorrectable_columns, mismatch_columns : In(cols)
        Findings of a row of words; what of them counts is said by the three below, in the same cycle.
    read : In(1)
        The first two are findings of a read.
    repair : In(1)
        The corrected words are being written back; only with ``read``.
    test : In(1)
        The third is a finding of the self-test.
    address : In(16)
        Of the row of words.
    clear : In(1)
        Forget what is on its way; all of the below but the findings of the self-test to zero.
    clear_test : In(1)
        The findings of the self-test to zero.
    <finding> : Out
        One member per finding, as in `findings_port_signature`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "corrected_columns": In(core.cols),
                "uncorrectable_columns": In(core.cols),
                "mismatch_columns": In(core.cols),
                "read": In(1),
                "repair": In(1),
                "test": In(1),
                "address": In(16),
                "clear": In(1),
                "clear_test": In(1),
                **findings_port_signature().members,
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        levels = self._core.bus_levels
        corrected = self._collect(m, "corrected", self.corrected_columns, levels)
        uncorrectable = self._collect(m, "uncorrectable", self.uncorrectable_columns, levels)
        mismatch = self._collect(m, "mismatch", self.mismatch_columns, levels)

        given = Cat(self.read, self.repair, self.test, self.address)
        waiting = Signal(levels * len(given))
        m.d.sync += waiting.eq(Cat(given, waiting)[: len(waiting)])
        read, repair, test = waiting[-len(given) :][:3]
        address = waiting[-16:]

        faulty = Signal()
        failed = Signal()
        m.d.sync += self.uncorrectable.eq(0)
        with m.If(read):
            m.d.sync += [
                self.uncorrectable.eq(uncorrectable.count.any()),
                self.corrected_words.eq(_saturating_sum(self.corrected_words, corrected.count)),
                self.uncorrectable_words.eq(_saturating_sum(self.uncorrectable_words, uncorrectable.count)),
            ]
            with m.If(repair):
                m.d.sync += self.scrubbed_words.eq(_saturating_sum(self.scrubbed_words, corrected.count))
            with m.If(uncorrectable.count.any() & ~faulty):
                m.d.sync += [faulty.eq(1), self.fault_address.eq(address), self.fault_column.eq(uncorrectable.first)]
        with m.If(test):
            m.d.sync += self.self_test_failures.eq(_saturating_sum(self.self_test_failures, mismatch.count))
            with m.If(mismatch.count.any() & ~failed):
                m.d.sync += [failed.eq(1), self.failure_address.eq(address), self.failure_column.eq(mismatch.first)]

        counters = (self.corrected_words, self.uncorrectable_words, self.scrubbed_words)
        with m.If(self.clear):
            m.d.sync += [waiting.eq(0), self.uncorrectable.eq(0)]
            m.d.sync += [signal.eq(0) for signal in (*counters, faulty, self.fault_address, self.fault_column)]
        with m.If(self.clear_test):
            m.d.sync += [self.self_test_failures.eq(0), failed.eq(0)]
            m.d.sync += [self.failure_address.eq(0), self.failure_column.eq(0)]
        return m

    def _collect(self, m: Module, name: str, flags: Value, levels: int) -> _Found:
        """Collect one bit per column through the tree: a register after every level."""
        parts = [_Found(flag, Const(0, 0)) for flag in flags]
        for level in range(levels):
            starts = range(0, len(parts), BUS_FANOUT)
            joined = [_join(parts[start : start + BUS_FANOUT]) for start in starts]
            # One register for all parts of a level: their values stand one after another.
            values = Cat(Cat(part.count, part.first) for part in joined)
            found = Signal(len(values), name=f"{name}_{level}")
            found_now = Signal.like(found, name=f"{name}_{level}_now")
            m.d.comb += found_now.eq(values)
            m.d.sync += found.eq(found_now)
            parts, low = [], 0
            for part in joined:
                middle, high = low + len(part.count), low + len(part.count) + len(part.first)
                parts.append(_Found(found[low:middle], found[middle:high]))
                low = high
        (whole,) = parts
        return whole


def _join(parts: list[_Found]) -> _Found:
    """Join up to `BUS_FANOUT` neighbouring parts."""
    # All parts but the last are full: the number of a part stands above the number within it.
    firsts = [Cat(part.first, Const(number, BUS_FANOUT.bit_length() - 1)) for number, part in enumerate(parts)]
    lowest: Value = Const(0, len(firsts[0]))
    for part, first in reversed(list(zip(parts, firsts, strict=True))):
        lowest = Mux(part.count.any(), first, lowest)
    return _Found(_sum([part.count for part in parts]), lowest)


def _sum(values: list[Value]) -> Value:
    """Sum by halves."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return _sum(values[:half]) + _sum(values[half:])


def _saturating_sum(counter: Signal, count: Value) -> Value:
    """Return a counter's next value: it stays at its largest one."""
    total = counter + count
    return Mux(total[len(counter)], Const(-1, len(counter)), total[: len(counter)])
