"""A sequencer with what surrounds it, and its trace to compare it with, for the tests of several files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib.memory import Memory

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction, Operation
from oscc.core.schedule_proof import ScheduleTrace, trace_schedule
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
        assert not any(
            init[cycle] and init[cycle - 1] and number[cycle] != number[cycle - 1] for cycle in range(1, len(record))
        ), "the sample number moved during an init"
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
