from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.instructions import Instruction, Operation, Source
from oscc.core.spec_file import load_core
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import Pause, no_pause, random_pauses, simulate, wait
from oscc.rtl.schedule.instruction_fetch import InstructionFetch

LOAD, COMMIT, INIT = Operation.LOAD, Operation.COMMIT, Operation.INIT
RUN, SAMPLE, REPEAT, STOP = Operation.RUN, Operation.SAMPLE, Operation.REPEAT, Operation.STOP
CORE = load_core("tiny-8x8")
MEMBERS = ("sample", "commit", "load", "chunk", "timed", "is_init", "cycles", "stop")


def parse(text: str) -> list[Instruction]:
    """A schedule from ``load 0, commit, repeat 3 1`` (count, target)."""
    schedule = []
    for entry in text.split(","):
        name, *numbers = entry.split()
        values = [int(number) for number in numbers]
        kind = Operation[name.upper()]
        schedule.append(Instruction(kind, values[-1], values[0]) if kind is REPEAT else Instruction(kind, *values))
    return schedule


def groups_of(schedule: Sequence[Instruction]) -> Iterator[tuple[dict[str, int], int] | None]:
    """Each group with the instructions fetched for it; None where too many take no time. Up to ``stop``."""
    address, in_a_row = 0, 0
    left: dict[int, int] = {}
    while True:
        group: dict[str, int] = {}
        fetched = 0
        while not {"timed", "stop"} & group.keys():
            instruction = schedule[address]
            kind, fetched = instruction.operation, fetched + 1
            name = kind.name.lower()
            if name in group or (kind is COMMIT and "load" in group):
                break
            in_a_row = 0 if instruction.is_timed else in_a_row + (kind is not STOP)
            if in_a_row > 4:
                yield None
                return
            address += 1
            if kind is REPEAT:
                here = address - 1
                left.setdefault(here, instruction.count)
                if instruction.count == 0 or left[here] > 0:
                    left[here] -= 1
                    address = instruction.operand
                else:
                    del left[here]
            elif instruction.is_timed:
                group |= {"timed": 1, "is_init": int(kind is INIT), "cycles": instruction.operand}
            else:
                group[name] = 1
                if kind is LOAD:
                    group["chunk"] = instruction.operand
        yield group, fetched
        if "stop" in group:
            return


class Bench:
    def __init__(self, schedule: Sequence[Instruction]) -> None:
        self.fetch = fetch = InstructionFetch(CORE)
        self.module = module = Module()
        module.submodules.fetch = fetch
        module.submodules.memory = memory = Memory(shape=32, depth=64, init=[i.encode() for i in schedule])
        port = memory.read_port()
        module.d.comb += [port.addr.eq(fetch.fetch.address), fetch.fetch.word.eq(port.data)]
        names = ("begin", "halt", "next_group", "valid", "overrun", "fetch.address")
        members = {name: getattr(fetch.group, name) for name in MEMBERS}
        self.record = Recorder.of(fetch, *names, **members)

    async def pulse(self, context: Any, name: str) -> None:
        context.set(getattr(self.fetch, name), 1)
        await context.tick()
        context.set(getattr(self.fetch, name), 0)

    def run(self, bench: Any) -> Recorder:
        simulate(self.module, bench, background=[self.record.watch])
        return self.record

    def group_at(self, cycle: int) -> dict[str, int]:
        """What the group asks for, as `groups_of` has it."""
        now = self.record.at(cycle)
        group = {name: now[name] for name in ("sample", "commit", "load", "timed", "stop") if now[name]}
        if "load" in group:
            group["chunk"] = now["chunk"]
        if "timed" in group:
            group |= {"is_init": now["is_init"], "cycles": now["cycles"]}
        return group


def consume(schedule: Sequence[Instruction], limit: int, pause: Pause = no_pause) -> None:
    """Take up to ``limit`` groups and compare each with `groups_of`, and when it became valid."""
    expected = list(islice(groups_of(schedule), limit))
    bench = Bench(schedule)

    async def consumer(context: Any) -> None:
        fetch = bench.fetch
        await wait(context, 2)
        await bench.pulse(context, "begin")
        for group in expected:
            for _ in range(16):
                if context.get(fetch.valid | fetch.overrun):
                    break
                await context.tick()
            await wait(context, pause())
            if group is None or "stop" in group[0]:
                break
            await bench.pulse(context, "next_group")
        await wait(context, 8)

    record = bench.run(consumer)
    asked = record.cycles("begin") + record.cycles("next_group")
    valid = record.values("valid")
    for group, cycle in zip(expected, asked, strict=False):
        if group is None:
            assert not any(valid[cycle + 1 :])
            ((found,),) = [record.cycles("overrun")]
            assert found > cycle
            # Nothing more is fetched.
            assert len(set(record.values("fetch.address")[found:])) == 1
            return
        members, fetched = group
        first = cycle + 1 + 2 * fetched
        assert valid[cycle + 1 : first + 1] == [0] * (first - cycle - 1) + [1]
        assert bench.group_at(first) == members
        end = next((later for later in asked if later > cycle), len(record) - 1)
        # It stays as it is until it is taken.
        assert all(valid[at] and bench.group_at(at) == members for at in range(first, end + 1))
    assert record.cycles("overrun") == []


EXAMPLES = {
    "the schedule of the design": "load 0,commit,load 1,init 64,run 9,commit,load 2,run 8,commit,load 3,run 7,commit,"
    "load 0,run 6,sample,repeat 0 1,stop",
    "one sample": "load 0,commit,init 64,run 30,sample,stop",
    "nothing": "stop",
    "alone": "run 16777215,repeat 0 0",
    "finite repeat": "run 5,repeat 3 0,stop",
    "repeat of count 1": "run 5,sample,repeat 1 0,init 2,stop",
    "nested repeats": "init 3,run 5,repeat 2 1,sample,repeat 3 0,stop",
    "inner repeat starts anew each time": "run 1,run 2,repeat 1 1,run 3,repeat 1 1,repeat 2 0,stop",
    "two samples wait": "run 5,sample,sample,run 4,stop",
    "two commits wait": "load 0,commit,commit,run 4,stop",
    "two loads wait": "load 0,load 1,commit,init 4,stop",
    "commit, load and sample go together": "run 2,commit,load 3,sample,run 7,stop",
    "four without duration": "run 2,sample,commit,load 3,repeat 0 0",
    "jump over": "run 1,repeat 0 3,stop,run 2,repeat 0 0",
}


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES.keys())
@pytest.mark.parametrize("seed", [0, 1])
def test_groups_and_when_they_are_valid(text: str, seed: int) -> None:
    consume(parse(text), 24, random_pauses(seed, longest=9) if seed else no_pause)


def test_what_the_model_of_this_test_says_of_nested_repeats() -> None:
    groups = list(groups_of(parse("init 3,run 5,repeat 2 1,sample,repeat 1 0,stop")))
    timed = [group["cycles"] for group, _ in filter(None, groups) if "timed" in group]
    assert timed == [3, 5, 5, 5, 3, 5, 5, 5]


@pytest.mark.parametrize(
    "text",
    ["run 1,commit,load 0,sample,repeat 0 1", "load 0,repeat 0 0", "run 2,repeat 0 1", "run 1,repeat 9 1,stop"],
)
def test_more_than_four_without_duration_are_an_overrun(text: str) -> None:
    groups = list(groups_of(parse(text)))
    assert groups[-1] is None
    consume(parse(text), 24)


@pytest.mark.parametrize("when", range(8))
def test_halt_ends_it_at_once_and_begin_starts_afresh(when: int) -> None:
    schedule = parse("run 5,repeat 1 0,load 1,sample,run 6,stop")
    bench = Bench(schedule)

    async def driver(context: Any) -> None:
        await bench.pulse(context, "begin")
        await wait(context, 3)
        await bench.pulse(context, "next_group")
        # The counter of the repeat is under way.
        await wait(context, when)
        await bench.pulse(context, "halt")
        await wait(context, 20)
        await bench.pulse(context, "begin")
        for _ in range(2):
            await wait(context, 20)
            await bench.pulse(context, "next_group")
        await wait(context, 20)

    record = bench.run(driver)
    (halt,) = record.cycles("halt")
    again = record.cycles("begin")[1]
    assert not any(record.values("valid")[halt + 1 : again + 1])
    fetched = [groups for groups, _ in filter(None, groups_of(schedule))]
    taken = record.cycles("next_group")[1:]
    assert [bench.group_at(cycle) for cycle in [*taken, len(record) - 1]] == fetched[:3]
    assert fetched[0] == fetched[1] != fetched[2]


def test_next_group_is_ignored_while_none_is_valid() -> None:
    schedule = parse("load 1,sample,run 6,run 7,stop")
    bench = Bench(schedule)

    async def driver(context: Any) -> None:
        context.set(bench.fetch.next_group, 1)
        await context.tick()
        context.set(bench.fetch.begin, 1)
        await context.tick()
        context.set(bench.fetch.begin, 0)
        await wait(context, 6)
        context.set(bench.fetch.next_group, 0)
        await wait(context, 6)

    record = bench.run(driver)
    begin = record.cycles("begin")[0]
    assert record.cycles("valid") == list(range(begin + 7, len(record)))
    assert bench.group_at(begin + 7) == {"load": 1, "chunk": 1, "sample": 1, "timed": 1, "is_init": 0, "cycles": 6}


def test_begin_while_it_fetches_starts_over() -> None:
    schedule = parse("load 1,run 6,init 7,stop")
    bench = Bench(schedule)

    async def driver(context: Any) -> None:
        await bench.pulse(context, "begin")
        await wait(context, 3)
        await bench.pulse(context, "begin")
        await wait(context, 5)

    record = bench.run(driver)
    assert record.cycles("valid") == [record.cycles("begin")[1] + 1 + 2 * 2]


def test_it_is_silent_before_begin() -> None:
    bench = Bench(parse("run 5,stop"))

    async def driver(context: Any) -> None:
        await wait(context, 20)

    record = bench.run(driver)
    assert record.cycles("valid") == record.cycles("overrun") == []


TIMED = st.builds(Instruction, st.sampled_from([INIT, RUN]), st.integers(1, 2**24 - 1))
UNTIMED = st.one_of(
    st.builds(Instruction, st.sampled_from([COMMIT, SAMPLE])),
    st.builds(Instruction, st.just(LOAD), st.integers(0, 3)),
)


@st.composite
def schedules(draw: st.DrawFn) -> list[Instruction]:
    """Anything that `ScheduleCheck` lets pass, up to its rule of four, and that may break that one at a jump."""
    body = draw(st.lists(st.one_of(TIMED, TIMED, UNTIMED), min_size=1, max_size=12))
    for _ in range(draw(st.integers(0, 3))):
        place, count = draw(st.integers(0, len(body))), draw(st.integers(0, 3))
        body.insert(place, Instruction(REPEAT, draw(st.integers(0, len(body))), count))
    return [*body, draw(st.sampled_from([Instruction(STOP), Instruction(REPEAT, 0, 0)]))]


@settings(deadline=None, max_examples=80)
@given(schedule=schedules(), seed=st.integers(0, 99))
def test_random_schedules(schedule: list[Instruction], seed: int) -> None:
    consume(schedule, 20, random_pauses(seed, longest=12))


def test_feeds_settles_and_quiet_samples_of_a_driven_core() -> None:
    core = load_core("driven-8x8")
    fetch, module = InstructionFetch(core), Module()
    words = [
        Instruction(SAMPLE, 1),
        Instruction.feed(Source.FEEDBACK, 1),
        Instruction(LOAD, 1),
        # Behind a load, a feed begins a new group, and so does one behind a feed.
        Instruction.feed(Source.AGAIN),
        Instruction(Operation.SETTLE, 700),
        Instruction(SAMPLE),
        Instruction.feed(Source.STREAM),
        Instruction.feed(Source.AGAIN),
        Instruction(LOAD, 0),
        Instruction(RUN, 9),
        Instruction(STOP),
    ]
    module.submodules.fetch = fetch
    module.submodules.memory = memory = Memory(shape=32, depth=64, init=[word.encode() for word in words])
    port = memory.read_port()
    module.d.comb += [port.addr.eq(fetch.fetch.address), fetch.fetch.word.eq(port.data)]
    members = ("sample", "quiet", "feed", "source", "table", "load", "chunk", "timed", "is_init", "is_settle", "cycles")
    found: list[dict[str, int]] = []

    async def bench(context: Any) -> None:
        context.set(fetch.begin, 1)
        await context.tick()
        context.set(fetch.begin, 0)
        while not (found and found[-1]["stop"]):
            await context.tick()
            if context.get(fetch.valid):
                found.append({name: int(context.get(getattr(fetch.group, name))) for name in (*members, "stop")})
                context.set(fetch.next_group, 1)
                await context.tick()
                context.set(fetch.next_group, 0)

    simulate(module, bench, limit=300)
    means = {"quiet": "sample", "source": "feed", "table": "feed", "chunk": "load", "cycles": "timed"}
    meant = [
        {name: value for name, value in group.items() if value and group[means.get(name, name)]} for group in found
    ]
    assert meant == [
        {"sample": 1, "quiet": 1, "feed": 1, "source": 1, "table": 1, "load": 1, "chunk": 1},
        {"feed": 1, "source": 3, "timed": 1, "is_settle": 1, "cycles": 700},
        {"sample": 1, "feed": 1},
        {"feed": 1, "source": 3, "load": 1, "timed": 1, "cycles": 9},
        {"stop": 1},
    ]
