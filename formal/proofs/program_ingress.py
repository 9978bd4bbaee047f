"""Program ingress: each word of a program is written once, in order, and only a whole program is accepted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from amaranth.hdl import Assert, Cat, Cover, Module, Mux, Signal

from formal.bench import elaborated, free, past, register_of
from formal.cores import small_core
from formal.proof import Mutant, Proof
from oscc.core.spec import CoreSpec

WIDE_DAC = {"bits": 8, "full_scale_rad_s": 1.0e6}
TWO_BEATS = small_core(
    grid=[2, 2],
    stencil=[[-1, 0], [0, -1]],
    chunks=1,
    coupling_dac=WIDE_DAC,
    shil_dac=WIDE_DAC,
    field_dac=WIDE_DAC,
    protection="none",
)
"""Words of 34 bits, without check bits: the second beat is mostly padding."""

ONE_BEAT = small_core(grid=[1, 3], chunks=2)
"""Words of 8 bits with check bits, and a number of banks that is no power of two."""


def build(core: CoreSpec) -> Module:
    """The ingress beside a counter of beats; anything may come on the stream, and a load may begin at any time."""
    from oscc.rtl.weights.program_ingress import ProgramIngress
    from oscc.rtl.weights.secded import SecdedEncoder

    m = Module()
    ingress = ProgramIngress(core)
    m.submodules.ingress = fragment = elaborated(ingress)
    for path, member, signal in ingress.signature.flatten(ingress):
        if member.flow.name == "In":
            m.d.comb += signal.eq(free(m, "_".join(path), member.shape))

    # What a load is: so many beats, in order; the last of them, and no other, has TLAST.
    beats = Signal(range(core.program_beats))
    loading, draining = Signal(), Signal()
    taken = loading & ingress.stream.valid
    is_last = beats == core.program_beats - 1
    with m.If(ingress.begin):
        m.d.sync += [loading.eq(1), draining.eq(0), beats.eq(0)]
    with m.Elif(taken):
        m.d.sync += beats.eq(Mux(is_last, 0, beats + 1))
        m.d.sync += [loading.eq(~is_last & ~ingress.stream.last), draining.eq(is_last & ~ingress.stream.last)]
    with m.Elif(draining & ingress.stream.valid & ingress.stream.last):
        m.d.sync += draining.eq(0)
    m.d.comb += [Assert(ingress.loading == loading), Assert(ingress.stream.ready == (loading | draining))]

    # The CRC is over exactly the beats that were taken since the load began (`crc32` proves the component itself).
    m.d.comb += [
        Assert(register_of(fragment, "clear") == ingress.begin),
        Assert(register_of(fragment, "valid") == taken),
        Assert(register_of(fragment, "data", width=core.stream_width) == ingress.stream.data),
    ]
    matches = ingress.crc == ingress.expected_crc

    # What is said of a load, one cycle after its last beat for its length, two cycles after it for its CRC.
    counted = taken & ~ingress.begin
    ended = past(m, counted & is_last & ingress.stream.last, "ended")
    accepted = past(m, ended & ~ingress.begin & matches, "accepted")
    refused = past(m, ended & ~ingress.begin & ~matches, "refused")
    wrong_length = past(m, counted & (is_last != ingress.stream.last), "wrong_length")
    programmed = Signal()
    m.d.sync += programmed.eq(~ingress.begin & ~ingress.forget & Mux(ended, matches, programmed))
    m.d.comb += [
        Assert(ingress.finished == accepted),
        Assert(ingress.crc_error == refused),
        Assert(ingress.length_error == wrong_length),
        Assert(ingress.programmed == programmed),
    ]

    # Words: the beats of a word together, written two cycles after its last beat; and no other writes.
    in_word = beats % core.word_beats
    first_beat = Signal(core.stream_width)
    with m.If(taken & (in_word == 0)):
        m.d.sync += first_beat.eq(ingress.stream.data)
    word_ends = counted & (in_word == core.word_beats - 1)
    number = past(m, beats // core.word_beats, "number_1")
    whole = Cat(first_beat, ingress.stream.data) if core.word_beats == 2 else ingress.stream.data
    word = past(m, whole[: core.word_bits], "word_1")
    stored = word
    if core.check_bits:
        m.submodules.encoder = encoder = SecdedEncoder(core.word_bits)
        m.d.comb += encoder.data.eq(word)
        stored = encoder.word
    writes = past(m, past(m, word_ends, "word_ends_1"), "writes")
    number_2, encoded = past(m, number, "number_2"), past(m, stored, "encoded")
    with m.If(writes):
        m.d.comb += [
            Assert(ingress.write.enable == 1 << (number_2 // core.bank_depth)),
            Assert(ingress.write.address == number_2 % core.bank_depth),
            Assert(ingress.write.word == encoded),
        ]
    with m.Else():
        m.d.comb += Assert(ingress.write.enable == 0)

    # What induction has to know of the ingress's own counters; they mean something while a load is under way.
    bank, address, beat = (register_of(fragment, name) for name in ("bank", "address", "beat"))
    place = bank * core.bank_depth + address
    m.d.comb += Assert(register_of(fragment, "draining") == draining)
    with m.If(loading):
        m.d.comb += [
            Assert(beats < core.program_beats),
            Assert(place * core.word_beats + beat == beats),
            Assert((bank < core.cols) & (address < core.bank_depth) & (beat < core.word_beats)),
            Assert(~draining),
        ]
        if core.word_beats == 2:
            with m.If(in_word == 1):
                m.d.comb += Assert(register_of(fragment, "kept", width=core.stream_width) == first_beat)

    m.d.comb += [
        Cover(accepted & writes & (number_2 == core.cols * core.bank_depth - 1)),
        Cover(refused),
        Cover(wrong_length & draining),
        Cover(wrong_length & ~draining),
        Cover(programmed & past(m, accepted, "accepted_before") & ingress.begin),
        Cover(ingress.begin & (beats == 2)),
    ]
    return m


FILE = "rtl/weights/program_ingress.py"

CLAIM = (
    "after begin, beats are taken until program_beats or TLAST; each word is written once, with its check bits, bank "
    "after bank, address after address, two cycles after its last beat, and nothing else is ever written; programmed "
    "rises only after exactly program_beats beats, TLAST with the last and with no other, and a CRC that matches, and "
    "falls at begin and at forget; every other end is reported, on its cycle, as length_error or crc_error"
)
MUTANTS = (
    Mutant("banks never change", FILE, "bank.eq(bank + 1)", "bank.eq(bank)"),
    Mutant("accepts without TLAST", FILE, "checking.eq(ends & self.stream.last)", "checking.eq(ends)"),
    Mutant("CRC not compared", FILE, "matches = crc.crc == self.expected_crc", "matches = crc.crc != 0"),
    Mutant(
        "takes beats before begin",
        FILE,
        "accepted.eq(self.stream.valid & self.loading)",
        "accepted.eq(self.stream.valid)",
    ),
)


def _proof(name: str, core: CoreSpec, *, quick: bool) -> Proof:
    return Proof(
        name=name,
        component="ProgramIngress",
        claim=CLAIM,
        parameters=f"{core.cols} banks of {core.bank_depth} words of {core.word_bits} + {core.check_bits} bits, "
        f"{core.word_beats} beat{'s' if core.word_beats > 1 else ''} each",
        build=partial(build, core),
        mode="prove",
        depth=3,
        cover_depth=core.program_beats + 6,
        quick=quick,
        mutants=tuple(replace(mutant, depth=core.program_beats + 4) for mutant in MUTANTS),
    )


PROOFS = (
    _proof("program-ingress", ONE_BEAT, quick=True),
    _proof("program-ingress-two-beats", TWO_BEATS, quick=False),
)
