"""Lowering: an Ising problem as a KuraSHIL model that a core solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oscc.base.errors import OsccError
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec


@dataclass(frozen=True)
class Ramp:
    """How a run is shared out, chunk by chunk.

    Parameters
    ----------
    share : tuple of float
        Part of the time.
    shil : tuple of float
        S, in units of the largest coupling.
    drive : tuple of float
        Largest detuning, in units of the largest coupling: it differs from spin to spin, and so shakes them as heat
        would, the less the later.
    """

    share: tuple[float, ...]
    shil: tuple[float, ...]
    drive: tuple[float, ...]


RAMPS = {
    1: Ramp((1.0,), (0.3,), (0.0,)),
    2: Ramp((0.6, 0.4), (0.2, 0.6), (0.4, 0.0)),
    4: Ramp((0.25, 0.26, 0.32, 0.17), (0.0, 0.3, 0.3, 0.65), (0.66, 0.38, 0.0, 0.0)),
}
"""By number of chunks. The ramp of four was found by a random search on toroidal instances (docs/problems.md)."""

DRIVE_SEED = 77
"""Of the detunings' differences from spin to spin, which every problem has alike."""


def lower_problem(problem: IsingProblem, core: CoreSpec) -> CouplingGraph:
    """Lower a problem: return the model whose phases go down its energy.

    With K = -J and -h for the field, dx_i/dt = sum K_ij sin(x_j - x_i) - S sin 2 x_i + h_i sin x_i is minus the
    gradient of sum J_ij cos(x_i - x_j) + sum h_i cos x_i - (S / 2) sum cos 2 x_i. At phases of 0 and pi, where SHIL
    pulls them, this is the problem's energy with s = cos x (T. Wang and J. Roychowdhury, OIM: oscillator-based Ising
    machines for solving combinatorial optimisation problems, UCNC 2019).

    All parameters are divided by one number, so that couplings take all of their full scale where fields allow it, and
    the run takes all cycles of a sample. Where the core's full scales are smaller than the ramp's, SHIL and drive are.

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
    detuning_scale = core.detuning_dac.full_scale_rad_s / largest
    unit = max(
        float(np.abs(problem.coupling).max(initial=0.0)), float(np.abs(problem.field).max(initial=0.0)) / field_scale
    )
    unit = unit if unit > 0 else 1.0
    # Couplings of 1 per unit of model time need tau = 1 / full scale; that many units fit into a sample.
    # Every run is rounded up to a whole cycle.
    cycles = core.cycles_per_sample - core.init.cycles - len(ramp.share)
    # On a die whose weakest cell has less than full scale, couplings take as much longer, wherever they are placed.
    total = cycles * core.clock_s * largest * min(1.0, float(core.unit_gain.min()))
    # A pair without a coupling would take two slots and pull at the placement for nothing.
    coupled = problem.coupling != 0
    first, second, coupling = problem.first[coupled], problem.second[coupled], problem.coupling[coupled]
    src, dst = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((src, dst))
    pull = -np.concatenate([coupling, coupling])[order] / unit
    chunks = len(ramp.share)
    shil = np.minimum(np.array(ramp.shil), shil_scale)
    spread = np.random.default_rng(DRIVE_SEED).normal(size=problem.spins).clip(-2.0, 2.0) / 2
    drive = np.minimum(np.array(ramp.drive), detuning_scale)[:, None] * spread
    return CouplingGraph(
        name=problem.name,
        family="kurashil",
        image_shape=(1, problem.spins),
        init=_initial_phases(core),
        src=src[order],
        dst=dst[order],
        weight=np.repeat(pull[None, :], chunks, axis=0).astype(np.float32),
        shil=np.repeat(shil[:, None], problem.spins, axis=1).astype(np.float32),
        field=np.repeat(-problem.field[None, :] / unit, chunks, axis=0).astype(np.float32),
        detuning=drive.astype(np.float32),
        chunk_duration=(np.array(ramp.share) * total).astype(np.float32),
        position=None,
        readout=np.arange(problem.spins, dtype=np.int32),
        time_scale_s=None,
        training={
            "problem": {
                "kind": problem.kind,
                "spins": problem.spins,
                "pairs": int(problem.first.size),
                # What J or h of the problem a parameter of 1 stands for.
                "unit": unit,
            }
        },
    )


def _initial_phases(core: CoreSpec) -> InitialPhases:
    if core.init.kind == "uniform":
        return InitialPhases("uniform", 0.0, float(np.pi / np.sqrt(3.0)))
    return InitialPhases("normal", core.init.mean_rad, core.init.std_rad)
