"""Bounds: why no one-to-one placement of a model can exist, whatever a search would try; each finding is a proof.

Each bound is looked at in all `View`: of all nodes on all cells that are not defective and, where not every cell can be
read, of the nodes that are read out on those that can be. What only the latter exceeds is due to the read-out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oscc.base.findings import Finding, FindingKind, Node, Words, counted, listed_nodes
from oscc.compiler.findings.of_bounds import CLIQUE_BOUND, CUT_BOUND, DEGREE_BOUND, DENSITY_BOUND
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.bound_views import ModelViews, View, views_of
from oscc.compiler.place.cell_rules import usable_cells
from oscc.core.closest_preset import closest_preset
from oscc.core.spec import MAX_SLOTS, CoreSpec
from oscc.core.stencil import WIDER, named_stencil

COPY_ADVICE = "try copies of nodes: --copies"
"""Another fix, where copies would be free of what is found."""

DENSE = 0.5
"""Mean number of neighbours, as a part of the cells near a cell, beyond which copies are not advised: a core is soon
full of chains then. Few nodes have chains that all cross each other, however dense they are."""

OPENED = "readout: {origin: [0, 0], step: [1, 1]}"
"""Key of a core whose every cell can be read."""


@dataclass(frozen=True)
class Bound:
    """A condition that a placement needs.

    Parameters
    ----------
    kind : FindingKind
        Of the finding that it is exceeded.
    excess : callable
        The witness of a view that exceeds it, or None.
    words : callable
        What such a witness says: of all nodes, and of the nodes that must be read out.
    """

    kind: FindingKind[Any]
    excess: Callable[[View], dict[str, Any] | None]
    words: Callable[[View, dict[str, Any]], Words]


def diagnose_bounds(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Yield the bounds that a model exceeds (codes L010 to L013), each with its worst witness, as far as needed.

    L010 a node with more neighbours than there are cells near a cell, L011 more nodes within some steps of a node than
    there are cells within as many steps of a cell, L012 more nodes that are all coupled with each other than there can
    be cells all near each other, L013 a cut that every placement has and that is wider than a line through the grid.
    Where L010 or L011 says that there is no placement, no more bounds are looked at.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    yield from _first_exceeded(((DEGREE,), (DENSITY,), (CLIQUE, CUT)), views_of(graph), core)


def diagnose_neighbourhoods(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Yield L010 or, where no node exceeds that, L011: what is quick to compute, before any search.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    yield from _first_exceeded(((DEGREE,), (DENSITY,)), views_of(graph), core)


def diagnose_bound(bound: Bound, graph: CouplingGraph, core: CoreSpec) -> Finding | None:
    """Return the finding of one bound; None where it is not exceeded.

    Parameters
    ----------
    bound : Bound
    graph : CouplingGraph
    core : CoreSpec
    """
    return next(_exceeded((bound,), views_of(graph), core), None)


def _first_exceeded(groups: Sequence[Sequence[Bound]], model: ModelViews, core: CoreSpec) -> Iterator[Finding]:
    for bounds in groups:
        if found := tuple(_exceeded(bounds, model, core)):
            yield from found
            return


def _exceeded(bounds: Sequence[Bound], model: ModelViews, core: CoreSpec) -> Iterator[Finding]:
    views = model.on(core)
    for bound in bounds:
        for view in views:
            witness = bound.excess(view)
            if witness is not None:
                yield _finding(bound, view, witness, model, core)
                break


def _finding(bound: Bound, view: View, witness: dict[str, Any], model: ModelViews, core: CoreSpec) -> Finding:
    cause = "stencil" if view.name == "all" else "readout"
    fix = ""
    if core.defects.cells or core.defects.slots:
        whole = core.changed(defects={})
        if _holds((bound,), model, whole):
            cause = "defects"
            # What another die would be refused for, too, says what to use instead.
            fix = "use another die, or a core with more spare cells" if _holds(BOUNDS, model, whole) else ""
    return bound.kind.finding(
        bound.words(view, witness),
        (fix or _fix(view, model, core), *((COPY_ADVICE,) if _copies_may_help(model, core) else ())),
        {"cause": cause, "view": view.name, **witness},
    )


def _holds(bounds: Sequence[Bound], model: ModelViews, core: CoreSpec) -> bool:
    """Return whether a core has cells enough, and no bound, nor a node, asks for more than it has."""
    return _has_cells(model, core) and _refusing(bounds, model, core) is None


def _has_cells(model: ModelViews, core: CoreSpec) -> bool:
    room, readable = usable_cells(core)
    nodes, read = model.graph.nodes, np.count_nonzero(model.read)
    return bool(nodes <= np.count_nonzero(room) and read <= np.count_nonzero(readable))


def _refusing(bounds: Sequence[Bound], model: ModelViews, core: CoreSpec) -> Bound | None:
    """Find one of these, or that of neighbours, that a model exceeds; None where there is none."""
    views = model.on(core)
    # Cliques take the longest to look for.
    asked = [bound for bound in (DEGREE, DENSITY, CUT, CLIQUE) if bound is DEGREE or bound in bounds]
    return next((bound for bound in asked if any(bound.excess(view) is not None for view in views)), None)


def _fix(view: View, model: ModelViews, core: CoreSpec) -> str:
    """Say what to use instead: a preset that no bound refuses, where there is one, and else keys of the core."""

    def suits(other: CoreSpec) -> bool:
        # One unit for both directions of a pair is no substitute for two.
        ways = other.couplings in ("directed", core.couplings)
        return ways and model.graph.chunks <= other.chunks and _holds(BOUNDS, model, other)

    preset = closest_preset(core, suits)
    named = [] if preset is None else [f"such as {preset.name}"]
    if view.name != "all":
        if _holds(BOUNDS, model, _opened(core)):
            named.append(f"or {OPENED}")
        if named:
            return ", ".join(("use a core with more readable cells", *named))
    if preset is not None:
        larger = "with a wider stencil" if len(preset.model_stencil) > len(core.model_stencil) else "with more cells"
        return f"use a core {larger}, such as {preset.name}, or a model with fewer couplings"
    wider = [other for other in _wider_cores(core) if _has_cells(model, other)]
    found = next((other for other in wider if _holds(BOUNDS, model, other)), None)
    if found is not None:
        more = "a wider stencil" if view.name == "all" else "more readable cells and a wider stencil"
        opened = f" and {OPENED}" if found.readout != core.readout else ""
        return (
            f"use a core with {more}, such as stencil: {found.stencil} with tracks_per_boundary: "
            f"{found.tracks_per_boundary}{opened}, or a model with fewer couplings"
        )
    if not _has_cells(model, _opened(core)):
        return "use a core with more cells, or a model with fewer couplings"
    if not wider:
        return "use a model with fewer couplings"
    # The last is the widest, with all cells readable.
    refusing = _refusing(BOUNDS, model, wider[-1])
    assert refusing is not None
    every = "" if view.name == "all" else " and all cells readable"
    return (
        f"use a model with fewer couplings: a core like this with stencil {wider[-1].stencil}{every} would be refused, "
        f"too, by {refusing.kind.code}"
    )


def _copies_may_help(model: ModelViews, core: CoreSpec) -> bool:
    whole = model.on(core)[0]
    few = model.graph.nodes <= min(core.grid)
    return few or bool(whole.demand.degree.mean() <= DENSE * np.count_nonzero(whole.near))


def _wider_cores(core: CoreSpec) -> Iterator[CoreSpec]:
    """Yield the core with wider stencils and the tracks that they need; then with all cells readable, too."""
    for opened, name in itertools.product((False, True), WIDER):
        stencil = named_stencil(name)
        units = stencil if core.couplings == "directed" else stencil.half()
        if not (len(core.model_stencil) < len(stencil) and len(units) <= MAX_SLOTS):
            continue
        tracks = max(core.tracks_per_boundary, units.peak_wires())
        other = core.changed(stencil=name, tracks_per_boundary=tracks)
        yield _opened(other) if opened else other


def opened_readout(core: CoreSpec) -> dict[str, Any]:
    """Return the read-out of a core with every cell readable, as a YAML file would hold it.

    Parameters
    ----------
    core : CoreSpec
    """
    return {**core.readout.model_dump(mode="json"), "origin": [0, 0], "step": [1, 1]}


def _opened(core: CoreSpec) -> CoreSpec:
    return core.changed(readout=opened_readout(core))


def _apart(view: View) -> str:
    """Return the reason why few cells can be read, as the middle of a sentence."""
    rows, cols = view.core.readout.step
    return f"readable cells are {counted(rows, 'row')} and {counted(cols, 'column')} apart"


def _alive(view: View) -> str:
    """Say what else the cells must be that were counted."""
    return " by units that work" if view.core.defects.slots else " and not defective" if view.core.defects.cells else ""


# Neighbours of a node need cells of their own near its cell.


def _crowded(view: View) -> dict[str, Any] | None:
    degree = view.demand.degree
    if degree.size == 0:
        return None
    node, near = int(degree.argmax()), view.most_near()
    if degree[node] <= near:
        return None
    return {"node": int(view.demand.node[node]), "neighbours": int(degree[node]), "near": near}


def _crowded_words(view: View, witness: dict[str, Any]) -> Words:
    start: Words = ("node ", Node(witness["node"]))
    many, near = witness["neighbours"], witness["near"]
    if view.name == "all":
        return (*start, f" is coupled with {many} others; only {near} cells are near a cell{_alive(view)}")
    few = f"at most {near} of them are" if near else "none of them is"
    if view.name == "read out":
        others = f"{many} nodes that it is coupled with" if many > 1 else "a node that it is coupled with"
        return (
            *start,
            f" and {others} must be read out; {_apart(view)}, so that {few} within reach of another{_alive(view)}",
        )
    others = f"{many} nodes" if many > 1 else "a node"
    return (
        *start,
        f" is coupled with {others} that must be read out; {_apart(view)}, so that {few} within reach of a cell"
        f"{_alive(view)}",
    )


# What d couplings reach from a node lies, placed, within d steps of the stencil from its cell. So the nodes within d of
# any node, itself included, are at most as many as the cells within d steps of the cell that reaches the most.


def _dense(view: View) -> dict[str, Any] | None:
    held, node = view.demand.within
    most = int(held.max(initial=0))
    for steps, cells in zip(range(held.size), view.cells_within(), strict=False):
        if steps >= 2 and held[steps] > cells:
            start = int(view.demand.node[node[steps]])
            return {"node": start, "steps": steps, "nodes": int(held[steps]), "cells": cells}
        if cells >= most:
            break
    return None


def _dense_words(view: View, witness: dict[str, Any]) -> Words:
    nodes, steps, node, cells = (witness[name] for name in ("nodes", "steps", "node", "cells"))
    if view.name == "all":
        dead = " that are not defective" if view.core.defects.cells else ""
        return (
            f"{nodes} nodes are within {steps} couplings of node ",
            Node(node),
            f"; only {cells} cells{dead} are within {steps} steps of a cell",
        )
    way = ", by way of such nodes" if view.name == "read out" else ""
    return (
        f"{nodes} nodes that must be read out are within {steps} couplings of node ",
        Node(node),
        f"{way}; {_apart(view)}, so that at most {cells} are within {steps} steps of a cell"
        f"{way and ', by way of such cells'}",
    )


# Nodes that are all coupled with each other need cells that are all near each other.


def _close(view: View) -> dict[str, Any] | None:
    if view.name == "read out around all":
        return None
    room = view.largest_near_set()
    clique = view.demand.clique(room)
    return None if clique is None else {"nodes": view.demand.node[clique[: room + 1]].tolist(), "cells": room}


def _close_words(view: View, witness: dict[str, Any]) -> Words:
    nodes, cells = ("nodes ", *listed_nodes(witness["nodes"])), witness["cells"]
    if view.name == "all":
        return (*nodes, f" are all coupled with each other; at most {cells} cells are all near each other")
    return (
        *nodes,
        f" must be read out and are all coupled with each other; {_apart(view)}, so that at most {cells} are all near "
        "each other",
    )


# The lines between columns (or rows) of a placement cut the graph, and few couplings cross a line. Counted from the
# left, the nodes in the first columns grow by at most one column of cells at a line, so some line has between
# (N - R) / 2 and (N + R) / 2 nodes on its left. Any set of s nodes is left by at least lambda s (N - s) / N couplings,
# lambda being the second-smallest eigenvalue of the graph's Laplacian (M. Fiedler, Algebraic connectivity of graphs,
# 1973); with such an s this is at least lambda (N^2 - R^2) / (4 N). A line of R rows is crossed by no more couplings
# than there are pairs of near cells across it. Likewise for rows.


def _cut(view: View) -> dict[str, Any] | None:
    nodes = view.demand.adjacency.nodes
    least = 0.0 if view.name == "read out around all" else view.demand.connectivity
    for line in ("columns", "rows") if least > 0 else ():
        length, depth, pairs = view.pairs_across(line)
        if nodes <= length or depth < 2:
            continue
        needed = least * (nodes**2 - length**2) / (4 * nodes)
        if needed > pairs:
            return {"line": line, "eigenvalue": least, "couplings": int(np.ceil(needed)), "pairs": pairs}
    return None


def _cut_words(view: View, witness: dict[str, Any]) -> Words:
    line, couplings, pairs = witness["line"], witness["couplings"], witness["pairs"]
    if view.name == "all":
        return (
            f"any placement has a line between two {line} that at least {couplings} couplings cross; at most {pairs} "
            "pairs of near cells lie across one",
        )
    return (
        f"any placement has a line between two {line} that at least {couplings} couplings of nodes that must be read "
        f"out cross; {_apart(view)}, so that at most {pairs} pairs of near ones lie across one",
    )


DEGREE = Bound(DEGREE_BOUND, _crowded, _crowded_words)
DENSITY = Bound(DENSITY_BOUND, _dense, _dense_words)
CLIQUE = Bound(CLIQUE_BOUND, _close, _close_words)
CUT = Bound(CUT_BOUND, _cut, _cut_words)
BOUNDS = (DEGREE, DENSITY, CLIQUE, CUT)
"""All of them, the quick ones first."""
