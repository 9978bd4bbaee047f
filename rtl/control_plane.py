"""Control plane: everything digital of a core, with the analog array left outside."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from oscc.compiler.instructions import SCHEDULE_DEPTH
from oscc.compiler.registers import CORE_ID, ERROR_CAUSES, IRQ_CAUSES, MAP_VERSION
from oscc.compiler.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.axi_lite import AXI_LITE_MEMBERS, AxiLiteFrontEnd
from oscc.rtl.program_ingress import ProgramIngress
from oscc.rtl.readout import Readout
from oscc.rtl.register_block import RegisterBlock
from oscc.rtl.row_loader import RowLoader
from oscc.rtl.sequencer import Sequencer
from oscc.rtl.weight_memory import WeightMemory


def host_members(core: CoreSpec) -> dict[str, wiring.Member]:
    """The host's side of a core: AXI4-Lite registers, program stream in, image stream out, interrupt."""
    return {
        **{f"s_axil_{name}": member for name, member in AXI_LITE_MEMBERS.items()},
        "s_axis_tdata": In(core.stream_width),
        "s_axis_tvalid": In(1),
        "s_axis_tlast": In(1),
        "s_axis_tready": Out(1),
        "m_axis_tdata": Out(core.stream_width),
        "m_axis_tkeep": Out(core.codes_per_beat),
        "m_axis_tvalid": Out(1),
        "m_axis_tlast": Out(1),
        "m_axis_tready": In(1),
        "irq": Out(1),
    }


def register_constants(core: CoreSpec) -> dict[tuple[str, str], int]:
    """Content of the constant registers of a core."""
    frame_rows, frame_cols = core.frame_shape
    return {
        ("ID", "value"): CORE_ID,
        ("VERSION", "value"): MAP_VERSION,
        ("GRID", "rows"): core.rows,
        ("GRID", "cols"): core.cols,
        ("WORD", "bits"): core.word_bits,
        ("WORD", "slots"): core.slots,
        ("WORD", "chunks"): core.chunks,
        ("FRAME", "rows"): frame_rows,
        ("FRAME", "cols"): frame_cols,
        ("SPEC_HASH", "value"): int(core.hash[:8], 16),
        ("PROGRAM_BEATS", "value"): core.program_beats,
    }


class ControlPlane(wiring.Component):
    """The digital part of a core.

    Latency and throughput are those of its parts: a program loads in ``program_beats`` cycles, a chunk in
    ``load_cycles``, a frame is read out in ``readout_cycles``; in steady state a sample takes its ``init`` and
    ``run`` cycles and none more.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    s_axil_*, s_axis_*, m_axis_*, irq
        See `host_members`.
    array : Out(array_signature(core))
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({**host_members(core), "array": Out(array_signature(core))})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        m.submodules.axi_lite = axi_lite = AxiLiteFrontEnd()
        m.submodules.registers = registers = RegisterBlock(register_constants(core))
        m.submodules.ingress = ingress = ProgramIngress(core)
        m.submodules.sequencer = sequencer = Sequencer(core)
        m.submodules.readout = readout = Readout(core)
        m.submodules.schedule = schedule = Memory(shape=32, depth=SCHEDULE_DEPTH, init=[])
        self._connect_host(m, axi_lite, registers)
        self._connect_schedule(m, schedule, registers, sequencer)
        correction = self._connect_loading(m, ingress, sequencer)
        self._connect_registers(m, registers, ingress, sequencer, readout, correction)

        # Program stream and image stream.
        m.d.comb += [
            ingress.stream_valid.eq(self.s_axis_tvalid),
            ingress.stream_data.eq(self.s_axis_tdata),
            ingress.stream_last.eq(self.s_axis_tlast),
            self.s_axis_tready.eq(ingress.stream_ready),
            self.m_axis_tvalid.eq(readout.stream_valid),
            self.m_axis_tdata.eq(readout.stream_data),
            self.m_axis_tkeep.eq(readout.stream_keep),
            self.m_axis_tlast.eq(readout.stream_last),
            readout.stream_ready.eq(self.m_axis_tready),
        ]

        # The host may write SEED while an init is under way; the array must not see that.
        seed = Signal(32)
        with m.If(sequencer.start):
            m.d.sync += seed.eq(registers.seed)

        # Sequencer, read-out and array.
        m.d.comb += [
            readout.start.eq(sequencer.readout_start),
            sequencer.readout_busy.eq(readout.busy),
            sequencer.readout_room.eq(readout.room),
            readout.tap_data.eq(self.array.tap_data),
            self.array.tap_row.eq(readout.tap_row),
            self.array.init.eq(sequencer.init),
            self.array.run.eq(sequencer.run),
            self.array.sample.eq(sequencer.sample),
            self.array.commit.eq(sequencer.commit),
            self.array.noise_seed.eq(seed),
            self.array.noise_index.eq(sequencer.sample_number),
        ]
        return m

    def _connect_host(self, m: Module, axi_lite: AxiLiteFrontEnd, registers: RegisterBlock) -> None:
        for name, member in AXI_LITE_MEMBERS.items():
            outside, inside = getattr(self, f"s_axil_{name}"), getattr(axi_lite, name)
            m.d.comb += inside.eq(outside) if member.flow == wiring.In else outside.eq(inside)
        for name in ("write_strobe", "write_address", "write_data", "write_mask", "read_strobe", "read_address"):
            m.d.comb += getattr(registers, name).eq(getattr(axi_lite, name))
        for name in ("write_response", "read_data", "read_response"):
            m.d.comb += getattr(axi_lite, name).eq(getattr(registers, name))

    def _connect_schedule(self, m: Module, schedule: Memory, registers: RegisterBlock, sequencer: Sequencer) -> None:
        write = schedule.write_port(granularity=8)
        host_read, fetch = schedule.read_port(), schedule.read_port()
        m.d.comb += [
            write.addr.eq(registers.array_address),
            write.data.eq(registers.write_data),
            write.en.eq(Cat(registers.write_mask[8 * byte] & registers.array_write for byte in range(4))),
            host_read.addr.eq(registers.array_read_address),
            host_read.en.eq(registers.read_strobe),
            registers.array_read_data.eq(host_read.data),
            registers.locked.eq(sequencer.running),
            fetch.addr.eq(sequencer.fetch_address),
            fetch.en.eq(1),
            sequencer.fetch_word.eq(fetch.data),
        ]

    def _connect_loading(self, m: Module, ingress: ProgramIngress, sequencer: Sequencer) -> tuple[Signal, Signal]:
        """Banks, loader and row bus; returns, per bank, what its decoder found in the row on the bus."""
        m.submodules.loader = loader = RowLoader(self._core)
        m.submodules.memory = memory = WeightMemory(self._core)
        corrected, uncorrectable = Signal(self._core.cols), Signal(self._core.cols)
        m.d.comb += [
            memory.write_enable.eq(ingress.write_enable),
            memory.write_address.eq(ingress.write_address),
            memory.write_word.eq(ingress.write_word),
            memory.read_address.eq(loader.bank_address),
            memory.read_stages.eq(loader.bank_stages),
            loader.start.eq(sequencer.load_start),
            loader.chunk.eq(sequencer.chunk),
            loader.taken.eq(sequencer.load_taken),
            sequencer.load_busy.eq(loader.busy),
            sequencer.load_complete.eq(loader.complete),
            self.array.load_row.eq(loader.row),
            self.array.load_strobe.eq(loader.row_valid),
            self.array.load_data.eq(memory.row_data),
            corrected.eq(memory.corrected & loader.row_valid.replicate(self._core.cols)),
            uncorrectable.eq(memory.uncorrectable & loader.row_valid.replicate(self._core.cols)),
        ]
        return corrected, uncorrectable

    def _connect_registers(
        self,
        m: Module,
        registers: RegisterBlock,
        ingress: ProgramIngress,
        sequencer: Sequencer,
        readout: Readout,
        correction: tuple[Signal, Signal],
    ) -> None:
        corrected, uncorrectable = correction
        # A start together with a load would run on banks that are being written.
        busy = sequencer.running | ingress.loading | registers.control_load
        start = registers.control_start
        m.d.comb += [
            sequencer.start.eq(start & ~busy & ingress.programmed),
            sequencer.abort.eq(registers.control_abort),
            sequencer.fault.eq(uncorrectable.any()),
            sequencer.length.eq(registers.schedule_length),
            sequencer.first_sample.eq(registers.first_sample),
            ingress.begin.eq(registers.control_load & ~sequencer.running),
            ingress.expected_crc.eq(registers.program_crc),
            registers.status_programmed.eq(ingress.programmed),
            registers.status_loading.eq(ingress.loading),
            registers.status_running.eq(sequencer.running),
            registers.status_frame.eq(readout.pending),
            registers.status_stalled.eq(sequencer.stalled),
            registers.program_crc_seen.eq(ingress.crc),
            registers.samples.eq(sequencer.samples),
            registers.period.eq(sequencer.period),
            registers.stalled.eq(sequencer.stall_cycles),
            registers.error_info_instruction.eq(sequencer.bad_address),
        ]

        causes = {
            "unprogrammed": start & ~busy & ~ingress.programmed,
            "program_crc": ingress.crc_error,
            "program_length": ingress.length_error,
            "illegal_instruction": sequencer.illegal,
            "schedule_overrun": sequencer.overrun,
            "uncorrectable": uncorrectable.any(),
            "busy": (start & busy) | (registers.control_load & sequencer.running),
        }
        error = Signal()
        m.d.comb += error.eq(Cat(causes[cause.name] for cause in ERROR_CAUSES).any())
        for cause in ERROR_CAUSES:
            m.d.comb += getattr(registers, f"error_{cause.name}_set").eq(causes[cause.name])
        interrupts = {
            "sample": sequencer.readout_start,
            "stopped": sequencer.stopped,
            "error": error,
            "programmed": ingress.finished,
        }
        raised = []
        for cause in IRQ_CAUSES:
            m.d.comb += getattr(registers, f"irq_status_{cause.name}_set").eq(interrupts[cause.name])
            status, enable = (getattr(registers, f"irq_{kind}_{cause.name}") for kind in ("status", "enable"))
            raised.append(status & enable)
        m.d.sync += self.irq.eq(Cat(raised).any())

        # Counted per row that holds any; a row with flips in several columns counts once per column.
        def count(flags: Signal, counter: Signal) -> None:
            m.d.sync += counter.eq(counter + sum(flags))
            with m.If(ingress.begin):
                m.d.sync += counter.eq(0)

        corrected_words, uncorrectable_words = Signal(32), Signal(32)
        column = Signal(16)
        count(corrected, corrected_words)
        count(uncorrectable, uncorrectable_words)
        for index in reversed(range(self._core.cols)):
            with m.If(uncorrectable[index]):
                m.d.sync += column.eq(index)
        m.d.comb += [
            registers.corrected.eq(corrected_words),
            registers.uncorrectable.eq(uncorrectable_words),
            registers.error_info_column.eq(column),
        ]
