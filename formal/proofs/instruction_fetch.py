"""Instruction fetch: gathers the groups that the schedule asks for, in its order."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from formal.bench import chosen, free, past
from formal.cores import small_core
from formal.inside import elaborated_inside
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import COMMIT, INIT, LOAD, LONGEST_ROW, REPEAT, RUN, SAMPLE, STOP

CHUNKS = 3
DEPTH = 64


def build() -> Module:
    """A machine of the specification takes each instruction in the cycle in which the fetch decodes it.

    One place of the schedule, any, holds the same word all the time, and its loop counter is followed; all other words
    are anything in every cycle, and their repeats may jump or not.
    """
    from oscc.rtl.schedule.instruction_fetch import InstructionFetch

    m = Module()
    fetch = InstructionFetch(small_core(chunks=CHUNKS))
    m.submodules.fetch, insides = elaborated_inside(fetch)
    inside = insides["InstructionFetch"]
    begin, halt, next_group = (free(m, name, 1) for name in ("begin", "halt", "next_group"))
    m.d.comb += [fetch.begin.eq(begin), fetch.halt.eq(halt), fetch.next_group.eq(next_group)]
    place, content = chosen(m, "place", range(DEPTH)), chosen(m, "content", 32)
    fetched = past(m, fetch.fetch.address, "fetched")
    word = Signal(32)
    m.d.comb += [word.eq(Mux(fetched == place, content, free(m, "elsewhere", 32))), fetch.fetch.word.eq(word)]
    m.d.comb += Assume((word[28:] != REPEAT) | (word[:8] < DEPTH))

    # The specification.
    address, row = Signal(range(DEPTH), name="spec_address"), Signal(range(LONGEST_ROW + 1), name="spec_row")
    sample, commit, load, timed, is_init, stop, known, going, crowded = (
        Signal(name=f"spec_{name}")
        for name in ("sample", "commit", "load", "timed", "is_init", "stop", "known", "going", "crowded")
    )
    chunk, cycles, jumped = Signal(2, name="spec_chunk"), Signal(24, name="spec_cycles"), Signal(16, name="spec_jumped")
    age, taken = Signal(8, name="spec_age"), Signal(range(LONGEST_ROW + 3), name="spec_taken")
    operation, count = word[28:], word[8:24]
    belongs_to_next = (
        ((operation == COMMIT) & (commit | load)) | ((operation == LOAD) & load) | ((operation == SAMPLE) & sample)
    )
    jumps = Signal()
    m.d.comb += jumps.eq(Mux(count == 0, 1, Mux(address == place, jumped != count, inside["jumps"])))
    step = Signal()
    m.d.comb += step.eq(inside["active"] & inside["decode"] & ~fetch.valid & ~halt & ~begin)
    m.d.sync += [crowded.eq(0), age.eq(age + ~age.all())]
    with m.If(halt):
        m.d.sync += [going.eq(0), known.eq(0)]
    with m.Elif(begin):
        m.d.sync += [signal.eq(0) for signal in (sample, commit, load, timed, stop, known, address, row, jumped, taken)]
        m.d.sync += [going.eq(1), age.eq(1)]
    with m.Elif(known & next_group):
        m.d.sync += [signal.eq(0) for signal in (sample, commit, load, timed, stop, known, taken)]
        m.d.sync += age.eq(1)
    with m.Elif(step):
        m.d.sync += taken.eq(taken + 1)
        with m.If(belongs_to_next):
            m.d.sync += known.eq(1)
        with m.Elif((operation == INIT) | (operation == RUN)):
            m.d.sync += [known.eq(1), timed.eq(1), is_init.eq(operation == INIT), cycles.eq(word[:24])]
            m.d.sync += [row.eq(0), address.eq(address + 1)]
        with m.Elif(operation == STOP):
            m.d.sync += [known.eq(1), stop.eq(1), address.eq(address + 1)]
        with m.Elif(row == LONGEST_ROW):
            m.d.sync += [crowded.eq(1), going.eq(0)]
        with m.Else():
            m.d.sync += [row.eq(row + 1), address.eq(address + 1)]
            with m.Switch(operation):
                with m.Case(LOAD):
                    m.d.sync += [load.eq(1), chunk.eq(word[:8])]
                with m.Case(COMMIT):
                    m.d.sync += commit.eq(1)
                with m.Case(SAMPLE):
                    m.d.sync += sample.eq(1)
                with m.Case(REPEAT):
                    with m.If(jumps):
                        m.d.sync += address.eq(word[:8])
                    with m.If((address == place) & (count != 0)):
                        m.d.sync += jumped.eq(Mux(jumps, jumped + 1, 0))

    # Nothing follows a stop: `sequencer-events`.
    m.d.comb += Assume(~(known & stop & next_group))
    group = fetch.group
    m.d.comb += [Assert(fetch.valid == known), Assert(fetch.overrun == crowded)]
    with m.If(known):
        m.d.comb += [
            Assert(Cat(group.sample, group.commit, group.load, group.timed, group.stop)
                   == Cat(sample, commit, load, timed, stop)),
            Assert(~load | (group.chunk == chunk)),
            Assert(~timed | ((group.cycles == cycles) & (group.is_init == is_init) & (group.short == (cycles < 2)))),
            Assert(sample | commit | load | timed | stop),
        ]  # fmt: skip
    # The word at hand is that of the place where the specification is, and a group takes two cycles per instruction.
    with m.If(step):
        m.d.comb += [
            Assert(fetched == address),
            Assert((operation != REPEAT) | (inside["jumps"] == jumps) | (count == 0)),
        ]
        m.d.comb += Assert(age == 2 * (taken + 1))
    rises = known & ~past(m, known, "known_before")
    m.d.comb += Assert(~rises | (age == 1 + 2 * taken))

    # A memory gives what was written last. The cell of the place is followed; what it holds is not named in RTLIL.
    memory, cell, from_cell, was_read = inside["counters"], Signal(17), Signal(17), Signal()
    with m.If(memory.write_enable & (memory.write_address == place)):
        m.d.sync += cell.eq(memory.write_data)
    with m.If(memory.read_enable):
        m.d.sync += [was_read.eq(memory.read_address == place), from_cell.eq(cell)]
    m.d.comb += [
        Assume(~was_read | (memory.read_data == from_cell)),
        # What a memory gives of a word that is written in the same cycle is undefined.
        Assert(~(memory.read_enable & memory.write_enable)),
    ]

    # What induction has to know besides.
    active, decode, counter = inside["active"], inside["decode"], inside["counter"]
    left = Signal(16)
    m.d.comb += [left.eq(content[8:24] - jumped), Assert(active == going)]
    with m.If(going):
        m.d.comb += [
            Assert(counter == address),
            Assert(stop | (inside["untimed"] == row)),
            Assert(Cat(group.sample, group.commit, group.load, group.timed, group.stop)
                   == Cat(sample, commit, load, timed, stop)),
            Assert(known | (~timed & ~stop)),
            Assert(~load | (group.chunk == chunk)),
            Assert((jumped == 0) | ((content[28:] == REPEAT) & (content[8:24] != 0))),
            Assert(jumped <= content[8:24]),
            Assert(inside["counting"].bit_select(place, 1) == (jumped != 0)),
            Assert((jumped == 0) | (cell == Cat(left, left != 0))),
            Assert(known | (age == 1 + 2 * taken + decode)),
            Assert(row <= LONGEST_ROW),
            Assert(known | (taken <= row)),
        ]  # fmt: skip
        with m.If(decode & ~known):
            m.d.comb += [Assert(fetched == address)]
            m.d.comb += Assert((address != place) | (inside["is_counting"] == (jumped != 0)))

    m.d.comb += [
        Cover(rises & sample & commit & load & timed & (taken == 5)),
        Cover(rises & load & ~timed & ~stop),
        Cover(fetch.overrun),
        Cover(step & (address == place) & (operation == REPEAT) & (count == 2) & (jumped == 2)),
        Cover(step & (address == place) & (operation == REPEAT) & (count == 0) & (address == 5)),
    ]
    return m


FILE = "rtl/schedule/instruction_fetch.py"

PROOFS = (
    Proof(
        name="instruction-fetch",
        component="InstructionFetch",
        claim="groups are what the schedule says, in its order: members, chunk, cycles and end, early ends before a "
        "conflicting instruction, overrun at the fifth without duration; each finite repeat jumps as often as it says "
        "and is then fresh, loops nested in any way; a group of n instructions takes 1 + 2 n cycles",
        parameters=f"all schedules of {DEPTH} words, of any length in time",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=24,
        mutants=(
            Mutant("a jump too many", FILE, "remaining != 1)", "remaining != 0)", 16),
            Mutant(
                "commit joins its load", FILE, "conflict.eq(group.commit | group.load)", "conflict.eq(group.commit)", 12
            ),
            Mutant(
                "counter not fresh at begin", FILE, ", counting.eq(0), self.valid.eq(0)]", ", self.valid.eq(0)]", 16
            ),
            Mutant("overrun one late", FILE, "(untimed == MAX_UNTIMED)", "(untimed == MAX_UNTIMED + 1)", 16),
        ),
    ),
)
