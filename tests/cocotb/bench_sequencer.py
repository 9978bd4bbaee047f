"""Every error cause in every state of the sequencer in which it can arise, and the functional coverage of that.

The state is that of the cycle in which the register block is told of the cause. Where ``OSCC_COVERAGE`` is set, what
was covered goes to ``functional.json`` in that folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
from bench_core import BenchCore, steps
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_db

from oscc.core.registers import ERROR_CAUSES
from oscc.sim.engines.cocotb_bus import CLOCK_NS

STATES = {
    "idle": "no schedule is checked or executed",
    "check": "the schedule is being checked",
    "prologue": "before the first init or run",
    "init": "init is high",
    "run": "run is high",
    "load": "held: a commit waits for its load",
    "latches": "held: a sample waits for the latches",
    "room": "held: an init waits for room in the output",
    "array": "held: an init waits for the array",
    "fetch": "held: the next instruction is not there yet",
}
CAUSES = tuple(cause.name for cause in ERROR_CAUSES)

ONLY_IDLE = "while a schedule is checked or executed, loads and self-tests are refused"
UNREACHABLE = {
    "unprogrammed": (set(STATES) - {"idle"}, "a schedule only runs on a program, and nothing can take it away then"),
    "program_crc": (set(STATES) - {"idle"}, ONLY_IDLE),
    "program_length": (set(STATES) - {"idle"}, ONLY_IDLE),
    "self_test": (set(STATES) - {"idle"}, ONLY_IDLE),
    "illegal_instruction": (set(STATES) - {"check"}, "the check finds it, and nothing else looks for it"),
    "array_lost": (
        set(STATES) - {"init", "run", "load", "prologue"},
        "it is looked for during an init or a run, and where nothing but the array keeps a run from beginning",
    ),
    "nothing_loaded": (
        {"idle", "check", "latches", "room", "array", "fetch"},
        "it is reported one cycle after a commit could have taken effect, and what a group samples goes first",
    ),
    "schedule_overrun": (
        {"idle", "check", "load", "latches", "room", "array"},
        "nothing is fetched before the schedule is executed, nor behind a group that is whole and waits",
    ),
}
"""States in which a cause cannot arise, and why."""

IGNORED = [(cause, state) for cause, (states, _) in UNREACHABLE.items() for state in states]


def _count(cause: str, state: str) -> None:
    assert (cause, state) not in IGNORED, f"{cause} in state {state} was held to be impossible"


_CAUSE: Any = CoverPoint("errors.cause", xf=lambda cause, state: cause, bins=list(CAUSES))
_STATE: Any = CoverPoint("errors.state", xf=lambda cause, state: state, bins=list(STATES))
_CROSS: Any = CoverCross("errors.cause_in_state", items=["errors.cause", "errors.state"], ign_bins=IGNORED)
covered: Callable[[str, str], None] = _CAUSE(_STATE(_CROSS(_count)))
"""Counts a cause that arose in a state."""


class Watch:
    """Looks at every cycle in which an error cause is reported, and at the sequencer then.

    Parameters
    ----------
    bench : BenchCore
    """

    def __init__(self, bench: BenchCore) -> None:
        self._bench = bench
        control = bench.dut.control
        self._sequencer = control.sequencer
        self._fetch = control.sequencer.fetch
        self._any = control.registers.irq_status_error_set
        self._set = {name: getattr(control.registers, f"error_{name}_set") for name in CAUSES}
        self._started = False
        self._sampled = self._committed = False
        self.seen: list[tuple[str, str]] = []

    def state(self) -> str:
        """The state in this cycle; to be called when all signals have settled."""
        sequencer, fetch, shim = self._sequencer, self._fetch, self._bench.dut.array_macro
        if not _high(sequencer.running):
            return "idle"
        if not _high(sequencer.executing):
            return "check"
        if _high(shim.init):
            return "init"
        if _high(shim.run):
            return "run"
        if _high(sequencer.awaiting_array):
            return "array"
        if not _high(fetch.valid):
            return "fetch" if self._started else "prologue"
        if _high(fetch.group_sample) and not self._sampled and _high(sequencer.frames_busy):
            return "latches"
        loading = _high(fetch.group_commit) or _high(fetch.group_load)
        if _high(fetch.group_is_init) and not _high(sequencer.frames_room) and not (loading and not self._committed):
            return "room"
        return "load" if self._started else "prologue"

    def _follow(self) -> None:
        """Keep what only the past tells: whether anything was timed yet, and what of the group has taken effect."""
        sequencer, shim = self._sequencer, self._bench.dut.array_macro
        if not _high(sequencer.executing):
            self._started = self._sampled = self._committed = False
            return
        self._started |= _high(shim.init) or _high(shim.run)
        if _high(self._fetch.valid):
            self._sampled |= _high(sequencer.frames_start)
            self._committed |= _high(sequencer.load_taken)
        else:
            self._sampled = self._committed = False

    async def watch(self) -> None:
        """The bench that looks."""
        while True:
            await RisingEdge(self._bench.dut.clk)
            await ReadOnly()
            if _high(self._any):
                state = self.state()
                for cause in [cause for cause, signal in self._set.items() if _high(signal)]:
                    self.seen.append((cause, state))
                    covered(cause, state)
            self._follow()


def _high(handle: Any) -> bool:
    return bool(int(handle.value))


# How the core is brought into a state and kept there


async def hold_idle(bench: BenchCore) -> None:
    pass


async def hold_check(bench: BenchCore) -> None:
    # Of 62 instructions, so that there is time for something to happen.
    await bench.start(steps(*["run 9"] * 61, "stop"))


async def hold_prologue(bench: BenchCore) -> None:
    # A load waits for the one before it: for some forty cycles nothing is timed.
    await bench.start(steps("load 1", "load 2", "load 3", "commit", "init 60", "stop"))
    await ClockCycles(bench.dut.clk, 8)


async def hold_init(bench: BenchCore) -> None:
    await bench.start(steps("load 1", "commit", "init 60000", "stop"))
    await ClockCycles(bench.dut.clk, 40)


async def hold_run(bench: BenchCore) -> None:
    await bench.start(steps("load 1", "commit", "init 20", "run 60000", "stop"))
    await ClockCycles(bench.dut.clk, 60)


async def hold_load(bench: BenchCore) -> None:
    # Two loads for a run of one cycle: it is mostly them that are waited for.
    await bench.start(steps("load 1", "commit", "init 20", "run 1", "load 2", "load 3", "commit", "repeat 0 3"))
    await ClockCycles(bench.dut.clk, 60)


async def hold_latches(bench: BenchCore) -> None:
    bench.shim.tap_valid_level.value = 0
    await bench.start(steps("load 1", "commit", "init 20", "run 20", "sample", "run 20", "sample", "stop"))
    await ClockCycles(bench.dut.clk, 120)


async def hold_room(bench: BenchCore) -> None:
    bench.sink.pause = True
    await bench.start(steps("load 1", "commit", "init 20", "run 60", "sample", "repeat 0 2"))
    while "stalled" not in await bench.status():
        pass


async def hold_array(bench: BenchCore) -> None:
    bench.shim.ready_level.value = 0
    await ClockCycles(bench.dut.clk, 8)
    await bench.start(steps("load 1", "commit", "init 20", "run 20", "stop"))
    await ClockCycles(bench.dut.clk, 40)


async def hold_fetch(bench: BenchCore) -> None:
    # A run of one cycle is over long before the jump back to it has been fetched.
    await bench.start(steps("load 1", "commit", "init 20", "run 1", "repeat 0 3"))
    await ClockCycles(bench.dut.clk, 60)


HOLD: dict[str, Callable[[BenchCore], Awaitable[None]]] = {
    "idle": hold_idle,
    "check": hold_check,
    "prologue": hold_prologue,
    "init": hold_init,
    "run": hold_run,
    "load": hold_load,
    "latches": hold_latches,
    "room": hold_room,
    "array": hold_array,
    "fetch": hold_fetch,
}


async def ready(dut: Any) -> tuple[BenchCore, Watch]:
    """A programmed core, and who looks at it."""
    bench = BenchCore(dut)
    await bench.begin()
    await bench.registers.write_watchdog(limit=0)
    await bench.load()
    watch = Watch(bench)
    cocotb.start_soon(watch.watch())
    return bench, watch


async def until_seen(watch: Watch, bench: BenchCore, cause: str, state: str, limit: int = 400) -> None:
    """Let cycles pass until a cause has been seen in a state."""
    for _ in range(limit):
        if (cause, state) in watch.seen:
            return
        await RisingEdge(bench.dut.clk)
    raise AssertionError(f"{cause} was not seen in state {state}, but {watch.seen}")


async def recover(bench: BenchCore) -> None:
    """Whatever happened: after the causes are cleared, the core takes a sample without an error."""
    bench.shim.ready_level.value = 1
    bench.shim.tap_valid_level.value = 1
    bench.sink.pause = False
    await bench.stop()
    while "scrubbing" in await bench.status() or "loading" in await bench.status():
        if "loading" in await bench.status():
            await bench.load()
    await ClockCycles(bench.dut.clk, 100)
    while not bench.no_frame_waits():
        await bench.frame()
    await bench.load()
    await bench.clear()
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    bench.codes_of(await bench.frame())
    await bench.until_idle()
    assert await bench.errors() == set()
    assert bench.no_frame_waits()


@cocotb.test()
@cocotb.parametrize(state=list(STATES))
async def busy(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    if state == "idle":
        await bench.registers.write_control(load=1)
        await bench.registers.write_control(start=1)
        await until_seen(watch, bench, "busy", state)
    else:
        await HOLD[state](bench)
        for attempt in range(20):
            # In states "load" and "fetch" the core is only most of the time.
            await bench.registers.write_control(load=1)
            if ("busy", state) in watch.seen:
                break
            await ClockCycles(dut.clk, attempt + 1)
        await until_seen(watch, bench, "busy", state)
        # It was ignored.
        assert "programmed" in await bench.status()
        assert state == "check" or "running" in await bench.status()
    assert await bench.errors() == {"busy"}
    await recover(bench)


@cocotb.test()
@cocotb.parametrize(state=list(STATES))
async def uncorrectable(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    # In chunk 0, which none of these schedules loads: a scrub finds it, and at once.
    place = (1, 0)
    for attempt in range(20):
        await bench.flip(*place, 3, 80)
        await HOLD[state](bench)
        # Where the core is in a state only most of the time, at another time in every attempt.
        if attempt:
            await ClockCycles(dut.clk, attempt)
        await bench.registers.write_control(scrub=1)
        while "scrubbing" in await bench.status():
            pass
        await bench.until_idle()
        assert await bench.errors() == {"uncorrectable"}
        await bench.flip(*place, 3, 80)
        if ("uncorrectable", state) in watch.seen:
            break
        await bench.clear()
    await until_seen(watch, bench, "uncorrectable", state)
    await recover(bench)


@cocotb.test()
async def uncorrectable_in_the_first_load(dut: Any) -> None:
    bench, watch = await ready(dut)
    await bench.flip(1, 0, 3, 80)
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await until_seen(watch, bench, "uncorrectable", "prologue")
    await bench.until_idle()
    assert await bench.registers.read_samples() == 0
    await recover(bench)


async def leave_a_frame_in_the_latches(bench: BenchCore) -> None:
    """Take a sample whose taps do not come."""
    bench.shim.tap_valid_level.value = 0
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await bench.until_idle()
    assert await bench.status() == {"programmed", "frame"}


async def hold_with_a_frame(bench: BenchCore, state: str) -> None:
    """Bring the core into a state while the read-out waits for taps."""
    if state == "latches":
        await hold_latches(bench)
        return
    await leave_a_frame_in_the_latches(bench)
    if state == "room":
        # A sample that is given up wants its mark behind the frame that does not come: there is no room meanwhile.
        await hold_init(bench)
        await bench.stop()
        await bench.start(steps("load 1", "commit", "init 20", "stop"))
        await ClockCycles(bench.dut.clk, 60)
        return
    await HOLD[state](bench)


@cocotb.test()
@cocotb.parametrize(state=list(STATES))
async def watchdog_of_the_taps(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    for attempt in range(20):
        await hold_with_a_frame(bench, state)
        if attempt:
            await ClockCycles(dut.clk, attempt)
        # A limit that is lowered takes effect at once.
        await bench.registers.write_watchdog(limit=1)
        await ClockCycles(dut.clk, 8)
        await bench.registers.write_watchdog(limit=0)
        assert "watchdog" in await bench.errors()
        await bench.until_idle()
        if ("watchdog", state) in watch.seen:
            break
        bench.shim.tap_valid_level.value = 1
        await ClockCycles(dut.clk, 60)
        await bench.clear()
    await until_seen(watch, bench, "watchdog", state)
    await recover(bench)


@cocotb.test()
async def watchdog_of_the_array(dut: Any) -> None:
    bench, watch = await ready(dut)
    await hold_array(bench)
    await bench.registers.write_watchdog(limit=100)
    await until_seen(watch, bench, "watchdog", "array")
    await bench.registers.write_watchdog(limit=0)
    await recover(bench)


@cocotb.test()
@cocotb.parametrize(state=["init", "run"])
async def array_lost(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    await HOLD[state](bench)
    bench.shim.ready_level.value = 0
    await until_seen(watch, bench, "array_lost", state)
    await recover(bench)


@cocotb.test()
async def array_lost_before_the_first_run(dut: Any) -> None:
    bench, watch = await ready(dut)
    bench.shim.ready_level.value = 0
    await ClockCycles(dut.clk, 8)
    await bench.start(steps("run 60", "stop"))
    await until_seen(watch, bench, "array_lost", "prologue")
    await recover(bench)


@cocotb.test()
async def array_lost_while_a_commit_waits(dut: Any) -> None:
    bench, watch = await ready(dut)
    await bench.start(steps("load 0", "commit", "load 1", "init 1", "commit", "run 60", "sample", "stop"))
    await RisingEdge(dut.array_macro.init)
    await ClockCycles(dut.clk, 2)
    bench.shim.ready_level.value = 0
    await until_seen(watch, bench, "array_lost", "load")
    await bench.until_idle()
    assert not int(dut.array_macro.run.value)
    assert await bench.errors() == {"array_lost"}
    await recover(bench)


FORGOTTEN = {
    "prologue": ("commit", "init 20", "stop"),
    "init": ("load 1", "commit", "init 40", "commit", "run 9", "stop"),
    "run": ("load 1", "commit", "init 20", "run 40", "commit", "run 9", "stop"),
    "load": ("load 1", "commit", "init 20", "run 1", "commit", "run 9", "stop"),
}


@cocotb.test()
@cocotb.parametrize(state=list(FORGOTTEN))
async def nothing_loaded(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    await bench.start(steps(*FORGOTTEN[state]))
    await until_seen(watch, bench, "nothing_loaded", state)
    await bench.until_idle()
    assert await bench.errors() == {"nothing_loaded"}
    await recover(bench)


OVERRUNS = {
    "prologue": ("repeat 0 0",),
    "init": ("init 60", "repeat 0 1"),
    "run": ("run 60", "repeat 0 1"),
    "fetch": ("run 1", "repeat 0 1"),
}


@cocotb.test()
@cocotb.parametrize(state=list(OVERRUNS))
async def schedule_overrun(dut: Any, state: str) -> None:
    bench, watch = await ready(dut)
    await bench.start(steps(*OVERRUNS[state]))
    await until_seen(watch, bench, "schedule_overrun", state)
    await bench.until_idle()
    await recover(bench)


@cocotb.test()
async def illegal_instruction(dut: Any) -> None:
    bench, watch = await ready(dut)
    await bench.start(steps("run 9", "run 9"))
    await until_seen(watch, bench, "illegal_instruction", "check")
    await recover(bench)


@cocotb.test()
async def causes_that_arise_in_idle(dut: Any) -> None:
    bench, watch = await ready(dut)
    stream = bench.program.stream()
    await bench.load(stream, crc=0)
    await until_seen(watch, bench, "program_crc", "idle")
    await bench.registers.write_control(start=1)
    await until_seen(watch, bench, "unprogrammed", "idle")
    await bench.load(stream[:64])
    await until_seen(watch, bench, "program_length", "idle")

    async def spoil() -> None:
        # A word that is not what it should be for some time.
        for _ in range(400):
            await RisingEdge(dut.clk)
            bench.word(0, 1).value = 5

    spoiling = cocotb.start_soon(spoil())
    await bench.registers.write_control(self_test=1)
    await until_seen(watch, bench, "self_test", "idle", limit=20_000)
    spoiling.cancel()
    await recover(bench)


@cocotb.test()
async def everything_that_can_arise_was_seen(dut: Any) -> None:
    """The last test: the functional coverage of all before it."""
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    await ClockCycles(dut.clk, 1)
    cross = coverage_db["errors.cause_in_state"]
    hits = {f"{cause} in {state}": count for (cause, state), count in cross.detailed_coverage.items()}
    report = {
        "causes": list(CAUSES),
        "states": STATES,
        "hits": hits,
        "unreachable": {cause: [sorted(states), why] for cause, (states, why) in UNREACHABLE.items()},
    }
    if "OSCC_COVERAGE" in os.environ:
        (Path(os.environ["OSCC_COVERAGE"]) / "functional.json").write_text(json.dumps(report, indent=1) + "\n")
    missed = [
        f"{cause} in {state}"
        for cause in CAUSES
        for state in STATES
        if (cause, state) not in IGNORED and not hits[f"{cause} in {state}"]
    ]
    assert not missed, missed
