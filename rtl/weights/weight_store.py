"""Weight store: the weight memory with all that reads and writes it."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import READ_LATENCY, CoreSpec
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.weights.fault_collector import FaultCollector
from oscc.rtl.weights.march_test import MarchTest
from oscc.rtl.weights.row_loader import RowLoader
from oscc.rtl.weights.scrubber import Scrubber
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS, COMPARE_STAGES, READ_STAGES
from oscc.rtl.weights.weight_memory import WeightMemory

FINDINGS = (
    "uncorrectable",
    "corrected_words",
    "uncorrectable_words",
    "scrubbed_words",
    "self_test_failures",
    "fault_address",
    "fault_column",
    "failure_address",
    "failure_column",
)
"""Members that come from the `FaultCollector` as they are."""


class WeightStore(wiring.Component):
    """`WeightMemory` with `RowLoader`, `Scrubber`, `MarchTest` and `FaultCollector`.

    The loader reads first, the scrubber in the cycles that it leaves; the self-test has the memory to itself.

    Latency: with ``load_start`` in cycle t, row r is at the array in cycle t + 1 + ``loader_latency`` + r, and
    ``load_complete`` is high from cycle t + ``load_cycles`` on. What was found in a row that is at the array in cycle t
    is counted, and pulses ``uncorrectable``, in cycle t + `collector_latency`. A word that is written in cycle t is
    read by a load that starts in cycle t or later. Throughput: a row and a written word per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write_enable : In(cols)
        One bit per bank. No writes during a scrub or a self-test: ``halt`` one cycle before the first, or earlier.
    write_address : In(range(bank_depth))
    write_word : In(word_bits + check_bits)
    load_start, chunk, load_taken : In
    load_busy, load_complete : Out(1)
        As in `RowLoader`; a ``load_start`` during a self-test is ignored.
    load_row, load_strobe, load_data : Out
        To the array, from registers. While ``load_strobe`` is low, ``load_data`` may hold words that a scrub has read.
    scrub : In(1)
        Ignored during a scrub or a self-test, and with ``self_test``.
    self_test : In(1)
        Ignored during a scrub or a self-test. Waits for the end of a load; destroys what is stored, and leaves zeros.
    halt : In(1)
        End both, without a pulse.
    scrubbing, self_testing : Out(1)
    scrub_done, self_test_done : Out(1)
        High for one cycle, when all findings are counted.
    clear : In(1)
        All findings but those of the self-test to zero; these begin anew with ``self_test``.
    uncorrectable : Out(1)
        High for one cycle per row, loaded or scrubbed, in which any bank had a double error.
    corrected_words, uncorrectable_words, scrubbed_words, self_test_failures : Out(32)
    fault_address, fault_column, failure_address, failure_column : Out(16)
        As in `FaultCollector`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        address = index_shape(core.bank_depth)
        super().__init__(
            {
                "write_enable": In(core.cols),
                "write_address": In(address),
                "write_word": In(core.word_bits + core.check_bits),
                "load_start": In(1),
                "chunk": In(index_shape(core.chunks)),
                "load_taken": In(1),
                "load_busy": Out(1),
                "load_complete": Out(1),
                "load_row": Out(index_shape(core.rows)),
                "load_strobe": Out(1),
                "load_data": Out(core.row_bits),
                "scrub": In(1),
                "self_test": In(1),
                "halt": In(1),
                "scrubbing": Out(1),
                "self_testing": Out(1),
                "scrub_done": Out(1),
                "self_test_done": Out(1),
                "clear": In(1),
                "uncorrectable": Out(1),
                "corrected_words": Out(32),
                "uncorrectable_words": Out(32),
                "scrubbed_words": Out(32),
                "self_test_failures": Out(32),
                "fault_address": Out(16),
                "fault_column": Out(16),
                "failure_address": Out(16),
                "failure_column": Out(16),
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
        m.submodules.collector = collector = FaultCollector(core)
        idle = ~scrubber.busy & ~march.busy
        m.d.comb += [
            loader.start.eq(self.load_start & ~march.busy),
            loader.chunk.eq(self.chunk),
            loader.taken.eq(self.load_taken),
            self.load_busy.eq(loader.busy),
            self.load_complete.eq(loader.complete),
            self.load_row.eq(loader.row),
            self.load_strobe.eq(loader.row_valid),
            scrubber.start.eq(self.scrub & ~self.self_test & idle),
            scrubber.halt.eq(self.halt),
            scrubber.other_read.eq(loader.read),
            scrubber.other_address.eq(loader.address),
            self.scrubbing.eq(scrubber.busy),
            self.scrub_done.eq(scrubber.done),
            march.start.eq(self.self_test & idle),
            march.halt.eq(self.halt),
            march.hold.eq(loader.busy),
            self.self_testing.eq(march.busy),
            self.self_test_done.eq(march.done),
        ]
        self._connect_bus(m, loader, scrubber, march, collector)
        m.d.comb += [
            self.load_data.eq(memory.row_data),
            collector.corrected_columns.eq(memory.corrected),
            collector.uncorrectable_columns.eq(memory.uncorrectable),
            collector.mismatch_columns.eq(memory.mismatch),
            collector.clear.eq(self.clear),
            collector.clear_test.eq(march.start),
        ]
        m.d.comb += [getattr(self, name).eq(getattr(collector, name)) for name in FINDINGS]
        return m

    def _connect_bus(
        self, m: Module, loader: RowLoader, scrubber: Scrubber, march: MarchTest, collector: FaultCollector
    ) -> None:
        """Who reads and writes, and what becomes of a read on its way through the banks."""
        core, bus = self._core, self.memory.bus
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
        lanes = CHECK_COLUMNS if core.check_bits else 0
        program_word = Cat(self.write_word, *[self.write_word[core.word_bits :]] * (lanes - 1))
        m.d.comb += [
            bus.read_address.eq(address),
            bus.read_stages.eq(
                Cat(
                    *(decoded_at[stage] | raw_at[stage] for stage in (address_stage, memory_stage)),
                    *(decoded_at[stage] for stage in word_stages),
                )
            ),
            bus.compare.eq(Cat(raw_at[stage] for stage in COMPARE_STAGES)),
            bus.write_enable.eq(self.write_enable),
            bus.write_all.eq(march.write),
            bus.repair.eq(scrubber.repair),
            bus.write_word.eq(Mux(march.busy, march.word, program_word)),
            bus.write_address.eq(
                Mux(
                    march.busy,
                    march.write_address,
                    Mux(scrubber.repair, scrubber.repair_address, self.write_address),
                )
            ),
        ]

        # What was read travels beside the banks' pipeline until its findings are at hand. After `halt` the words of a
        # load that is still under way may be overwritten: what is found in them means nothing.
        outdated = Signal()
        with m.If(self.halt & loader.busy):
            m.d.sync += outdated.eq(1)
        with m.Elif(~loader.busy):
            m.d.sync += outdated.eq(0)
        given = Cat((loader.read & ~outdated) | scrubber.read, raw, address)
        found = Signal(core.loader_latency * len(given))
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
