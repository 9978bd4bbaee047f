"""Johnson decoder: equals its specification for every word of taps, legal or not."""

from __future__ import annotations

import math

from amaranth.hdl import Array, Assert, Cat, Const, Cover, Module, Mux, Signal, Value

from formal.bench import chosen, free, past
from formal.cores import small_core
from formal.proof import Mutant, Proof

TAPS, SUBPHASES = 8, 4
TURN = 2 * TAPS
STEPS = TURN * SUBPHASES
LATENCY = 2


def legal_word(step: int) -> int:
    """What the taps are while the phase is in a step: bit k is the sign of cos(phi + pi k / taps), mid-step."""
    phase = math.pi * (step + 0.5) / TAPS
    return sum((math.cos(phase + math.pi * tap / TAPS) > 0) << tap for tap in range(TAPS))


def nearest_step(m: Module, word: Value, name: str) -> Signal:
    """The step whose legal word differs from ``word`` in the fewest taps; of several, the lowest."""
    best, least = Const(0, 4), Const(TAPS, 4)
    for step in range(TURN):
        distance, fewest, nearest = (
            Signal(4, name=f"{name}_{what}_{step}") for what in ("distance", "fewest", "nearest")
        )
        m.d.comb += [
            distance.eq(sum(word ^ legal_word(step))),
            fewest.eq(Mux(distance < least, distance, least)),
            nearest.eq(Mux(distance < least, step, best)),
        ]
        best, least = nearest, fewest
    return nearest


def build_specification() -> Module:
    """Every combination of the taps of all sub-phases, in every cycle anew."""
    m = Module()
    code, taps = _decoder(m)
    m.d.comb += taps.eq(free(m, "anything", TAPS * SUBPHASES))
    given = past(m, past(m, taps, "taps_1"), "taps_2")
    steps = [nearest_step(m, given[s * TAPS : (s + 1) * TAPS], f"subphase_{s}") for s in range(SUBPHASES)]

    # code = S c_0 + sum over s of ((c_s - c_0 + T) mod 2 T - T), in integers; the outer modulo comes last.
    total = Signal(12)
    ahead = [(TURN + step - steps[0] + TAPS) % TURN for step in steps]
    m.d.comb += total.eq(SUBPHASES * steps[0] + sum(ahead) + STEPS - SUBPHASES * TAPS)
    with m.If(_filled(m)):
        m.d.comb += Assert(code == total % STEPS)
        m.d.comb += [Cover(code == STEPS - 1), Cover((code == 0) & (given[:TAPS] == 0b0101_0101))]
    return m


def build_legal() -> Module:
    """Every phase step, with no tap or any one tap of any sub-phase flipped that is not next to an edge."""
    m = Module()
    code, taps = _decoder(m)
    step = chosen(m, "step", range(STEPS))
    flips, subphase, tap = chosen(m, "flips", 1), chosen(m, "subphase", range(SUBPHASES)), chosen(m, "tap", range(TAPS))
    table = Array(Const(legal_word(c), TAPS) for c in range(TURN))

    # Sub-phase s sees the phase s steps of the code further on.
    legal, reached = [], []
    for s in range(SUBPHASES):
        word, at = Signal(TAPS, name=f"legal_{s}"), Signal(range(TURN), name=f"reached_{s}")
        m.d.comb += [at.eq((step + s)[:6] >> 2), word.eq(table[at])]
        legal.append(word)
        reached.append(at)
    m.d.comb += taps.eq(Cat(legal) ^ Mux(flips, Const(1, TAPS * SUBPHASES) << Cat(tap, subphase), 0))

    # Where the taps of that sub-phase change sign, the taps taken as a ring (beyond the last, they repeat inverted);
    # and how many taps lie between the flipped one and that edge, on either side.
    edge, above, below = Signal(range(TAPS)), Signal(range(TAPS)), Signal(range(TAPS))
    m.d.comb += [
        edge.eq(Array(Const(_edge(c), range(TAPS)) for c in range(TURN))[Array(reached)[subphase]]),
        above.eq(tap - edge),
        below.eq(edge - 1 - tap),
    ]
    restored = ~flips | ((above >= 2) & (below >= 2))
    with m.If(_filled(m)):
        m.d.comb += Assert(~restored | (code == step))
        m.d.comb += [Cover(~flips & (step == STEPS - 1)), Cover(flips & restored & (step == 0) & (subphase == 2))]
        m.d.comb += Cover(code != step)
    return m


def _edge(step: int) -> int:
    """The tap that differs from the one before it; tap 0 is compared with the inverse of the last."""
    word = legal_word(step)
    bits = [(word >> tap) & 1 for tap in range(TAPS)]
    return next(tap for tap in range(TAPS) if bits[tap] != (bits[tap - 1] if tap else 1 - bits[-1]))


def _decoder(m: Module) -> tuple[Signal, Signal]:
    from oscc.rtl.readout.johnson_decoder import JohnsonDecoder

    core = small_core(readout={"taps": TAPS, "subphases": SUBPHASES})
    m.submodules.decoder = decoder = JohnsonDecoder(core)
    m.d.comb += [decoder.look_up.eq(1), decoder.combine.eq(1)]
    return decoder.code, decoder.taps


def _filled(m: Module) -> Signal:
    """Whether as many cycles have passed as the decoder needs."""
    return past(m, past(m, 1, "one_cycle"), "filled")


FILE = "rtl/readout/johnson_decoder.py"
PARAMETERS = f"{TAPS} taps, {SUBPHASES} sub-phases"

PROOFS = (
    Proof(
        name="johnson-decoder",
        component="JohnsonDecoder",
        claim="for each of the 2^32 words of taps, the code two cycles later is the one of the specification: the "
        "nearest legal word of each sub-phase, ties to the lower step, and the formula of the sub-phases",
        parameters=PARAMETERS,
        build=build_specification,
        mode="prove",
        depth=3,
        cover_depth=4,
        mutants=(
            Mutant("one table entry wrong", FILE, "= johnson_table(taps)", "= (*johnson_table(taps)[:-2], 5, 2)"),
            Mutant("difference without sign", FILE, "step - steps[0] + taps", "step - steps[0]"),
            Mutant("sub-phase left out", FILE, "enumerate(steps[1:], 1)", "enumerate(steps[2:], 2)"),
        ),
    ),
    Proof(
        name="johnson-bubbles",
        component="JohnsonDecoder",
        claim="every phase step decodes to itself, also with any one tap flipped that has two taps or more between "
        "itself and the edge on either side",
        parameters=PARAMETERS,
        build=build_legal,
        mode="prove",
        depth=3,
        cover_depth=4,
        quick=True,
        mutants=(
            Mutant("tables of the next step", FILE, "= johnson_table(taps)", "= johnson_table(taps)[::-1]"),
            Mutant(
                "flipped taps not restored",
                FILE,
                "from oscc.core.johnson import johnson_table\n",
                "from oscc.core.johnson import johnson_words\n\n\n"
                "def johnson_table(taps):\n"
                "    words = johnson_words(taps)\n"
                "    return [words.index(word) if word in words else 0 for word in range(2**taps)]\n",
            ),
        ),
    ),
)
