"""What a co-simulation is asked to do, and what it reports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oscc.base.progress import Report
from oscc.core.families import family_named
from oscc.core.instructions import SCHEDULE_DEPTH, Operation
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.sim.array.array import Integration, OscillatorArray
from oscc.sim.array.array_steps import MAX_STEP, program_step
from oscc.sim.array.macro import MacroRecord
from oscc.sim.engines.pauses import SLACK
from oscc.sim.host.host import RunCounters
from oscc.sim.waves.wave_file import Waves

_LOG = logging.getLogger(__name__)

Progress = Report


@dataclass(frozen=True)
class Draws:
    """Which samples are drawn.

    Parameters
    ----------
    samples : int
    seed : int
        Of the initial phases.
    first : int
        Number of the first sample.
    """

    samples: int
    seed: int = 0
    first: int = 0


@dataclass(frozen=True, eq=False)
class CosimJob:
    """A program to run on a core.

    Parameters
    ----------
    core : CoreSpec
    program : Program
    samples : int
    seed, first_sample : int
        Key of the initial noise and number of the first sample.
    integrator : str
    max_step : float
        Longest integration step [model time].
    dtype : {"float64", "float32"}
        Of the behavioural array.
    keep : bool
        Whether the record holds the phases and codes of all samples, or only those of the last.
    pauses : int, optional
        Seed of random pauses on the streams and on the register bus; without it, an RTL engine's host never pauses.
    waves : Waves, optional
        Wave file to write, with the save files of viewers beside it; an engine without a clock writes none.
    """

    core: CoreSpec
    program: Program
    samples: int = 1
    seed: int = 0
    first_sample: int = 0
    integrator: str = "rk4"
    max_step: float = MAX_STEP
    dtype: str = "float64"
    keep: bool = True
    pauses: int | None = None
    waves: Waves | None = None

    def make_array(self, batch: int = 1, moved: Callable[[float], None] | None = None) -> OscillatorArray:
        """Return the behavioural array that every engine puts behind the macro boundary.

        Parameters
        ----------
        batch : int
            Samples beside each other.
        moved : callable, optional
            Called with the number of cycles by which the phases have moved.
        """
        step = program_step(self.core, self.program, self.max_step)
        return OscillatorArray(
            self.core,
            family=family_named(self.program.family),
            batch=batch,
            integration=Integration(np.dtype(self.dtype), self.integrator, step),
            progress=moved,
        )

    @property
    def sample_limit(self) -> int:
        """Clock cycles after which a sample counts as lost: four times all that a round takes, and some.

        A host that pauses has `oscc.sim.engines.pauses.SLACK` times as many.
        """
        loads = sum(step.operation is Operation.LOAD for step in self.program.instructions())
        limit = 4 * (self._timed_cycles + (loads + 1) * self.core.load_cycles + self.core.readout_cycles) + 1000
        return limit if self.pauses is None else SLACK * limit

    @property
    def expected_cycles(self) -> int:
        """About as many clock cycles as all takes with the RTL, from reset on, where the host never pauses."""
        core = self.core
        # After a reset the schedule memory is cleared, a word per cycle.
        return (
            SCHEDULE_DEPTH
            + core.program_beats
            + core.load_cycles
            + self.samples * self._timed_cycles
            + core.readout_cycles
        )

    @property
    def longest_pause(self) -> int:
        """Clock cycles for which a host that pauses leaves the image stream alone: enough to make the core wait."""
        return self._timed_cycles

    @property
    def _timed_cycles(self) -> int:
        """Clock cycles of all inits and runs, as often as finite repeats behind them jump back, and once more."""
        instructions = self.program.instructions()
        total = 0
        for address, step in enumerate(instructions):
            if step.is_timed:
                times = 1
                for jump in instructions[address + 1 :]:
                    if jump.operation is Operation.REPEAT and jump.operand <= address:
                        times *= jump.count + 1
                total += times * step.operand
        return total


@dataclass(frozen=True, eq=False)
class CosimRecord:
    """What came out of a co-simulation.

    Parameters
    ----------
    engine : str
    codes : uint8[samples, frame rows, frame cols]
        Read-out codes, as the host received them.
    macro : MacroRecord
        As seen at the array boundary. Engine ``array`` lets samples evolve beside each other: B samples in one run.
    counters : RunCounters
    cycles : int
        Clock cycles simulated, program load included; 0 for an engine without a clock.
    load_seconds, run_seconds : float
        Wall time of the program load and of the rest.
    design : str
        What was simulated, in words.
    """

    engine: str
    codes: NDArray[np.uint8]
    macro: MacroRecord
    counters: RunCounters
    cycles: int
    load_seconds: float
    run_seconds: float
    design: str = "the engine's own model"


def tell_record(job: CosimJob, record: CosimRecord) -> None:
    """Log what an engine did.

    Parameters
    ----------
    job : CosimJob
    record : CosimRecord
    """
    _LOG.info(
        "engine %s: %d samples from sample %d of seed %d, steps of %g; %d cycles; loaded in %.2f s, run in %.2f s",
        record.engine,
        job.samples,
        job.first_sample,
        job.seed,
        job.max_step,
        record.cycles,
        record.load_seconds,
        record.run_seconds,
    )


class Engine(Protocol):
    """A way to run a program: with the RTL or without it."""

    name: str

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job.

        Raises
        ------
        HostError
            When the core refuses or reports an error.
        MacroContractError
            When the core breaks the contract of the array macro.
        OsccError
            When the engine is not installed, or cannot build the core.
        """
