from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib.memory import Memory
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction, Operation
from oscc.core.schedule_proof import ScheduleTrace, diagnose_schedule, trace_schedule
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.rtl.schedule.sequencer import Sequencer
from oscc.rtl.weights.row_loader import RowLoader

LOAD, COMMIT, INIT = Operation.LOAD, Operation.COMMIT, Operation.INIT
RUN, SAMPLE, REPEAT, STOP = Operation.RUN, Operation.SAMPLE, Operation.REPEAT, Operation.STOP

TINY = load_core("tiny-8x8")
# Short loads and read-outs, so that short schedules wait for each now and then.
SMALL = CoreSpec.model_validate(
    TINY.model_dump(by_alias=True) | {"name": "small", "grid": [3, 2], "readout": {"step": [1, 1]}}
)

LEAD = 2
"""Cycles from the edge at which a group is let go to the first cycle of its init or run at the outputs."""

RECORDED = (
    "start",
    "abort",
    "fault",
    "load.start",
    "load.chunk",
    "load.taken",
    "frames.start",
    "init",
    "run",
    "sample",
    "commit",
    "sample_number",
    "running",
    "stalled",
    "stopped",
    "frames.discard",
    "awaiting_array",
    "array_lost",
    "nothing_loaded",
    "illegal",
    "overrun",
    "bad_address",
    "samples",
    "period",
    "stall_cycles",
)


def parse(text: str) -> list[Instruction]:
    """A schedule from ``load 0, commit, repeat 3 1`` (count, target)."""
    schedule = []
    for entry in text.split(","):
        name, *numbers = entry.split()
        values = [int(number) for number in numbers]
        kind = Operation[name.upper()]
        schedule.append(Instruction(kind, values[-1], values[0]) if kind is REPEAT else Instruction(kind, *values))
    return schedule


class SequencerWithLoader(Elaboratable):  # type: ignore[misc]
    """A sequencer with its schedule memory, the row loader, and a read-out that keeps the latches for its time."""

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        self.sequencer, self.loader = Sequencer(core), RowLoader(core)
        self.memory = Memory(shape=32, depth=64, init=[])
        self.room, self.hold, self.ready = Signal(init=1), Signal(), Signal(init=1)

    def elaborate(self, platform: object) -> Module:
        module, sequencer, loader = Module(), self.sequencer, self.loader
        module.submodules.sequencer = sequencer
        module.submodules.loader = loader
        module.submodules.memory = self.memory
        port = self.memory.read_port()
        latched = Signal(range(self._core.readout_cycles + 1))
        with module.If(sequencer.frames.start):
            module.d.sync += latched.eq(self._core.readout_cycles - 1)
        with module.Elif((latched != 0) & ~self.hold):
            module.d.sync += latched.eq(latched - 1)
        module.d.comb += [
            port.addr.eq(sequencer.fetch.address),
            sequencer.fetch.word.eq(port.data),
            sequencer.frames.busy.eq(latched != 0),
            sequencer.frames.room.eq(self.room),
            sequencer.array_ready.eq(self.ready),
            loader.load.start.eq(sequencer.load.start),
            loader.load.chunk.eq(sequencer.load.chunk),
            loader.load.taken.eq(sequencer.load.taken),
            sequencer.load.busy.eq(loader.load.busy),
            sequencer.load.complete.eq(loader.load.complete),
        ]
        return module


class Bench:
    """That, with a schedule, and a record of what it does."""

    def __init__(
        self,
        schedule: Sequence[Instruction] | Sequence[int],
        core: CoreSpec = SMALL,
        recorded: Sequence[str] = RECORDED,
    ) -> None:
        self.core = core
        self.words = [item.encode() if isinstance(item, Instruction) else item for item in schedule]
        design, self._simulation = prepared(SequencerWithLoader, core)
        self.sequencer = sequencer = design.sequencer
        self.memory, self.room, self.hold, self.ready = design.memory, design.room, design.hold, design.ready
        extra = {"complete": design.loader.load.complete, "busy": sequencer.frames.busy, "room": self.room}
        self.record = Recorder.of(sequencer, *recorded, **extra)

    async def fill(self, context: Any) -> None:
        """The words of the schedule, before the first edge of the clock."""
        for address, word in enumerate(self.words):
            context.set(self.memory.data[address], word)

    async def pulse(self, context: Any, name: str) -> None:
        """An input of the sequencer, high for a cycle; the array's ``ready``, low for a cycle."""
        if name == "ready":
            context.set(self.ready, 0)
            await context.tick()
            context.set(self.ready, 1)
            return
        context.set(getattr(self.sequencer, name), 1)
        await context.tick()
        context.set(getattr(self.sequencer, name), 0)

    async def start(self, context: Any, first_sample: int = 0) -> None:
        context.set(self.sequencer.length, len(self.words))
        context.set(self.sequencer.first_sample, first_sample)
        await self.pulse(context, "start")

    def simulate(self, bench: Any, limit: int = 50_000) -> Recorder:
        self._simulation.run(bench, background=[self.fill, self.record.watch], limit=limit)
        record = self.record
        init, run = record.values("init"), record.values("run")
        assert not any(one and other for one, other in zip(init, run, strict=True)), "init and run together"
        number = record.values("sample_number")
        moved = [
            cycle
            for cycle in range(1, len(record))
            if init[cycle] and init[cycle - 1] and number[cycle] != number[cycle - 1]
        ]
        # Two inits in a row, with a sample between them, may have different numbers.
        assert all(record.values("sample")[cycle - 1] for cycle in moved), "the sample number moved during an init"
        return record

    def run_for(self, cycles: int) -> Recorder:
        async def bench(context: Any) -> None:
            await wait(context, 3)
            await self.start(context)
            await wait(context, cycles)

        return self.simulate(bench)


def origin_of(record: Recorder, trace: ScheduleTrace, check: int) -> int:
    """Cycle of the record that is time 0 of a trace: its first init, or its first run where it has no init.

    Without anything timed, a trace counts from the end of the check.
    """
    kinds = {event.operation for event in trace.events}
    if INIT in kinds:
        return record.cycles("init")[0]
    return record.cycles("run")[0] if RUN in kinds else check + LEAD


def expected_waves(trace: ScheduleTrace, start: int, end: int) -> dict[str, list[int]]:
    """Cycles in which the outputs are high, from a trace whose time 0 is cycle ``start``; before cycle ``end``.

    An instruction without duration acts on the edge at which its time begins: its strobe is high in the cycle before,
    and a load is asked for one cycle earlier still, since the loader's latency counts from there.
    """
    waves: dict[str, list[int]] = {"init": [], "run": [], "sample": [], "commit": [], "load.start": []}
    for event in trace.events:
        at = start + event.cycle
        if event.operation in (INIT, RUN):
            waves[event.operation.name.lower()] += range(at, at + event.operand)
        elif event.operation in (SAMPLE, COMMIT):
            waves[event.operation.name.lower()].append(at - 1)
        elif event.operation is LOAD:
            waves["load.start"].append(at - LEAD)
    return {name: [cycle for cycle in sorted(cycles) if cycle < end] for name, cycles in waves.items()}


def span_of(trace: ScheduleTrace) -> int:
    """Cycles from the first event of a trace to its last."""
    times = [event.cycle for event in trace.events]
    return max(times, default=0) - min(times, default=0)


def compare(
    schedule: Sequence[Instruction], core: CoreSpec, trace: ScheduleTrace, counters_too: bool = True
) -> Recorder:
    """Run a schedule and compare it, cycle by cycle, with its trace."""
    span, last = span_of(trace), max((event.cycle for event in trace.events), default=0)
    record = Bench(schedule, core).run_for(len(schedule) + span + 80)
    start = origin_of(record, trace, 3 + len(schedule) + 2)
    horizon = end = start + last
    if trace.events and trace.events[-1].operation is STOP:
        assert record.cycles("stopped") == [horizon - 1]
        assert record.cycles("running") == list(range(4, horizon - 1))
        # Behind the end, nothing happens any more.
        end = len(record)
    waves = expected_waves(trace, start, end)
    assert {name: [cycle for cycle in record.cycles(name) if cycle < end] for name in waves} == waves
    chunks = [event.operand for event in trace.events if event.operation is LOAD]
    assert [record.at(cycle)["load.chunk"] for cycle in record.cycles("load.start")][: len(chunks)] == chunks
    if trace.events and counters_too:
        # The counters, one cycle after the last group was let go.
        counters = record.at(horizon - LEAD + 1)
        gaps = [later - earlier for earlier, later in pairwise(trace.samples)]
        assert counters["stall_cycles"] == trace.stalled
        assert (counters["samples"], counters["period"]) == (len(trace.samples), gaps[-1] if gaps else 0)
    return record


EXAMPLES = {
    "four chunks": sample_schedule([20, 21, 22, 23], 64),
    "one chunk": sample_schedule([30], 20),
    "every commit waits": sample_schedule([3, 2, 1], 2),
    "every sample waits": sample_schedule([5], 4),
    "fetch is too slow": sample_schedule([1], 1),
    "two samples of the same run": parse("load 0,commit,init 9,run 7,sample,run 5,sample,repeat 0 2"),
    "sample and init alone": parse("load 0,commit,init 9,sample,init 1,sample,repeat 3 2,stop"),
    "runs in a row": parse("load 0,commit,init 9,run 7,run 8,run 1,run 1,sample,stop"),
    "nested repeats": parse("load 0,commit,init 8,run 9,load 1,commit,run 12,repeat 2 3,sample,repeat 1 2,stop"),
    "load behind a busy load": parse("load 0,commit,load 1,init 5,load 2,run 30,commit,load 3,sample,run 2,stop"),
    "commit, load and sample wait one by one": parse(
        "load 0,commit,load 1,init 1,run 1,sample,run 2,sample,commit,load 2,run 3,stop"
    ),
    "nothing": parse("stop"),
    "no time at all": parse("load 1,commit,stop"),
    "sample before the latches are free, then the end": parse("load 0,commit,init 2,run 2,sample,run 3,sample,stop"),
}


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES.keys())
@pytest.mark.parametrize("core", [SMALL, TINY], ids=["small", "tiny"])
def test_every_strobe_in_its_cycle(schedule: list[Instruction], core: CoreSpec) -> None:
    record = compare(schedule, core, trace_schedule(schedule, core, samples=4))
    assert not any(record.cycles(name) for name in ("illegal", "overrun"))


def accepted(schedule: Sequence[Instruction]) -> list[Instruction]:
    """A schedule that the hardware lets start: with runs put in where five without duration would stand in a row."""
    spaced: list[Instruction] = []
    in_a_row = 0
    for instruction in schedule:
        in_a_row = 0 if instruction.is_timed or instruction.operation is STOP else in_a_row + 1
        if in_a_row > 4:
            spaced.append(Instruction(RUN, 3))
            in_a_row = 1
        spaced.append(instruction)
    return spaced


TIMED = st.builds(Instruction, st.sampled_from([INIT, RUN]), st.integers(1, 25))
UNTIMED = st.one_of(
    st.builds(Instruction, st.sampled_from([COMMIT, SAMPLE])),
    st.builds(Instruction, st.just(LOAD), st.integers(0, 3)),
)


@st.composite
def schedules(draw: st.DrawFn) -> list[Instruction]:
    """What the hardware accepts: every load is followed by a commit sooner or later, repeats are nested."""
    blocks: list[list[Instruction]] = [[Instruction(LOAD, draw(st.integers(0, 3))), Instruction(COMMIT)]]
    for _ in range(draw(st.integers(1, 4))):
        block = [draw(TIMED) for _ in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            load, commit = sorted(draw(st.tuples(st.integers(0, len(block)), st.integers(0, len(block)))))
            block.insert(commit, Instruction(COMMIT))
            block.insert(load, Instruction(LOAD, draw(st.integers(0, 3))))
        if draw(st.booleans()):
            block.insert(draw(st.integers(0, len(block))), Instruction(SAMPLE))
        if draw(st.booleans()):
            block.append(draw(TIMED))
        blocks.append(block)
    schedule: list[Instruction] = []
    starts = []
    for block in blocks:
        starts.append(len(schedule))
        schedule += block
        if len(starts) > 1 and draw(st.integers(0, 2)) == 0:
            target = draw(st.sampled_from(starts[1:]))
            schedule.append(Instruction(REPEAT, target, draw(st.integers(1, 2))))
    return accepted([*schedule, draw(st.sampled_from([Instruction(STOP), Instruction(REPEAT, starts[1])]))])


@settings(deadline=None, max_examples=40)
@given(schedule=schedules(), samples=st.integers(1, 4))
def test_random_schedules_land_on_the_predicted_cycles(schedule: list[Instruction], samples: int) -> None:
    trace = trace_schedule(schedule, SMALL, samples)
    assume(span_of(trace) < 1500)
    compare(schedule, SMALL, trace)


@st.composite
def wild_schedules(draw: st.DrawFn) -> list[Instruction]:
    body = draw(st.lists(st.one_of(TIMED, TIMED, UNTIMED), min_size=2, max_size=10))
    for _ in range(draw(st.integers(0, 2))):
        target, count = draw(st.integers(0, len(body) - 1)), draw(st.integers(0, 2))
        body.insert(draw(st.integers(0, len(body))), Instruction(REPEAT, target, count))
    return accepted([*body, draw(st.sampled_from([Instruction(STOP), Instruction(REPEAT, 0)]))])


@settings(deadline=None, max_examples=40)
@given(schedule=wild_schedules())
def test_wild_schedules_do_what_the_model_says_as_long_as_it_goes_on(schedule: list[Instruction]) -> None:
    trace = trace_schedule(schedule, SMALL, samples=3)
    assume(span_of(trace) < 1000)
    # The trace does not count the cycles of a commit for which nothing was loaded.
    unloaded = any(finding.code == "T004" for finding in diagnose_schedule(schedule, SMALL))
    record = compare(schedule, SMALL, trace, counters_too=not unloaded)
    if unloaded:
        (told,) = record.cycles("nothing_loaded")
        assert record.cycles("stopped") == [told + 1]
        assert not record.values("running")[told + 1]
    else:
        assert record.cycles("nothing_loaded") == []


def test_the_first_effect_comes_after_the_check_and_a_fetch() -> None:
    schedule = parse("init 5,run 6,stop")
    record = Bench(schedule).run_for(60)
    good = 3 + len(schedule) + 2
    # Fetched in 1 + 2 cycles; the outputs leave a register, so they follow two cycles after the group was let go.
    assert record.cycles("init") == list(range(good + 3 + 2, good + 3 + 2 + 5))
    assert record.cycles("run") == list(range(good + 3 + 7, good + 3 + 7 + 6))


@pytest.mark.parametrize("cycles", [1, 2, 3, 7, 40])
def test_a_run_lasts_exactly_as_long_as_it_says(cycles: int) -> None:
    record = Bench(parse(f"init 9,run {cycles},init 9,stop")).run_for(80)
    init = record.cycles("init")
    assert record.cycles("run") == list(range(init[8] + 1, init[8] + 1 + cycles))
    assert record.cycles("stopped") == [init[-1]]


@pytest.mark.parametrize("fetched", [1, 2, 3, 4, 5])
def test_no_stall_when_a_timed_instruction_covers_the_fetch(fetched: int) -> None:
    between = ["sample", "load 1", "repeat 1 0", "repeat 1 0"][: fetched - 1]
    for cycles, stalled in ((1 + 2 * fetched, 0), (2 * fetched, 1)):
        # Enough of everything else: only the fetch of what follows the second run can be late.
        schedule = parse(",".join(["run 60", f"run {cycles}", *between, "run 60", "stop"]))
        schedule = [
            Instruction(REPEAT, address + 1, 1) if instruction.operation is REPEAT else instruction
            for address, instruction in enumerate(schedule)
        ]
        record = Bench(schedule).run_for(300)
        # A repeat to the next instruction is taken once and passed by the jump: it is fetched a single time.
        assert record.values("stall_cycles")[-1] == stalled
        assert len(record.cycles("run")) == 120 + cycles


def test_sample_numbers_begin_with_the_first_and_count_on() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        for first in (41, 2**32 - 1):
            await bench.start(context, first)
            await wait(context, 300)
            await bench.pulse(context, "abort")
            await wait(context, 100)

    record = bench.simulate(host)
    number, init = record.values("sample_number"), record.values("init")
    begun = [number[cycle] for cycle in record.cycles("init") if not init[cycle - 1]]
    second = begun.index(2**32 - 1)
    assert begun[:second] == list(range(41, 41 + second))
    assert begun[second:] == [2**32 - 1, *range(len(begun) - second - 1)]
    assert second > 4


def test_the_sample_number_stands_still_while_init_is_high() -> None:
    # A sample right behind an init acts in the init's last cycle.
    record = Bench(parse("load 0,commit,init 20,sample,init 20,sample,repeat 0 2")).run_for(200)
    numbers = [record.values("sample_number")[cycle] for cycle in record.cycles("init")]
    assert numbers[:60] == [0] * 20 + [1] * 20 + [2] * 20


# The end: abort, fault, overrun, illegal instructions

ABORTED = {
    "samples for ever": sample_schedule([20, 21], 18),
    "runs before the first init": parse("load 0,commit,run 9,run 8,init 9,run 20,sample,run 9,run 12,repeat 0 4"),
    "every commit waits": sample_schedule([3, 4], 5),
    "no init": parse("load 0,commit,run 9,sample,run 12,repeat 0 2"),
    "ends by itself": parse("load 0,commit,init 9,run 20,sample,init 7,run 8,stop"),
}


class Timeline:
    """What a schedule does after a start in cycle 0, from `trace_schedule`, when nothing interferes."""

    def __init__(self, schedule: Sequence[Instruction]) -> None:
        trace = trace_schedule(schedule, SMALL, samples=8)
        untouched = Bench(schedule).run_for(400)
        origin = origin_of(untouched, trace, 0) - 3
        decided = [(origin + event.cycle - LEAD, event) for event in trace.events]
        self.timed = [(cycle, event.operand) for cycle, event in decided if event.operation in (INIT, RUN)]
        self.inits = [cycle for cycle, event in decided if event.operation is INIT]
        self.samples = [cycle for cycle, event in decided if event.operation is SAMPLE]
        self.stops = [cycle for cycle, event in decided if event.operation is STOP]
        self.waves = expected_waves(trace, origin, 10**9)
        self.span = decided[-1][0]

    def end_after_abort(self, abort: int) -> int:
        """Cycle in which an abort in a cycle ends the schedule.

        With the present sample, where an init has begun one; else with the timed instruction that is under way, or at
        once where there is none. An abort before the first timed instruction waits for that.
        """
        started = self.timed[0][0]
        for cycle in range(abort + 1, self.span + 1):
            if cycle in self.samples or cycle in self.stops:
                return cycle
            begun = max((init for init in self.inits if init < cycle), default=None)
            open_sample = begun is not None and not any(begun < sample < cycle for sample in self.samples)
            under_way = any(since < cycle < since + cycles for since, cycles in self.timed)
            if cycle > started and not open_sample and not under_way:
                return cycle
        assert self.stops, "the trace is too short"
        return self.stops[0]

    def waves_until(self, end: int) -> dict[str, list[int]]:
        """The outputs of a schedule that ends in a cycle: what is decided then still gets out, but nothing begins."""
        last = {"init": end + 1, "run": end + 1, "sample": end + 1, "commit": end + 1, "load.start": end}
        cut = {name: [cycle for cycle in cycles if cycle <= last[name]] for name, cycles in self.waves.items()}
        # An instruction that would begin with this very end does not.
        cut["init"] = [cycle for cycle in cut["init"] if cycle < end + LEAD]
        return cut


Plan = list[tuple[int, str]]


def episodes(schedule: Sequence[Instruction], plans: Sequence[Plan]) -> list[dict[str, list[int]]]:
    """One start per plan of (cycle after the start, input to pulse); what was seen, in cycles after that start."""
    names = ("init", "run", "sample", "commit", "load.start", "running", "stopped", "frames.discard", "array_lost")
    bench = Bench(schedule, recorded=("start", "sample_number", *names))

    async def host(context: Any) -> None:
        for plan in plans:
            await bench.start(context)
            now = 1
            for cycle, name in plan:
                await wait(context, cycle - now)
                await bench.pulse(context, name)
                now = cycle + 1
            while context.get(bench.sequencer.running):
                await context.tick()
            # A load that is under way must be over before the next start, and nothing else may happen meanwhile.
            await wait(context, 2 * SMALL.load_cycles)

    record = bench.simulate(host)
    seen: list[dict[str, list[int]]] = []
    for start, following in pairwise([*record.cycles("start"), len(record)]):
        part = {name: record.values(name)[start:following] for name in names}
        seen.append({name: [cycle for cycle, value in enumerate(column) if value] for name, column in part.items()})
    return seen


@pytest.mark.parametrize("schedule", ABORTED.values(), ids=ABORTED.keys())
def test_abort_in_every_cycle_ends_after_the_present_sample(schedule: list[Instruction]) -> None:
    timeline = Timeline(schedule)
    aborts = range(1, 100)
    seen = episodes(schedule, [[(abort, "abort")] for abort in aborts])
    for abort, found in zip(aborts, seen, strict=True):
        end = timeline.end_after_abort(abort)
        assert found["running"] == list(range(1, end + 1)), f"abort in cycle {abort}"
        assert found["stopped"] == [end + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(end), f"abort in cycle {abort}"


@pytest.mark.parametrize("name", ["samples for ever", "no init", "runs before the first init"])
def test_a_second_abort_ends_at_once_in_every_state(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    generator = random.Random(name)
    plans: list[Plan] = []
    for second in range(2, 90):
        first = generator.randrange(1, second)
        plans.append([(first, "abort"), (second, "abort")])
    for plan, found in zip(plans, episodes(schedule, plans), strict=True):
        end = min(plan[1][0], timeline.end_after_abort(plan[0][0]))
        assert found["running"] == list(range(1, end + 1)), plan
        assert found["stopped"] == [end + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(end), plan


@pytest.mark.parametrize("name", ["samples for ever", "runs before the first init"])
def test_a_fault_ends_at_once_in_every_state(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    faults = range(1, 90)
    seen = episodes(schedule, [[(fault, "fault")] for fault in faults])
    for fault, found in zip(faults, seen, strict=True):
        # Also while the schedule is still being checked: it does not start behind the fault.
        assert found["running"] == list(range(1, fault + 1))
        assert found["stopped"] == [fault + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(fault), fault


@pytest.mark.parametrize("schedule", [parse("repeat 0 0"), [0]], ids=["an overrun, were it fetched", "illegal"])
def test_nothing_is_told_of_a_schedule_behind_a_fault_during_its_check(schedule: Sequence[Any]) -> None:
    bench = Bench(schedule)

    async def host(context: Any) -> None:
        await bench.start(context)
        await bench.pulse(context, "fault")
        await wait(context, 40)

    record = bench.simulate(host)
    assert record.cycles("running") == [1]
    assert record.cycles("stopped") == [2]
    assert record.cycles("overrun") == record.cycles("illegal") == []


def test_abort_and_fault_do_nothing_while_nothing_runs() -> None:
    bench = Bench(parse("load 0,commit,init 9,run 20,sample,stop"))

    async def host(context: Any) -> None:
        for name in ("abort", "abort", "fault"):
            await bench.pulse(context, name)
            await wait(context, 3)
        await bench.start(context)
        await wait(context, 100)
        await bench.pulse(context, "abort")
        await wait(context, 10)

    record = bench.simulate(host)
    assert len(record.cycles("stopped")) == 1
    assert len(record.cycles("sample")) == 1


def test_an_abort_that_comes_with_the_start_lets_the_first_sample_happen() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        context.set(bench.sequencer.abort, 1)
        await bench.start(context)
        context.set(bench.sequencer.abort, 0)
        await wait(context, 200)

    record = bench.simulate(host)
    assert len(record.cycles("sample")) == 1
    assert record.cycles("stopped") == record.cycles("sample")


def test_the_length_is_taken_at_the_start() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        await bench.start(context)
        context.set(bench.sequencer.length, 2)
        await wait(context, 100)

    record = bench.simulate(host)
    assert record.cycles("illegal") == []
    assert record.cycles("sample")


def test_start_is_ignored_while_running() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        await bench.start(context)
        for _ in range(6):
            await wait(context, 30)
            await bench.pulse(context, "start")

    record = bench.simulate(host)
    assert record.cycles("running") == list(range(1, len(record)))
    assert record.values("samples")[-1] == len(record.cycles("sample")) > 1


@pytest.mark.parametrize(
    ("word", "address"),
    [(0, 0), (0x8000_0000, 2), (0x4000_0000, 1), (0x2000_0004, 3), (0x7000_0004, 3), (0x3000_0000, 3)],
)
def test_an_illegal_schedule_does_not_start_and_its_address_is_told(word: int, address: int) -> None:
    words = [item.encode() for item in parse("load 0,commit,init 9,stop")]
    words[address] = word
    record = Bench(words).run_for(60)
    assert record.cycles("illegal") == [3 + 3 + address]
    assert record.cycles("running") == list(range(4, 3 + 4 + address))
    assert record.cycles("stopped") == [3 + 4 + address]
    assert record.values("bad_address")[-1] == address
    assert not any(record.cycles(name) for name in ("init", "run", "sample", "commit", "load.start", "overrun"))


@pytest.mark.parametrize(
    "text",
    ["load 0,commit,init 9,run 40,repeat 0 4", "init 30,sample,load 0,commit,repeat 0 1", "repeat 0 0"],
)
def test_a_loop_without_duration_is_an_overrun_and_ends(text: str) -> None:
    record = Bench(parse(text)).run_for(150)
    ((overrun,),) = [record.cycles("overrun")]
    assert record.cycles("stopped") == [overrun + 1]
    assert record.cycles("running")[-1] == overrun
    assert not any(record.values(name)[cycle] for name in ("init", "run") for cycle in range(overrun + 2, len(record)))


def test_the_sequencer_can_be_started_again_after_each_kind_of_end() -> None:
    schedule = parse("load 0,commit,init 9,run 20,sample,repeat 2 2,stop")
    plans: list[Plan] = [[], [(40, "abort")], [], [(30, "fault")], [], [(10, "abort"), (12, "abort")], []]
    seen = episodes(schedule, plans)
    assert seen[0] == seen[2] == seen[4] == seen[6]
    assert len(seen[0]["sample"]) == 3


def test_what_was_loaded_for_the_schedule_before_is_not_committed() -> None:
    schedule = parse("load 1,init 1,run 4,stop")
    bench = Bench(schedule)

    async def host(context: Any) -> None:
        await bench.start(context)
        await wait(context, 60)
        # The second schedule commits without a load of its own.
        for address, instruction in enumerate(parse("run 5,commit,run 6,stop")):
            context.set(bench.memory.data[address], instruction.encode())
        await bench.start(context)
        await wait(context, 100)

    record = bench.simulate(host)
    second = record.cycles("start")[1]
    assert record.values("complete")[second]
    assert record.cycles("commit") == []
    assert len([cycle for cycle in record.cycles("run") if cycle > second]) == 5
    (told,) = record.cycles("nothing_loaded")
    assert record.cycles("stopped")[1:] == [told + 1]
    assert record.values("running")[-1] == record.values("stalled")[-1] == 0


def test_a_commit_waits_for_a_load_of_the_schedule_before_before_it_is_refused() -> None:
    # The load is still under way when the second schedule gets to its commit.
    bench = Bench(parse("load 1,init 1,stop"), TINY)

    async def host(context: Any) -> None:
        await bench.start(context)
        while not any(bench.record.values("stopped")):
            await context.tick()
        context.set(bench.memory.data[0], Instruction(COMMIT).encode())
        await bench.start(context)
        await wait(context, 60)

    record = bench.simulate(host)
    assert record.cycles("commit") == []
    (told,) = record.cycles("nothing_loaded")
    assert record.cycles("stopped")[-1] == told + 1


# Waiting for the read-out


@pytest.mark.parametrize("seed", range(5))
def test_neither_latches_nor_room_are_overrun_whatever_the_host_does(seed: int) -> None:
    runs = [20, 9, 14]
    bench = Bench(sample_schedule(runs, 12))
    generator = random.Random(seed)
    chance = 0.15 + 0.15 * seed

    async def host(context: Any) -> None:
        await bench.start(context)
        for _ in range(120):
            context.set(bench.room, generator.random() < chance)
            context.set(bench.hold, generator.random() < chance)
            await wait(context, generator.randint(1, 20))

    record = bench.simulate(host)
    init, run, room, busy = (record.values(name) for name in ("init", "run", "room", "busy"))
    begun = [cycle for cycle in record.cycles("init") if not init[cycle - 1]]
    # An init is let go two cycles before it shows: at that time there was room.
    assert all(room[cycle - LEAD] for cycle in begun)
    assert not any(busy[cycle] for cycle in record.cycles("frames.start"))
    assert [cycle + 1 for cycle in record.cycles("frames.start")] == record.cycles("sample")[
        : len(record.cycles("frames.start"))
    ]
    # Between two inits: all of the init, then every run in full, whatever waited in between.
    assert len(begun) > 5
    for one, other in pairwise(begun):
        assert sum(init[one:other]) == 12
        assert sum(run[one:other]) == sum(runs)
        parts, last = [], one
        for commit in [cycle for cycle in record.cycles("commit") if one <= cycle < other]:
            parts.append(sum(run[last : commit + 1]))
            last = commit + 1
        assert parts == runs
    # Every cycle in which the array stands still is counted and told.
    first = record.cycles("init")[0]
    still = [cycle for cycle in range(first, len(record)) if not (init[cycle] or run[cycle])]
    assert [cycle + 1 for cycle in record.cycles("stalled") if cycle + 1 < len(record)] == still
    assert record.values("stall_cycles")[-1] in (len(still) - 1, len(still))
    assert len(still) > 20


def test_period_and_samples(make_core: Callable[..., CoreSpec]) -> None:
    bench = Bench(parse("load 0,commit,init 20,run 20,sample,run 30,sample,run 25,sample,stop"))
    record = bench.run_for(200)
    samples = record.cycles("sample")
    assert [later - earlier for earlier, later in pairwise(samples)] == [30, 25]
    for name, expected in (("period", [0, 30, 25]), ("samples", [1, 2, 3])):
        assert [record.values(name)[cycle] for cycle in samples] == expected
    assert record.values("period")[samples[0] - 1] == 0


# The array's answers


def test_an_init_waits_until_the_array_is_ready() -> None:
    bench = Bench(sample_schedule([20, 21], 12))
    marks: list[int] = []

    async def host(context: Any) -> None:
        context.set(bench.ready, 0)
        await bench.start(context)
        await wait(context, 80)
        context.set(bench.ready, 1)
        marks.append(len(bench.record))
        await wait(context, 12 + 20 + 10)

    record = bench.simulate(host)
    begun = record.cycles("init")[0]
    assert begun == marks[0] + LEAD
    waited = record.cycles("awaiting_array")
    assert waited == list(range(waited[0], marks[0]))
    # The first load and its commit went on meanwhile; no cycle counts as stalled before the first init.
    assert record.cycles("commit")[0] < begun
    assert record.values("stall_cycles")[begun] == 0
    assert record.cycles("array_lost") == []


def test_a_wait_for_the_array_between_samples_is_a_stall() -> None:
    bench = Bench(parse("load 0,commit,init 9,run 30,sample,init 9,run 30,sample,stop"))
    core = bench.core

    async def host(context: Any) -> None:
        await bench.start(context)
        # The second sample's init is held by the output first, with the array still busy in its run.
        context.set(bench.room, 0)
        while not any(bench.record.values("sample")):
            context.set(bench.room, 1 if not any(bench.record.values("init")) else 0)
            await context.tick()
        await wait(context, 5)
        context.set(bench.ready, 0)
        await wait(context, 3)
        context.set(bench.room, 1)
        await wait(context, 25)
        context.set(bench.ready, 1)
        await wait(context, 9 + 30 + core.readout_cycles + 20)

    record = bench.simulate(host)
    assert len(record.cycles("awaiting_array")) == 25
    assert record.cycles("array_lost") == record.cycles("frames.discard") == []
    assert len(record.cycles("sample")) == 2
    first, second = record.cycles("sample")
    still = [c for c in range(first, second) if not (record.values("init")[c] or record.values("run")[c])]
    assert record.values("stall_cycles")[-1] == len(still) > 25


@pytest.mark.parametrize("name", ["samples for ever", "runs before the first init"])
def test_an_array_that_is_lost_ends_the_schedule_like_a_fault(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    busy = sorted({*timeline.waves["init"], *timeline.waves["run"]})
    lost = [cycle for cycle in busy if cycle < 90]
    seen = episodes(schedule, [[(cycle, "ready")] for cycle in lost])
    for cycle, found in zip(lost, seen, strict=True):
        assert found["array_lost"] == [cycle]
        assert found["running"] == list(range(1, cycle + 1))
        assert found["stopped"] == [cycle + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(cycle), cycle
    assert len(lost) > 40


def test_a_sample_that_had_begun_is_told_to_be_discarded_and_no_other() -> None:
    schedule = ABORTED["samples for ever"]
    timeline = Timeline(schedule)
    faults = range(1, 120)
    told = []
    for fault, found in zip(faults, episodes(schedule, [[(fault, "fault")] for fault in faults]), strict=True):
        latest = max((init for init in timeline.inits if init < fault), default=None)
        open_sample = latest is not None and not any(latest < sample <= fault for sample in timeline.samples)
        assert found["frames.discard"] == ([fault + 1] if open_sample else []), fault
        told.append(open_sample)
    assert True in told
    assert False in told


def test_a_sample_that_was_latched_in_the_cycle_of_the_fault_is_not_discarded() -> None:
    schedule = ABORTED["samples for ever"]
    fault = Timeline(schedule).samples[0]
    (found,) = episodes(schedule, [[(fault, "fault")]])
    assert found["frames.discard"] == []
    assert found["sample"] == [fault + 1]


def test_a_schedule_that_stops_by_itself_discards_nothing() -> None:
    record = Bench(parse("load 0,commit,init 9,run 20,stop")).run_for(80)
    assert len(record.cycles("stopped")) == 1
    assert record.cycles("frames.discard") == []


def test_a_run_without_an_init_begins_no_sample() -> None:
    # The read-out keeps a place for the beat of one discarded sample, and only an init waits for room in it.
    schedule = ABORTED["no init"]
    seen = episodes(schedule, [[(fault, "fault")] for fault in range(1, 60)])
    assert all(found["frames.discard"] == [] for found in seen)
