"""Schedule: writes the instructions that make the core take samples back to back."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from oscc.base.findings import Finding, FindingsError
from oscc.compiler.findings.of_times import LONG_SCHEDULE
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.timed import TimeScale
from oscc.core.instructions import MAX_SAMPLE_CHUNKS, SCHEDULE_DEPTH, Instruction, Operation, encode_schedule
from oscc.core.schedule_proof import diagnose_schedule
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SchedulePass:
    """Writes the schedule of a model; it has no options."""

    name: ClassVar[str] = "schedule"
    description: ClassVar[str] = "write the instructions of the sequencer and prove their timing"

    def run(self, level: CodedGraph) -> ScheduledGraph:
        """Return the coded model with its schedule, whose timing has been proven.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_sample_schedule`.
        """
        scale, core = level.placed.time_scale, level.placed.core
        findings = list(diagnose_sample_schedule(scale, core))
        if findings:
            raise FindingsError(findings)
        instructions = sample_schedule(scale.run_cycles.tolist(), core.init.cycles)
        _LOG.info("%d instructions", len(instructions))
        return ScheduledGraph.of(level, encode_schedule(instructions))


def diagnose_sample_schedule(scale: TimeScale, core: CoreSpec) -> Iterator[Finding]:
    """Yield every reason why the schedule of a time scale cannot run (P001, and those of `diagnose_schedule`).

    Parameters
    ----------
    scale : TimeScale
    core : CoreSpec
    """
    instructions = sample_schedule(scale.run_cycles.tolist(), core.init.cycles)
    if len(instructions) > SCHEDULE_DEPTH:
        chunks = scale.run_cycles.size
        yield LONG_SCHEDULE.finding(
            f"{chunks} chunks need {len(instructions)} instructions; the schedule memory holds {SCHEDULE_DEPTH}",
            f"train the model with at most {MAX_SAMPLE_CHUNKS} chunks",
            {"chunks": chunks, "instructions": len(instructions), "depth": SCHEDULE_DEPTH},
        )
        return
    yield from diagnose_schedule(instructions, core)


def sample_schedule(run_cycles: Sequence[int], init_cycles: int) -> tuple[Instruction, ...]:
    """Return a schedule of endless samples: every chunk is loaded while the one before it runs.

    With one chunk nothing ever has to be loaded again.

    Parameters
    ----------
    run_cycles : sequence of int
        Clock cycles of each chunk's run.
    init_cycles : int
    """
    init = Instruction(Operation.INIT, init_cycles)
    if len(run_cycles) == 1:
        loop = [init, Instruction(Operation.RUN, run_cycles[0])]
        prologue = [Instruction(Operation.LOAD, 0), Instruction(Operation.COMMIT)]
    else:
        prologue, loop = [Instruction(Operation.LOAD, 0)], []
        for chunk, cycles in enumerate(run_cycles):
            loop += [Instruction(Operation.COMMIT), Instruction(Operation.LOAD, (chunk + 1) % len(run_cycles))]
            loop += [init] if chunk == 0 else []
            loop += [Instruction(Operation.RUN, cycles)]
    repeat = Instruction(Operation.REPEAT, len(prologue))
    return (*prologue, *loop, Instruction(Operation.SAMPLE), repeat, Instruction(Operation.STOP))
