"""Witnesses of a model on a core, however it is placed: sizes and initial phases."""

from __future__ import annotations

import math

from oscc.compiler.feasibility.witnesses.subject import Subject, Witness


def too_many(witness: Witness, subject: Subject) -> bool:
    """Return whether there are as many nodes, pixels and cells as claimed, and one sort of cells is too few."""
    graph, core = subject.graph, subject.core
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


def chunks(witness: Witness, subject: Subject) -> bool:
    """Return whether there are as many chunks as claimed, on both sides, and too many."""
    graph, core = subject.graph, subject.core
    return (graph.chunks, core.chunks) == (witness["chunks"], witness["capacity"]) and graph.chunks > core.chunks


def other_phases(witness: Witness, subject: Subject) -> bool:
    """Return whether the distributions are those, and differ: in kind, or by more than float32 rounds."""
    graph, core = subject.graph, subject.core
    named = (witness["model"], witness["core"])
    init = graph.init
    if named != (
        {"kind": init.kind, "mean": init.mean, "std": init.std},
        {"kind": core.init.kind, "mean_rad": core.init.mean_rad, "std_rad": core.init.std_rad},
    ):
        return False
    if init.kind != core.init.kind:
        return True
    # A whole turn has a standard deviation of 2 pi / sqrt(12), wherever it begins.
    std = core.init.std_rad if core.init.kind == "normal" else 2 * math.pi / math.sqrt(12)
    moved = core.init.kind == "normal" and not math.isclose(init.mean, core.init.mean_rad, rel_tol=1e-7)
    return not math.isclose(init.std, std, rel_tol=1e-7) or moved


def nodes(witness: Witness, subject: Subject) -> bool:
    """Return whether there are as many nodes and cells as claimed, and too many nodes."""
    graph, core = subject.graph, subject.core
    rows, cols = core.grid
    return (witness["nodes"], witness["cells"]) == (graph.nodes, rows * cols) and graph.nodes > rows * cols


def copies(witness: Witness, subject: Subject) -> bool:
    """Return whether copies take so many cells, and more than there are.

    Each but the ends of a chain has two of its neighbours for the chain itself.
    """
    graph, core = subject.graph, subject.core
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
