"""Scrubber: reads every weight word once, so that flipped bits are found and corrected before a second one joins."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.weights.fault_collector import collector_latency


class Scrubber(wiring.Component):
    """Walks the addresses of the banks, all banks at once, in the cycles in which nobody else reads.

    ``READ_LATENCY`` cycles after a read it lets the banks write back what they corrected. That write meets the memories
    in the same cycle as a read whose address is given one cycle before the ``repair``. Should the other reader read
    that very address then, the repair is left out, and the walk goes back to that address: no word is ever read and
    written in one cycle.

    Latency: with ``start`` in cycle t and no other reads, address a is read in cycle t + 1 + a, and ``done`` comes in
    cycle t + ``bank_depth`` + `scrub_settling`, when all findings are counted; every cycle of another's reads adds one.
    Throughput: an address per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
        Ignored while ``busy``.
    halt : In(1)
        End, without ``done``; no repair comes in the cycles after it.
    other_read, other_address : In
        What the other reader reads in this cycle; it goes first.
    read, address : Out
        What is read in this cycle.
    repair, repair_address : Out
    busy : Out(1)
        From the cycle after ``start`` to the one before ``done``.
    done : Out(1)
        High for one cycle.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        address = index_shape(core.bank_depth)
        super().__init__(
            {
                "start": In(1),
                "halt": In(1),
                "other_read": In(1),
                "other_address": In(address),
                "read": Out(1),
                "address": Out(address),
                "repair": Out(1),
                "repair_address": Out(address),
                "busy": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        walking = Signal()
        settling = Signal(range(scrub_settling(core)))
        m.d.comb += self.read.eq(walking & ~self.other_read)

        # What was read in the cycles before, the last one in the lowest bits.
        width = 1 + len(self.address)
        before = Signal((READ_LATENCY - 1) * width)
        candidate, candidate_address = before[-width], before[-width + 1 :]
        collision = Signal()
        m.d.comb += collision.eq(candidate & self.other_read & (candidate_address == self.other_address))
        m.d.sync += [
            before.eq(Cat(self.read, self.address, before)[: len(before)]),
            self.repair.eq(candidate & ~collision),
            self.repair_address.eq(candidate_address),
            self.done.eq(0),
        ]

        with m.If(self.read):
            m.d.sync += self.address.eq(self.address + 1)
            with m.If(self.address == core.bank_depth - 1):
                m.d.sync += [walking.eq(0), settling.eq(scrub_settling(core) - 1)]
        with m.If(self.busy & ~walking):
            m.d.sync += settling.eq(settling - 1)
            with m.If(settling == 1):
                m.d.sync += [self.busy.eq(0), self.done.eq(1)]
        # Collisions come in consecutive cycles, of ascending addresses: the first one is the lowest.
        back = Signal()
        with m.If(self.read):
            m.d.sync += back.eq(0)
        with m.If(collision & ~back):
            m.d.sync += [walking.eq(1), self.address.eq(candidate_address), back.eq(1)]
        with m.If(self.start & ~self.busy):
            m.d.sync += [self.busy.eq(1), walking.eq(1), self.address.eq(0), back.eq(0)]
        with m.If(self.halt):
            m.d.sync += [self.busy.eq(0), walking.eq(0), self.done.eq(0), self.repair.eq(0), before.eq(0)]
        return m


def scrub_settling(core: CoreSpec) -> int:
    """Count the cycles from the last read of a scrub until what it found is counted."""
    return core.loader_latency + collector_latency(core)
