"""Engine ``array``: the behavioural array under a control plane without RTL; many samples at once."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from oscc.base.progress import tell_stage
from oscc.core.instructions import Operation
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.job import CosimJob, CosimRecord, Progress, tell_record
from oscc.sim.engines.transaction_core import TransactionCore
from oscc.sim.host.host import Host

MAX_BATCH = 64
"""Samples that evolve beside each other: at 56 x 56 the state of 64 stays within a core's cache."""


DESIGN = "a model of the control plane, without RTL"
"""What the engine simulates, in words."""


class ArrayEngine:
    """Runs a program on the behavioural array alone, through the same driver as the RTL engines.

    Parameters
    ----------
    batch : int
        Samples that evolve beside each other at most, all by one way through the schedule: 1 for a schedule whose
        samples are not all made alike.
    """

    name = "array"

    def __init__(self, batch: int = MAX_BATCH) -> None:
        self._batch = batch

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job; see `oscc.sim.engines.job.Engine`.

        Samples are computed in equal batches of at most ``batch``; the last batch may hold more samples than were
        asked for, which are left out.
        """
        started = time.perf_counter()
        tell_stage(progress, "running the array")
        batch = min(job.samples, self._batch)
        rounds = -(-job.samples // batch)
        # Nothing moves in an init, so that only runs count.
        runs = [step.operand for step in job.program.instructions() if step.operation is Operation.RUN]
        cycles = sum(runs) * rounds
        done = 0.0

        def moved(amount: float) -> None:
            nonlocal done
            done += amount
            if progress:
                progress("running the array", min(done / cycles, 1.0))

        macro = ArrayMacro(job.core, job.make_array(batch, moved if progress else None), keep=job.keep)
        host = Host(TransactionCore(job.core, macro, batch), job.core)

        async def run() -> CosimRecord:
            await host.identify()
            await host.load(job.program)
            loaded = time.perf_counter()
            codes = await host.take_samples(job.samples, seed=job.seed, first=job.first_sample, limit=job.sample_limit)
            return CosimRecord(
                engine=self.name,
                codes=codes,
                macro=macro.record(),
                counters=await host.counters(),
                cycles=0,
                load_seconds=loaded - started,
                run_seconds=time.perf_counter() - loaded,
                design=DESIGN,
            )

        record = _run_now(run())
        tell_record(job, record)
        return record


def _run_now(coroutine: Coroutine[Any, Any, CosimRecord]) -> CosimRecord:
    """Run a coroutine that waits for nothing, as nothing behind this engine does.

    An event loop would hold an interrupt from the keyboard back until the coroutine has ended.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        record: CosimRecord = done.value
        return record
    coroutine.close()
    raise RuntimeError("the array was waited for")
