"""Fitting: every reason, besides its wires and its time scale, why a core cannot run a model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oscc.base.findings import Finding, Node
from oscc.compiler.findings.of_fit import (
    NO_HARDWARE,
    TOO_FEW_CELLS,
    TOO_MANY_CHUNKS,
    TOO_MANY_NODES,
    UNREADABLE_PIXEL,
    CellCount,
)
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.cell_rules import usable_cells
from oscc.core.families import FAMILIES, family_named
from oscc.core.initial_phases import diagnose_initial_phases
from oscc.core.spec import CoreSpec


def diagnose_fit(placed: PlacedGraph) -> Iterator[Finding]:
    """Yield every reason why the core cannot run the model (codes F001 to F005 and L007).

    F001 a read-out node on a cell that cannot be read, and what `diagnose_model` finds.

    Parameters
    ----------
    placed : PlacedGraph
    """
    yield from diagnose_readout(placed)
    yield from diagnose_model(placed.graph, placed.core)


def diagnose_model(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Yield every reason why the core cannot run the model, wherever its nodes are placed; each is a proof.

    F004 a family that has no hardware, F005 too many nodes, L007 too few cells that are not defective or that can be
    read, F003 too many chunks, F002 an initial distribution that the core does not offer: the most fundamental first.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    if not family_named(graph.family).has_hardware:
        # Those of other distributions are not imported for the sake of a message.
        able = [name for name in FAMILIES.own if FAMILIES[name].has_hardware]
        yield NO_HARDWARE.finding(
            f"the model is of family {graph.family}; DAC codes and RTL exist only for {' and '.join(able)}",
            f"train a model of family {' or '.join(able)}",
            {"family": graph.family, "accepted": able},
        )
    yield from diagnose_sizes(graph, core)
    if graph.chunks > core.chunks:
        yield TOO_MANY_CHUNKS.finding(
            f"the model has {graph.chunks} chunks; the core holds {core.chunks}",
            f"train the model with at most {core.chunks} chunks, or use a core with chunks: {graph.chunks}",
            {"chunks": graph.chunks, "capacity": core.chunks},
        )
    yield from diagnose_initial_phases(graph.init, core)


def diagnose_sizes(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Check that there are cells enough: F005 for all nodes, L007 without defects and for those that are read out.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    if graph.nodes > core.cells:
        yield TOO_MANY_NODES.finding(
            f"the model has {graph.nodes} nodes; the core has {core.cells} cells ({core.rows} x {core.cols})",
            "use a larger core, or a smaller model",
            {"nodes": graph.nodes, "cells": core.cells},
        )
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    usable, readable = (int(cells.sum()) for cells in usable_cells(core))
    pixels = int(np.unique(graph.readout).size)
    defects: CellCount = {
        "nodes": graph.nodes,
        "pixels": int(graph.readout.size),
        "usable": usable,
        "readable": readable,
        "cause": "defects",
    }
    if core.cells >= graph.nodes > usable:
        yield TOO_FEW_CELLS.finding(
            f"the model has {graph.nodes} nodes; the core has {usable} cells that are not defective, of {core.cells}",
            "use a larger core, another die, or a smaller model",
            defects,
        )
    if pixels > readable and not graph.nodes > usable == readable:
        yield TOO_FEW_CELLS.finding(
            f"the model has {pixels} nodes that are read out; the core has {readable} cells that can be read: in rows "
            f"{row0}, {row0 + drow}, ... and columns {col0}, {col0 + dcol}, ...",
            "use a core with more readable cells (readout.step), a larger one, or read fewer nodes out",
            {**defects, "cause": "readout"},
        )


def diagnose_readout(placed: PlacedGraph) -> Iterator[Finding]:
    """Check that every node that is read out is on a cell that can be read (code F001).

    Parameters
    ----------
    placed : PlacedGraph
    """
    graph, core = placed.graph, placed.core
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    cell = placed.cell[graph.readout]
    readable = np.all((cell >= core.readout.origin) & ((cell - core.readout.origin) % core.readout.step == 0), axis=1)

    def describe(pixel: int) -> Finding:
        node, (row, col) = int(graph.readout[pixel]), cell[pixel].tolist()
        return UNREADABLE_PIXEL.finding(
            (
                f"pixel {pixel} is node ",
                Node(node),
                f" at ({row}, {col}), which cannot be read; readable are rows {row0}, {row0 + drow}, ... and columns "
                f"{col0}, {col0 + dcol}, ...",
            ),
            "train the model with its visible nodes on readable cells, or use a core with another read-out",
            {"pixel": pixel, "node": node, "cell": [row, col], "origin": [row0, col0], "step": [drow, dcol]},
        )

    yield from map(describe, np.flatnonzero(~readable).tolist())
