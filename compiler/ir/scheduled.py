"""`ScheduledGraph`: the codes of a model, and the instructions that run it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.coded import CodedGraph


@dataclass(frozen=True, eq=False)
class ScheduledGraph(CodedGraph):
    """The codes of a model with its schedule. Arrays are read-only.

    Parameters
    ----------
    placed, codes, lsb, statistics
        As of `CodedGraph`.
    schedule : uint32[I]
        Encoded instructions.
    """

    schedule: NDArray[np.uint32]

    @classmethod
    def of(cls, coded: CodedGraph, schedule: NDArray[np.uint32]) -> ScheduledGraph:
        """Return codes with a schedule.

        Parameters
        ----------
        coded : CodedGraph
        schedule : uint32[I]
        """
        return cls(coded.placed, coded.codes, coded.lsb, coded.statistics, schedule)

    def unscheduled(self) -> CodedGraph:
        """Return the codes alone."""
        return CodedGraph(self.placed, self.codes, self.lsb, self.statistics)
