from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.schedule.schedule_check import ScheduleCheck

# Words as docs/formats.md has them: the operation in the highest four bits.
STOP, COMMIT, SAMPLE = 0x1000_0000, 0x3000_0000, 0x6000_0000
CORE = load_core("tiny-8x8")


def load(chunk: int) -> int:
    return 0x2000_0000 | chunk


def init(cycles: int) -> int:
    return 0x4000_0000 | cycles


def run(cycles: int) -> int:
    return 0x5000_0000 | cycles


def repeat(count: int, target: int) -> int:
    return 0x7000_0000 | count << 8 | target


ENDLESS = [load(0), COMMIT, load(1), init(64), run(30), COMMIT, load(0), run(30), SAMPLE, repeat(0, 1), STOP]


def check(schedules: Sequence[tuple[Sequence[int], int]], core: CoreSpec = CORE) -> list[tuple[str, int, int]]:
    """("good" or "bad", address, cycles from start) for each memory content with a length, one after another."""
    unit = ScheduleCheck(core)
    module = Module()
    module.submodules.unit = unit
    module.submodules.memory = memory = Memory(shape=32, depth=64, init=[])
    port = memory.read_port()
    module.d.comb += [port.addr.eq(unit.fetch.address), unit.fetch.word.eq(port.data)]
    names = ("start", "busy", "good", "bad", "bad_address")
    record = Recorder.of(unit, *names)

    async def bench(context: Any) -> None:
        for words, length in schedules:
            for address in range(64):
                context.set(memory.data[address], words[address] if address < len(words) else 0)
            context.set(unit.length, length)
            context.set(unit.start, 1)
            await context.tick()
            context.set(unit.start, 0)
            await wait(context, 72)

    simulate(module, bench, background=[record.watch], limit=100 * len(schedules))
    found = []
    for start in record.cycles("start"):
        verdicts = [
            (cycle, name) for name in ("good", "bad") for cycle in record.cycles(name) if start <= cycle < start + 73
        ]
        ((cycle, name),) = verdicts
        busy = record.values("busy")
        assert busy[start + 1 : cycle] == [1] * (cycle - start - 1)
        assert not any(busy[cycle : start + 73])
        found.append((name, record.at(cycle)["bad_address"] if name == "bad" else -1, cycle - start))
    return found


def verdict(words: Sequence[int], length: int, chunks: int = 4) -> tuple[str, int, int]:
    """The rules in plain words, and the latencies that are promised."""
    if not 1 <= length <= 64:
        return "bad", 0, 2
    in_a_row = 0
    for address in range(length):
        word = words[address] if address < len(words) else 0
        operation, rest = word >> 28, word & 0x0FFF_FFFF
        legal = {
            1: rest == 0,
            2: rest < chunks,
            3: rest == 0,
            4: 0 < rest < 2**24,
            5: 0 < rest < 2**24,
            6: rest == 0,
            7: rest < 2**24 and rest & 0xFF < length,
        }.get(operation, False)
        in_a_row = 0 if operation in (1, 4, 5) else in_a_row + 1
        ends = operation == 1 or (operation == 7 and (word >> 8) & 0xFFFF == 0)
        if not legal or in_a_row > 4 or (address == length - 1 and not ends):
            return "bad", address, 3 + address
    return "good", -1, length + 2


def test_good_schedules_pass_in_length_plus_two_cycles() -> None:
    schedules = [
        ENDLESS,
        ENDLESS[:10],
        [STOP],
        [repeat(0, 0)],
        [load(3), COMMIT, init(2**24 - 1), run(1), SAMPLE, repeat(65535, 2), STOP],
        [run(1)] * 63 + [STOP],
        [load(0), COMMIT, SAMPLE, load(1)] * 1 + [STOP],
        [load(0), STOP, COMMIT, load(0), COMMIT, load(0), STOP],
    ]
    assert check([(words, len(words)) for words in schedules]) == [("good", -1, len(words) + 2) for words in schedules]


ILLEGAL = {
    "operation 0, memory that nobody wrote": 0,
    "operation 8": 0x8000_0000,
    "operation 15": 0xF000_0000,
    "stop with an operand": STOP | 1,
    "stop with a reserved bit": STOP | 1 << 27,
    "commit with an operand": COMMIT | 1,
    "commit with a reserved bit": COMMIT | 1 << 13,
    "sample with an operand": SAMPLE | 1 << 20,
    "load of a chunk that the banks do not hold": load(4),
    "load of chunk 255": load(255),
    "load with a reserved bit": load(0) | 1 << 8,
    "load with a high reserved bit": load(0) | 1 << 27,
    "init of no cycles": init(0),
    "init with a reserved bit": init(5) | 1 << 24,
    "run of no cycles": run(0),
    "run with a reserved bit": run(5) | 1 << 27,
    "repeat beyond the schedule": repeat(2, 12),
    "repeat to instruction 255": repeat(0, 255),
    "repeat with a reserved bit": repeat(2, 0) | 1 << 24,
}


@pytest.mark.parametrize("word", ILLEGAL.values(), ids=ILLEGAL.keys())
def test_every_illegal_word_is_refused_wherever_it_stands(word: int) -> None:
    schedules = [[*ENDLESS[:address], word, *ENDLESS[address + 1 :], STOP] for address in (0, 3, 4, 10)]
    found = check([(words, len(words)) for words in schedules])
    assert found == [("bad", address, 3 + address) for address in (0, 3, 4, 10)]


def test_the_length_must_be_within_the_memory() -> None:
    whole = [run(1)] * 63 + [STOP]
    assert check([(whole, 0), (whole, 65), (whole, 127), (whole, 64)]) == [
        ("bad", 0, 2),
        ("bad", 0, 2),
        ("bad", 0, 2),
        ("good", -1, 66),
    ]


@pytest.mark.parametrize("last", [run(5), COMMIT, SAMPLE, load(0), repeat(3, 0)])
def test_the_end_must_be_stop_or_an_endless_repeat(last: int) -> None:
    assert check([([run(5), last], 2), ([run(5), last, STOP], 3)]) == [("bad", 1, 4), ("good", -1, 5)]


def test_only_what_the_length_covers_counts() -> None:
    assert check([([run(5), STOP, 0, 99], 2), ([run(5), STOP, 0, 99], 3)]) == [("good", -1, 4), ("bad", 2, 5)]


def test_a_target_is_measured_against_the_length() -> None:
    words = [run(5), repeat(2, 3), run(5), repeat(0, 0)]
    assert check([(words, 4), ([*words[:1], repeat(2, 4), *words[2:]], 4)]) == [("good", -1, 6), ("bad", 1, 4)]


@pytest.mark.parametrize("untimed", [COMMIT, SAMPLE, load(1), repeat(2, 0)])
def test_at_most_four_untimed_in_a_row(untimed: int) -> None:
    four, five = [run(9), *[untimed] * 4, run(9), STOP], [run(9), *[untimed] * 5, run(9), STOP]
    assert check([(four, 7), (five, 8)]) == [("good", -1, 9), ("bad", 5, 8)]


def test_the_untimed_are_counted_anew_behind_a_timed_one_and_at_each_start() -> None:
    words = [*[COMMIT] * 4, init(3), *[COMMIT] * 4, run(3), *[COMMIT] * 3, repeat(0, 0)]
    assert check([(words, len(words))] * 2) == [("good", -1, len(words) + 2)] * 2


@pytest.mark.parametrize("chunks", [1, 3, 19])
def test_chunks_are_those_of_the_core(make_core: Callable[..., CoreSpec], chunks: int) -> None:
    core = make_core(chunks=chunks)
    schedules = [[load(chunk), COMMIT, STOP] for chunk in (chunks - 1, chunks)]
    assert check([(words, 3) for words in schedules], core) == [("good", -1, 5), ("bad", 0, 3)]


def test_the_address_of_the_fault_stays() -> None:
    unit = ScheduleCheck(CORE)

    async def bench(context: Any) -> None:
        context.set(unit.length, 9)
        context.set(unit.fetch.word, run(1))
        context.set(unit.start, 1)
        await context.tick()
        context.set(unit.start, 0)
        await wait(context, 5)
        context.set(unit.fetch.word, 0)
        await wait(context, 30)
        assert context.get(unit.bad_address) == 4
        assert not context.get(unit.busy)

    simulate(unit, bench)


LEGAL = st.one_of(
    st.sampled_from([STOP, COMMIT, SAMPLE]),
    st.builds(load, st.integers(0, 4)),
    st.builds(init, st.integers(0, 2**24 - 1)),
    st.builds(run, st.integers(1, 2**24 - 1)),
    st.builds(run, st.integers(1, 2**24 - 1)),
    st.builds(repeat, st.integers(0, 3), st.integers(0, 20)),
)
WORDS = st.one_of(LEGAL, LEGAL, LEGAL, LEGAL, LEGAL, LEGAL, st.integers(0, 2**32 - 1))


BODIES = st.lists(WORDS, min_size=1, max_size=14)


@settings(deadline=None, max_examples=25)
@given(
    schedules=st.lists(
        st.tuples(st.one_of(BODIES, BODIES.map(lambda words: [*words, STOP])), st.sampled_from([0, 0, 0, -1, 1, 5])),
        min_size=4,
        max_size=10,
    )
)
def test_the_verdict_is_that_of_the_rules(schedules: list[tuple[list[int], int]]) -> None:
    with_lengths = [(words, len(words) + more) for words, more in schedules]
    assert check(with_lengths) == [verdict(words, length) for words, length in with_lengths]


DRIVEN = load_core("driven-8x8")
QUIET = SAMPLE | 1


def feed(source: int, chunk: int = 0) -> int:
    return 0x8000_0000 | chunk << 8 | source


def settle(cycles: int) -> int:
    return 0x9000_0000 | cycles


@pytest.mark.parametrize(
    "word",
    [feed(0), feed(1), feed(1, DRIVEN.chunks - 1), feed(3), settle(1), settle(2**24 - 1), QUIET],
    ids=hex,
)
def test_what_only_driven_cores_have_is_illegal_on_others(word: int) -> None:
    schedule = [word, STOP]
    assert check([(schedule, 2)], DRIVEN) == [("good", -1, 4)]
    assert check([(schedule, 2)], CORE) == [("bad", 0, 3)]


@pytest.mark.parametrize(
    "word",
    [
        feed(2),
        feed(4),
        feed(0, 1),
        feed(3, 1),
        feed(1, DRIVEN.chunks),
        feed(1) | 1 << 16,
        settle(0),
        settle(1) | 1 << 24,
        SAMPLE | 2,
        0xA000_0000,
    ],
    ids=hex,
)
def test_what_no_driven_core_has_is_illegal(word: int) -> None:
    assert check([([word, STOP], 2)], DRIVEN) == [("bad", 0, 3)]


def test_a_feed_takes_no_time_and_a_settle_does() -> None:
    crowded = [feed(0), load(0), COMMIT, SAMPLE, feed(3), STOP]
    assert check([(crowded, 6)], DRIVEN) == [("bad", 4, 7)]
    parted = [feed(0), load(0), settle(9), COMMIT, SAMPLE, feed(3), STOP]
    assert check([(parted, 7)], DRIVEN) == [("good", -1, 9)]
