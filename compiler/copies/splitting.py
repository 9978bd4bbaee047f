"""From a model that cannot be placed one to one to one of copies that can."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from oscc.base.findings import Finding, Node, counted
from oscc.compiler.copies.copied_graph import STRENGTH, CopyMap, copied_graph
from oscc.compiler.copies.embedder import embed
from oscc.compiler.copies.pieces import least_copies
from oscc.compiler.findings.of_placers import NO_CHAINS, TOO_MANY_COPIES, WEAK_MODEL
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.cell_rules import usable_cells
from oscc.compiler.place.fit import diagnose_model
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.core.spec import CoreSpec


@dataclass(frozen=True)
class CopyOptions:
    """How nodes are split.

    Parameters
    ----------
    strength : float
        See `oscc.compiler.copies.copied_graph.copied_graph`.
    may_clip : bool
        Whether couplings, and so those of chains, may saturate.
    """

    strength: float = STRENGTH
    may_clip: bool = False


@dataclass(frozen=True, eq=False)
class Splitting:
    """What splitting came to.

    Parameters
    ----------
    graph : CouplingGraph or None
        The model with copies, with a position for each; None when no chains were found.
    copies : CopyMap or None
    findings : tuple of Finding
        Why not; empty with a model.
    """

    graph: CouplingGraph | None
    copies: CopyMap | None
    findings: tuple[Finding, ...] = ()


def split_nodes(
    graph: CouplingGraph, core: CoreSpec, options: CopyOptions = CopyOptions(), search: Search = UNLIMITED
) -> Splitting:
    """Make a model with as many copies of its nodes as it needs to fit the cells of a core.

    A trained model moves as it did, where the core's couplings are directed: its couplings grow with the number of
    copies, and a time scale of its own no longer holds. A problem keeps its energy and its run time: all its parameters
    are divided by what chains need at full scale.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    options : CopyOptions
    search : Search
        For chains.

    Returns
    -------
    Splitting
        With finding C001 when no chains were found, which is no proof that there are none, with C002 when chains of
        this strength leave nothing of the model, or with those of `diagnose_model` and `diagnose_room`; all of these
        are proofs.
    """
    if impossible := (*diagnose_model(graph, core), *diagnose_room(graph, core)):
        return Splitting(None, None, impossible)
    found = embed(graph, core, search)
    if not found.found:
        ended = "" if found.complete else ", ended by time or an interrupt"
        rounds = counted(found.rounds, "round")
        return Splitting(
            None,
            None,
            (
                NO_CHAINS.finding(
                    f"no chains of copies found: of {graph.nodes} nodes, {found.at_fault} lack a neighbour or share a "
                    f"cell at best, with {found.cell.size} cells of {core.cells} ({rounds}{ended})",
                    "use another --seed or a longer --timeout, a larger core, or a model with fewer couplings",
                    {
                        "nodes": graph.nodes,
                        "at_fault": found.at_fault,
                        "cells": int(found.cell.size),
                        "rounds": found.rounds,
                        "complete": found.complete,
                        "seed": search.seed,
                    },
                ),
            ),
        )
    is_problem = isinstance(graph.training, dict) and "problem" in graph.training
    same_motion = core.couplings == "directed" and not is_problem
    factor = found.lengths() if same_motion else np.ones(graph.nodes, dtype=np.int32)
    made, copies = copied_graph(graph, core, found, factor, options.strength)
    if not options.may_clip and (weak := tuple(diagnose_chains(made, copies, core))):
        return Splitting(None, None, weak)
    if is_problem:
        made, copies = at_full_scale(made, copies, graph)
    return Splitting(dataclasses.replace(made, time_scale_s=None), copies)


def diagnose_room(graph: CouplingGraph, core: CoreSpec) -> Iterator[Finding]:
    """Check that there are cells enough for the copies that nodes need at least (code C003); a proof.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    usable = int(usable_cells(core)[0].sum())
    copies = least_copies(graph, core)
    needed = int(copies.sum())
    if needed <= usable or graph.nodes > usable:
        return
    most = int(copies.argmax())
    yield TOO_MANY_COPIES.finding(
        (
            f"copies need {needed} cells at least, of which the core has {usable}: {int((copies > 1).sum())} nodes "
            "have more neighbours than there are cells near a cell, node ",
            Node(most),
            " the most",
        ),
        "use a larger core or one with a wider stencil, or a model with fewer couplings",
        {"needed": needed, "usable": usable, "nodes": graph.nodes},
    )


def diagnose_chains(graph: CouplingGraph, copies: CopyMap, core: CoreSpec) -> Iterator[Finding]:
    """Check that chains leave something of the model's own couplings (code C002): a proof, unless couplings may clip.

    A full scale that holds the chains, whose last half step rounds to the top code, makes a code step of at least their
    strength over the top code and a half, and what is less than half a step becomes code 0. Where cells differ in gain,
    chains may be on the strongest and the rest on the weakest.

    Parameters
    ----------
    graph : CouplingGraph
        With copies.
    copies : CopyMap
    core : CoreSpec
    """
    own = copies.owner[graph.src] != copies.owner[graph.dst]
    size = np.abs(graph.weight.astype(np.float64)).max(axis=0, initial=0.0)
    largest, chain = float(size[own].max(initial=0.0)), float(size[~own].max(initial=0.0))
    least_gain, most_gain = float(core.unit_gain.min()), float(core.unit_gain.max())
    step = chain / most_gain / (core.coupling_dac.top_code + 0.5)
    if not 0 < largest / least_gain < step / 2:
        return
    yield WEAK_MODEL.finding(
        f"all couplings of the model round to code 0 beside its chains: the largest is {largest:.4g}, a code step at "
        f"least {step:.4g} rad per unit of model time",
        "use a smaller --chain-strength, or a core with more bits per coupling",
        {"couplings": int(np.count_nonzero(own)), "largest": largest, "chain": chain, "step": step},
    )


def at_full_scale(made: CouplingGraph, copies: CopyMap, graph: CouplingGraph) -> tuple[CouplingGraph, CopyMap]:
    """Divide all parameters of a model with copies by one number, so that the largest coupling is the original's.

    Parameters
    ----------
    made : CouplingGraph
    copies : CopyMap
    graph : CouplingGraph
        The original.
    """
    before, after = float(np.abs(graph.weight).max(initial=0.0)), float(np.abs(made.weight).max(initial=0.0))
    ratio = np.float32(before / after if after > 0 else 1.0)
    scaled = {name: getattr(made, name) * ratio for name in ("weight", "shil", "field", "detuning")}
    problem, training = made.recorded.get("problem"), made.training
    if isinstance(problem, dict) and isinstance(problem.get("unit"), float):
        # A parameter of 1 stands for so much more of the problem.
        training = {**made.recorded, "problem": {**problem, "unit": problem["unit"] / float(ratio)}}
    return dataclasses.replace(made, **scaled, training=training), CopyMap(copies.owner, copies.strength * ratio)
