from __future__ import annotations

from typing import Any

import pytest

from oscc.core.instructions import Instruction, Operation
from oscc.rtl import control_plane
from oscc.rtl.bench.simulation import wait
from oscc.sim.host.core_registers import FaultWordFields, SelfTestWordFields
from tests.rtl.control_plane_bench import MARKER, ONE_SAMPLE, QUARTER, SAMPLES, TINY, Bench, flip

# Flipped bits in the weight memory


def test_single_flips_are_corrected_and_counted_at_every_load() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 2, 5, 77)
        flip(context, bench, 6, 5, 3)
        # A check bit, in the last row.
        flip(context, bench, 7, 7, 110)
        # In chunk 1, which is not loaded.
        flip(context, bench, 0, 9, 0)
        for runs in (1, 2):
            await registers.write_control(start=1)
            while "running" in await bench.status():
                pass
            assert await registers.read_corrected() == 3 * runs
        assert await registers.read_uncorrectable() == 0
        assert await bench.errors() == set()
        await bench.load(context)
        assert await registers.read_corrected() == 0

    bench.run(host)
    assert bench.array.commits == [bench.rows_of(0)] * 2


@pytest.mark.parametrize("columns", [[5], [3, 6], [0, 7]])
def test_a_double_flip_stops_the_sample_and_names_the_lowest_bank(columns: list[int]) -> None:
    bench = Bench(TINY)
    marks: list[int] = []

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_irq_enable(error=1)
        for column in columns:
            # Row 2 of chunk 2, which is loaded while chunk 1 runs.
            flip(context, bench, column, 18, 40, 41)
        await registers.write_control(start=1)
        while not context.get(bench.plane.irq):
            await context.tick()
        marks.append(len(bench.record))
        assert await bench.errors() == {"uncorrectable"}
        assert await registers.read_fault_word() == FaultWordFields(address=18, column=columns[0])
        assert await registers.read_uncorrectable() == len(columns)
        assert await bench.interrupts() == {"programmed", "stopped", "error"}
        await wait(context, 200)
        assert await bench.status() == {"programmed"}
        assert await registers.read_samples() == 0

    record = bench.run(host)
    (irq,) = marks
    assert record.cycles("sample") == []
    # The sample had begun: whoever waits for its image is told that there is none.
    assert bench.images_seen.beats == [MARKER]
    assert len(bench.array.commits) == 2
    # The row with the fault is on the bus in one cycle; it is known two later, and the array stands still two after.
    fault = record.cycles("load_strobe")[2 * 8 + 2]
    assert record.cycles("run")[-1] == fault + 2 + 1
    assert fault < irq <= fault + 8


def test_a_fault_before_the_first_sample_leaves_the_core_ready_for_another_start() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 1, 7, 0, 2)
        await registers.write_control(start=1)
        while "running" in await bench.status():
            pass
        assert await bench.errors() == {"uncorrectable"}
        await registers.write_error(uncorrectable=1)
        flip(context, bench, 1, 7, 0, 2)
        await registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()
        assert await registers.read_samples() == 1

    bench.run(host)
    # The row with the fault was the last one: the first commit and its init were on their way when the schedule ended.
    assert bench.array.commits[1:] == [bench.rows_of(0)]
    assert bench.images_seen.beats == [MARKER, *bench.codes_of(0)]


@pytest.mark.parametrize("init", range(10, 21))
def test_a_fault_in_the_last_row_is_known_before_the_shortest_sample(init: int) -> None:
    bench = Bench(QUARTER)
    hasty = [
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.INIT, init),
        Instruction(Operation.COMMIT),
        Instruction(Operation.RUN, 1),
        Instruction(Operation.SAMPLE),
        Instruction(Operation.STOP),
    ]

    async def host(context: Any) -> None:
        await bench.load(context, hasty)
        flip(context, bench, 3, 3, 9, 50)
        await bench.registers.write_control(start=1)
        await wait(context, 100)
        assert await bench.errors() == {"uncorrectable"}

    # An init as long as the load lets commit, a run of one cycle and the sample follow the last row at once.
    assert QUARTER.load_cycles == 4 + 6
    bench.run(host)
    assert bench.array.samples == 0
    assert bench.images_seen.beats == [MARKER]


def test_latencies_that_would_let_a_fault_come_too_late_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane, "collector_latency", lambda core: 5)
    with pytest.raises(AssertionError, match="before its faults are known"):
        control_plane.check_fault_latency(QUARTER)


def test_a_scrub_repairs_what_is_stored() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 2, 5, 77)
        flip(context, bench, 4, 31, 112)
        await registers.write_control(scrub=1)
        assert await bench.status() == {"programmed", "scrubbing"}
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.interrupts() == {"programmed", "scrubbed"}
        assert (await registers.read_corrected(), await registers.read_scrubbed()) == (2, 2)
        # One more flip in each of the words is still only one.
        flip(context, bench, 2, 5, 3)
        flip(context, bench, 4, 31, 4)
        await registers.write_control(scrub=1)
        while await bench.status() != {"programmed"}:
            pass
        assert (await registers.read_corrected(), await registers.read_scrubbed()) == (4, 4)
        flip(context, bench, 6, 12, 3, 4)
        await registers.write_control(scrub=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == {"uncorrectable"}
        assert await registers.read_fault_word() == FaultWordFields(address=12, column=6)
        assert await registers.read_scrubbed() == 4

    bench.run(host)


def test_a_scrub_leaves_running_samples_alone() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        while await registers.read_samples() < 2:
            flip(context, bench, 5, 17, 60)
            await registers.write_control(scrub=1)
            while "scrubbing" in await bench.status():
                pass
        assert await registers.read_period() == 64 + 20 + 21 + 22 + 23
        assert await registers.read_stalled() == 0
        assert await registers.read_scrubbed() >= 2
        assert await bench.errors() == set()

    bench.run(host)
    assert bench.array.commits[:4] == [bench.rows_of(chunk) for chunk in range(4)]


def test_a_self_test_of_good_banks_forgets_the_program() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        await registers.write_control(self_test=1)
        assert await bench.status() == {"self_testing"}
        while await bench.status():
            pass
        assert await bench.interrupts() == {"programmed", "self_tested"}
        assert await registers.read_self_test_failures() == 0
        await registers.write_control(start=1)
        assert await bench.errors() == {"unprogrammed"}

    bench.run(host)


def test_a_self_test_names_a_word_that_fails() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await registers.write_control(self_test=1)
        await wait(context, 300)
        # An upset between a write and its read.
        flip(context, bench, 2, 9, 31)
        while await bench.status():
            pass
        assert await bench.errors() == {"self_test"}
        assert await registers.read_self_test_failures() >= 1
        assert await registers.read_self_test_word() == SelfTestWordFields(address=9, column=2)
        # A program load makes the core whole again.
        await bench.load(context, ONE_SAMPLE)
        assert await bench.status() == {"programmed"}

    bench.run(host)


def test_commands_that_cannot_be_taken_are_told_and_ignored() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers

        async def refused(cause: str, **command: int) -> None:
            await registers.write_control(**command)
            assert await bench.errors() == {cause}, command
            await registers.write_error(**{cause: 1})

        await refused("unprogrammed", scrub=1)
        await registers.write_control(self_test=1)
        for command in ("start", "scrub", "self_test"):
            await refused("busy", **{command: 1})
        # A program load ends a self-test.
        await registers.write_control(load=1)
        assert await bench.status() == {"loading"}
        for command in ("start", "scrub", "self_test"):
            await refused("busy", **{command: 1})
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        for command in ("start", "load", "self_test"):
            await refused("busy", **{command: 1})
        await registers.write_control(scrub=1)
        await refused("busy", scrub=1)

    bench.run(host)
