"""CRC-32: one beat is as many steps of the serial register as it has bits."""

from __future__ import annotations

import zlib
from functools import partial

from amaranth.hdl import Assert, Const, Cover, Module, Mux, Signal

from formal.bench import free, one_step, past
from formal.proof import Mutant, Proof

POLYNOMIAL = 0x04C1_1DB7
"""x^32 + x^26 + x^23 + ... + 1 without its leading term, the highest power first, as in IEEE 802.3."""


def shifted_in(m: Module, state: Signal, data: Signal) -> Signal:
    """The serial definition: bits of the data from the lowest up, in a register whose top bit leaves first."""
    # IEEE 802.3 writes the register highest power first; the component keeps it reversed.
    register = Signal(32, name="register_0")
    m.d.comb += register.eq(state[::-1])
    for number, bit in enumerate(data, start=1):
        after = Signal(32, name=f"register_{number}")
        m.d.comb += after.eq((register << 1) ^ Mux(register[31] ^ bit, Const(POLYNOMIAL, 32), 0))
        register = after
    reversed_back = Signal(32, name="shifted_in")
    m.d.comb += reversed_back.eq(register[::-1])
    return reversed_back


def build_beat(width: int) -> Module:
    """One step, from any state, with any beat."""
    from oscc.rtl.weights.crc32 import Crc32

    m = Module()
    crc = Crc32(width)
    m.submodules.crc, registers = one_step(crc)
    ((state, after),) = registers.values()
    m.d.comb += [
        state.eq(free(m, "state", 32)),
        crc.clear.eq(free(m, "clear", 1)),
        crc.valid.eq(free(m, "valid", 1)),
        crc.data.eq(free(m, "data", width)),
    ]
    # The CRC is the complement of the register, which begins with ones.
    expected = Signal(32)
    m.d.comb += expected.eq(Mux(crc.clear, 0xFFFF_FFFF, Mux(crc.valid, shifted_in(m, state, crc.data), state)))
    # Bit by bit: then each assertion is a constant as soon as it holds.
    m.d.comb += [Assert(mine == its) for mine, its in zip(expected, after, strict=True)]
    m.d.comb += Assert(crc.crc == ~state)
    m.d.comb += [Cover(crc.clear & crc.valid), Cover(crc.valid & ~crc.clear), Cover(~crc.valid & ~crc.clear)]
    return m


def build_start() -> Module:
    """The first beat after the start, or after a clear: the state is the one that zlib begins with."""
    from oscc.rtl.weights.crc32 import Crc32

    m = Module()
    m.submodules.crc = crc = Crc32(32)
    m.d.comb += [
        crc.clear.eq(free(m, "clear", 1)),
        crc.valid.eq(free(m, "valid", 1)),
        crc.data.eq(free(m, "data", 32)),
    ]
    # zlib.crc32(b"") is 0, and nothing else changes the register.
    nothing_yet = Signal(init=1)
    m.d.sync += nothing_yet.eq(crc.clear | (nothing_yet & ~crc.valid))
    m.d.comb += Assert(~nothing_yet | (crc.crc == 0))
    still = past(m, ~crc.valid & ~crc.clear, "still")
    m.d.comb += Assert(~still | (crc.crc == past(m, crc.crc, "before")))
    # zlib.crc32(b"oscc").
    first = past(m, nothing_yet & crc.valid & ~crc.clear & (crc.data == int.from_bytes(b"oscc", "little")), "first")
    m.d.comb += Assert(~first | (crc.crc == zlib.crc32(b"oscc")))
    m.d.comb += [Cover(first), Cover(nothing_yet & past(m, ~nothing_yet, "something"))]
    return m


FILE = "rtl/weights/crc32.py"


def _beat(width: int) -> Proof:
    return Proof(
        name=f"crc32-{width}",
        component="Crc32",
        claim="for every state and every beat, the next state is the one of the serial definition of IEEE 802.3, bits "
        "lowest first; clear wins over a beat; without both the state stays",
        parameters=f"beats of {width} bits",
        build=partial(build_beat, width),
        mode="bmc",
        depth=1,
        cover_depth=1,
        bdds=True,
        mutants=(
            Mutant("wrong polynomial", FILE, "POLYNOMIAL = 0xEDB8_8320", "POLYNOMIAL = 0xEDB8_8330"),
            Mutant("beat wins over clear", FILE, "with m.If(self.clear):", "with m.If(self.clear & ~self.valid):"),
            Mutant(
                "highest bit of a beat lost", FILE, "mixed.eq(self.data ^ state)", "mixed.eq(self.data[:-1] ^ state)"
            ),
        ),
    )


PROOFS = (
    *(_beat(width) for width in (32, 64, 128)),
    Proof(
        name="crc32-start",
        component="Crc32",
        claim="before the first beat and after a clear the CRC is 0, as that of nothing; it stays while there is no "
        "beat; the CRC of the four bytes 'oscc' is zlib's",
        parameters="beats of 32 bits",
        build=build_start,
        mode="prove",
        depth=2,
        cover_depth=5,
        mutants=(
            Mutant("begins with zeros", FILE, "state = Signal(32, init=0xFFFF_FFFF)", "state = Signal(32)", depth=5),
            Mutant("clear to zeros", FILE, "m.d.sync += state.eq(0xFFFF_FFFF)", "m.d.sync += state.eq(0)", depth=5),
        ),
    ),
)
