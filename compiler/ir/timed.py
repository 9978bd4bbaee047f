"""`TimedGraph`: how the model time of a routed model becomes clock cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.routed import RoutedGraph


@dataclass(frozen=True, eq=False)
class TimeScale:
    """How model time becomes clock cycles. Arrays are read-only.

    Parameters
    ----------
    tau_s : float64[C]
        Seconds per unit of model time in each chunk: run_cycles / (clock_hz chunk_duration).
    run_cycles : int64[C]
        Clock cycles of each chunk's run.
    bounds_s : dict of str to float
        The smallest tau that each bound allows [s]: ``coupling``, ``shil``, ``field``, ``detuning`` (full scale of the
        group), ``load`` (a run covers a load and a fetch), ``readout`` (a sample covers a read-out), ``model``
        (time_scale_s, when the model carries one) and ``given`` (when the user set it).
    active : str
        The bound that decided the largest tau.
    active_by_chunk : tuple of str
        The bound that decided in each chunk.
    """

    tau_s: NDArray[np.float64]
    run_cycles: NDArray[np.int64]
    bounds_s: dict[str, float]
    active: str
    active_by_chunk: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class TimedGraph(RoutedGraph):
    """A routed model with its time scale. Arrays are read-only.

    Parameters
    ----------
    graph, core, cell, transform, route
        As of `RoutedGraph`.
    time_scale : TimeScale
    """

    time_scale: TimeScale

    @classmethod
    def at(cls, routed: RoutedGraph, scale: TimeScale) -> TimedGraph:
        """Return a routed model at a time scale.

        Parameters
        ----------
        routed : RoutedGraph
        scale : TimeScale
        """
        return cls(routed.graph, routed.core, routed.cell, routed.transform, routed.route, scale)
