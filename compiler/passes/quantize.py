"""Quantize: turns the parameters of a scaled model into DAC codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.coded import CodedGraph, GroupStatistics
from oscc.compiler.ir.routed import Route, RoutedGraph
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.time_scale import parameters_of
from oscc.core.groups import Groups
from oscc.core.spec import CoreSpec, DacSpec

SINGLE = 2.0**-23
"""Rounding of float32, in which checkpoints hold parameters: less beyond the top code is no clipping."""


def quantize_values(values: NDArray[np.float64], lsb: NDArray[np.float64] | float, dac: DacSpec) -> NDArray[np.int8]:
    """Round values to the nearest codes; ties go to the even code, ends saturate, forbidden codes are avoided.

    Parameters
    ----------
    values : float64[...]
        Parameters, in the unit of ``lsb``.
    lsb : float64, broadcastable to ``values``
        Worth of one code step; positive.
    dac : DacSpec
        Its allowed codes. A value half-way between two allowed codes takes the even one and, where both or neither are
        even, the one nearer to zero.

    Returns
    -------
    int8[...]
    """
    scaled = np.asarray(values, dtype=np.float64) / lsb
    top = dac.top_code
    codes = np.rint(np.clip(scaled, -top, top)).astype(np.int8)
    if not dac.forbidden:
        return codes
    redo = np.isin(codes, dac.forbidden)
    # Ordered so that argmin, which takes the first of equals, settles ties as promised.
    allowed = np.array(sorted(dac.allowed_codes, key=lambda code: (code % 2, abs(code), code)), dtype=np.int8)
    distance = np.abs(np.clip(scaled[redo], -top, top)[..., None] - allowed)
    codes[redo] = allowed[np.argmin(distance, axis=-1)]
    return codes


@dataclass(frozen=True)
class QuantizePass:
    """Rounds every parameter to the nearest code of its DAC; it has no options."""

    name: ClassVar[str] = "quantize"
    description: ClassVar[str] = "round parameters to DAC codes, half to even, saturating, with the gain of each cell"

    def run(self, level: TimedGraph) -> CodedGraph:
        """Return the codes of a model; unused units hold 0."""
        graph, core = level.graph, level.core
        lsb = code_worth(core, level.time_scale.tau_s)
        first = unit_couplings(level.route)
        row, col, slot = level.route.unit_cell[first, 0], level.route.unit_cell[first, 1], level.route.slot[first]
        values = unit_parameters(level)
        step = lsb.map(lambda each: each[:, None])
        codes = Groups.of(lambda group: quantize_values(values[group], step[group], core.dac(group)))
        statistics = Groups.of(lambda group: measure_codes(codes[group], values[group] / step[group], core.dac(group)))
        coupling = np.zeros((graph.chunks, core.rows, core.cols, core.slots), dtype=np.int8)
        coupling[:, row, col, slot] = codes.coupling

        def on_grid(of_nodes: NDArray[np.int8]) -> NDArray[np.int8]:
            grid = np.zeros((graph.chunks, core.rows, core.cols), dtype=np.int8)
            grid[:, level.cell[:, 0], level.cell[:, 1]] = of_nodes
            return grid

        return CodedGraph(level, Groups(coupling, *map(on_grid, codes.nodes())), lsb, statistics)


def unit_couplings(route: Route) -> NDArray[np.int64]:
    """Return one coupling of every unit that is used, int64[U], in the order of (row, col, slot).

    On a reciprocal core both directions of a pair name the same unit; it is quantized and counted once.

    Parameters
    ----------
    route : Route
    """
    units = np.concatenate([route.unit_cell, route.slot[:, None]], axis=1)
    return np.unique(units, axis=0, return_index=True)[1]


def unit_parameters(level: RoutedGraph) -> Groups[NDArray[np.float64]]:
    """Return what the DACs of a routed model must deliver [rad per unit of model time].

    Parameters
    ----------
    level : RoutedGraph

    Returns
    -------
    Groups of float64[C, n]
        Of ``coupling`` the units in the order of `unit_couplings`, of the other groups the nodes.
    """
    # Where the couplings of a cell are stronger than their codes say, they get smaller codes, and vice versa.
    graph = programmed_graph(level)
    values = Groups.of(lambda group: parameters_of(graph, group))
    return Groups(values.coupling[:, unit_couplings(level.route)], *values.nodes())


def code_worth(core: CoreSpec, tau_s: NDArray[np.float64]) -> Groups[NDArray[np.float64]]:
    """Return the worth of one code step: F tau / (2^(bits - 1) - 1).

    Parameters
    ----------
    core : CoreSpec
    tau_s : float64[C]
        Seconds per unit of model time.

    Returns
    -------
    Groups of float64[C]
        [rad per unit of model time]
    """
    return core.dacs.map(lambda dac: tau_s * (dac.full_scale_rad_s / dac.top_code))


def measure_codes(codes: NDArray[np.int8], scaled: NDArray[np.float64], dac: DacSpec) -> GroupStatistics:
    """Measure what quantization did to the parameters of one group.

    Parameters
    ----------
    codes : int8[...]
    scaled : float64[...]
        The parameters that became these codes, in LSB.
    dac : DacSpec
    """
    top = dac.top_code
    error = codes - scaled
    return GroupStatistics(
        values=int(codes.size),
        rms_lsb=float(np.sqrt(np.mean(error**2))) if codes.size else 0.0,
        max_lsb=float(np.max(np.abs(error), initial=0.0)),
        clipped=int(np.count_nonzero(np.abs(scaled) > top * (1 + SINGLE))),
        zeroed=int(np.count_nonzero((codes == 0) & (scaled != 0))),
        sign_changed=int(np.count_nonzero(codes * scaled < 0)),
        histogram=tuple(np.bincount(codes.ravel().astype(np.int64) + top, minlength=2 * top + 1).tolist()),
    )
