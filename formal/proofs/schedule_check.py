"""Schedule check: accepts exactly the legal schedules, and names the first illegal instruction of any other."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Assert, Const, Cover, Module, Mux, Signal, Value

from formal.bench import chosen, elaborated, free, past, register_of
from formal.cores import small_core
from formal.proof import Mutant, Proof

CHUNKS = 3
DEPTH = 64
STOP, LOAD, COMMIT, INIT, RUN, SAMPLE, REPEAT = range(1, 8)
"""Operation codes, from docs/formats.md."""

LONGEST_ROW = 4
"""Instructions without duration that may follow each other."""


def is_instruction(word: Value, length: Value, chunks: int) -> Value:
    """Whether a word is a known operation with operands in their ranges and all other bits zero."""
    operation, operand = word[28:], word[:28]
    return Mux(
        (operation == STOP) | (operation == COMMIT) | (operation == SAMPLE),
        operand == 0,
        Mux(
            operation == LOAD,
            operand < chunks,
            Mux(
                (operation == INIT) | (operation == RUN),
                (operand >= 1) & (operand < 2**24),
                (operation == REPEAT) & (operand < 2**24) & (operand[:8] < length),
            ),
        ),
    )


def takes_time(word: Value) -> Value:
    """Whether a word is one of those that may stand between rows of instructions without duration."""
    return (word[28:] == INIT) | (word[28:] == RUN) | (word[28:] == STOP)


def ends_schedule(word: Value) -> Value:
    """``stop``, or a ``repeat`` for ever."""
    return (word[28:] == STOP) | ((word[28:] == REPEAT) & (word[8:24] == 0))


def is_legal(words: Sequence[Value], length: Value, chunks: int) -> Value:
    """Whether the first ``length`` of these words, at least one, are a legal schedule."""
    row: Value = Const(0, 4)
    legal: Value = Const(1, 1)
    for number, word in enumerate(words):
        row = Mux(takes_time(word), 0, row + 1)[:4]
        closed = (length != number + 1) | ends_schedule(word)
        legal &= (length <= number) | (is_instruction(word, length, chunks) & (row <= LONGEST_ROW) & closed)
    return legal & (length >= 1) & (length <= len(words))


def build() -> Module:
    """One instruction, anywhere, and the four before it: whatever is proved of it holds for every instruction."""
    from oscc.rtl.schedule.schedule_check import ScheduleCheck

    m = Module()
    check = ScheduleCheck(small_core(chunks=CHUNKS))
    m.submodules.check = fragment = elaborated(check)
    length, place = chosen(m, "length", 7), chosen(m, "place", range(DEPTH))
    row = [chosen(m, f"word_{number}", 32) for number in range(LONGEST_ROW + 1)]
    word = row[-1]
    m.d.comb += [check.start.eq(free(m, "start", 1)), check.length.eq(length)]
    # Other words are read once in a check: free, they are as good as chosen.
    m.d.comb += check.fetch.word.eq(free(m, "elsewhere", 32))
    fetched = past(m, check.fetch.address, "fetched")
    for behind, content in enumerate(reversed(row)):
        with m.If((place >= behind) & (fetched == place - behind)):
            m.d.comb += check.fetch.word.eq(content)

    crowded = Signal()
    m.d.comb += crowded.eq(place >= LONGEST_ROW)
    for content in row:
        with m.If(takes_time(content)):
            m.d.comb += crowded.eq(0)
    known, closed, legal = Signal(), Signal(), Signal()
    m.d.comb += [
        known.eq(is_instruction(word, length, CHUNKS)),
        closed.eq((place != length - 1) | ends_schedule(word)),
        legal.eq(known & ~crowded & closed),
    ]
    fits = (length >= 1) & (length <= DEPTH)

    with m.If(check.good):
        m.d.comb += [Assert(fits), Assert((place >= length) | legal)]
    with m.If(check.bad & ~fits):
        m.d.comb += Assert(check.bad_address == 0)
    with m.If(check.bad & fits):
        m.d.comb += [
            Assert(check.bad_address < length),
            Assert((check.bad_address != place) | ~legal),
            Assert((place >= check.bad_address) | legal),
        ]

    # One answer per start, in time, and none without.
    asked, waited = Signal(), Signal(7)
    answers = check.good | check.bad
    with m.If(check.start):
        m.d.sync += [asked.eq(1), waited.eq(1)]
    with m.Else():
        with m.If(answers):
            m.d.sync += asked.eq(0)
        m.d.sync += waited.eq(waited + asked)
    m.d.comb += Assert(~(check.good & check.bad))
    with m.If(answers):
        m.d.comb += Assert(asked & ~check.busy)
    m.d.comb += Assert(~asked | (waited <= Mux(fits, length + 2, 2)))
    m.d.comb += Assert(~check.busy | asked)

    # What induction has to know besides: where the check is, and that it has found nothing yet.
    address, checked = register_of(fragment, "address"), register_of(fragment, "checked")
    untimed, fresh = register_of(fragment, "untimed"), register_of(fragment, "fresh")
    m.d.comb += Assert(~asked | check.busy | answers)
    with m.If(check.busy):
        m.d.comb += Assert(waited == Mux(fresh, checked + 2, 1))
        m.d.comb += Assert(~fresh | fits)
        m.d.comb += Assert(untimed <= LONGEST_ROW)
        with m.If(fresh):
            m.d.comb += [Assert(address == checked + 1), Assert(fetched == checked), Assert(checked < length)]
            m.d.comb += [Assert(untimed <= checked), Assert((place >= checked) | legal)]
            for behind in range(LONGEST_ROW + 1):
                streak = _streak(m, row[: LONGEST_ROW - behind], f"streak_{behind}")
                before = LONGEST_ROW - behind
                with m.If((place >= LONGEST_ROW) & (checked == place - behind)):
                    m.d.comb += Assert(Mux(streak == before, untimed >= before, untimed == streak))
        with m.Else():
            m.d.comb += [Assert(address == 0), Assert(untimed == 0)]

    m.d.comb += [
        Cover(check.good & (length == 6) & (place == 4) & (word[28:] == LOAD)),
        Cover(check.good & (length == 3) & (place == 2) & (word[28:] == REPEAT)),
        Cover(check.bad & ~known & (check.bad_address == place) & (place == 2)),
        Cover(check.bad & known & crowded & closed & (check.bad_address == place)),
        Cover(check.bad & known & ~crowded & ~closed & (check.bad_address == place)),
        Cover(check.bad & (length == 65)),
    ]
    return m


def _streak(m: Module, words: list[Signal], name: str) -> Signal:
    """How many of the last of these words, in a row, take no time."""
    streak = Signal(range(LONGEST_ROW + 2), name=name)
    count: Value = Signal(range(LONGEST_ROW + 2), name=f"{name}_none")
    for word in words:
        count = Mux(takes_time(word), 0, count + 1)
    m.d.comb += streak.eq(count)
    return streak


FILE = "rtl/schedule/schedule_check.py"

PROOFS = (
    Proof(
        name="schedule-check",
        component="ScheduleCheck",
        claim="good if and only if the schedule is legal; otherwise bad, with the address of the first illegal "
        "instruction; one answer per start, within length + 2 cycles",
        parameters=f"all schedules of {DEPTH} words, all lengths; {CHUNKS} chunks",
        build=build,
        mode="prove",
        depth=2,
        cover_depth=12,
        mutants=(
            Mutant(
                "run of 0 cycles accepted",
                FILE,
                "Operation.RUN):\n                m.d.comb += legal.eq((word[24:28] == 0) & (word[:24] != 0))",
                "Operation.RUN):\n                m.d.comb += legal.eq(word[24:28] == 0)",
                10,
            ),
            Mutant(
                "fifth untimed instruction accepted", FILE, "(untimed == MAX_UNTIMED)", "(untimed > MAX_UNTIMED)", 12
            ),
            Mutant("a chunk too many", FILE, "word[:8] < self._core.chunks", "word[:8] <= self._core.chunks", 10),
            Mutant("target at the end", FILE, "(word[:8] < self.length)", "(word[:8] <= self.length)", 10),
        ),
    ),
)
