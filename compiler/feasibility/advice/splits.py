"""Nodes that have to be split into copies for a model to fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.copies.pieces import least_copies
from oscc.compiler.copies.splitting import CopyOptions, split_nodes
from oscc.compiler.feasibility.advice.cores import changed
from oscc.compiler.feasibility.advice.entry import MOST_SHARE, WhatIfEntry, yaml_words
from oscc.compiler.feasibility.advice.times import time_keys
from oscc.compiler.feasibility.advice.trial import Situation, fitted
from oscc.compiler.findings.of_bounds import CLIQUE_BOUND, CUT_BOUND, DEGREE_BOUND, DENSITY_BOUND
from oscc.compiler.findings.of_placers import (
    ALL_EXCLUDED,
    EXACT_ENDED,
    NO_SYMMETRIC_PLACEMENT,
    NOT_ANNEALED,
    NOT_PLACED,
    NOT_REPAIRED,
)
from oscc.compiler.findings.of_routes import CROWDED_NODE, FAR_COUPLING, FULL_BOUNDARY, FULL_CUT
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.cell_rules import usable_cells
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.place.search import Search

MOST_TRIED = 60
"""Nodes of a model whose chains are searched for before they are offered; that takes a second or two."""

WEAKER = 0.9
"""Part of the strength at which chains leave something of the model, that is offered."""

PLACEMENT: frozenset[FindingKind[Any]] = frozenset(
    (
        NOT_PLACED,
        NO_SYMMETRIC_PLACEMENT,
        NOT_ANNEALED,
        ALL_EXCLUDED,
        EXACT_ENDED,
        DEGREE_BOUND,
        DENSITY_BOUND,
        CLIQUE_BOUND,
        CUT_BOUND,
        NOT_REPAIRED,
        FAR_COUPLING,
        CROWDED_NODE,
        FULL_BOUNDARY,
        FULL_CUT,
    )
)
"""Kinds of findings that copies may mend: of placements with one cell for each node."""


def split_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield copies of nodes: searched for where the model is small, else what they take at least.

    Parameters
    ----------
    situation : Situation
    """
    graph, core = situation.graph, situation.core
    if not situation.kinds or not situation.kinds <= PLACEMENT:
        return
    usable = int(usable_cells(core)[0].sum())
    crowded = np.flatnonzero(least_copies(graph, core) > 1)
    extra, nodes = int((least_copies(graph, core) - 1).sum()), crowded
    if situation.placed is not None:
        src, dst = _far(situation.placed)
        extra = max(extra, _matching(src, dst))
        nodes = np.union1d(crowded, np.array(_cover(src, dst, graph.nodes), dtype=np.int64))
    if graph.nodes + extra > usable:
        return
    why = f"; {crowded.size} with more couplings than slots" if crowded.size else ""
    if graph.nodes <= MOST_TRIED:
        yield from _tried(situation, usable, why)
        return
    if extra == 0 and situation.lacks("readout"):
        # Every node that is read out would need a way to the cells of the others: that may be all of them.
        return
    if nodes.size > MOST_SHARE * graph.nodes:
        # A model of which that much has to be split seldom has chains, and nobody tried.
        return
    yield WhatIfEntry(
        "split",
        f"split {_named(nodes, situation)} into copies: --copies{why}",
        {"extra_cells_here": extra, "spare_cells": usable - graph.nodes},
        options=("--copies",),
        split=nodes.astype(np.int32),
        tried=False,
    )


def _tried(situation: Situation, usable: int, why: str) -> Iterator[WhatIfEntry]:
    graph, core = situation.graph, situation.core
    wanted = CopyOptions(may_clip="coupling" in situation.options.clip)
    split = split_nodes(graph, core, wanted, situation.trials.search)
    if split.graph is None or split.copies is None:
        return
    lengths = split.copies.lengths()
    nodes = np.flatnonzero(lengths > 1).astype(np.int32)
    cost = {"extra_cells": split.copies.extra, "longest_chain": int(lengths.max()), "spare_cells": usable - graph.nodes}
    # The couplings of chains may need more time than the model alone.
    for keys in time_keys(split.graph, core, situation.options):
        trial = changed(core, keys)
        if trial is None:
            continue
        start = identity_placement(split.graph, trial)
        if fitted(split.graph, trial, situation.options, start) is None:
            continue
        on = f", on a core with {yaml_words(keys)}" if keys else ""
        yield WhatIfEntry(
            "split",
            f"split {_named(nodes, situation)} into copies: --copies{on}{why}",
            {**cost, **({"cycles_per_sample": trial.cycles_per_sample - core.cycles_per_sample} if keys else {})},
            core=trial if keys else None,
            keys=keys,
            options=("--copies",),
            split=nodes,
        )
        return


def chain_entries(situation: Situation, wanted: CopyOptions, weak: Finding, search: Search) -> Iterator[WhatIfEntry]:
    """Yield what leaves something of a model beside its chains: weaker ones, or DACs of more bits.

    Parameters
    ----------
    situation : Situation
    wanted : CopyOptions
        With which chains were found that are too strong.
    weak : Finding
        C002.
    search : Search
        For the chains of all trials.
    """
    core = situation.core
    needed = wanted.strength * WEAKER * weak.witness["largest"] / (weak.witness["step"] / 2)
    strength = float(f"{needed:.2g}")
    trials: list[tuple[str, CopyOptions, Any, tuple[str, ...]]] = []
    if strength >= 0.01:
        words: tuple[str, ...] = ("--copies", "--chain-strength", f"{strength:g}")
        weaker = CopyOptions(strength, wanted.may_clip)
        trials.append((f"use {' '.join(words)}", weaker, core, words))
    for bits in range(core.coupling_dac.bits + 1, 9):
        wide = core.with_coupling_bits(bits)
        if weak.witness["chain"] / (wide.coupling_dac.top_code + 0.5) / 2 < weak.witness["largest"]:
            trials.append((f"use a core with coupling_dac of {bits} bits", wanted, wide, ()))
            break
    for change, options, trial, arguments in trials:
        split = split_nodes(situation.graph, trial, options, search)
        if split.graph is None:
            continue
        if fitted(split.graph, trial, situation.options, identity_placement(split.graph, trial)) is None:
            continue
        if arguments:
            yield WhatIfEntry("option", change, {"chain_strength": strength}, options=arguments)
        else:
            keys = {"coupling_dac": trial.coupling_dac.model_dump(mode="json")}
            cost = {"weight_bits": trial.weight_bits - core.weight_bits}
            yield WhatIfEntry("core", change, cost, core=trial, keys=keys)


def _far(placed: PlacedGraph) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return ends of the couplings outside the stencil: each needs a copy of one of them."""
    offset = placed.displacement()
    far = placed.core.model_stencil.slots_of(offset[:, 0], offset[:, 1]) < 0
    return placed.graph.src[far], placed.graph.dst[far]


def _named(nodes: NDArray[np.integer[Any]], situation: Situation) -> str:
    if nodes.size == 0:
        return "nodes"
    named = ", ".join(map(situation.named, nodes[:6].tolist())) + (", ..." if nodes.size > 6 else "")
    return f"{nodes.size} of {situation.graph.nodes} nodes ({'nodes' if nodes.size > 1 else 'node'} {named})"


def _cover(src: NDArray[np.int32], dst: NDArray[np.int32], nodes: int) -> list[int]:
    """Return a vertex cover: nodes of which one is at an end of every pair, those with the most open pairs first."""
    ends = np.stack([src, dst])
    found = []
    while ends.size:
        node = int(np.bincount(ends.ravel(), minlength=nodes).argmax())
        found.append(node)
        ends = ends[:, np.all(ends != node, axis=0)]
    return found


def _matching(src: NDArray[np.int32], dst: NDArray[np.int32]) -> int:
    """Return pairs of a maximal matching: at least so many nodes are needed to have one at an end of every pair."""
    taken: set[int] = set()
    pairs = 0
    for one, other in sorted(zip(src.tolist(), dst.tolist(), strict=True)):
        if one not in taken and other not in taken:
            taken |= {one, other}
            pairs += 1
    return pairs
