"""Fitting: every reason, besides its wires and its time scale, why a core cannot run a model."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oscc.compiler.families import FAMILIES, family_named
from oscc.compiler.findings import Finding, is_empty, raise_first
from oscc.compiler.graph import CouplingGraph, InitialPhases
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.spec import CoreSpec

INIT_TOLERANCE = 1e-6
"""Largest difference between a model's initial distribution and the core's that counts as none [rad]."""


def diagnose_fit(placed: PlacedGraph) -> Iterator[Finding]:
    """Every reason why the core cannot run the model (codes F001 to F005).

    F001 a read-out node on a cell that cannot be read, and what `diagnose_model` finds.

    Parameters
    ----------
    placed : PlacedGraph
    """
    yield from _diagnose_readout(placed)
    yield from diagnose_model(placed.graph, placed.core)


def is_valid_fit(placed: PlacedGraph) -> bool:
    """Whether `diagnose_fit` finds nothing."""
    return is_empty(diagnose_fit(placed))


def verify_fit(placed: PlacedGraph) -> None:
    """Raise the first finding of `diagnose_fit`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_fit(placed))


def diagnose_model(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Every reason why the core cannot run the model, wherever its nodes are placed; each is a proof.

    F002 an initial distribution that the core does not offer, F003 too many chunks, F004 a family that has no hardware,
    F005 too many nodes.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    yield from diagnose_initial_phases(graph.init, core)
    if graph.chunks > core.chunks:
        yield Finding(
            "F003",
            f"the model has {graph.chunks} chunks; the core holds {core.chunks}",
            f"train the model with at most {core.chunks} chunks, or use a core with chunks: {graph.chunks}",
            {"chunks": graph.chunks, "capacity": core.chunks},
        )
    if not family_named(graph.family).has_hardware:
        able = [name for name, family in FAMILIES.items() if family.has_hardware]
        yield Finding(
            "F004",
            f"the model is of family {graph.family}; DAC codes and RTL exist for phase families only",
            f"train a model of family {' or '.join(able)}",
            {"family": graph.family, "accepted": able},
        )
    if graph.nodes > core.cells:
        yield Finding(
            "F005",
            f"the model has {graph.nodes} nodes; the core has {core.cells} cells ({core.rows} x {core.cols})",
            "use a larger core, or a smaller model",
            {"nodes": graph.nodes, "cells": core.cells},
        )


def diagnose_initial_phases(init: InitialPhases, core: CoreSpec) -> Iterator[Finding]:
    """Whether a core offers a distribution of the initial phases (code F002); a proof.

    Parameters
    ----------
    init : InitialPhases
    core : CoreSpec
    """
    given = f"{init.kind} with mean {init.mean:.9g} and standard deviation {init.std:.9g} rad"
    if core.init.kind == "normal":
        offered, fix = f"normal with mean 0 and standard deviation {core.init.std_rad:.9g} rad", "init.std_rad"
        fits = abs(init.mean) <= INIT_TOLERANCE and abs(init.std - core.init.std_rad) <= INIT_TOLERANCE
    else:
        # A uniform distribution over one whole turn is the same wherever it begins.
        offered, fix = "uniform over the circle", "init.kind"
        fits = abs(init.std - math.pi / math.sqrt(3.0)) <= INIT_TOLERANCE
    if init.kind != core.init.kind or not fits:
        yield Finding(
            "F002",
            f"the model starts from phases {given}; the core offers {offered}",
            f"train the model from the distribution of the core, or use a core with another {fix}",
            {
                "model": {"kind": init.kind, "mean": init.mean, "std": init.std},
                "core": {"kind": core.init.kind, "std_rad": core.init.std_rad},
            },
        )


def _diagnose_readout(placed: PlacedGraph) -> Iterator[Finding]:
    graph, core = placed.graph, placed.core
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    cell = placed.cell[graph.readout]
    readable = np.all((cell >= core.readout.origin) & ((cell - core.readout.origin) % core.readout.step == 0), axis=1)

    def describe(pixel: int) -> Finding:
        node, (row, col) = int(graph.readout[pixel]), cell[pixel].tolist()
        return Finding(
            "F001",
            f"pixel {pixel} is node {node} at ({row}, {col}), which cannot be read; readable are rows {row0}, "
            f"{row0 + drow}, ... and columns {col0}, {col0 + dcol}, ...",
            "train the model with its visible nodes on readable cells, or use a core with another read-out",
            {"pixel": pixel, "node": node, "cell": [row, col], "origin": [row0, col0], "step": [drow, dcol]},
        )

    yield from map(describe, np.flatnonzero(~readable).tolist())
