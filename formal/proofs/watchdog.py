"""Watchdog: one pulse per wait, exactly at the limit."""

from __future__ import annotations

from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from formal.bench import chosen, elaborated, free, past, register_of
from formal.proof import Mutant, Proof

LIMIT_BITS = 24


def build_fixed() -> Module:
    """A limit that stays: a counter of its own measures every wait."""
    m, watchdog, fragment = _bench()
    limit = chosen(m, "limit", LIMIT_BITS)
    m.d.comb += watchdog.limit.eq(limit)
    # Of the cycles before this one, how many in a row were waited; it stays at the highest.
    waited = Signal(LIMIT_BITS + 1)
    m.d.sync += waited.eq(Mux(watchdog.waiting, Mux(waited.all(), waited, waited + 1), 0))
    m.d.comb += Assert(watchdog.expired == ((limit != 0) & (waited == limit)))

    told = register_of(fragment, "told")
    m.d.comb += Assert(told == ((limit != 0) & (waited >= limit)))
    m.d.comb += Assert(told | (register_of(fragment, "waited", width=LIMIT_BITS) == waited[:LIMIT_BITS]))
    m.d.comb += [
        Cover(watchdog.expired & (limit == 5)),
        Cover(watchdog.expired & (limit == 1)),
        Cover((limit == 0) & (waited == 9)),
        Cover((limit == 3) & (waited == 9)),
    ]
    return m


def build_changed() -> Module:
    """A limit that the host changes at any time."""
    m, watchdog, fragment = _bench()
    limit = free(m, "limit", LIMIT_BITS)
    m.d.comb += watchdog.limit.eq(limit)
    waited, told = Signal(LIMIT_BITS + 1), Signal()
    expires = watchdog.waiting & ~told & (limit != 0) & (waited + 1 >= limit)
    with m.If(~watchdog.waiting):
        m.d.sync += [waited.eq(0), told.eq(0)]
    with m.Elif(~waited.all()):
        m.d.sync += waited.eq(waited + 1)
    with m.If(expires):
        m.d.sync += told.eq(1)
    m.d.comb += Assert(watchdog.expired == past(m, expires, "expired_before"))

    m.d.comb += Assert(register_of(fragment, "told") == told)
    m.d.comb += Assert(told | (register_of(fragment, "waited", width=LIMIT_BITS) == waited[:LIMIT_BITS]))
    m.d.comb += Cover(watchdog.expired & (past(m, limit, "limit_before") == 2) & (waited == 5))
    return m
