from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.weights.fault_collector import FaultCollector, collector_latency

COUNTERS = ("corrected_words", "uncorrectable_words", "scrubbed_words", "self_test_failures")
PLACES = ("fault_address", "fault_column", "failure_address", "failure_column")
GIVEN = (
    "corrected_columns",
    "uncorrectable_columns",
    "mismatch_columns",
    "read",
    "repair",
    "test",
    "address",
    "clear",
    "clear_test",
)


def recorded(collector: FaultCollector) -> Recorder:
    return Recorder(**{name: getattr(collector, name) for name in (*COUNTERS, *PLACES, "uncorrectable")})


async def give(context: Any, collector: FaultCollector, **values: int) -> None:
    """One cycle with these inputs; the others are 0."""
    for name in GIVEN:
        context.set(getattr(collector, name), values.get(name, 0))
    await context.tick()


def lowest(flags: int) -> int:
    return (flags & -flags).bit_length() - 1


class Model:
    """The findings, in plain Python: what was found in a cycle counts as many cycles later as the latency says."""

    def __init__(self, latency: int) -> None:
        self.latency = latency
        self.state = dict.fromkeys((*COUNTERS, *PLACES, "uncorrectable"), 0)
        self._seen = {"fault": False, "failure": False}
        self._waiting: list[dict[str, int]] = [{}] * (latency - 1)

    def step(self, given: dict[str, int]) -> None:
        """The edge at the end of a cycle with these inputs."""
        self._waiting.append(given)
        now = self._waiting.pop(0)
        state, bad, wrong = self.state, now.get("uncorrectable_columns", 0), now.get("mismatch_columns", 0)
        state["uncorrectable"] = 0
        if now.get("read"):
            fixed = now["corrected_columns"].bit_count()
            state["corrected_words"] += fixed
            state["scrubbed_words"] += fixed * now["repair"]
            state["uncorrectable_words"] += bad.bit_count()
            state["uncorrectable"] = int(bad != 0)
            self._place("fault", bad, now["address"])
        if now.get("test"):
            state["self_test_failures"] += wrong.bit_count()
            self._place("failure", wrong, now["address"])
        if given["clear"]:
            self._waiting = [{} for _ in self._waiting]
            for name in ("corrected_words", "scrubbed_words", "uncorrectable_words", "uncorrectable"):
                state[name] = 0
            self._forget("fault")
        if given["clear_test"]:
            state["self_test_failures"] = 0
            self._forget("failure")

    def _place(self, kind: str, flags: int, address: int) -> None:
        if flags and not self._seen[kind]:
            self._seen[kind] = True
            self.state[f"{kind}_address"], self.state[f"{kind}_column"] = address, lowest(flags)

    def _forget(self, kind: str) -> None:
        self._seen[kind] = False
        self.state[f"{kind}_address"] = self.state[f"{kind}_column"] = 0


@pytest.mark.parametrize(("cols", "latency"), [(1, 2), (8, 2), (9, 3), (11, 3), (64, 3), (71, 4), (512, 4)])
def test_it_counts_as_plain_python_does(make_core: Callable[..., CoreSpec], cols: int, latency: int) -> None:
    core = make_core(grid=[3, cols])
    assert collector_latency(core) == latency
    collector, model = FaultCollector(core), Model(latency)
    recorder = recorded(collector)
    generator = random.Random(cols)
    expected: list[dict[str, int]] = []

    def flags() -> int:
        kind = generator.random()
        if kind < 0.4:
            return 0
        if kind < 0.8:
            return 1 << generator.randrange(cols)
        return generator.getrandbits(cols) if kind < 0.98 else 2**cols - 1

    async def bench(context: Any) -> None:
        for _ in range(300):
            given = {name: flags() for name in ("corrected_columns", "uncorrectable_columns", "mismatch_columns")}
            given["read"] = int(generator.random() < 0.6)
            given["repair"] = given["read"] * int(generator.random() < 0.5)
            given["test"] = int(generator.random() < 0.3)
            given["address"] = generator.randrange(2**16)
            given["clear"] = int(generator.random() < 0.03)
            given["clear_test"] = int(generator.random() < 0.03)
            expected.append(dict(model.state))
            model.step(given)
            await give(context, collector, **given)

    simulate(collector, bench, background=[recorder.watch])
    for cycle, state in enumerate(expected):
        assert recorder.at(cycle) == state, cycle
    assert max(recorder.values("corrected_words")) > 10


@pytest.mark.parametrize("column", [0, 7, 8, 63, 64, 70])
def test_one_finding_arrives_when_the_latency_says(make_core: Callable[..., CoreSpec], column: int) -> None:
    core = make_core(grid=[3, 71])
    collector = FaultCollector(core)
    recorder = recorded(collector)

    async def bench(context: Any) -> None:
        await give(context, collector)
        await give(context, collector, uncorrectable_columns=1 << column | 1 << 70, read=1, address=0x1234)
        for _ in range(6):
            await give(context, collector)

    simulate(collector, bench, background=[recorder.watch])
    # Given in cycle 1; parts of 8, 64 and 512 columns, and the counters.
    arrives = 1 + 3 + 1
    assert recorder.cycles("uncorrectable") == [arrives]
    assert recorder.cycles("uncorrectable_words")[0] == arrives
    assert recorder.at(len(recorder) - 1)["uncorrectable_words"] == len({column, 70})
    assert (recorder.values("fault_address")[-1], recorder.values("fault_column")[-1]) == (0x1234, column)


def test_flags_without_a_read_or_a_test_mean_nothing(tiny_core: CoreSpec) -> None:
    collector = FaultCollector(tiny_core)
    recorder = recorded(collector)
    every = {"corrected_columns": 255, "uncorrectable_columns": 255, "mismatch_columns": 255}

    async def bench(context: Any) -> None:
        for _ in range(3):
            await give(context, collector, **every, repair=1)
        await give(context, collector, **every, test=1)
        for _ in range(6):
            await give(context, collector)

    simulate(collector, bench, background=[recorder.watch])
    assert recorder.at(len(recorder) - 1) == {
        **dict.fromkeys((*COUNTERS, *PLACES, "uncorrectable"), 0),
        "self_test_failures": 8,
    }
    assert recorder.cycles("uncorrectable") == []


@pytest.mark.parametrize("name", COUNTERS)
def test_counters_stay_at_their_largest_value(tiny_core: CoreSpec, name: str) -> None:
    collector = FaultCollector(tiny_core)
    seen: list[int] = []

    async def bench(context: Any) -> None:
        counter = getattr(collector, name)
        context.set(counter, 2**32 - 10)
        columns = {"corrected_columns": 127, "uncorrectable_columns": 127, "mismatch_columns": 127}
        for _ in range(3):
            await give(context, collector, **columns, read=1, repair=1, test=1)
        await give(context, collector)
        await wait(context, 3)
        seen.append(context.get(counter))
        await give(context, collector, clear=1, clear_test=1)
        seen.append(context.get(counter))

    simulate(collector, bench)
    assert seen == [2**32 - 1, 0]
