"""SECDED: any word, any one or two bits flipped."""

from __future__ import annotations

from functools import partial
from typing import Any

from amaranth.hdl import Assert, Cat, Const, Cover, Module, Mux, Signal, Value

from formal.bench import combinational, free, past
from formal.proof import Mutant, Proof


def build_code(data_bits: int) -> Module:
    """Encoder, flips, decoder, all within one cycle: the pipeline's registers are wires."""
    from oscc.rtl.weights.secded import SecdedDecoder, SecdedEncoder

    m = Module()
    m.submodules.encoder = encoder = SecdedEncoder(data_bits)
    decoder = SecdedDecoder(data_bits)
    m.submodules.decoder = combinational(decoder)
    width = len(encoder.word)
    flips, first, second = (
        free(m, "flips", range(3)),
        free(m, "first", range(width)),
        free(m, "second", range(width)),
    )
    possible = Signal()
    one, other = Signal(width), Signal(width)
    m.d.comb += [
        possible.eq((flips <= 2) & (first < width) & (second < width) & (first != second)),
        encoder.data.eq(free(m, "data", data_bits)),
        one.eq(Mux(flips >= 1, Const(1, width) << first, 0)),
        other.eq(Mux(flips == 2, Const(1, width) << second, 0)),
        decoder.word.eq(encoder.word ^ one ^ other),
        decoder.check.eq(1),
        decoder.correct.eq(1),
    ]
    # The assumptions stand within the assertions: then these are constants as soon as they hold.
    m.d.comb += [
        Assert(~possible | (decoder.corrected == (flips == 1))),
        Assert(~possible | (decoder.uncorrectable == (flips == 2))),
        Assert(~possible | (flips == 2) | (Cat(decoder.data, decoder.checks) == encoder.word)),
        Cover(possible & decoder.corrected & (first == width - 1)),
        Cover(possible & decoder.corrected & (first == 0) & decoder.data[0]),
        Cover(possible & decoder.uncorrectable),
        Cover(possible & (flips == 0) & ~decoder.corrected & decoder.data[1]),
    ]
    return m


def build_pipeline(data_bits: int) -> Module:
    """A new word, or none, in every cycle; any pattern of flips, so that also three and more are met."""
    from oscc.rtl.weights.secded import SecdedDecoder

    m = Module()
    m.submodules.decoder = decoder = SecdedDecoder(data_bits)
    at_once = SecdedDecoder(data_bits)
    m.submodules.at_once = combinational(at_once)
    check = free(m, "check", 1)
    correct = past(m, check, "correct")
    m.d.comb += [
        decoder.word.eq(free(m, "word", decoder.word.shape())),
        decoder.check.eq(check),
        decoder.correct.eq(correct),
        at_once.word.eq(decoder.word),
        at_once.check.eq(1),
        at_once.correct.eq(1),
    ]
    valid = past(m, correct, "valid")
    expected = past(m, past(m, _outputs(at_once), "expected_1"), "expected")
    before = past(m, _outputs(decoder), "before")
    m.d.comb += Assert(_outputs(decoder) == Mux(valid, expected, before))
    m.d.comb += [
        Cover(valid & decoder.corrected & past(m, decoder.uncorrectable, "was_uncorrectable")),
        Cover(~valid & past(m, ~valid, "still") & (decoder.data == 0x5A)),
    ]
    # Never both, and never a correction by a word that is no word of the code: also after three flips or more.
    m.d.comb += Assert(~(decoder.corrected & decoder.uncorrectable))
    return m


def _outputs(decoder: Any) -> Value:
    return Cat(getattr(decoder, name) for name in ("data", "checks", "corrected", "uncorrectable"))


FILE = "rtl/weights/secded.py"
WIDE = 108

CLAIM = (
    "for every data word: encoded, no bit, any one or any two bits of data and check bits flipped, decoded; none comes "
    "out unchanged and without a flag, one is restored (data and check bits) and flagged as corrected, two are flagged "
    "as uncorrectable and never as corrected"
)

CODE_MUTANTS = (
    Mutant(
        "check bit that covers one bit less",
        FILE,
        "for index, position in enumerate(self.positions) if (position >> bit) & 1)",
        "for index, position in enumerate(self.positions[:-1]) if (position >> bit) & 1)",
    ),
    Mutant("corrects what is even", FILE, "Cat(odd & (row ==", "Cat((row != 0) & (row =="),
    Mutant(
        "double flips not seen",
        FILE,
        "Mux(odd, beyond, Cat(column, row) != 0)",
        "Mux(odd, beyond, 0)",
    ),
)

PROOFS = (
    Proof(
        name="secded-108",
        component="SecdedEncoder, SecdedDecoder",
        claim=CLAIM,
        parameters=f"{WIDE} data bits (ais-56x56)",
        build=partial(build_code, WIDE),
        mode="bmc",
        depth=1,
        cover_depth=1,
        quick=True,
        bdds=True,
        mutants=CODE_MUTANTS,
    ),
    Proof(
        name="secded-8",
        component="SecdedEncoder, SecdedDecoder",
        claim=CLAIM,
        parameters="8 data bits",
        build=partial(build_code, 8),
        mode="bmc",
        depth=1,
        cover_depth=1,
        bdds=True,
        mutants=CODE_MUTANTS,
    ),
    Proof(
        name="secded-pipeline",
        component="SecdedDecoder",
        claim="the decoder gives what its logic gives at once, two cycles after the word, a word per cycle; without "
        "enables its outputs stay; never corrected and uncorrectable together",
        parameters="8 data bits, any word of 13 bits",
        build=partial(build_pipeline, 8),
        mode="prove",
        depth=3,
        cover_depth=6,
        quick=True,
        mutants=(
            Mutant("second stage not enabled apart", FILE, "with m.If(self.correct):", "with m.If(self.check):"),
            Mutant(
                "corrects the word of the next cycle",
                FILE,
                "corrected_word.eq(checked_word ^ flips)",
                "corrected_word.eq(self.word ^ flips)",
                depth=4,
            ),
        ),
    ),
)
