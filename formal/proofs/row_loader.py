"""Row loader: one load reads and writes each row once, in order, on its cycle."""

from __future__ import annotations

from functools import partial

from amaranth.hdl import Assert, Assume, Cover, Module, Signal

from formal.bench import chosen, free
from formal.cores import small_core
from formal.proof import Mutant, Proof
from oscc.core.spec import CoreSpec


def build(core: CoreSpec) -> Module:
    """The loader beside a counter of the cycles since a load started; loads start and are taken at any time."""
    from oscc.rtl.weights.row_loader import RowLoader

    m = Module()
    m.submodules.loader = loader = RowLoader(core)
    m.d.comb += [
        loader.load.start.eq(free(m, "start", 1)),
        loader.load.taken.eq(free(m, "taken", 1)),
        loader.load.chunk.eq(free(m, "chunk", loader.load.chunk.shape())),
        Assume(loader.load.chunk < core.chunks),
    ]

    # In cycle t + n of a load that started in cycle t, `since` is n; 0 when there is none.
    since = Signal(range(core.load_cycles))
    first = Signal(range(core.bank_depth))
    loaded = Signal()
    starts = loader.load.start & (since == 0)
    ends = since == core.load_cycles - 1
    with m.If(starts):
        m.d.sync += [since.eq(1), first.eq(loader.load.chunk * core.rows), loaded.eq(0)]
    with m.Elif(ends):
        m.d.sync += [since.eq(0), loaded.eq(1)]
    with m.Else():
        m.d.sync += since.eq(since + (since != 0))
        with m.If(loader.load.taken):
            m.d.sync += loaded.eq(0)

    # `complete` is high, and `busy` low, from the cycle on in which the last row is at the array.
    last_row = Signal()
    m.d.sync += last_row.eq(ends)
    reads = (since >= 1) & (since <= core.rows)
    late = since - 1 - core.loader_latency
    writes = (since >= 1 + core.loader_latency) | last_row
    m.d.comb += [
        Assert(loader.load.busy == (since != 0)),
        Assert(loader.load.complete == loaded),
        Assert(loader.read == reads),
        Assert(loader.row_valid == writes),
    ]
    with m.If(reads):
        m.d.comb += Assert(loader.address == first + since - 1)
    with m.If(last_row):
        m.d.comb += Assert(loader.row == core.rows - 1)
    with m.Elif(writes):
        m.d.comb += Assert(loader.row == late[: len(loader.row)])

    # The same in other words: whichever row one looks at, it has been written once when the load is complete.
    row = chosen(m, "watched", range(core.rows))
    count = Signal(2)
    seen = loader.row_valid & (loader.row == row)
    with m.If(starts):
        m.d.sync += count.eq(0)
    with m.Elif(seen & (count != 3)):
        m.d.sync += count.eq(count + 1)
    m.d.comb += Assume(row < core.rows)
    with m.If(loader.load.complete & ~starts):
        m.d.comb += Assert(count + seen == 1)
    # Until then, once if its cycle has come. This is what the induction has to know.
    with m.If(since != 0):
        m.d.comb += Assert(count == (since > 1 + core.loader_latency + row))
    with m.Elif(last_row):
        m.d.comb += Assert(count == (row != core.rows - 1))

    m.d.comb += [
        Cover(loader.load.complete & loader.load.taken & (first != 0)),
        Cover(last_row & loader.load.start),
        Cover((since == 2) & loader.load.start),
        Cover(loader.load.complete & loader.load.start & ~last_row),
    ]
    return m


FILE = "rtl/weights/row_loader.py"
CLAIM = (
    "whenever a load starts, row r is read at chunk x rows + r in cycle 1 + r and is at the array in cycle 1 + "
    "loader_latency + r, nothing else is read or written, each row is written once per load, busy and complete say so "
    "on the cycle, and a start while busy is ignored"
)
MUTANTS = (
    Mutant("first row skipped", FILE, "row.eq(0), load.busy.eq(1)", "row.eq(1), load.busy.eq(1)"),
    Mutant("start while busy taken", FILE, "with m.If(load.start & ~load.busy):", "with m.If(load.start):"),
    Mutant("complete one row early", FILE, "(before[1:] == core.rows - 1)", "(before[1:] == core.rows - 2)"),
    Mutant("address of the chunk before", FILE, "self.address.eq(chunk * core.rows)", "self.address.eq(0)"),
)


def _proof(name: str, core: CoreSpec, *, quick: bool) -> Proof:
    levels = f"{core.bus_levels} bus level{'s' if core.bus_levels > 1 else ''}"
    return Proof(
        name=name,
        component="RowLoader",
        claim=CLAIM,
        parameters=f"{core.rows} rows, {core.chunks} chunks, {levels}",
        build=partial(build, core),
        mode="prove",
        depth=core.load_cycles + 2,
        cover_depth=2 * core.load_cycles + 4,
        quick=quick,
        mutants=MUTANTS,
    )


PROOFS = (
    _proof("row-loader", small_core(), quick=True),
    _proof("row-loader-two-levels", small_core(grid=[4, 9], chunks=3), quick=False),
)
