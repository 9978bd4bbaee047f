"""How many dies still take a model: random defects, and the nearest symmetric placement around them."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from oscc.base.errors import OsccError
from oscc.base.progress import Report
from oscc.compiler.compile import check_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.place.repair import repair
from oscc.compiler.place.search import Search
from oscc.compiler.place.symmetry import search_symmetric
from oscc.compiler.route.routing import routed_graph
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

SCHEMA = "oscc.yield/1"
"""Content of key ``schema`` of the report."""

CONFIDENCE = 1.959964
"""Standard deviations of a normal distribution on either side that hold 95 %."""


@dataclass(frozen=True)
class Die:
    """A random die: how many cells and slots are dead, and what stands in the model's way; "" when it takes it.

    ``repaired`` tells that it takes it only with single nodes moved.
    """

    dead_cells: int
    dead_slots: int
    refused_by: str
    repaired: bool = False


@dataclass(frozen=True)
class YieldStudy:
    """Random dies of a core, with a model on each that takes it.

    Parameters
    ----------
    model, core : str
    cell_rate, slot_rate : float
        Probability that a cell, and that a slot, is dead.
    seed : int
    dies : tuple of Die
    """

    model: str
    core: str
    cell_rate: float
    slot_rate: float
    seed: int
    dies: tuple[Die, ...]

    @property
    def good(self) -> int:
        """Dies that take the model."""
        return sum(not die.refused_by for die in self.dies)

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the yield (E. B. Wilson, Probable inference, the law of succession, 1927)."""
        count, z = len(self.dies), CONFIDENCE
        share = self.good / count
        middle = (share + z * z / (2 * count)) / (1 + z * z / count)
        half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
        return max(0.0, middle - half), min(1.0, middle + half)

    def by_defects(self) -> list[tuple[int, int, int]]:
        """Return rows [dead cells, dies, dies that take the model], by dead cells."""
        dies, good = Counter[int](), Counter[int]()
        for die in self.dies:
            dies[die.dead_cells] += 1
            good[die.dead_cells] += not die.refused_by
        return [(dead, dies[dead], good[dead]) for dead in sorted(dies)]

    def as_dict(self) -> dict[str, Any]:
        """Return the study as JSON."""
        low, high = self.interval()
        refused = Counter(die.refused_by for die in self.dies if die.refused_by)
        return {
            "schema": SCHEMA,
            "model": self.model,
            "core": self.core,
            "cell_rate": self.cell_rate,
            "slot_rate": self.slot_rate,
            "seed": self.seed,
            "dies": len(self.dies),
            "good": self.good,
            "repaired": sum(die.repaired for die in self.dies),
            "yield": round(self.good / len(self.dies), 6),
            "interval_95": [round(low, 6), round(high, 6)],
            "refused_by": dict(sorted(refused.items())),
            "by_dead_cells": [list(row) for row in self.by_defects()],
            "figures_are": "simulated",
        }


@dataclass(frozen=True)
class YieldOptions:
    """Which dies are drawn, and what is tried on them.

    Parameters
    ----------
    cell_rate, slot_rate : float
        Probability that a cell, and that a slot, is dead.
    dies : int
    seed : int
    repairing : bool
        Whether single nodes are moved.
    """

    cell_rate: float
    slot_rate: float
    dies: int
    seed: int = 0
    repairing: bool = False


def study_yield(
    graph: CouplingGraph,
    core: CoreSpec,
    options: YieldOptions,
    report: Report | None = None,
    *,
    where: str | None = None,
) -> YieldStudy:
    """Draw random dies, each independent of the others, and find which of them take a model.

    The model is placed on the core without further defects first; on each die, that placement and all its shifts,
    mirrors and rotations are tried, as the placer ``symmetry`` does, and then, where it is wanted, single nodes are
    moved off the defects, as ``repair`` does. That takes up to seconds for each die.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
        Defects that it has, all dies have.
    options : YieldOptions
    report : callable, optional
        Called with what is being done and how far it is, 0 to 1.
    where : str, optional
        The file of the model, for errors; its name where there is none.

    Raises
    ------
    OsccError
        ``yield.no-placement`` when the model does not fit the core without further defects.
    """
    checked = check_model(graph, core, placing=PlaceOptions())
    placed = checked.routed
    if not checked.feasible or placed is None:
        codes = ", ".join(sorted({finding.code for finding in checked.findings}))
        raise OsccError(
            "yield.no-placement",
            f"the model does not fit {core.name} even without further defects ({codes})",
            where=graph.name if where is None else where,
            hint="see: oscc check",
        )
    found: list[Die] = []
    for number in range(options.dies):
        if report is not None:
            good = sum(not die.refused_by for die in found)
            report(f"trying dies, {good} of {number} take the model", number / options.dies)
        # A generator for each, so that die n is the same however many there are.
        random = np.random.default_rng([options.seed, number])
        die, cells, slots = _drawn(core, options.cell_rate, options.slot_rate, random)
        found.append(_tried(placed, die, cells, slots, options.seed if options.repairing else None))
        _LOG.debug("die %d: %d dead cells, %d dead slots: %s", number, cells, slots, found[-1].refused_by or "good")
    return YieldStudy(graph.name, core.name, options.cell_rate, options.slot_rate, options.seed, tuple(found))


def _drawn(
    core: CoreSpec, cell_rate: float, slot_rate: float, random: np.random.Generator
) -> tuple[CoreSpec, int, int]:
    """Draw the core with random defects besides its own; return it, and how many cells and slots were drawn."""
    cells = np.argwhere(random.random(core.grid) < cell_rate)
    slots = np.argwhere(random.random((*core.grid, core.slots)) < slot_rate)
    own = core.defects.model_dump(mode="json")
    defects = {
        **own,
        "cells": sorted({*map(tuple, own["cells"]), *map(tuple, cells.tolist())}),
        "slots": sorted({*map(tuple, own["slots"]), *map(tuple, slots.tolist())}),
    }
    return core.changed(defects=defects), len(cells), len(slots)


def _tried(placed: PlacedGraph, die: CoreSpec, cells: int, slots: int, seed: int | None) -> Die:
    """Try a die; return by which conditions the last placements were refused. Without a seed nothing is repaired."""
    # Positions of the model, so that what was shifted once is not said to be shifted from elsewhere.
    start = PlacedGraph(placed.graph, die, placed.cell, "identity")
    found, searched = search_symmetric(start)
    if found is not None:
        return Die(cells, slots, "")
    if seed is not None and repair(routed_graph(start), Search(seed)).placed is not None:
        return Die(cells, slots, "", repaired=True)
    reasons = " and ".join(reason for reason, count in searched.refused.items() if count)
    return Die(cells, slots, reasons or "no place on the grid")
