"""Program ingress: from the program stream to writes into the weight banks, with the CRC checked on the way.

On a driven core the sections follow the banks, all under the one CRC. It has these members besides (the docstring of
the component goes into the Verilog of plain cores, too):

section_begin, section_beat, section_data, section_ends
    To and from `oscc.rtl.inputs.section_ingress.SectionIngress`: its ``begin``, ``beat``, ``data`` and ``ends``.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.signals.word_port import word_port_signature
from oscc.rtl.weights.crc32 import Crc32
from oscc.rtl.weights.secded import SecdedEncoder

_SECTION_MEMBERS = {"section_begin": Out(1), "section_beat": Out(1), "section_ends": In(1)}
"""Of a driven core: see the top of this file."""


class _Count:
    """Signals that the parts of the ingress share: where in the program it is.

    Parameters
    ----------
    core : CoreSpec
    """

    def __init__(self, core: CoreSpec) -> None:
        self.accepted = Signal()
        """A beat of the program is taken."""
        self.draining = Signal()
        """The rest of a program that is too long is taken and forgotten."""
        self.beat = Signal(index_shape(core.word_beats))
        self.address = Signal(index_shape(core.bank_depth))
        self.bank = Signal(index_shape(core.cols))
        """Place of the next beat."""
        self.last_beat = Signal()
        self.last_address = Signal()
        self.last_bank = Signal()
        """It is the last one of its word, its word of its bank, its bank of the program."""
        self.word_valid = Signal()
        """A whole word is at hand."""
        self.sections: Value = Const(0)
        """The beats of the sections have begun; on a driven core."""


class ProgramIngress(wiring.Component):
    """Accepts one program image: bank after bank, address after address, each word in whole beats.

    After ``begin`` it takes exactly ``program_beats`` beats, the last one with ``last``. Too few (an early
    ``last``) or too many (the stream is swallowed up to its ``last``) are reported as ``length_error``. The stream
    is not ready before ``begin`` and after its end. Latency: a word is written 2 cycles after its last beat.
    Throughput: a beat per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    begin : In(1)
        Forget the program and accept a new one; also restarts a load that is under way. Nothing is reported any more
        about what was taken up to and including that cycle.
    forget : In(1)
        The banks no longer hold the program: ``programmed`` falls.
    expected_crc : In(32)
    stream : In(program_stream_signature(core))
    loading, programmed : Out(1)
    finished : Out(1)
        High for one cycle when a program was accepted and its CRC matched.
    crc_error, length_error : Out(1)
        High for one cycle.
    crc : Out(32)
        CRC-32 of the beats so far.
    write : Out(word_port_signature(core))
        To the weight memory.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "begin": In(1),
                "forget": In(1),
                "expected_crc": In(32),
                "stream": In(program_stream_signature(core)),
                "loading": Out(1),
                "programmed": Out(1),
                "finished": Out(1),
                "crc_error": Out(1),
                "length_error": Out(1),
                "crc": Out(32),
                "write": Out(word_port_signature(core)),
                **(_SECTION_MEMBERS | {"section_data": Out(core.stream_width)} if core.driven else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.crc32 = crc = Crc32(self._core.stream_width)
        count = _Count(self._core)
        if self._core.driven:
            count.sections = Signal(name="sections")
        self._accept(m, count, crc)
        self._gather(m, count)
        self._judge(m, count, crc)
        return m

    def _accept(self, m: Module, count: _Count, crc: Crc32) -> None:
        """Take beats, and tell the last ones of a word, of a bank and of the program."""
        core, draining, accepted = self._core, count.draining, count.accepted
        beat, address, bank = count.beat, count.address, count.bank
        m.d.comb += [
            self.stream.ready.eq(self.loading | draining),
            accepted.eq(self.stream.valid & self.loading),
            crc.clear.eq(self.begin),
            crc.valid.eq(accepted),
            crc.data.eq(self.stream.data),
            self.crc.eq(crc.crc),
        ]

        m.d.comb += [
            count.last_beat.eq(beat == core.word_beats - 1),
            count.last_address.eq(address == core.bank_depth - 1),
            count.last_bank.eq(bank == core.cols - 1),
        ]

    def _gather(self, m: Module, count: _Count) -> None:
        """Gather the beats of each word, append its check bits and write it."""
        core, accepted, word_valid = self._core, count.accepted, count.word_valid
        beat, address, bank = count.beat, count.address, count.bank
        # Beats of a word shift in from the top: when the last one arrives, the first has reached the bottom.
        beats_kept = core.word_beats - 1
        kept = Signal(beats_kept * core.stream_width, name="kept") if beats_kept else Const(0, 0)
        whole = Cat(kept, self.stream.data)[: core.word_bits]
        word = Signal(core.word_bits)
        word_address = Signal.like(address)
        word_bank = Signal.like(bank)
        takes: Value = accepted & ~count.sections if self._core.driven else accepted
        m.d.sync += word_valid.eq(takes & count.last_beat)
        with m.If(takes):
            m.d.sync += beat.eq(beat + 1)
            if beats_kept:
                m.d.sync += kept.eq(Cat(kept, self.stream.data)[core.stream_width :])
            with m.If(count.last_beat):
                m.d.sync += [word.eq(whole), word_address.eq(address), word_bank.eq(bank), beat.eq(0)]
                m.d.sync += address.eq(address + 1)
                with m.If(count.last_address):
                    m.d.sync += [address.eq(0), bank.eq(bank + 1)]

        encoded = word
        if core.protection == "secded":
            m.submodules.encoder = encoder = SecdedEncoder(core.word_bits)
            m.d.comb += encoder.data.eq(word)
            encoded = encoder.word
        m.d.sync += self.write.enable.eq(0)
        with m.If(word_valid):
            m.d.sync += [
                self.write.enable.eq(1 << word_bank),
                self.write.address.eq(word_address),
                self.write.word.eq(encoded),
            ]

    def _judge(self, m: Module, count: _Count, crc: Crc32) -> None:
        """End a load, and accept the program or say what is wrong with it."""
        accepted, draining = count.accepted, count.draining
        checking = Signal()
        ends = Signal()
        banks_end = count.last_beat & count.last_address & count.last_bank
        if self._core.driven:
            m.d.comb += [
                ends.eq(count.sections & self.section_ends),
                self.section_begin.eq(self.begin),
                self.section_beat.eq(accepted & count.sections),
                self.section_data.eq(self.stream.data),
            ]
            with m.If(accepted & banks_end):
                m.d.sync += count.sections.eq(1)
            with m.If(self.begin):
                m.d.sync += count.sections.eq(0)
        else:
            m.d.comb += ends.eq(banks_end)
        m.d.sync += [checking.eq(0), self.finished.eq(0), self.crc_error.eq(0), self.length_error.eq(0)]
        with m.If(accepted & (ends | self.stream.last)):
            m.d.sync += [self.loading.eq(0), checking.eq(ends & self.stream.last)]
            m.d.sync += [self.length_error.eq(~(ends & self.stream.last)), draining.eq(~self.stream.last)]
        with m.If(draining & self.stream.valid & self.stream.last):
            m.d.sync += draining.eq(0)
        with m.If(checking):
            matches = crc.crc == self.expected_crc
            m.d.sync += [self.programmed.eq(matches), self.finished.eq(matches), self.crc_error.eq(~matches)]
        with m.If(self.forget):
            m.d.sync += self.programmed.eq(0)
        with m.If(self.begin):
            m.d.sync += [self.loading.eq(1), self.programmed.eq(0), checking.eq(0), draining.eq(0)]
            m.d.sync += [self.finished.eq(0), self.crc_error.eq(0), self.length_error.eq(0)]
            m.d.sync += [count.beat.eq(0), count.address.eq(0), count.bank.eq(0), count.word_valid.eq(0)]
