"""The sequencer and the loader in plain Python, cycle by cycle: what the hardware does with a schedule.

The sequencer executes instructions in groups.

- It fetches a group: untimed instructions up to and including a timed one (``init``, ``run``) or ``stop``. ``repeat``
  is taken when it is fetched, and each has a counter of its own. A group ends early, without a timed instruction,
  before an instruction that conflicts with it: a ``commit`` after a ``load`` or ``commit``, a second ``load``, a second
  ``sample``, a ``feed`` after a ``load`` or ``feed``. The conflicting instruction has then been fetched in vain, and is
  fetched again for the next group.
- The fetch begins `FETCH_LATENCY` cycles after the group before it has taken effect (for the first group: after the
  start) and needs `FETCH_CYCLES` per instruction, ``repeat``, ``stop`` and a conflicting one included.
- A group takes effect at the edge that ends the timed instruction before it, or, when that is later, at the first at
  which it is fetched. Its ``commit`` also waits for `CoreSpec.load_cycles` since its load took effect, and so does a
  ``load``, unless it takes effect together with a ``commit`` before it in its group; its ``sample`` waits for
  `CoreSpec.readout_cycles` since the sample before it. Each waits for its own condition; ``init``, ``run`` and ``stop``
  wait for all of them.
- A ``feed`` waits for a load under way, one of feedback also for the walk of the sample before; a ``load`` waits for
  the ``feed`` before it, which is done at once, or of feedback after `driven_times.feedback_cycles`. ``sample`` and
  ``settle`` wait for a feed of feedback that is under way.
- A ``settle`` begins like a ``run`` and ends `driven_times.decided_after` its first look, which waits for the walk of
  the sample before; where that is more than its most cycles, after these.
- While a group waits, the array holds still, neither in ``init`` nor in ``run``, and the cycles count as stalled.
- A ``commit`` for which nothing was loaded ends the execution with an error, behind the sample of its group if it has
  one. More than `MAX_UNTIMED` instructions in a row without duration, ``stop`` not counted, do so, too, and cut the run
  under way short; of that run the model says only when it began.

Waiting for the host is not part of the model: for room in the output FIFO, or for an input vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oscc.base.findings import Finding, FindingKind
from oscc.core.driven_times import UNDRIVEN, DriveTimes, decided_after, feedback_cycles, settled_at_once
from oscc.core.instructions import MAX_UNTIMED, Instruction, Operation, Source
from oscc.core.latencies import FETCH_CYCLES, FETCH_LATENCY
from oscc.core.schedule_findings import (
    COMMIT_WITHOUT_LOAD,
    CROWDED_INSTRUCTIONS,
    ENDLESS_LOOP,
    RUN_WITHOUT_COMMIT,
    SAMPLE_WITHOUT_RUN,
)
from oscc.core.spec import CoreSpec

_WAITING = (Operation.COMMIT, Operation.FEED, Operation.LOAD, Operation.SAMPLE, Operation.SETTLE)
"""Operations that may have to wait; of two that wait equally long, the first is named as the cause."""


@dataclass(frozen=True)
class Group:
    """Instructions that take effect together.

    Parameters
    ----------
    members : tuple of (address, Instruction)
    fetched : int
        Instructions that were fetched for it.
    around : bool
        Whether a ``repeat`` for ever was taken on the way.
    """

    members: tuple[tuple[int, Instruction], ...]
    fetched: int
    around: bool

    def has(self, operation: Operation) -> bool:
        """Return whether an operation is among the members."""
        return any(instruction.operation is operation for _, instruction in self.members)

    @property
    def has_frame(self) -> bool:
        """Whether the host gets a frame of its sample: it has one that is not quiet."""
        return any(member.operation is Operation.SAMPLE and not member.quiet for _, member in self.members)

    @property
    def duration(self) -> int:
        """Cycles of its timed instruction, of a settle the most; 0 without one."""
        last = self.members[-1][1] if self.members else None
        return last.operand if last is not None and last.is_timed else 0


@dataclass(frozen=True)
class Step:
    """A group in effect.

    Parameters
    ----------
    group : Group
    cycles : tuple of int
        Cycle, since the start, at which each member took effect.
    cycle : int
        That of the last of them, at which also the timed instruction began.
    waited : int
        Stalled cycles before ``cycle``.
    cause : str
        What it waited for longest: ``commit``, ``feed``, ``load``, ``sample``, ``settle`` or ``fetch``.
    length : int
        Cycles that its timed instruction took; 0 without one.
    """

    group: Group
    cycles: tuple[int, ...]
    cycle: int
    waited: int
    cause: str
    length: int

    def sample_cycle(self) -> int | None:
        """Return when the group sampled; None when it does not."""
        kinds = zip(self.group.members, self.cycles, strict=True)
        return next((cycle for (_, member), cycle in kinds if member.operation is Operation.SAMPLE), None)


@dataclass
class SequencerModel:
    """The state of a running sequencer; `step` advances it by a group.

    Parameters
    ----------
    instructions : sequence of Instruction
        Operands must exist on the core.
    core : CoreSpec
    drive : DriveTimes
        Of the program, where it has inputs or settles.
    looks : callable
        Given the number of a settle since the start, the looks after which it rests, at least `LEAST_LOOKS`; 0 for
        never.

    Attributes
    ----------
    address : int
        Where the next fetch begins.
    jumps_left : dict of int to int
        For each finite repeat that is under way, by its address.
    untimed : int
        Instructions without duration since the last one with.
    effect : int
        Cycle at which the last group took effect; the start is cycle 0.
    timed_end : int or None
        Cycle at which the last timed instruction ends; None before the first.
    load_start : int or None
        Cycle at which the last load took effect.
    fed : int
        Cycle at which the last feed is done.
    fed_back : int
        Cycle at which the last feed of feedback is done.
    settles : int
        Settles that have begun.
    load_pending : bool
        Whether that load has not been committed yet.
    committed : bool
        Whether anything was ever committed.
    phase : {"none", "init", "run"}
        What the array has been through since the last init.
    last_sample : int or None
        Cycle of the last sample.
    stopped : bool
    faults : dict of (FindingKind, int) to Finding
        What was wrong with instructions that were executed, by kind and address: T003, T004, T005, T009, T010.
    """

    instructions: Sequence[Instruction]
    core: CoreSpec
    drive: DriveTimes = UNDRIVEN
    looks: Callable[[int], int] = settled_at_once
    address: int = 0
    jumps_left: dict[int, int] = field(default_factory=dict)
    untimed: int = 0
    effect: int = 0
    timed_end: int | None = None
    load_start: int | None = None
    fed: int = 0
    fed_back: int = 0
    settles: int = 0
    load_pending: bool = False
    committed: bool = False
    phase: str = "none"
    last_sample: int | None = None
    stopped: bool = False
    faults: dict[tuple[FindingKind[Any], int], Finding] = field(default_factory=dict)

    def step(self) -> Step | None:
        """Return the next group; None when the schedule has ended: stopped, in error, or past its last instruction."""
        group = None if self.stopped else self._fetch()
        if group is None:
            self.stopped = True
            return None
        if group.has(Operation.COMMIT) and not self.load_pending:
            group = self._without_commit(group)
        fetched = self.effect + FETCH_LATENCY + FETCH_CYCLES * group.fetched
        due = fetched if self.timed_end is None else self.timed_end
        begin = max(due, fetched)
        at = dict.fromkeys(Operation, begin)
        if self.load_start is not None:
            loaded = max(begin, self.load_start + self.core.load_cycles)
            at[Operation.COMMIT] = at[Operation.LOAD] = at[Operation.FEED] = loaded
        if self.last_sample is not None:
            at[Operation.SAMPLE] = max(begin, self.last_sample + self.core.readout_cycles)
        at[Operation.SAMPLE] = max(at[Operation.SAMPLE], self.fed_back)
        self._feed(group, at)
        at[Operation.LOAD] = max(at[Operation.LOAD], self.fed)
        at[Operation.SETTLE] = max(begin, self.fed_back)
        waiting = {kind: at[kind] for kind in _WAITING if group.has(kind)}
        self.effect = max(waiting.values(), default=begin)
        for kind in (Operation.INIT, Operation.RUN, Operation.SETTLE, Operation.STOP):
            at[kind] = self.effect
        self._apply(group, at)
        waited = self.effect - due if self.timed_end is not None else 0
        cause = max(waiting, key=lambda kind: waiting[kind]).name.lower() if self.effect > begin else "fetch"
        length = self._settle(group.duration) if group.has(Operation.SETTLE) else group.duration
        if self.timed_end is not None or group.duration:
            self.timed_end = self.effect + length
        cycles = tuple(at[instruction.operation] for _, instruction in group.members)
        return Step(group, cycles, self.effect, waited, cause, length)

    def _feed(self, group: Group, at: dict[Operation, int]) -> None:
        """Set when the feed of a group takes effect, and when it is done."""
        for _, instruction in group.members:
            if instruction.operation is not Operation.FEED:
                continue
            is_feedback = instruction.source is Source.FEEDBACK
            if is_feedback:
                # A sample of this group comes first where it stands first; its walk is waited for, too.
                sampled = at[Operation.SAMPLE] if group.has(Operation.SAMPLE) else self.last_sample
                walked = 0 if sampled is None else sampled + self.core.readout_cycles
                at[Operation.FEED] = max(at[Operation.FEED], walked)
            self.fed = at[Operation.FEED] + (feedback_cycles(self.drive.inputs) if is_feedback else 0)
            self.fed_back = self.fed if is_feedback else self.fed_back

    def _settle(self, most: int) -> int:
        """Return how long the settle that takes effect now lasts."""
        looks = self.looks(self.settles)
        self.settles += 1
        walked = 0 if self.last_sample is None else self.last_sample + self.core.readout_cycles
        wait = max(0, walked - self.effect)
        decided = wait + decided_after(self.core, self.drive.rows, looks)
        return decided if looks and decided <= most else most

    def _fetch(self) -> Group | None:
        members: list[tuple[int, Instruction]] = []
        fetched, around, loads, commits, samples, feeds = 0, False, 0, 0, 0, 0
        while self.address < len(self.instructions):
            address, instruction = self.address, self.instructions[self.address]
            fetched += 1
            kind = instruction.operation
            if (
                (kind is Operation.COMMIT and (loads or commits))
                or (kind is Operation.LOAD and loads)
                or (kind is Operation.SAMPLE and samples)
                or (kind is Operation.FEED and (loads or feeds))
            ):
                return Group(tuple(members), fetched, around)
            if instruction.is_timed:
                self.untimed = 0
            elif kind is not Operation.STOP and not self._count_untimed(address, instruction):
                return None
            if kind is Operation.REPEAT:
                around |= instruction.count == 0
                self.address = self._jump(address, instruction)
                continue
            loads += kind is Operation.LOAD
            commits += kind is Operation.COMMIT
            samples += kind is Operation.SAMPLE
            feeds += kind is Operation.FEED
            members.append((address, instruction))
            self.address += 1
            if instruction.is_timed or kind is Operation.STOP:
                self.stopped = kind is Operation.STOP
                return Group(tuple(members), fetched, around)
        return None

    def _jump(self, address: int, instruction: Instruction) -> int:
        """Return where a repeat goes; each repeat has a counter of its own, which starts anew once it has run out."""
        if instruction.count == 0:
            return instruction.operand
        left = self.jumps_left.pop(address, instruction.count)
        if left == 0:
            return address + 1
        self.jumps_left[address] = left - 1
        return instruction.operand

    def _count_untimed(self, address: int, instruction: Instruction) -> bool:
        self.untimed += 1
        if self.untimed <= MAX_UNTIMED:
            return True
        self._fault(crowding_fault(address, instruction, self.untimed))
        if _circles_without_time(self.instructions, address):
            self._fault(
                ENDLESS_LOOP.finding(
                    f"from instruction {address} the schedule repeats for ever without an init or a run",
                    "put an init or a run into the loop",
                    {"instruction": address},
                )
            )
        return False

    def _without_commit(self, group: Group) -> Group:
        """Return what takes effect of a group whose commit ends the schedule: a sample, if it has one."""
        address = next(at for at, instruction in group.members if instruction.operation is Operation.COMMIT)
        self._fault(
            COMMIT_WITHOUT_LOAD.finding(
                f"instruction {address} commits, but no chunk was loaded since the commit before",
                "put a load before it: the commit would end the schedule with an error",
                {"instruction": address},
            )
        )
        self.stopped = True
        return replace(group, members=tuple(m for m in group.members if m[1].operation is Operation.SAMPLE))

    def _apply(self, group: Group, at: dict[Operation, int]) -> None:
        for address, instruction in group.members:
            match instruction.operation:
                case Operation.LOAD:
                    self.load_start, self.load_pending = at[Operation.LOAD], True
                case Operation.COMMIT:
                    self.load_pending, self.committed = False, True
                case Operation.INIT:
                    self.phase = "init"
                case Operation.RUN | Operation.SETTLE:
                    if not self.committed:
                        self._fault(
                            RUN_WITHOUT_COMMIT.finding(
                                f"instruction {address} runs, but no chunk was committed before it",
                                "put a load and a commit before it",
                                {"instruction": address},
                            )
                        )
                    self.phase = "none" if self.phase == "none" else "run"
                case Operation.SAMPLE:
                    self.last_sample = at[Operation.SAMPLE]
                    if self.phase != "run":
                        missing = "a run since its init" if self.phase == "init" else "an init"
                        self._fault(
                            SAMPLE_WITHOUT_RUN.finding(
                                f"instruction {address} samples without {missing}",
                                "give every sample an init and a run of its own",
                                {"instruction": address, "missing": missing},
                            )
                        )

    def _fault(self, fault: Finding) -> None:
        self.faults.setdefault((fault.kind, fault.witness["instruction"]), fault)

    def state(self) -> tuple[object, ...]:
        """Return everything that decides the future, in cycles since the last group took effect."""

        def since(cycle: int | None, limit: int) -> int:
            # Beyond its limit an age makes no difference any more; never is as good as long ago.
            return limit if cycle is None else min(self.effect - cycle, limit)

        return (
            self.address,
            tuple(sorted(self.jumps_left.items())),
            self.untimed,
            None if self.timed_end is None else self.timed_end - self.effect,
            since(self.load_start, self.core.load_cycles),
            self.load_pending,
            self.committed,
            self.phase,
            since(self.last_sample, self.core.readout_cycles),
            max(0, self.fed - self.effect),
            max(0, self.fed_back - self.effect),
        )


def _circles_without_time(instructions: Sequence[Instruction], address: int) -> bool:
    """Return whether execution from an address returns to the same endless repeat without an init or a run.

    A finite repeat is followed once and then passed, which visits everything that it can reach.
    """
    taken: set[int] = set()
    while address < len(instructions):
        instruction = instructions[address]
        if instruction.is_timed or instruction.operation is Operation.STOP:
            return False
        if instruction.operation is Operation.REPEAT:
            if address in taken and instruction.count == 0:
                return True
            if address not in taken:
                taken.add(address)
                address = instruction.operand
                continue
        address += 1
    return False


def crowding_fault(address: int, instruction: Instruction, count: int) -> Finding:
    """Return T003 where an instruction is one too many without duration."""
    return CROWDED_INSTRUCTIONS.finding(
        f"instruction {address} ({instruction}) is the {count}th without duration in a row; at most {MAX_UNTIMED} may "
        "follow each other, also over a repeat",
        "put an init or a run between them",
        {"instruction": address, "count": count, "limit": MAX_UNTIMED},
    )
