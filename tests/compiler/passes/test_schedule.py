from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oscc.base.findings import FindingsError
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.timed import TimeScale
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.schedule import SchedulePass, diagnose_sample_schedule, sample_schedule
from oscc.core.instructions import Operation, decode_schedule
from oscc.core.schedule_proof import trace_schedule
from oscc.core.spec import CoreSpec, InitSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def coded(graph: CouplingGraph, core: CoreSpec) -> CodedGraph:
    return QuantizePass().run(ScalePass().run(RoutePass().run(PlacePass(core).run(graph))))


def scale_of(*runs: int) -> TimeScale:
    return TimeScale(np.ones(len(runs)), np.array(runs), {}, "load", ("load",) * len(runs))


def test_four_chunks_give_the_schedule_of_the_design() -> None:
    listed = [str(instruction) for instruction in sample_schedule([20, 21, 22, 23], 64)]
    assert listed == [
        "load 0",
        "commit",
        "load 1",
        "init 64",
        "run 20",
        "commit",
        "load 2",
        "run 21",
        "commit",
        "load 3",
        "run 22",
        "commit",
        "load 0",
        "run 23",
        "sample",
        "repeat for ever, 1",
        "stop",
    ]


def test_one_chunk_is_loaded_once() -> None:
    listed = [str(instruction) for instruction in sample_schedule([20], 64)]
    assert listed == ["load 0", "commit", "init 64", "run 20", "sample", "repeat for ever, 2", "stop"]


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 19])
def test_every_run_of_every_sample_uses_its_own_chunk(chunks: int, make_core: MakeCore) -> None:
    core = make_core(chunks=chunks, cycles_per_sample=5000)
    schedule = sample_schedule([50 + chunk for chunk in range(chunks)], 64)
    shadow = active = -1
    order = []
    for event in trace_schedule(schedule, core, samples=3).events:
        if event.operation is Operation.COMMIT:
            active = shadow
        elif event.operation is Operation.LOAD:
            shadow = event.operand
        elif event.operation is Operation.RUN:
            order.append((active, event.operand))
    assert order == [(chunk, 50 + chunk) for chunk in range(chunks)] * 3


def test_the_pass_writes_the_runs_of_the_time_scale(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    level = coded(make_graph(tiny_core), tiny_core)
    scheduled = SchedulePass().run(level)
    instructions = decode_schedule(scheduled.schedule)
    runs = [step.operand for step in instructions if step.operation is Operation.RUN]
    assert runs == level.placed.time_scale.run_cycles.tolist()
    assert scheduled.codes is level.codes


def test_too_many_chunks_for_the_schedule_memory(tiny_core: CoreSpec) -> None:
    # 3 instructions per chunk and 5 more: 19 chunks take 62 of 64, 20 would take 65.
    assert list(diagnose_sample_schedule(scale_of(*[20] * 19), tiny_core.model_copy(update={"chunks": 64}))) == []
    (finding,) = diagnose_sample_schedule(scale_of(*[20] * 20), tiny_core)
    assert finding.code == "P001"
    assert finding.message == "20 chunks need 65 instructions; the schedule memory holds 64"
    assert finding.fix == "train the model with at most 19 chunks"


def test_a_schedule_that_would_wait_is_refused(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    level = coded(make_graph(tiny_core), tiny_core)
    hasty = replace(level, placed=replace(level.placed, time_scale=scale_of(100, 100, 100, 5)))
    with pytest.raises(FindingsError, match="T006: instruction 1 \\(commit\\) waits 9 cycles"):
        SchedulePass().run(hasty)


def test_an_init_that_is_shorter_than_a_fetch_is_refused(make_core: MakeCore, make_graph: MakeGraph) -> None:
    # No specification allows it; the proof of the schedule does not rest on that.
    core = make_core().model_copy(update={"init": InitSpec.model_construct(kind="normal", std_rad=1.0, cycles=1)})
    with pytest.raises(FindingsError, match=r"T007.*waits 2 cycles.*it is not fetched yet"):
        SchedulePass().run(coded(make_graph(core), core))
