"""When each instruction of a schedule takes effect, and the proof that none of them waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from oscc.base.findings import Finding
from oscc.core.driven_times import UNDRIVEN, DriveTimes, never_settled, settled_at_once
from oscc.core.instructions import MAX_UNTIMED, SCHEDULE_DEPTH, Instruction, Operation
from oscc.core.schedule_findings import (
    CROWDED_INSTRUCTIONS,
    ILLEGAL_OPERAND,
    LATE_COMMIT,
    LATE_INSTRUCTION,
    NO_END,
    NO_SAMPLE,
    NO_STEADY_STATE,
    OVER_BUDGET,
)
from oscc.core.sequencer_model import SequencerModel, Step, crowding_fault
from oscc.core.spec import CoreSpec

MAX_GROUPS = 100_000
"""Groups that a diagnosis follows before it gives up looking for a steady state."""


@dataclass(frozen=True)
class Event:
    """One instruction taking effect.

    Parameters
    ----------
    cycle : int
        Clock cycles since the first ``init`` began (the first ``run``, where there is no ``init``).
    operation : Operation
    operand : int
        That of the instruction: chunk of ``load``, cycles of ``init`` and ``run``, most cycles of ``settle``.
    address : int
        Where the instruction stands in the schedule.
    """

    cycle: int
    operation: Operation
    operand: int
    address: int


@dataclass(frozen=True)
class ScheduleTrace:
    """What a schedule does, clock cycle by clock cycle.

    Parameters
    ----------
    events : tuple of Event
        In order of time, up to the group of the last sample that was asked for, or to the end of the schedule.
    samples : tuple of int
        Cycle of each ``sample`` that is not quiet, counted from the beginning of the first ``init``.
    stalled : int
        Cycles since the first ``init`` or ``run`` in which the array held still.
    cycles_per_sample : int or None
        Largest distance between two samples in steady state; None when the schedule has no steady state with samples.
    """

    events: tuple[Event, ...]
    samples: tuple[int, ...]
    stalled: int
    cycles_per_sample: int | None


@dataclass(frozen=True)
class _Proof:
    """How a schedule behaves in the long run.

    ``steady`` are the steps of one period of an endless schedule, or all that follow the first sample of one that ends;
    ``period`` is 0 for one that ends; ``followed`` counts the steps until that was known, and ``samples`` those of them
    that sample; ``complete`` is False when neither an end nor a period was found.
    """

    steady: tuple[Step, ...]
    period: int
    followed: int
    samples: int
    faults: tuple[Finding, ...]
    complete: bool

    def largest_gap(self) -> int | None:
        """Return the largest distance between consecutive samples, in cycles."""
        frames = (step.sample_cycle() for step in self.steady if step.group.has_frame)
        samples = [cycle for cycle in frames if cycle is not None]
        if self.period and samples:
            samples.append(samples[0] + self.period)
        return max((later - earlier for earlier, later in pairwise(samples)), default=None)


def _prove(
    instructions: Sequence[Instruction], core: CoreSpec, drive: DriveTimes, looks: Callable[[int], int]
) -> _Proof:
    """Follow a schedule until it ends, or until its state after an endless repeat occurs a second time."""
    sequencer = SequencerModel(instructions, core, drive, looks)
    steps: list[Step] = []
    seen: dict[tuple[object, ...], int] = {}
    samples = 0
    while len(steps) < MAX_GROUPS:
        step = sequencer.step()
        faults = tuple(sequencer.faults.values())
        samples += step is not None and step.group.has_frame
        if step is None:
            first = next((i for i, s in enumerate(steps) if s.group.has_frame), len(steps))
            return _Proof(tuple(steps[first:]), 0, len(steps), samples, faults, True)
        steps.append(step)
        if step.group.around:
            state = sequencer.state()
            if state in seen:
                start = seen[state]
                period = step.cycle - steps[start].cycle
                return _Proof(tuple(steps[start + 1 :]), period, len(steps), samples, faults, True)
            seen[state] = len(steps) - 1
    return _Proof((), 0, len(steps), samples, tuple(sequencer.faults.values()), False)


def period_bounds(
    instructions: Sequence[Instruction], core: CoreSpec, drive: DriveTimes = UNDRIVEN
) -> tuple[int | None, int | None]:
    """Return the least and the most cycles between two samples in steady state; None where there is none.

    The least is where every settle rests as early as it can, the most where none ever does; without settles they are
    the same.

    Parameters
    ----------
    instructions : sequence of Instruction
        Operands must exist on the core.
    core : CoreSpec
    drive : DriveTimes, optional
        Of the program, where it has inputs or settles.
    """
    least, most = (_prove(instructions, core, drive, looks) for looks in (settled_at_once, never_settled))
    return least.largest_gap(), most.largest_gap()


def trace_schedule(
    instructions: Sequence[Instruction], core: CoreSpec, samples: int, drive: DriveTimes = UNDRIVEN
) -> ScheduleTrace:
    """Return every instruction of a schedule with the cycle at which it takes effect.

    Parameters
    ----------
    instructions : sequence of Instruction
    core : CoreSpec
        Gives the cycles of a load and of a read-out.
    samples : int
        Stop after that many samples; an endless schedule in which no more come is followed for one round.
    drive : DriveTimes, optional
        Of the program, where it has inputs or settles; every settle rests as early as it can.

    Raises
    ------
    ValueError
        When an operand does not exist on the core, or the samples do not come within the larger of `MAX_GROUPS` and
        `SCHEDULE_DEPTH` groups per sample.
    """
    for finding in _diagnose_operands(instructions, core):
        raise ValueError(finding.message)
    proof = _prove(instructions, core, drive, settled_at_once)
    barren = proof.period > 0 and not any(step.group.has_frame for step in proof.steady)
    sequencer = SequencerModel(instructions, core, drive)
    steps: list[Step] = []
    taken = 0
    while taken < samples and not (barren and len(steps) == proof.followed):
        step = sequencer.step()
        if step is None:
            break
        if len(steps) >= max(MAX_GROUPS, samples * SCHEDULE_DEPTH):
            raise ValueError(f"{taken} of {samples} samples after {len(steps)} groups of instructions")
        steps.append(step)
        taken += step.group.has_frame
    timed = [step for step in steps if step.group.duration]
    origin = next((step.cycle for step in timed if step.group.has(Operation.INIT)), timed[0].cycle if timed else 0)
    events = [
        Event(cycle - origin, instruction.operation, instruction.operand, address)
        for step in steps
        for (address, instruction), cycle in zip(step.group.members, step.cycles, strict=True)
    ]
    # Members of a group that waits take effect one by one, each when its own condition holds.
    events.sort(key=lambda event: event.cycle)
    return ScheduleTrace(
        events=tuple(events),
        samples=tuple(event.cycle for event in events if event.operation is Operation.SAMPLE and not event.operand),
        stalled=sum(step.waited for step in steps),
        cycles_per_sample=proof.largest_gap(),
    )


def _diagnose_operands(instructions: Sequence[Instruction], core: CoreSpec) -> Iterator[Finding]:
    if not 1 <= len(instructions) <= SCHEDULE_DEPTH:
        yield ILLEGAL_OPERAND.finding(
            f"the schedule has {len(instructions)} instructions; the schedule memory holds 1 to {SCHEDULE_DEPTH}",
            "use repeat, or fewer chunks",
            {"instructions": len(instructions), "depth": SCHEDULE_DEPTH},
        )
    limits = {
        Operation.LOAD: (core.chunks, f"the core has chunks 0..{core.chunks - 1}"),
        Operation.REPEAT: (len(instructions), f"the schedule has instructions 0..{len(instructions) - 1}"),
    }
    limits[Operation.FEED] = limits[Operation.LOAD]
    for address, instruction in enumerate(instructions):
        if instruction.is_driven and not core.driven:
            yield ILLEGAL_OPERAND.finding(
                f"instruction {address} ({instruction}): {core.name} has no inputs, and no such instruction",
                "compile the model for this core",
                {"instruction": address, "operand": instruction.operand, "limit": 0},
            )
            continue
        limit, what = limits.get(instruction.operation, (None, ""))
        if limit is not None and instruction.chunk >= limit:
            yield ILLEGAL_OPERAND.finding(
                f"instruction {address} ({instruction}): {what}",
                "use an operand that exists",
                {"instruction": address, "operand": instruction.chunk, "limit": limit},
            )


def diagnose_schedule(
    instructions: Sequence[Instruction], core: CoreSpec, drive: DriveTimes = UNDRIVEN
) -> Iterator[Finding]:
    """Yield everything that is wrong with a schedule and with its timing (codes T001 to T012).

    The answers about steady state are proofs: the model is deterministic, so that a state which occurs twice occurs for
    ever. A schedule that ends has no steady state; what follows its first sample is judged in its place.

    Parameters
    ----------
    instructions : sequence of Instruction
    core : CoreSpec
    drive : DriveTimes, optional
        Of the program, where it has inputs or settles. Every settle is taken to rest as early as it can: waits only
        shrink with longer ones, and the budget holds for the least time.
    """
    illegal = list(_diagnose_operands(instructions, core))
    yield from illegal
    if illegal:
        return
    last = instructions[-1]
    if last.operation is not Operation.STOP and not (last.operation is Operation.REPEAT and last.count == 0):
        yield NO_END.finding(
            f"the last instruction ({last}) is neither stop nor an endless repeat: the sequencer would run off the end",
            "end the schedule with stop",
            {"instruction": len(instructions) - 1},
        )
    proof = _prove(instructions, core, drive, settled_at_once)
    crowded = {finding.witness["instruction"] for finding in proof.faults if finding.kind is CROWDED_INSTRUCTIONS}
    yield from (
        finding for finding in _diagnose_crowding(instructions) if finding.witness["instruction"] not in crowded
    )
    yield from proof.faults
    if not proof.complete:
        yield NO_STEADY_STATE.finding(
            f"neither an end nor a steady state was found within {MAX_GROUPS} groups of instructions",
            "use smaller repeat counts",
            {"groups": MAX_GROUPS},
        )
    if proof.complete and not proof.samples and not proof.faults:
        yield NO_SAMPLE.finding(
            "the schedule never samples: no image comes out of the core",
            "sample after the last run",
            {"instructions": len(instructions), "groups": proof.followed},
        )
    yield from _diagnose_waiting(proof)
    gap = proof.largest_gap()
    if gap is not None and gap > core.cycles_per_sample:
        yield OVER_BUDGET.finding(
            f"a sample takes {gap} cycles in steady state; the core's budget is {core.cycles_per_sample}",
            "shorten the runs, or raise cycles_per_sample of the core",
            {"cycles": gap, "cycles_per_sample": core.cycles_per_sample},
        )


def _diagnose_crowding(instructions: Sequence[Instruction]) -> Iterator[Finding]:
    """Check T003 as the hardware does before a start: in the order of the schedule memory, jumps left aside."""
    count = 0
    for address, instruction in enumerate(instructions):
        count = 0 if instruction.is_timed or instruction.operation is Operation.STOP else count + 1
        if count == MAX_UNTIMED + 1:
            yield crowding_fault(address, instruction, count)


_WAITS = {
    "commit": (LATE_COMMIT, "its load is not complete", "lengthen the run before it, or load earlier"),
    "load": (LATE_INSTRUCTION, "the loader is still busy with the load before", "lengthen the run before it"),
    "feed": (LATE_INSTRUCTION, "a load, or the walk of the sample before, is under way", "lengthen the run before it"),
    "settle": (LATE_INSTRUCTION, "a feed of feedback is under way", "lengthen the run before it"),
    "sample": (
        LATE_INSTRUCTION,
        "the latches still hold the frame before",
        "lengthen the runs: a sample must cover a read-out",
    ),
    "fetch": (LATE_INSTRUCTION, "it is not fetched yet", "lengthen the init or run before it"),
}


def _diagnose_waiting(proof: _Proof) -> Iterator[Finding]:
    where = "in every round of the endless repeat" if proof.period else "after the first sample"
    told: set[tuple[str, int]] = set()
    for step in proof.steady:
        if not step.waited or not step.group.members:
            continue
        kind, why, fix = _WAITS[step.cause]
        operation = None if step.cause == "fetch" else Operation[step.cause.upper()]
        address, instruction = next(
            (m for m in step.group.members if m[1].operation is operation), step.group.members[0]
        )
        if (step.cause, address) in told:
            continue
        told.add((step.cause, address))
        yield kind.finding(
            f"instruction {address} ({instruction}) waits {step.waited} cycles {where}: {why}",
            fix,
            {"instruction": address, "missing_cycles": step.waited, "cause": step.cause},
        )
