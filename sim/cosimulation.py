"""A co-simulation beside the PyTorch reference: what came out, and by how much the two differ."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError
from oscc.base.progress import Report, tell_stage
from oscc.compiler.ir.coded import CodedGraph
from oscc.sim.array.macro import MacroContractError
from oscc.sim.array.phase_readout import code_to_pixel
from oscc.sim.engines import registry
from oscc.sim.engines.core_sources import CoreVerilog, emitted_verilog
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.recorded_run import inputs_of
from oscc.sim.host.host import HostError


@dataclass(frozen=True, eq=False)
class Cosimulation:
    """Images that a program gave on an engine. Arrays are read-only.

    Parameters
    ----------
    job : CosimJob
    record : CosimRecord
    reference : float64[samples, rows, cols] or None
        Images of the PyTorch reference from the same codes and noise; None where PyTorch is not installed.
    inputs : str
        Hash of all that the record depends on (`oscc.sim.engines.recorded_run.inputs_of`).
    """

    job: CosimJob
    record: CosimRecord
    reference: NDArray[np.float64] | None
    inputs: str

    def __post_init__(self) -> None:
        freeze(self)

    @cached_property
    def images(self) -> NDArray[np.float64]:
        """What the read-out delivered, float64[samples, rows, cols], within -1 and 1."""
        return self.job.program.image_of(code_to_pixel(self.record.codes, self.job.core))

    @property
    def pixel_difference(self) -> float | None:
        """Mean absolute difference of the pixels from those of the reference; None without one."""
        return None if self.reference is None else float(abs(self.images - self.reference).mean())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc cosim --json`` prints it."""
        record, job = self.record, self.job
        return {
            "engine": record.engine,
            "design": record.design,
            "inputs": self.inputs,
            "samples": job.samples,
            "seed": job.seed,
            "first": job.first_sample,
            "cycles": record.cycles,
            "counters": dataclasses.asdict(record.counters),
            "codes_sha256": hashlib.sha256(record.codes.tobytes()).hexdigest(),
            "pixel_difference": self.pixel_difference,
            "load_seconds": record.load_seconds,
            "run_seconds": record.run_seconds,
        }


def check_engine_named(name: str) -> None:
    """Refuse an engine that there is not, or that is not installed, before any work is done.

    Parameters
    ----------
    name : str

    Raises
    ------
    OsccError
        ``engine.unknown``, ``engine.missing``, and what `ExtensionTable` raises.
    """
    registry.engine_named(name)
    if missing := registry.missing_for(name):
        raise OsccError("engine.missing", f"engine '{name}' is not installed", hint=f"install: {missing}")


def check_waves_of(engine: str) -> None:
    """Refuse an engine that can write no waves, before any work is done.

    Parameters
    ----------
    engine : str

    Raises
    ------
    OsccError
        ``waves.engine``.
    """
    if engine in registry.WITHOUT_WAVES:
        others = ", ".join(name for name in registry.ENGINES.own if name not in registry.WITHOUT_WAVES)
        raise OsccError(
            "waves.engine", f"engine '{engine}' has no clock, and so no waves", where="--waves", hint=f"use {others}"
        )


def cosimulate(
    job: CosimJob,
    engine: str,
    coded: Callable[[], CodedGraph],
    progress: Report | None = None,
    verilog: CoreVerilog | None = None,
) -> Cosimulation:
    """Run a job on an engine, and the PyTorch reference with the same codes and noise.

    Parameters
    ----------
    job : CosimJob
    engine : str
        A name of `oscc.sim.engines.registry.ENGINES`.
    coded : callable
        Returns the codes of the model that the program was compiled from; called only where PyTorch is installed.
    progress : callable, optional
    verilog : CoreVerilog, optional
        Verilog of the core for the engines that simulate it; they emit it themselves otherwise.

    Raises
    ------
    OsccError
        As `check_engine_named` raises it; ``cosim.refused`` when the core refuses the program, reports an error, or
        breaks the contract of the array. Where a simulator failed, it is raised from its logs (`logs_of`).
    """
    check_engine_named(engine)
    if engine not in registry.SIMULATORS:
        verilog = None
    elif verilog is None:
        tell_stage(progress, "emitting the Verilog")
        verilog = emitted_verilog(job.core)
    try:
        record = registry.engine_named(engine, verilog).run(job, progress)
    except (HostError, MacroContractError) as error:
        hint = "see docs/registers.md, ERROR"
        raise OsccError("cosim.refused", str(error), where=engine, hint=hint) from error.__cause__
    inputs = inputs_of(job, engine, verilog)
    return Cosimulation(job, record, _reference(job, coded, progress), inputs)


def _reference(job: CosimJob, coded: Callable[[], CodedGraph], progress: Report | None) -> NDArray[np.float64] | None:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    from oscc.sim.verify.phase_checks import reference_images, run_reference

    torch.set_num_threads(1)
    codes = coded()
    return reference_images(run_reference(codes, job, progress), codes)
