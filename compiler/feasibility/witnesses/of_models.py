"""Witnesses of a model on a core, however it is placed: sizes and initial phases."""

from __future__ import annotations

import math
from collections.abc import Callable

from oscc.compiler.feasibility.witnesses.of_placements import Witness
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec


def _too_many(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    dead = set(core.defects.cells)
    usable = sum((row, col) not in dead for row in range(core.rows) for col in range(core.cols))
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    readable = sum(
        (row, col) not in dead for row in range(row0, core.rows, drow) for col in range(col0, core.cols, dcol)
    )
    named = (witness["nodes"], witness["pixels"], witness["usable"], witness["readable"])
    pixels = len(set(graph.readout.tolist()))
    lack = pixels > readable if witness["cause"] == "readout" else graph.nodes > usable
    return lack and named == (graph.nodes, graph.readout.size, usable, readable)


def _chunks(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    return (graph.chunks, core.chunks) == (witness["chunks"], witness["capacity"]) and graph.chunks > core.chunks


def _other_phases(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    """Check that the distributions differ: in kind, or by more than float32 rounds."""
    named = (witness["model"], witness["core"])
    init = graph.init
    if named != (
        {"kind": init.kind, "mean": init.mean, "std": init.std},
        {"kind": core.init.kind, "std_rad": core.init.std_rad},
    ):
        return False
    if init.kind != core.init.kind:
        return True
    # A whole turn has a standard deviation of 2 pi / sqrt(12), wherever it begins.
    std = core.init.std_rad if core.init.kind == "normal" else 2 * math.pi / math.sqrt(12)
    moved = init.mean != 0 and core.init.kind == "normal"
    return not math.isclose(init.std, std, rel_tol=1e-7) or moved


def _nodes(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    rows, cols = core.grid
    return (witness["nodes"], witness["cells"]) == (graph.nodes, rows * cols) and graph.nodes > rows * cols


def _copies(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    """Count cells that copies take: each but the ends of a chain has two of its neighbours for the chain itself."""
    others: dict[int, set[int]] = {}
    for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        others.setdefault(src, set()).add(dst)
        others.setdefault(dst, set()).add(src)
    offsets = set(core.model_stencil.offsets)
    near = len(offsets | {(-row, -col) for row, col in offsets})
    usable = core.rows * core.cols - len(set(core.defects.cells))
    needed = 0
    for node in range(graph.nodes):
        copies = 1
        while copies * near - 2 * (copies - 1) < len(others.get(node, ())) and copies <= core.rows * core.cols:
            copies += 1
        needed += copies
    return (witness["needed"], witness["usable"], witness["nodes"]) == (needed, usable, graph.nodes) and needed > usable


CHECKS: dict[str, Callable[[Witness, CouplingGraph, CoreSpec], bool]] = {
    "C003": _copies,
    "F002": _other_phases,
    "F003": _chunks,
    "F005": _nodes,
    "L007": _too_many,
}
"""By code of the finding."""
