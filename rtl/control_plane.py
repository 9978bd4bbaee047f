"""Control plane: everything digital of a core, with the analog array left outside."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.base.errors import OsccError
from oscc.core.latencies import FETCH_CYCLES, FETCH_LATENCY
from oscc.core.registers import CORE_ID, ERROR_CAUSES, IRQ_CAUSES, map_version_of, registers_of
from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.host.axi_lite import AXI_LITE_MEMBERS, AxiLiteFrontEnd
from oscc.rtl.host.register_arbiter import RegisterArbiter
from oscc.rtl.host.register_block import RegisterBlock
from oscc.rtl.host.register_bus import connect_register_bus
from oscc.rtl.host.spi_slave import SPI_MEMBERS, SpiSlave
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.readout.readout import Readout
from oscc.rtl.schedule.schedule_memory import ScheduleMemory
from oscc.rtl.schedule.sequencer import Sequencer
from oscc.rtl.schedule.watchdog import Watchdog
from oscc.rtl.signals.drive_port import drive_port_signature
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.port import connect, port_of
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.signals.shadow_port import shadow_port_signature
from oscc.rtl.signals.synchronizer import Synchronizer
from oscc.rtl.signals.tap_port import tap_port_signature
from oscc.rtl.weights.fault_collector import collector_latency
from oscc.rtl.weights.program_ingress import ProgramIngress
from oscc.rtl.weights.weight_store import WeightStore


def host_members(core: CoreSpec) -> dict[str, wiring.Member]:
    """Return the host's side of a core: registers, program and image stream, interrupt; perhaps SPI and memory pins."""
    return {
        **{f"s_axil_{name}": member for name, member in AXI_LITE_MEMBERS.items()},
        **({f"spi_{name}": member for name, member in SPI_MEMBERS.items()} if core.spi else {}),
        "s_axis_tdata": In(core.stream_width),
        "s_axis_tvalid": In(1),
        "s_axis_tlast": In(1),
        "s_axis_tready": Out(1),
        "m_axis_tdata": Out(core.stream_width),
        "m_axis_tkeep": Out(core.codes_per_beat),
        "m_axis_tvalid": Out(1),
        "m_axis_tlast": Out(1),
        "m_axis_tuser": Out(1),
        "m_axis_tready": In(1),
        "irq": Out(1),
        **{f"sram_{name}": member for name, member in memory_pin_members(core).items()},
    }


def register_constants(core: CoreSpec) -> dict[tuple[str, str], int]:
    """Return the content of the constant registers of a core."""
    frame_rows, frame_cols = core.frame_shape
    return {
        ("ID", "value"): CORE_ID,
        ("VERSION", "value"): map_version_of(core),
        ("GRID", "rows"): core.rows,
        ("GRID", "cols"): core.cols,
        ("WORD", "bits"): core.word_bits,
        ("WORD", "slots"): core.slots,
        ("WORD", "chunks"): core.chunks,
        ("FRAME", "rows"): frame_rows,
        ("FRAME", "cols"): frame_cols,
        ("SPEC_HASH", "value"): int(core.hash[:8], 16),
        ("PROGRAM_BEATS", "value"): core.program_beats,
        **({("INPUTS", "capacity"): core.inputs} if core.driven else {}),
    }


def check_fault_latency(core: CoreSpec) -> None:
    """Check that what is found in a row ends the schedule before a sample can be latched that the row is part of.

    Between the commit that a load allows in the cycle of its last row and a sample lies a run, and with it the fetch of
    two instructions: the sample, and what follows it.

    Raises
    ------
    AssertionError
        When a change of latencies has broken this.
    """
    if collector_latency(core) >= FETCH_LATENCY + 2 * FETCH_CYCLES:
        raise AssertionError("a sample may be latched before its faults are known")


def check_plain(core: CoreSpec) -> None:
    """Check that a core has no inputs.

    Raises
    ------
    OsccError
        ``rtl.inputs`` when it has.
    """
    if core.driven:
        raise OsccError(
            "rtl.inputs",
            f"{core.name} has room for {core.inputs} inputs; its control plane cannot be made, only one without inputs",
            where="inputs",
            hint="use a core without the key, or with inputs: 0",
        )


@dataclass(frozen=True)
class _Parts:
    """What takes commands and tells how it fares."""

    registers: RegisterBlock
    ingress: ProgramIngress
    store: WeightStore
    sequencer: Sequencer


@dataclass(frozen=True)
class _Refused:
    """Whether a command is refused in this cycle.

    Parameters
    ----------
    unprogrammed : Value
        It needs a program.
    busy : Value
        Something else is under way.
    """

    unprogrammed: Value
    busy: Value


class ControlPlane(wiring.Component):
    """The digital part of a core.

    Latency and throughput are those of its parts: a program loads in ``program_beats`` cycles, a chunk in
    ``load_cycles``, a frame is read out in ``readout_cycles``; in steady state a sample takes its ``init`` and
    ``run`` cycles and none more.

    Parameters
    ----------
    core : CoreSpec
        Without inputs.

    Members
    -------
    s_axil_*, s_axis_*, m_axis_*, irq
        See `host_members`.
    sram_*
        With ``memory_pins``: as in `memory_pin_members`. The chain leads through the weight memory, the schedule
        memory, the loop counters and the frame FIFO.
    array : Out(array_signature(core))

    Attributes
    ----------
    store : WeightStore
        For benches that spoil what it holds.

    Raises
    ------
    OsccError
        As `check_plain`.
    """

    def __new__(cls, core: CoreSpec) -> ControlPlane:  # noqa: D102
        # Before there is a component: Amaranth warns of one that nobody elaborates, also of one that was refused.
        check_plain(core)
        component: ControlPlane = super().__new__(cls, core)
        return component

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        check_fault_latency(core)
        super().__init__({**host_members(core), "array": Out(array_signature(core))})
        self.store = WeightStore(core)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        m.submodules.axi_lite = axi_lite = AxiLiteFrontEnd()
        m.submodules.registers = registers = RegisterBlock(register_constants(core), registers_of(core))
        m.submodules.ingress = ingress = ProgramIngress(core)
        m.submodules.store = store = self.store
        m.submodules.sequencer = sequencer = Sequencer(core)
        m.submodules.readout = readout = Readout(core)
        m.submodules.schedule = schedule = ScheduleMemory()
        pins = wiring.Signature(memory_pin_members(core))
        chain_pins(m, port_of(self, pins, "sram_"), (store, schedule, sequencer, readout))
        self._connect_host(m, axi_lite, registers, schedule.clearing)
        self._connect_streams(m, ingress, readout)
        self._connect_schedule(m, schedule, registers, sequencer)
        self._connect_store(m, store, ingress, sequencer)
        self._connect_array(m, registers, sequencer, readout)
        late = self._connect_faults(m, registers, sequencer, readout, store)
        parts = _Parts(registers, ingress, store, sequencer)
        refused = self._connect_commands(m, parts)
        error = self._connect_errors(m, parts, refused, late)
        self._connect_interrupts(m, parts, error)
        self._connect_counters(m, parts)
        return m

    def _connect_streams(self, m: Module, ingress: ProgramIngress, readout: Readout) -> None:
        """Lead the streams to the border, where they have AXI's names."""
        program, images = program_stream_signature(self._core), image_stream_signature(self._core)
        connect(m, port_of(self, program, "s_axis_t"), ingress.stream)
        connect(m, readout.stream, port_of(self, images.flip(), "m_axis_t"))

    def _connect_array(self, m: Module, registers: RegisterBlock, sequencer: Sequencer, readout: Readout) -> None:
        """Lead sequencer and read-out to the array."""
        # The host may write SEED while an init is under way; the array must not see that.
        seed = Signal(32)
        with m.If(sequencer.start):
            m.d.sync += seed.eq(registers.seed)
        m.submodules.array_ready_synchronizer = array_ready = Synchronizer()
        m.d.comb += [
            array_ready.asynchronous.eq(self.array.ready),
            sequencer.array_ready.eq(array_ready.synchronous),
            registers.status_array_ready.eq(sequencer.array_ready),
            registers.status_frame.eq(readout.pending),
        ]
        taps, drive = tap_port_signature(self._core), drive_port_signature()
        connect(m, sequencer.frames, readout.frames)
        connect(m, readout.tap, port_of(self.array, taps.flip(), "tap_"))
        connect(m, port_of(sequencer, drive), port_of(self.array, drive.flip()))
        m.d.comb += [
            self.array.noise_seed.eq(seed),
            self.array.noise_index.eq(sequencer.sample_number),
        ]

    def _connect_host(self, m: Module, axi_lite: AxiLiteFrontEnd, registers: RegisterBlock, clearing: Signal) -> None:
        """Lead the host's pins to the registers, by way of an arbiter where SPI shares them.

        AXI4-Lite waits while the schedule memory is cleared. SPI need not: its first access after a reset comes more
        than 64 cycles behind it.
        """
        axi_lite_side = wiring.Signature(AXI_LITE_MEMBERS)
        connect(m, port_of(self, axi_lite_side.flip(), "s_axil_"), port_of(axi_lite, axi_lite_side))
        if not self._core.spi:
            connect_register_bus(m, axi_lite, registers)
            m.d.comb += axi_lite.hold.eq(clearing)
            return
        m.submodules.spi = spi = SpiSlave()
        m.submodules.arbiter = arbiter = RegisterArbiter()
        spi_side = wiring.Signature(SPI_MEMBERS)
        connect(m, port_of(self, spi_side.flip(), "spi_"), port_of(spi, spi_side))
        connect_register_bus(m, spi, arbiter.spi)
        connect_register_bus(m, axi_lite, arbiter.axi)
        connect_register_bus(m, arbiter.registers, registers)
        m.d.comb += [arbiter.claim.eq(spi.claim), axi_lite.hold.eq(arbiter.hold | clearing)]

    def _connect_schedule(
        self, m: Module, schedule: ScheduleMemory, registers: RegisterBlock, sequencer: Sequencer
    ) -> None:
        """Lead the schedule memory to the host, who writes it, and to the sequencer."""
        connect(m, sequencer.fetch, schedule.fetch)
        m.d.comb += [
            schedule.write_mask.eq(Cat(registers.write_mask[8 * byte] & registers.array_write for byte in range(4))),
            schedule.write_address.eq(registers.array_address),
            schedule.write_data.eq(registers.write_data),
            schedule.host_read_enable.eq(registers.read_strobe),
            schedule.host_read_address.eq(registers.array_read_address),
            registers.array_read_data.eq(schedule.host_read_data),
            registers.locked.eq(sequencer.running),
        ]

    def _connect_store(self, m: Module, store: WeightStore, ingress: ProgramIngress, sequencer: Sequencer) -> None:
        """Lead the weight memory to the ingress, who writes it, to the sequencer and to the array."""
        connect(m, ingress.write, store.write)
        connect(m, sequencer.load, store.load)
        connect(m, store.shadow, port_of(self.array, shadow_port_signature(self._core).flip(), "load_"))

    def _connect_faults(
        self, m: Module, registers: RegisterBlock, sequencer: Sequencer, readout: Readout, store: WeightStore
    ) -> Value:
        """End a schedule from outside the sequencer; return whether the array did not answer in time."""
        m.submodules.ready_watchdog = ready_watchdog = Watchdog()
        m.submodules.tap_watchdog = tap_watchdog = Watchdog()
        m.d.comb += [
            ready_watchdog.limit.eq(registers.watchdog_limit),
            ready_watchdog.waiting.eq(sequencer.awaiting_array),
            tap_watchdog.limit.eq(registers.watchdog_limit),
            tap_watchdog.waiting.eq(readout.awaiting_taps),
            readout.cut.eq(tap_watchdog.expired),
        ]
        late = ready_watchdog.expired | tap_watchdog.expired
        m.d.comb += sequencer.fault.eq(store.uncorrectable | late)
        return late

    def _connect_commands(self, m: Module, parts: _Parts) -> _Refused:
        """Lead the commands to those who take them; return what becomes of those that cannot be taken."""
        registers, ingress, sequencer, store = parts.registers, parts.ingress, parts.sequencer, parts.store
        start, load = registers.control_start, registers.control_load
        scrub, self_test = registers.control_scrub, registers.control_self_test
        # A start together with a load or a self-test would run on banks that are being written.
        start_busy = sequencer.running | ingress.loading | load | store.self_testing | self_test
        scrub_busy = store.scrubbing | ingress.loading | load | store.self_testing | self_test
        test_busy = sequencer.running | ingress.loading | load | store.scrubbing | store.self_testing
        begin = Signal()
        m.d.comb += [
            begin.eq(load & ~sequencer.running),
            sequencer.start.eq(start & ~start_busy & ingress.programmed),
            sequencer.abort.eq(registers.control_abort),
            sequencer.length.eq(registers.schedule_length),
            sequencer.first_sample.eq(registers.first_sample),
            ingress.begin.eq(begin),
            ingress.expected_crc.eq(registers.program_crc),
            store.halt.eq(begin),
            store.clear.eq(begin),
            store.scrub.eq(scrub & ~scrub_busy & ingress.programmed),
            store.self_test.eq(self_test & ~test_busy),
            ingress.forget.eq(store.self_test),
            registers.status_programmed.eq(ingress.programmed),
            registers.status_loading.eq(ingress.loading),
            registers.status_running.eq(sequencer.running),
            registers.status_stalled.eq(sequencer.stalled),
            registers.status_scrubbing.eq(store.scrubbing),
            registers.status_self_testing.eq(store.self_testing),
        ]
        return _Refused(
            unprogrammed=((start & ~start_busy) | (scrub & ~scrub_busy)) & ~ingress.programmed,
            busy=(start & start_busy) | (load & sequencer.running) | (scrub & scrub_busy) | (self_test & test_busy),
        )

    def _connect_errors(self, m: Module, parts: _Parts, refused: _Refused, late: Value) -> Signal:
        """Set the errors; return whether any is set in this cycle."""
        registers, ingress, sequencer, store = parts.registers, parts.ingress, parts.sequencer, parts.store
        causes = {
            "unprogrammed": refused.unprogrammed,
            "program_crc": ingress.crc_error,
            "program_length": ingress.length_error,
            "illegal_instruction": sequencer.illegal,
            "schedule_overrun": sequencer.overrun,
            "uncorrectable": store.uncorrectable,
            "busy": refused.busy,
            "watchdog": late,
            "array_lost": sequencer.array_lost,
            "nothing_loaded": sequencer.nothing_loaded,
            "self_test": store.self_test_done & (store.self_test_failures != 0),
        }
        error = Signal()
        m.d.comb += error.eq(Cat(causes[cause.name] for cause in ERROR_CAUSES).any())
        for cause in ERROR_CAUSES:
            m.d.comb += getattr(registers, f"error_{cause.name}_set").eq(causes[cause.name])
        return error

    def _connect_interrupts(self, m: Module, parts: _Parts, error: Signal) -> None:
        """Set the interrupts, and raise ``irq`` while one of them is enabled."""
        registers, ingress, sequencer, store = parts.registers, parts.ingress, parts.sequencer, parts.store
        interrupts = {
            "sample": sequencer.frames.start,
            "stopped": sequencer.stopped,
            "error": error,
            "programmed": ingress.finished,
            "scrubbed": store.scrub_done | (store.cut_short & store.scrubbing),
            "self_tested": store.self_test_done | (store.cut_short & store.self_testing),
            "cut_short": store.cut_short,
        }
        raised = []
        for cause in IRQ_CAUSES:
            m.d.comb += getattr(registers, f"irq_status_{cause.name}_set").eq(interrupts[cause.name])
            status, enable = (getattr(registers, f"irq_{kind}_{cause.name}") for kind in ("status", "enable"))
            raised.append(status & enable)
        m.d.sync += self.irq.eq(Cat(raised).any())

    def _connect_counters(self, m: Module, parts: _Parts) -> None:
        """Lead counters and places to the registers in which the host reads them."""
        registers, ingress, sequencer, store = parts.registers, parts.ingress, parts.sequencer, parts.store
        m.d.comb += [
            registers.program_crc_seen.eq(ingress.crc),
            registers.samples.eq(sequencer.samples),
            registers.period.eq(sequencer.period),
            registers.stalled.eq(sequencer.stall_cycles),
            registers.error_info_instruction.eq(sequencer.bad_address),
            registers.corrected.eq(store.corrected_words),
            registers.uncorrectable.eq(store.uncorrectable_words),
            registers.scrubbed.eq(store.scrubbed_words),
            registers.fault_word_address.eq(store.fault_address),
            registers.fault_word_column.eq(store.fault_column),
            registers.self_test_failures.eq(store.self_test_failures),
            registers.self_test_word_address.eq(store.failure_address),
            registers.self_test_word_column.eq(store.failure_column),
        ]
