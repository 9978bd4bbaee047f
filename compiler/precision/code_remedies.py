"""What would keep a model in its codes: each change is tried by coding with it, and only what helps is told.

Of a problem a change helps when its energies come nearer to those that were asked for. That a warning is no longer
given is not enough: couplings and fields share one factor, so that finer codes of the one can take them further from
the other. So DACs are tried together, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.quantize import code_worth
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale
from oscc.compiler.precision.code_use import GroupValues, group_values
from oscc.compiler.precision.coded_problem import problem_of
from oscc.compiler.precision.remedy_trials import Bench, Remedy, Still, Trial


@dataclass(frozen=True)
class Remedies:
    """Changes that help a group, each by itself: the ones that cost least first.

    Parameters
    ----------
    found : tuple of Remedy
    vain : Remedy or None
        Where nothing helps: the least change after which the warning is no longer given, although no energy of the
        problem comes nearer.
    """

    found: tuple[Remedy, ...]
    vain: Remedy | None = None


def remedies(coded: CodedGraph, group: str, values: GroupValues, *stills: Still) -> Remedies:
    """Return the changes that help a group.

    Parameters
    ----------
    coded : CodedGraph
    group : str
        One of `GROUPS`.
    values : GroupValues
        Its parameters and codes.
    *stills : callable
        One or more: the next is asked where nothing helps by those before.
    """
    bench = Bench(coded, group, values)
    made = Remedies(())
    for still in stills:
        made = _remedies(bench, still)
        if made.found:
            break
    return made


def _remedies(bench: Bench, still: Still) -> Remedies:
    found, vain = [], []
    # Full scales that still need as many bits are no way of their own.
    most = np.inf
    for trials in (bench.other_tau(), bench.widths(), bench.full_scales()):
        for trial in trials:
            if trial.bits >= most:
                break
            if not bench.ends_warning(trial, still):
                continue
            error = bench.energy_error(trial)
            remedy = bench.remedy(trial, error)
            if remedy is None:
                continue
            if bench.brings_nearer(trial, error):
                found.append(remedy)
                most = trial.bits if trial.kind == "bits" else most
                break
            if error is not None:
                vain.append(remedy)
    return Remedies(tuple(found), None if found or not vain else vain[0])


def energy_error(coded: CodedGraph, options: ScaleOptions) -> float | None:
    """Return the largest error of the energy with another time scale; None of a model that is no problem.

    Parameters
    ----------
    coded : CodedGraph
    options : ScaleOptions
        Of that time scale.
    """
    placed = coded.placed
    if problem_of(placed.graph) is None:
        return None
    tau = choose_time_scale(programmed_graph(placed), placed.core, options).tau_s
    bench = Bench(coded, "coupling", dict(group_values(coded))["coupling"])
    return bench.energy_error(Trial("tau", {}, code_worth(placed.core, tau)))


def listed_remedies(found: Remedies, nothing: str, left: str) -> str:
    """Return advice: what helps or, where nothing does, that it is so, and what is left to do.

    Parameters
    ----------
    found : Remedies
    nothing : str
        Says that nothing ends the warning; may be empty.
    left : str
    """
    if found.found:
        return ", or ".join(remedy.words for remedy in found.found)
    if found.vain is not None:
        return (
            f"no change of DACs or tau brings the energies nearer; what ends the warning alone: {found.vain.words}; "
            f"better {left}"
        )
    return f"{nothing}: {left}" if nothing else left
