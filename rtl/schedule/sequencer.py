"""Sequencer: lets groups of instructions take effect, each on the last edge of the timed instruction before it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.instructions import SCHEDULE_DEPTH
from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.schedule.instruction_fetch import InstructionFetch
from oscc.rtl.schedule.schedule_check import ScheduleCheck
from oscc.rtl.signals.drive_port import drive_port_signature
from oscc.rtl.signals.fetch_port import fetch_port_signature
from oscc.rtl.signals.frame_port import frame_port_signature
from oscc.rtl.signals.load_port import load_port_signature


class _Shared:
    """Signals that the parts of the sequencer share."""

    def __init__(self) -> None:
        self.begin = Signal()
        """A start is taken."""
        self.executing = Signal()
        """The check has passed."""
        self.sampled = Signal()
        self.committed = Signal()
        self.loaded = Signal()
        """Parts of the present group that have taken effect."""
        self.any_load = Signal()
        """This schedule has loaded: what the one before it left behind is not this one's to commit."""
        self.sample = Signal()
        self.commit = Signal()
        self.timed = Signal()
        self.stop = Signal()
        """What takes effect on the next edge."""
        self.gone = Signal()
        """A run was due in the cycle before, and ``array_ready`` was low."""
        self.active = Signal()
        """A timed instruction is under way."""
        self.low = Signal(init=1)
        """Cycles of the timed instruction remain; at most one does. Kept beside their counter, since every decision
        hangs on them."""
        self.next_init = Signal()
        """``init`` is high in the next cycle."""
        self.still = Signal()
        """The array holds still behind the first timed instruction: register STALLED counts these cycles."""
        self.started = Signal()
        """A timed instruction has begun."""
        self.in_sample = Signal()
        """A sample has begun, with an init, and is not latched."""
        self.end = Signal()
        """The schedule ends with the next edge."""


class Sequencer(wiring.Component):
    """Executes the schedule.

    Everything that reaches the array leaves a register. ``run`` is high for exactly n cycles per ``run n``, and
    ``sample`` and ``commit`` are high in the last cycle of the timed instruction before them; the array lets a run's
    last step happen first, then the sample, then the commit. When a group cannot take effect at once (a load is not
    complete, the latches are not read out, the output has no room for the latched frame), the array holds still,
    neither ``init`` nor ``run``, and the cycles are counted.

    Latency: from ``start`` to the first instruction's effect, the check (schedule length + 2) and a fetch.
    Throughput: a timed instruction of n cycles takes n cycles when n is at least 1 + 2 x (instructions up to and
    including the next timed one).

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
        Check the schedule and run it; ignored while ``running``.
    abort : In(1)
        End after the present sample, or at the next edge between instructions when no sample has begun. One that comes
        before the first ``init`` or ``run`` waits for that. A second one ends at once. One together with ``start``
        belongs to that start: the schedule ends after its first sample.
    fault : In(1)
        End at once: ``init`` and ``run`` are low two cycles later.
    array_ready : In(1)
        The array can work: an init waits for it, and a run does not begin without it.
    length : In(7)
    first_sample : In(32)
    fetch : Out(fetch_port_signature(64))
        To the schedule memory.
    load : Out(load_port_signature(core))
        To the loader.
    frames : Out(frame_port_signature())
        To the read-out: ``start`` one cycle before ``sample``, ``discard`` when the end came before a sample that had
        begun, with an init, was latched.
    init, run, sample, commit : Out(1)
        To the array, as in `drive_port_signature`.
    sample_number : Out(32)
        Number of the sample that the present init begins, or the next one when there is none. It changes only while
        ``init`` is low: where a schedule samples between two inits, both have the number of the first.
    awaiting_array : Out(1)
        An init waits for ``array_ready`` and for nothing else.
    array_lost : Out(1)
        ``array_ready`` was low during an init or a run, or when a run was due; high for one cycle, and the schedule
        ends.
    running : Out(1)
    stalled : Out(1)
        The array holds still while the schedule waits: behind the first timed instruction in every cycle that belongs
        to none, before it from the second cycle in which a fetched group cannot take effect.
    stopped : Out(1)
        High for one cycle when the schedule has ended.
    illegal, overrun, nothing_loaded : Out(1)
        High for one cycle: the schedule ends because of an illegal instruction, of too many without duration, of a
        commit for which it had loaded nothing.
    bad_address : Out(8)
    samples, period, stall_cycles : Out(32)
        Registers SAMPLES, PERIOD and STALLED.
    <pin>
        Of the memory of the loop counters, as in `memory_pin_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "fault": In(1),
                "array_ready": In(1),
                "length": In(7),
                "first_sample": In(32),
                "fetch": Out(fetch_port_signature(SCHEDULE_DEPTH)),
                "load": Out(load_port_signature(core)),
                "frames": Out(frame_port_signature()),
                **drive_port_signature().members,
                "sample_number": Out(32),
                "awaiting_array": Out(1),
                "array_lost": Out(1),
                "running": Out(1),
                "stalled": Out(1),
                "stopped": Out(1),
                "illegal": Out(1),
                "overrun": Out(1),
                "nothing_loaded": Out(1),
                "bad_address": Out(8),
                "samples": Out(32),
                "period": Out(32),
                "stall_cycles": Out(32),
                **memory_pin_members(core),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.check = check = ScheduleCheck(self._core)
        m.submodules.fetch = fetch = InstructionFetch(self._core)
        chain_pins(m, self, (fetch,))
        shared = _Shared()
        self._connect_check(m, shared, check, fetch)
        self._take_effect(m, shared, fetch)
        self._end(m, shared, check, fetch)
        self._keep_time(m, shared, fetch.group)
        self._tell_waits(m, shared, fetch)
        self._count(m, shared, fetch.group)
        return m

    def _connect_check(self, m: Module, shared: _Shared, check: ScheduleCheck, fetch: InstructionFetch) -> None:
        """Check the schedule, then fetch it; the schedule memory belongs to one of the two at a time."""
        begin = shared.begin
        # The check looks at one length from its start to its end, whatever the host writes meanwhile.
        length = Signal.like(self.length)
        with m.If(begin):
            m.d.sync += length.eq(self.length)
        m.d.comb += [
            begin.eq(self.start & ~self.running),
            check.start.eq(begin),
            check.length.eq(length),
            check.fetch.word.eq(self.fetch.word),
            fetch.begin.eq(check.good & self.running),
            fetch.fetch.word.eq(self.fetch.word),
            self.fetch.address.eq(fetch.fetch.address),
            self.illegal.eq(check.bad & self.running),
            self.overrun.eq(fetch.overrun & self.running),
            self.bad_address.eq(check.bad_address),
        ]
        with m.If(check.busy):
            m.d.comb += self.fetch.address.eq(check.fetch.address)

    def _take_effect(self, m: Module, shared: _Shared, fetch: InstructionFetch) -> None:
        """Decide what of the present group takes effect on the next edge; parts of one that waits may one by one."""
        group, executing, low = fetch.group, shared.executing, shared.low
        sampled, committed, loaded, any_load = shared.sampled, shared.committed, shared.loaded, shared.any_load
        sample, commit, timed, stop = shared.sample, shared.commit, shared.timed, shared.stop
        load = Signal()
        ready = Signal()
        effective = Signal()
        wants_sample = group.sample & ~sampled
        wants_commit = group.commit & ~committed
        wants_load = group.load & ~loaded
        # Side by side, not one behind the other: this is the longest path of the control plane.
        may_sample = Signal()
        may_commit = Signal()
        may_load = Signal()
        may_time = Signal()
        m.d.comb += [
            may_sample.eq(~wants_sample | ~self.frames.busy),
            may_commit.eq(~wants_commit | (self.load.complete & any_load)),
            may_load.eq(~wants_load | ~self.load.busy),
            may_time.eq(self.array_ready & (~group.is_init | self.frames.room)),
        ]
        m.d.comb += [
            ready.eq(executing & low & fetch.valid),
            sample.eq(ready & wants_sample & may_sample),
            commit.eq(ready & wants_commit & may_commit),
            load.eq(ready & wants_load & may_load & may_commit),
            effective.eq(ready & may_sample & may_commit & may_load),
            timed.eq(effective & group.timed & may_time),
            self.awaiting_array.eq(effective & group.timed & group.is_init & self.frames.room & ~self.array_ready),
            stop.eq(effective & group.stop),
            fetch.next_group.eq(effective & ~group.stop & (~group.timed | may_time)),
        ]
        # An init waits for the array; before a run it has lost the phases that it should go on from.
        m.d.sync += shared.gone.eq(effective & group.timed & ~group.is_init & ~self.array_ready)
        # Such a commit would wait for ever; its group's sample still takes effect.
        hopeless = Signal()
        m.d.sync += hopeless.eq(ready & wants_commit & may_sample & ~self.load.busy & ~(self.load.complete & any_load))
        m.d.comb += self.nothing_loaded.eq(hopeless & self.running)
        m.d.sync += [
            sampled.eq((sampled | sample) & ~fetch.next_group),
            committed.eq((committed | commit) & ~fetch.next_group),
            loaded.eq((loaded | load) & ~fetch.next_group),
            any_load.eq(any_load | load),
        ]
        m.d.comb += [
            self.frames.start.eq(sample),
            self.load.start.eq(load),
            self.load.taken.eq(commit),
            self.load.chunk.eq(group.chunk),
        ]

    def _end(self, m: Module, shared: _Shared, check: ScheduleCheck, fetch: InstructionFetch) -> None:
        """Begin and end: by `stop`, by an abort once no sample is under way, by an error."""
        begin, executing, low, end = shared.begin, shared.executing, shared.low, shared.end
        sample, stop, started, in_sample = shared.sample, shared.stop, shared.started, shared.in_sample
        aborting = Signal()
        idle_edge = low & started & ~in_sample
        m.d.comb += [
            end.eq(
                stop
                | (executing & aborting & (sample | idle_edge))
                | (self.running & ((aborting & self.abort) | self.fault | self.array_lost | fetch.overrun | check.bad))
                | self.nothing_loaded
            ),
            self.array_lost.eq(self.running & (((self.init | self.run) & ~self.array_ready) | shared.gone)),
        ]
        # A cycle late, which nobody sees: nothing is executed any more.
        m.d.sync += fetch.halt.eq(end)
        m.d.sync += [self.stopped.eq(end), self.frames.discard.eq(end & ~stop & in_sample & ~sample)]
        with m.If(begin):
            m.d.sync += [self.running.eq(1), aborting.eq(self.abort), in_sample.eq(0)]
            m.d.sync += [member.eq(0) for member in (shared.sampled, shared.committed, shared.loaded, shared.any_load)]
        with m.Elif(end):
            m.d.sync += [self.running.eq(0), executing.eq(0)]
        with m.Else():
            with m.If(check.good & self.running):
                m.d.sync += executing.eq(1)
            with m.If(self.running & self.abort):
                m.d.sync += aborting.eq(1)

    def _keep_time(self, m: Module, shared: _Shared, group: Any) -> None:
        """Count down the timed instruction; the outputs follow the counter by one register, all of them alike."""
        low, active, end, timed, started = shared.low, shared.active, shared.end, shared.timed, shared.started
        remaining = Signal(24)
        is_init = Signal()
        with m.If(end):
            m.d.sync += [active.eq(0), low.eq(1)]
        with m.Elif(timed):
            m.d.sync += [remaining.eq(group.cycles), low.eq(group.short), active.eq(1)]
            m.d.sync += [is_init.eq(group.is_init), started.eq(1)]
        with m.Elif(active):
            m.d.sync += [remaining.eq(remaining - 1), low.eq(remaining[2:] == 0), active.eq(~low)]
            with m.If(remaining[:2] == 3):
                m.d.sync += low.eq(0)
        m.d.comb += shared.next_init.eq(active & is_init)
        m.d.sync += [
            self.init.eq(shared.next_init),
            self.run.eq(active & ~is_init),
            self.sample.eq(shared.sample),
            self.commit.eq(shared.commit),
        ]

    def _tell_waits(self, m: Module, shared: _Shared, fetch: InstructionFetch) -> None:
        """Tell that the schedule waits: of the groups before the first timed instruction, those that are fetched."""
        waited = Signal()
        idle = Signal()
        m.d.comb += [
            idle.eq(shared.executing & ~shared.active),
            shared.still.eq(idle & shared.started),
            self.stalled.eq(idle & (shared.started | waited)),
        ]
        m.d.sync += waited.eq(shared.executing & shared.low & fetch.valid & ~fetch.next_group)

    def _count(self, m: Module, shared: _Shared, group: Any) -> None:
        """Count what the host can read: samples, period, stalled cycles, number of the sample."""
        begin, sample, timed = shared.begin, shared.sample, shared.timed
        started, in_sample = shared.started, shared.in_sample
        since_sample = Signal(32)
        m.d.sync += since_sample.eq(since_sample + 1)
        with m.If(shared.still):
            m.d.sync += self.stall_cycles.eq(self.stall_cycles + 1)
        with m.If(begin):
            m.d.sync += [started.eq(0), self.samples.eq(0), self.period.eq(0), self.stall_cycles.eq(0)]
        with m.Elif(sample):
            m.d.sync += [self.samples.eq(self.samples + 1), since_sample.eq(0), in_sample.eq(0)]
            with m.If(self.samples != 0):
                m.d.sync += self.period.eq(since_sample + 1)
        with m.If(timed & group.is_init):
            m.d.sync += in_sample.eq(1)
        # The array sees it change when it has sampled, but never during an init, which may follow another directly.
        due_number = Signal(32)
        with m.If(begin):
            m.d.sync += due_number.eq(self.first_sample)
        with m.Elif(sample):
            m.d.sync += due_number.eq(due_number + 1)
        with m.If(~(self.init & shared.next_init)):
            m.d.sync += self.sample_number.eq(due_number)
