"""Watchdog: one pulse per wait, exactly at the limit."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cover, Module, Signal

from formal.bench import elaborated, free, past, register_of
from formal.proof import Mutant, Proof

LIMIT_BITS = 24


def build() -> Module:
    """Waits of any length and a limit that may change in every cycle; a counter of its own measures every wait."""
    from oscc.rtl.schedule.watchdog import Watchdog

    m = Module()
    watchdog = Watchdog()
    m.submodules.watchdog = fragment = elaborated(watchdog)
    waiting, limit = free(m, "waiting", 1), free(m, "limit", LIMIT_BITS)
    m.d.comb += [watchdog.waiting.eq(waiting), watchdog.limit.eq(limit)]

    # Of the cycles before this one, how many in a row were waited; whether the limit was the same in all of them.
    waited, steady, told = Signal(LIMIT_BITS), Signal(init=1), Signal()
    limit_before = past(m, limit, "limit_before")
    with m.If(waiting):
        m.d.sync += [waited.eq(waited + 1), steady.eq((waited == 0) | (steady & (limit == limit_before)))]
    with m.Else():
        m.d.sync += [waited.eq(0), steady.eq(1)]
    m.d.comb += Assume(~waited.all())

    # A limit that stays: at the limit, and nowhere else.
    with m.If(steady & (waited != 0)):
        m.d.comb += Assert(watchdog.expired == ((limit_before != 0) & (waited == limit_before)))
    # Any limit: only during or right behind a wait, never twice in one, never late, never with limit 0.
    m.d.sync += told.eq(waiting & ((told & (waited != 0)) | watchdog.expired))
    m.d.comb += Assert(~watchdog.expired | ((waited != 0) & ~told & (limit_before != 0) & (waited >= limit_before)))
    with m.If((waited != 0) & (limit_before != 0) & (waited >= limit_before)):
        m.d.comb += Assert(told | watchdog.expired)

    # What induction has to know besides.
    inner_told, inner = register_of(fragment, "told"), register_of(fragment, "waited", width=LIMIT_BITS)
    m.d.comb += Assert(inner_told == ((waited != 0) & (told | watchdog.expired)))
    m.d.comb += Assert(inner_told | (inner == waited))
    with m.If(steady & (waited != 0)):
        m.d.comb += Assert(inner_told == ((limit_before != 0) & (waited >= limit_before)))

    m.d.comb += [
        Cover(watchdog.expired & steady & (waited == 5)),
        Cover(watchdog.expired & steady & (waited == 1)),
        Cover(watchdog.expired & ~steady & (waited == 5) & (limit_before == 2)),
        Cover(steady & (limit_before == 0) & (waited == 9)),
        Cover(steady & (limit_before == 3) & (waited == 9) & told),
    ]
    return m


FILE = "rtl/schedule/watchdog.py"

PROOFS = (
    Proof(
        name="watchdog",
        component="Watchdog",
        claim="expires in the cycle after the limit-th of a wait, once per wait, also when the limit is changed during "
        "the wait; never with limit 0",
        parameters="all limits; waits below 2^24 cycles",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=14,
        mutants=(
            Mutant("a cycle late", FILE, "(waited + 1 >= self.limit)", "(waited >= self.limit)", 12),
            Mutant("expires again and again", FILE, "m.Elif(~told)", "m.Else()", 12),
            Mutant("steps over a lowered limit", FILE, "(waited + 1 >= self.limit)", "(waited + 1 == self.limit)", 12),
            Mutant("limit 0 expires", FILE, "(self.limit != 0) & ", "", 12),
        ),
    ),
)
