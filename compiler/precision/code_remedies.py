"""What would keep a model in its codes: each way is tried on the parameters, and only those that help are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.quantize import code_worth, quantize_values, unit_parameters
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale, diagnose_time_scale
from oscc.compiler.precision.code_use import ALIKE, GroupUse, GroupValues, measure_use
from oscc.core.spec import GROUPS, DacSpec

Still = Callable[[GroupUse, GroupValues], bool]
"""Whether a warning would still be given."""

MOST_BITS = 8
"""Of a DAC, as `DacSpec` allows."""


@dataclass(frozen=True)
class Remedy:
    """A change after which a warning is no longer given.

    Parameters
    ----------
    kind : {"tau", "per-chunk", "bits", "full-scale"}
    value : float or int or None
        Bits, or the full scale [rad/s].
    words : str
        As advice.
    """

    kind: str
    value: float | int | None
    words: str


def remedies(coded: CodedGraph, group: str, values: GroupValues, still: Still) -> tuple[Remedy, ...]:
    """Return the changes that help a group, each by itself: the ones that cost least first.

    Parameters
    ----------
    coded : CodedGraph
    group : str
        One of `spec.GROUPS`.
    values : GroupValues
        Its parameters and codes.
    still : callable
    """
    index = GROUPS.index(group)
    lsb = coded.lsb[:, index, None]
    present = float(np.abs(values.scaled).max(initial=0.0)) * (1 + ALIKE)

    def helps(dac: DacSpec, trial: NDArray[np.float64]) -> bool:
        scaled = values.scaled * (lsb / trial)
        made = GroupValues(values.own, scaled, quantize_values(scaled, 1.0, dac), dac)
        use = measure_use(made, trial)
        # Nothing may be beyond full scale that is not already.
        beyond, before = use.largest_lsb / dac.top_code, present / values.dac.top_code
        return beyond <= max(1.0 + 0.5 / dac.top_code, before) and not still(use, made)

    found = [remedy for remedy, dac, trial in _trials(coded, group, values) if helps(dac, trial)]
    # Of widths, the first that is enough.
    bits = next((remedy for remedy in found if remedy.kind == "bits"), None)
    return tuple(remedy for remedy in found if remedy.kind != "bits" or remedy is bits)


def listed_remedies(found: tuple[Remedy, ...], nothing: str) -> str:
    """Return advice: what helps, or what is left to do where nothing does.

    Parameters
    ----------
    found : tuple of Remedy
    nothing : str
    """
    return ", or ".join(remedy.words for remedy in found) or nothing


def _trials(
    coded: CodedGraph, group: str, values: GroupValues
) -> Iterator[tuple[Remedy, DacSpec, NDArray[np.float64]]]:
    """Every change worth trying, with the DAC and the worth of its code step, float64[C, 1]."""
    placed = coded.placed
    graph, core, scale = programmed_graph(placed), placed.core, placed.time_scale
    assert scale is not None
    index, dac = GROUPS.index(group), values.dac
    lsb = coded.lsb[:, index, None]
    if graph.time_scale_s is None:
        given = "given" in scale.bounds_s
        remedy = (
            Remedy("tau", None, "leave out --tau-s, for the smallest tau")
            if given
            else Remedy("per-chunk", None, "give each chunk its own tau: --tau per-chunk")
        )
        options = ScaleOptions(per_chunk=not given)
        if not any(diagnose_time_scale(graph, core, options)):
            yield remedy, dac, code_worth(core, choose_time_scale(graph, core, options).tau_s)[:, index, None]
    for bits in range(dac.bits + 1, MOST_BITS + 1):
        wide = DacSpec(bits=bits, full_scale_rad_s=dac.full_scale_rad_s)
        words = f"use a core with {group}_dac: {{bits: {bits}}}"
        yield Remedy("bits", bits, words), wide, lsb * (dac.top_code / wide.top_code)
    # With what holds copies together, which is no parameter of the model but must not saturate.
    largest = float(np.abs(unit_parameters(placed)[group] / lsb).max(initial=0.0))
    # Less than the whole range is used where another group, or the length of a load, decided the time scale.
    if 0 < largest < dac.top_code - 0.5:
        full_scale = dac.full_scale_rad_s * largest / dac.top_code
        words = f"use a core with {group}_dac: {{full_scale_rad_s: {full_scale:.4g}}} ({scale.active} decided the tau)"
        yield Remedy("full-scale", full_scale, words), dac, lsb * (largest / dac.top_code)
