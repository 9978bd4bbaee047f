"""Weight store: the weight memory with all that reads and writes it."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.signals.findings_port import findings_port_signature
from oscc.rtl.signals.load_port import load_port_signature
from oscc.rtl.signals.port import connect, port_of
from oscc.rtl.signals.shadow_port import shadow_port_signature
from oscc.rtl.signals.word_port import word_port_signature
from oscc.rtl.weights.fault_collector import FaultCollector
from oscc.rtl.weights.march_test import MarchTest
from oscc.rtl.weights.row_loader import RowLoader
from oscc.rtl.weights.scrubber import Scrubber
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS, COMPARE_STAGES, READ_STAGES
from oscc.rtl.weights.weight_memory import WeightMemory


@dataclass(frozen=True)
class _Parts:
    """What reads and writes the memory, and what counts its findings."""

    loader: RowLoader
    scrubber: Scrubber
    march: MarchTest
    collector: FaultCollector


@dataclass(frozen=True)
class _Reads:
    """What is read in this cycle.

    Parameters
    ----------
    address : Signal
    raw : Signal
        By the self-test, which compares the word as it is.
    """

    address: Signal
    raw: Signal


class WeightStore(wiring.Component):
    """`WeightMemory` with `RowLoader`, `Scrubber`, `MarchTest` and `FaultCollector`.

    The loader reads first, the scrubber in the cycles that it leaves; the self-test has the memory to itself.

    Latency: with ``load.start`` in cycle t, row r is at the array in cycle t + 1 + ``loader_latency`` + r, and
    ``load.complete`` is high from cycle t + ``load_cycles`` on. What was found in a row that is at the array in cycle t
    is counted, and pulses ``uncorrectable``, in cycle t + `collector_latency`. A word that is written in cycle t is
    read by a load that starts in cycle t or later. Throughput: a row and a written word per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write : In(word_port_signature(core))
        No writes during a scrub or a self-test: ``halt`` one cycle before the first, or earlier.
    load : In(load_port_signature(core))
        A ``start`` during a self-test is ignored.
    shadow : Out(shadow_port_signature(core))
        To the array, from registers. While ``strobe`` is low, ``data`` may hold words that a scrub has read.
    scrub : In(1)
        Ignored during a scrub or a self-test, and with ``self_test``.
    self_test : In(1)
        Ignored during a scrub or a self-test. Waits for the end of a load; destroys what is stored, and leaves zeros.
    halt : In(1)
        End both, without ``scrub_done`` and ``self_test_done``.
    cut_short : Out(1)
        ``halt`` ends a scrub or a self-test in this cycle.
    scrubbing, self_testing : Out(1)
    scrub_done, self_test_done : Out(1)
        High for one cycle, when all findings are counted.
    clear : In(1)
        All findings but those of the self-test to zero; these begin anew with ``self_test``.
    <finding> : Out
        One member per finding, as in `findings_port_signature`; rows are those loaded or scrubbed.
    <pin>
        As in `memory_pin_members`, in the order of the columns.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "write": In(word_port_signature(core)),
                "load": In(load_port_signature(core)),
                "shadow": Out(shadow_port_signature(core)),
                "scrub": In(1),
                "self_test": In(1),
                "halt": In(1),
                "scrubbing": Out(1),
                "self_testing": Out(1),
                "scrub_done": Out(1),
                "self_test_done": Out(1),
                "cut_short": Out(1),
                "clear": In(1),
                **findings_port_signature().members,
                **memory_pin_members(core),
            }
        )
        self.memory = WeightMemory(core)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        memory = self.memory
        m.submodules.loader = loader = RowLoader(core)
        m.submodules.scrubber = scrubber = Scrubber(core)
        m.submodules.march = march = MarchTest(core)
        m.submodules.memory = memory
        chain_pins(m, self, (memory,))
        m.submodules.collector = collector = FaultCollector(core)
        idle = ~scrubber.busy & ~march.busy
        m.d.comb += [
            loader.load.start.eq(self.load.start & ~march.busy),
            loader.load.chunk.eq(self.load.chunk),
            loader.load.taken.eq(self.load.taken),
            self.load.busy.eq(loader.load.busy),
            self.load.complete.eq(loader.load.complete),
            self.shadow.row.eq(loader.row),
            self.shadow.strobe.eq(loader.row_valid),
            scrubber.start.eq(self.scrub & ~self.self_test & idle),
            scrubber.halt.eq(self.halt),
            scrubber.other_read.eq(loader.read),
            scrubber.other_address.eq(loader.address),
            self.scrubbing.eq(scrubber.busy),
            self.scrub_done.eq(scrubber.done),
            march.start.eq(self.self_test & idle),
            march.halt.eq(self.halt),
            march.hold.eq(loader.load.busy),
            self.self_testing.eq(march.busy),
            self.self_test_done.eq(march.done),
            self.cut_short.eq(self.halt & ~idle),
        ]
        parts = _Parts(loader, scrubber, march, collector)
        reads = self._connect_reads(m, parts)
        self._connect_writes(m, parts)
        self._connect_collector(m, parts, reads)
        m.d.comb += [
            self.shadow.data.eq(memory.row_data),
            collector.corrected_columns.eq(memory.corrected),
            collector.uncorrectable_columns.eq(memory.uncorrectable),
            collector.mismatch_columns.eq(memory.mismatch),
            collector.clear.eq(self.clear),
            collector.clear_test.eq(march.start),
        ]
        found = findings_port_signature()
        connect(m, port_of(collector, found), port_of(self, found.flip()))
        return m

    def _connect_reads(self, m: Module, parts: _Parts) -> _Reads:
        """Lead to the bus who reads, and enable the stages of each read in their cycles."""
        loader, scrubber, march, bus = parts.loader, parts.scrubber, parts.march, self.memory.bus
        decoded = Signal()
        raw = Signal()
        address = Signal.like(bus.read_address)
        m.d.comb += [
            decoded.eq(loader.read | scrubber.read),
            raw.eq(march.read),
            address.eq(Mux(loader.read, loader.address, Mux(march.busy, march.read_address, scrubber.address))),
        ]
        decoded_before = Signal(READ_LATENCY - 1)
        raw_before = Signal(READ_LATENCY - 1)
        # Bit i is i cycles old.
        decoded_at, raw_at = Cat(decoded, decoded_before), Cat(raw, raw_before)
        m.d.sync += [decoded_before.eq(decoded_at[:-1]), raw_before.eq(raw_at[:-1])]
        address_stage, memory_stage, *word_stages = READ_STAGES
        m.d.comb += [
            bus.read_address.eq(address),
            bus.read_stages.eq(
                Cat(
                    *(decoded_at[stage] | raw_at[stage] for stage in (address_stage, memory_stage)),
                    *(decoded_at[stage] for stage in word_stages),
                )
            ),
            bus.compare.eq(Cat(raw_at[stage] for stage in COMPARE_STAGES)),
        ]
        return _Reads(address, raw)

    def _connect_writes(self, m: Module, parts: _Parts) -> None:
        """Lead to the bus who writes: the program, a repair or the self-test."""
        core, scrubber, march, bus = self._core, parts.scrubber, parts.march, self.memory.bus
        lanes = CHECK_COLUMNS if core.check_bits else 0
        program_word = Cat(self.write.word, *[self.write.word[core.word_bits :]] * (lanes - 1))
        m.d.comb += [
            bus.write_enable.eq(self.write.enable),
            bus.write_all.eq(march.write),
            bus.repair.eq(scrubber.repair),
            bus.write_word.eq(Mux(march.busy, march.word, program_word)),
            bus.write_address.eq(
                Mux(
                    march.busy,
                    march.write_address,
                    Mux(scrubber.repair, scrubber.repair_address, self.write.address),
                )
            ),
        ]

    def _connect_collector(self, m: Module, parts: _Parts, reads: _Reads) -> None:
        """Let what was read travel beside the banks' pipeline until its findings are at hand."""
        core, loader, scrubber, collector = self._core, parts.loader, parts.scrubber, parts.collector
        # After `halt` the words of a load that is still under way may be overwritten: what is found in them means
        # nothing.
        outdated = Signal()
        with m.If(self.halt & loader.load.busy):
            m.d.sync += outdated.eq(1)
        with m.Elif(~loader.load.busy):
            m.d.sync += outdated.eq(0)
        given = Cat((loader.read & ~outdated) | scrubber.read, reads.raw, reads.address)
        found = Signal(core.bank_latency * len(given))
        m.d.sync += found.eq(Cat(given, found)[: len(found)])
        with m.If(self.halt):
            m.d.sync += found.eq(0)
        # A repair is on the bus `READ_LATENCY` cycles after its read; what was found comes bus_levels cycles later.
        repaired = Signal(core.bus_levels)
        m.d.sync += repaired.eq(Cat(scrubber.repair, repaired)[: len(repaired)])
        m.d.comb += [
            Cat(collector.read, collector.test, collector.address).eq(found[-len(given) :]),
            collector.repair.eq(repaired[-1]),
        ]
