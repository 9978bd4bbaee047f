"""Lowering: an Ising problem as a KuraSHIL model that a core solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oscc.compiler.errors import OsccError
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.graph import CouplingGraph, InitialPhases
from oscc.compiler.spec import CoreSpec

FEWEST_CHUNKS = 1


@dataclass(frozen=True)
class Ramp:
    """How a run is shared out, chunk by chunk.

    Parameters
    ----------
    share : tuple of float
        Part of the time.
    coupling : tuple of float
        Part of the full strength of couplings and fields.
    shil : tuple of float
        S, in units of the largest coupling.
    """

    share: tuple[float, ...]
    coupling: tuple[float, ...]
    shil: tuple[float, ...]


RAMPS = {
    1: Ramp((1.0,), (1.0,), (0.3,)),
    2: Ramp((0.6, 0.4), (1.0, 1.0), (0.1, 0.5)),
    4: Ramp((0.25, 0.25, 0.25, 0.25), (1.0, 1.0, 1.0, 1.0), (0.0, 0.2, 0.5, 1.3)),
}
"""By number of chunks. The ramp of four was found by a random search on toroidal instances (docs/problems.md)."""


def lower_problem(problem: IsingProblem, core: CoreSpec) -> CouplingGraph:
    """The model whose phases go down the energy of a problem.

    With K = -J and -h for the field, dx_i/dt = sum K_ij sin(x_j - x_i) - S sin 2 x_i + h_i sin x_i is minus the
    gradient of sum J_ij cos(x_i - x_j) + sum h_i cos x_i - (S / 2) sum cos 2 x_i. At phases of 0 and pi, where SHIL pulls them,
    this is the problem's energy with s = cos x (T. Wang and J. Roychowdhury, OIM: oscillator-based Ising machines for
    solving combinatorial optimisation problems, UCNC 2019).

    All parameters are divided by one number, so that couplings take all of their full scale where fields and SHIL allow
    it, and the run takes all cycles of a sample.

    Parameters
    ----------
    problem : IsingProblem
    core : CoreSpec
        Its DACs, clock and cycles, and the initial phases.

    Raises
    ------
    OsccError
        ``problem.size`` when it has no spins.
    """
    if problem.spins == 0:
        raise OsccError("problem.size", "the problem has no spins", where=problem.name)
    ramp = RAMPS[max(chunks for chunks in RAMPS if chunks <= core.chunks)]
    largest = core.coupling_dac.full_scale_rad_s
    field_scale = core.field_dac.full_scale_rad_s / largest
    shil_scale = core.shil_dac.full_scale_rad_s / largest
    unit = max(
        float(np.abs(problem.coupling).max(initial=0.0)), float(np.abs(problem.field).max(initial=0.0)) / field_scale
    )
    unit = unit if unit > 0 else 1.0
    # Couplings of 1 per unit of model time need tau = 1 / full scale; that many units fit into a sample.
    cycles = core.cycles_per_sample - core.init.cycles - len(ramp.share)
    total = cycles * core.clock_s * largest
    forth, back = (problem.first, problem.second), (problem.second, problem.first)
    src, dst = (np.concatenate([forth[end], back[end]]).astype(np.int32) for end in (0, 1))
    order = np.lexsort((src, dst))
    pull = -np.concatenate([problem.coupling, problem.coupling])[order] / unit
    strength = np.array(ramp.coupling)[:, None]
    shil = np.clip(np.array(ramp.shil), -shil_scale, shil_scale)
    chunks = len(ramp.share)
    return CouplingGraph(
        name=problem.name,
        family="kurashil",
        image_shape=(1, problem.spins),
        init=_initial_phases(core),
        src=src[order],
        dst=dst[order],
        weight=(strength * pull).astype(np.float32),
        shil=np.repeat(shil[:, None], problem.spins, axis=1).astype(np.float32),
        field=(-strength * problem.field / unit).astype(np.float32),
        detuning=np.zeros((chunks, problem.spins), dtype=np.float32),
        chunk_duration=(np.array(ramp.share) * total).astype(np.float32),
        position=None,
        readout=np.arange(problem.spins, dtype=np.int32),
        time_scale_s=None,
        training={"problem": {"kind": problem.kind, "spins": problem.spins, "pairs": int(problem.first.size)}},
    )


def _initial_phases(core: CoreSpec) -> InitialPhases:
    if core.init.kind == "uniform":
        return InitialPhases("uniform", 0.0, float(np.pi / np.sqrt(3.0)))
    return InitialPhases("normal", 0.0, core.init.std_rad)
