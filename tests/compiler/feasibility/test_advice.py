"""Models that do not fit: the first cause that is named, what is offered, and that following it makes the model fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import yaml

from oscc.compiler.compile import CompileResult, check_model
from oscc.compiler.copies.splitting import CopyOptions
from oscc.compiler.feasibility.advice.entry import MOST_NORM, MOST_SHARE, WhatIfEntry, yaml_words
from oscc.compiler.feasibility.changes import Changed, ChangeOptions, compile_with_changes
from oscc.compiler.feasibility.witness_checker import CHECKED
from oscc.compiler.frontends.front_end import Source, read_source
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph, without_couplings
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, parse_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
Keys = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A model and a core, and what is said: the first cause's code and words, and an entry's kind and words.

    ``model`` makes the model; ``core`` holds what differs from an 8 x 8 core of box-2 whose cells can all be read.
    Without ``kind`` nothing is offered.
    """

    name: str
    model: Callable[[Make], CouplingGraph]
    core: Keys
    code: str
    words: str
    kind: str = ""
    advice: str = ""
    options: ScaleOptions = field(default_factory=ScaleOptions)
    placer: str = "auto"
    copies: CopyOptions | None = None
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Make:
    """How models and cores are made."""

    make_core: MakeCore
    make_graph: MakeGraph

    def core(self, **keys: Any) -> CoreSpec:
        """The core of a case."""
        return self.make_core(**{"readout": {"step": [1, 1]}, **keys})

    def on(self, density: float = 0.6, *, chunks: int = 2, **keys: Any) -> CouplingGraph:
        """A model that was made for such a core."""
        own = {key: keys.pop(key) for key in ("family", "positions", "time_scale_s") if key in keys}
        return self.make_graph(self.core(**keys), chunks=chunks, density=density, **own)

    def graph(self, graph: nx.Graph[Any]) -> CouplingGraph:
        """A graph of couplings of 0.1, without positions."""
        nx.set_edge_attributes(graph, dict.fromkeys(graph.edges, 0.1), "weight")
        return graph_model(graph, name="graph")


def changed(graph: CouplingGraph, **parts: Any) -> CouplingGraph:
    return dataclasses.replace(graph, **parts)


def moved(graph: CouplingGraph, cells: dict[int, tuple[int, int]]) -> CouplingGraph:
    assert graph.position is not None
    position = graph.position.copy()
    for node, cell in cells.items():
        position[node] = cell
    return changed(graph, position=position)


def few_far(graph: CouplingGraph) -> CouplingGraph:
    """The model with a tenth of its couplings between cells that are not next to each other."""
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    far[np.flatnonzero(far)[::10]] = False
    return without_couplings(graph, np.flatnonzero(far).astype(np.int32))


def uneven(graph: CouplingGraph) -> CouplingGraph:
    weight = graph.weight.copy()
    weight[:, 3] += 0.25
    return changed(graph, weight=weight)


def outlier(graph: CouplingGraph, tensor: str, value: float) -> CouplingGraph:
    values = getattr(graph, tensor).copy()
    values[0, 0] = value
    return changed(graph, **{tensor: values})


def placed_star(make: Make) -> CouplingGraph:
    """A node in the middle of 12 others, which are up to three cells away."""
    graph = make.graph(nx.star_graph(12))
    cells = [(3, 3), *[(row, col) for row in range(1, 5) for col in range(1, 5) if (row, col) != (3, 3)][:12]]
    return changed(graph, position=np.array(cells, np.int32))


def relabelled(graph: CouplingGraph, seed: int = 1) -> CouplingGraph:
    """The model without positions, its nodes in any order."""
    order = np.random.default_rng(seed).permutation(graph.nodes).astype(np.int32)
    back = np.argsort(order)
    per_node = {name: getattr(graph, name)[:, back] for name in ("shil", "field", "detuning")}
    return changed(
        graph, src=order[graph.src], dst=order[graph.dst], readout=order[graph.readout], position=None, **per_node
    )


def pixels(graph: CouplingGraph, cells: list[tuple[int, int]]) -> CouplingGraph:
    """The model with nodes at these positions read out."""
    assert graph.position is not None
    place = {cell: node for node, cell in enumerate(map(tuple, graph.position.tolist()))}
    return changed(graph, readout=np.array([place[cell] for cell in cells], np.int32), image_shape=(1, len(cells)))


LATTICE = nx.relabel_nodes(nx.grid_2d_graph(6, 6), lambda cell: cell[0] * 6 + cell[1])
DEAD = {"cells": [[3, 4]]}
WEAK = {"gain": [[row, col, 0.5] for row in range(8) for col in range(8)]}
KING = {"stencil": "king", "tracks_per_boundary": 40}
SHORT = {"cycles_per_sample": 200}

CASES = [
    Case("a family without hardware", lambda m: m.on(family="tanh_ising"), {}, "F004", "of family tanh_ising"),
    Case(
        "a family without hardware, and all else",
        lambda m: m.on(family="poly_ising", grid=[9, 9], chunks=4),
        {**KING, "chunks": 1},
        "F004",
        "of family poly_ising",
        causes=("F004", "F005", "F003", "R001"),
    ),
    Case(
        "too many nodes", lambda m: m.on(grid=[8, 9]), {}, "F005", "72 nodes; the core has 64", "core", "grid: [8, 9]"
    ),
    Case(
        "too many nodes without positions",
        lambda m: m.graph(nx.path_graph(70)),
        {},
        "F005",
        "the model has 70 nodes; the core has 64 cells (8 x 8)",
        "core",
        "grid: [9, 8]",
    ),
    Case(
        "too many nodes, and a preset that holds them",
        lambda m: m.graph(nx.path_graph(70)),
        {},
        "F005",
        "70 nodes",
        "preset",
        "use --core ais-28x28",
    ),
    Case(
        "too many nodes, chunks, and a wider stencil",
        lambda m: m.on(grid=[9, 9], chunks=4),
        {**KING, "chunks": 2},
        "F005",
        "the model has 81 nodes; the core has 64 cells (8 x 8)",
        "core",
        "chunks: 4, stencil: box-2, grid: [9, 9]",
        causes=("F005", "F003", "R001"),
    ),
    Case(
        "no cell to spare for a defect", lambda m: m.on(), {"defects": DEAD}, "L007", "63 cells", "die", "a die without"
    ),
    Case(
        "no cell to spare, without positions",
        lambda m: relabelled(m.on(stencil="king")),
        {"defects": DEAD, "cycles_per_sample": 1000},
        "L007",
        "the model has 64 nodes; the core has 63 cells that are not defective, of 64",
        "die",
        "use a die without these defects",
    ),
    Case(
        "too few readable cells",
        lambda m: m.graph(LATTICE.copy()),
        {"readout": {"step": [2, 2]}},
        "L007",
        "36 nodes that are read out; the core has 16 cells that can be read: in rows 0, 2, ... and columns 0, 2, ...",
        "core",
        "step: [1, 1]",
    ),
    Case(
        "too few readable cells, and a preset that has them",
        lambda m: m.graph(LATTICE.copy()),
        {"readout": {"step": [2, 2]}},
        "L007",
        "36 nodes that are read out",
        "preset",
        "use --core ais-56x56",
    ),
    Case(
        "pixels on the wrong rows",
        lambda m: pixels(m.on(grid=[7, 7]), [(row, col) for row in (1, 3, 5) for col in (0, 2, 4)]),
        {"grid": [7, 7], "readout": {"step": [2, 2]}},
        "F001",
        "9 of 9 pixels are on cells that cannot be read; readable are rows 0, 2, ... and columns 0, 2, ...",
        "core",
        "origin: [1, 0], step: [2, 2]",
    ),
    Case(
        "pixels three apart",
        lambda m: pixels(m.on(), [(0, 0), (0, 3), (3, 0), (3, 3)]),
        {"readout": {"step": [2, 2]}},
        "F001",
        "3 of 4 pixels",
        "core",
        "step: [1, 1]",
    ),
    Case(
        "too many chunks",
        lambda m: m.on(chunks=4),
        {"chunks": 3},
        "F003",
        "4 chunks; the core holds 3",
        "core",
        "chunks: 4",
    ),
    Case(
        "another spread of the initial phases",
        lambda m: changed(m.on(), init=InitialPhases("normal", 0.0, 0.5)),
        {},
        "F002",
        "standard deviation 0.5 rad; the core offers normal with mean 0 and standard deviation 1 rad",
        "core",
        "std_rad: 0.5",
    ),
    Case(
        "uniform initial phases",
        lambda m: m.on(init={"kind": "uniform"}),
        {},
        "F002",
        "starts from phases uniform",
        "core",
        "kind: uniform",
    ),
    Case(
        "initial phases with another mean",
        lambda m: changed(m.on(), init=InitialPhases("normal", 0.5, 1.0)),
        {},
        "F002",
        "mean 0.5",
        "core",
        "mean_rad: 0.5",
    ),
    Case(
        "initial phases that no core offers",
        lambda m: changed(m.on(), init=InitialPhases("normal", 4.0, 1.0)),
        {},
        "F002",
        "mean 4",
    ),
    Case(
        "a star",
        lambda m: m.graph(nx.star_graph(12)),
        KING,
        "L010",
        "node 0 is coupled with 12 others; only 8",
        "core",
        "stencil: diamond-2",
    ),
    Case(
        "a star, split", lambda m: m.graph(nx.star_graph(12)), KING, "L010", "node 0", "split", "--copies; 1 with more"
    ),
    Case(
        "a star, and too many chunks",
        lambda m: changed(
            m.graph(nx.star_graph(12)),
            **{name: np.zeros((2, 13), np.float32) for name in ("shil", "field", "detuning")},
            weight=np.full((2, 24), 0.1, np.float32),
            chunk_duration=np.ones(2, np.float32),
        ),
        {**KING, "chunks": 1},
        "L010",
        "node 0 is coupled with 12 others",
        "core",
        "chunks: 2",
        causes=("L010", "F003"),
    ),
    Case(
        "a path that is read out where no two readable cells are near",
        lambda m: m.graph(nx.path_graph(12)),
        {**KING, "readout": {"step": [2, 2]}},
        "L010",
        "must be read out; readable cells are 2 rows and 2 columns apart, so that ",
        "core",
        "readout: {origin: [0, 0], step: [1, 1]",
    ),
    Case(
        "a star that is read out where few readable cells are near",
        lambda m: m.graph(nx.star_graph(12)),
        {"readout": {"step": [2, 2]}, "cycles_per_sample": 2000},
        "L010",
        "must be read out; readable cells are 2 rows and 2 columns apart, so that at most 8 of them are within reach",
        "core",
        "readout: {origin: [0, 0], step: [1, 1]",
    ),
    Case(
        "a lattice that is read out, and a preset that has the cells",
        lambda m: relabelled(m.graph(nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 4)))),
        {**KING, "readout": {"step": [2, 2]}},
        "L010",
        "must be read out",
        "preset",
        "use --core tiny-8x8",
    ),
    Case(
        "a clique",
        lambda m: m.graph(nx.complete_graph(6)),
        KING,
        "L012",
        "are all coupled with each other; at most 4",
        "core",
        "box-2",
    ),
    Case(
        "a clique, split", lambda m: m.graph(nx.complete_graph(6)), KING, "L012", "at most 4 cells", "split", "--copies"
    ),
    Case(
        "a tree that grows too fast",
        lambda m: m.graph(nx.balanced_tree(6, 2)),
        KING,
        "L011",
        "43 nodes are within 2 couplings of node 0; only 25 cells are within 2 steps of a cell",
        "core",
        "stencil: ",
    ),
    Case(
        "a graph that no line cuts",
        lambda m: m.graph(nx.convert_node_labels_to_integers(nx.hypercube_graph(6))),
        KING,
        "L013",
        "any placement has a line between two",
    ),
    Case(
        "a graph that annealing does not place",
        lambda m: m.graph(nx.random_regular_graph(9, 14, seed=1)),
        {"grid": [4, 4]},
        "L006",
        "no placement found: the best that annealing came to has",
        "core",
        "stencil: ",
    ),
    Case(
        "no positions for a placer that needs them",
        lambda m: relabelled(m.on(grid=[6, 6])),
        {},
        "L001",
        "the model has no node.position",
        "option",
        "--placer auto",
        placer="identity",
    ),
    Case(
        "no torus",
        lambda m: relabelled(m.on(grid=[6, 6])),
        {},
        "L001",
        "are no torus",
        "option",
        "--placer auto",
        placer="torus",
    ),
    Case(
        "an odd ring where cells have no odd ring",
        lambda m: m.graph(nx.cycle_graph(5)),
        {"grid": [3, 3], "stencil": [[-1, 0], [0, -1], [0, 1], [1, 0]], "tracks_per_boundary": 40},
        "L008",
        "",
        "core",
        "stencil: king",
        placer="exact",
    ),
    Case(
        "a wider stencil",
        lambda m: m.on(),
        KING,
        "R001",
        "the model has offsets of box-2, the core has king",
        "core",
        "stencil: box-2",
    ),
    Case(
        "a wider stencil, in a preset",
        lambda m: m.on(),
        {**KING, "grid": [8, 8]},
        "R001",
        "box-2",
        "preset",
        "--core ais-28x28",
    ),
    Case(
        "pairs of a wider stencil",
        lambda m: m.on(couplings="reciprocal"),
        {**KING, "couplings": "reciprocal"},
        "R001",
        "the model has offsets of box-2",
        "core",
        "stencil: box-2",
    ),
    Case("few couplings too far", lambda m: few_far(m.on()), KING, "R001", "that it lacks", "drop", "drop "),
    Case(
        "two nodes that were exchanged",
        lambda m: moved(m.on(), {9: (5, 5), 45: (1, 1)}),
        {},
        "R001",
        "node 9 at (5, 5) and node 45 at (1, 1) lie away from the nodes that they are coupled with",
        "position",
        "give node 9 the position (1, 1), node 45 the position (5, 5)",
    ),
    Case(
        "nodes in another order",
        lambda m: moved(m.on(1.0, grid=[10, 10]), {node: divmod(7 * node % 100, 10) for node in range(100)}),
        {"grid": [10, 10]},
        "R001",
        "that the core lacks (box-2)",
        "option",
        "use --placer growth",
    ),
    Case(
        "more couplings than slots at its own position",
        placed_star,
        KING,
        "R003",
        "node 0 at (3, 3) receives 12 couplings; a cell has slots for 8",
        "core",
        "stencil: box-2",
    ),
    Case(
        "two nodes on a cell",
        lambda m: moved(m.on(), {9: (0, 0)}),
        {},
        "R007",
        "cell (0, 0) holds 2 nodes: 0, 9",
        "position",
        "give node 9 the position (1, 1)",
    ),
    Case(
        "a dead slot",
        lambda m: m.on(1.0),
        {"defects": {"slots": [[4, 4, 3]]}},
        "R005",
        "needs slot 3 of cell (4, 4), which is defective",
        "die",
        "a die without",
    ),
    Case(
        "a dead slot that one coupling needs",
        lambda m: m.on(1.0),
        {"defects": {"slots": [[4, 4, 3]]}},
        "R005",
        "needs slot 3",
        "drop",
        "drop 1 of",
    ),
    Case(
        "a dead cell in the way",
        lambda m: m.on(1.0, grid=[8, 7]),
        {"defects": {"cells": [[2, 3], [5, 4]]}},
        "R004",
        "2 of 56 nodes sit on defective cells, of which the core has 2",
        "die",
        "a die without",
    ),
    Case(
        "a dead cell in the way of few nodes",
        lambda m: m.on(1.0, grid=[4, 7]),
        {"grid": [4, 8], "defects": {"cells": [[2, 3]]}},
        "R004",
        "node 17 sits on cell (2, 3), which is defective",
        "core",
        "grid: ",
    ),
    Case(
        "couplings in one direction",
        lambda m: m.on(),
        {"couplings": "reciprocal"},
        "R006",
        "have no opposite; one unit of this reciprocal core makes both directions",
        "core",
        "couplings: directed",
    ),
    Case(
        "unequal couplings",
        lambda m: uneven(m.on(couplings="reciprocal")),
        {"couplings": "reciprocal"},
        "R006",
        "its opposite",
        "core",
        "couplings: directed",
    ),
    Case(
        "too few tracks",
        lambda m: m.on(1.0),
        {"tracks_per_boundary": 8},
        "R010",
        "wires must cross",
        "core",
        "tracks_per_boundary: ",
    ),
    Case(
        "one node off the grid",
        lambda m: moved(m.on(), {27: (99, 0)}),
        {},
        "R009",
        "node 27 at (99, 0)",
        "position",
        "give node 27 the position (3, 3)",
    ),
    Case(
        "a model of another form",
        lambda m: m.on(grid=[4, 12]),
        {},
        "R009",
        "16 of 48 nodes lie outside the 8 x 8 grid: positions are in rows 0 to 3 and columns 0 to 11",
        "core",
        "grid: [8, 12]",
    ),
    Case(
        "too many cycles",
        lambda m: outlier(m.on(0.6), "shil", 4.0),
        SHORT,
        "S001",
        "the active bound is shil",
        "core",
        "cycles_per_sample: ",
    ),
    Case(
        "too many cycles, and full scale that would do",
        lambda m: outlier(m.on(0.6), "shil", 4.0),
        {**SHORT, "cycles_per_sample": 400},
        "S001",
        "the active bound is shil",
        "core",
        "shil_dac: {bits: 4, forbidden: [], full_scale_rad_s: ",
    ),
    Case(
        "too many cycles for one parameter",
        lambda m: outlier(m.on(0.6), "shil", 4.0),
        {**SHORT, "cycles_per_sample": 400},
        "S001",
        "the active bound is shil",
        "option",
        "use --clip shil",
    ),
    Case(
        "too many cycles for one chunk",
        lambda m: outlier(m.on(0.6), "shil", 4.0),
        {**SHORT, "cycles_per_sample": 600},
        "S001",
        "the active bound is shil",
        "option",
        "--tau per-chunk",
    ),
    Case(
        "too many cycles on weak cells",
        lambda m: m.on(0.6, family="kuramoto"),
        {"cycles_per_sample": 400, "defects": WEAK},
        "S001",
        "the active bound is coupling",
        "die",
        "a die without",
    ),
    Case(
        "a run that is too short",
        lambda m: changed(
            m.on(0.6),
            weight=m.on(0.6).weight * np.float32(1e-3),
            shil=m.on().shil * np.float32(1e-3),
            field=m.on().field * np.float32(1e-3),
            detuning=m.on().detuning * np.float32(1e-3),
        ),
        {},
        "S002",
        "but a load takes",
        "option",
        "--tau-s ",
        options=ScaleOptions(tau_s=2e-8),
    ),
    Case(
        "a sample that is too short",
        lambda m: changed(
            m.on(0.6, chunks=1),
            **{
                name: getattr(m.on(0.6, chunks=1), name) * np.float32(1e-3)
                for name in ("weight", "shil", "field", "detuning")
            },
        ),
        {"init": {"cycles": 3}, "stream_width": 32},
        "S003",
        "a sample takes",
        "option",
        "--tau-s ",
        options=ScaleOptions(tau_s=1e-7),
    ),
    Case(
        "a sample that is too short, and a longer init",
        lambda m: changed(
            m.on(0.6, chunks=1),
            **{
                name: getattr(m.on(0.6, chunks=1), name) * np.float32(1e-3)
                for name in ("weight", "shil", "field", "detuning")
            },
        ),
        {"init": {"cycles": 3}, "stream_width": 32},
        "S003",
        "a sample takes",
        "core",
        "init: {cycles: ",
        options=ScaleOptions(tau_s=1e-7),
    ),
    Case(
        "a given tau at which groups exceed full scale",
        lambda m: m.on(0.6),
        {},
        "S004",
        "at the given tau (5e-07 s in chunk",
        "option",
        "--tau-s ",
        options=ScaleOptions(tau_s=5e-7),
    ),
    Case(
        "a time scale of the model at which groups exceed full scale",
        lambda m: m.on(0.6, time_scale_s=(5e-7,)),
        {},
        "S004",
        "at the model's time_scale_s (5e-07 s in chunk",
        "core",
        "shil_dac: ",
    ),
    Case(
        "a run beyond what the sequencer counts",
        lambda m: m.on(0.6),
        {},
        "S005",
        "takes more than 16777215 cycles",
        "option",
        "--tau-s ",
        options=ScaleOptions(tau_s=1.0),
    ),
    Case(
        "chunks, initial phases and cycles",
        lambda m: changed(m.on(chunks=4), init=InitialPhases("normal", 0.0, 2.0)),
        {"chunks": 2, "cycles_per_sample": 200},
        "F003",
        "4 chunks",
        "core",
        "chunks: 4, init: {cycles: 64, kind: normal, std_rad: 2.0}, cycles_per_sample: ",
        causes=("F003", "F002", "S001"),
    ),
    Case(
        "copies that need more cells than there are",
        lambda m: m.graph(nx.star_graph(15)),
        {**KING, "grid": [4, 4]},
        "C003",
        "copies need 18 cells at least, of which the core has 16",
        "preset",
        "use --core ",
        copies=CopyOptions(),
    ),
    Case(
        "chains that were not found",
        lambda m: m.graph(nx.complete_graph(9)),
        {**KING, "grid": [3, 3]},
        "C001",
        "no chains of copies found",
        "core",
        "stencil: ",
        copies=CopyOptions(),
    ),
    Case(
        "a stencil and a read-out",
        lambda m: m.on(1.0, grid=[4, 4], stencil="box-3", tracks_per_boundary=50),
        {"readout": {"step": [2, 2]}, "tracks_per_boundary": 30},
        "R001",
        "60 of 240 couplings have 24 offsets that it lacks",
        "core",
        "stencil: box-3, readout: {origin: [0, 0], step: [1, 1], subphases: 4, taps: 8}",
        causes=("R001", "F001"),
    ),
    Case(
        "cells, a read-out and a dead cell",
        lambda m: m.on(0.8, grid=[5, 5]),
        {"grid": [4, 6], "readout": {"step": [2, 2]}, "defects": {"cells": [[2, 3]]}},
        "F005",
        "25 nodes",
        "core",
        "readout: {origin: [0, 0], step: [1, 1], subphases: 4, taps: 8}",
    ),
    Case(
        "cells and a stencil for a model without positions",
        lambda m: relabelled(m.on(0.6, grid=[5, 5])),
        {**KING, "grid": [4, 6]},
        "F005",
        "25 nodes",
        "core",
        "stencil: ",
    ),
    Case(
        "chunks and a dead cell for a model without positions",
        lambda m: relabelled(m.on(0.6, grid=[5, 5])),
        {"chunks": 1, "defects": {"cells": [[2, 3]]}},
        "F003",
        "2 chunks",
        "core",
        "chunks: 2",
    ),
    Case(
        "chains that are too strong",
        lambda m: m.graph(nx.star_graph(12)),
        {**KING, "cycles_per_sample": 10**6},
        "C002",
        "all couplings of the model round to code 0 beside its chains",
        "option",
        "--copies --chain-strength ",
        copies=CopyOptions(strength=100.0),
    ),
]


def source_of(graph: CouplingGraph) -> Source:
    """A model as if it had been read from a checkpoint."""
    path = Path("model.safetensors")
    return Source(path, ModelFile.of(graph, path))


def explored(source: Source, core: CoreSpec, case: Case, **more: Any) -> Changed:
    """What checking comes to, with what is offered."""
    options = more.get("options", case.options)

    def check(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return check_model(graph, core, options, placing=placing)

    placing = PlaceOptions(more.get("placer", case.placer))
    wanted = ChangeOptions(more.get("prune"), more.get("copies", case.copies))
    return compile_with_changes(source, core, options, placing, wanted, check)


def followed(entry: WhatIfEntry, number: int, source: Source, core: CoreSpec, case: Case) -> CompileResult:
    """What comes of following an entry."""
    more: dict[str, Any] = {}
    words = list(entry.options)
    options = case.options
    while words:
        match words.pop(0):
            case "--tau":
                options = dataclasses.replace(options, per_chunk=words.pop(0) == "per-chunk")
            case "--tau-s":
                options = dataclasses.replace(options, tau_s=float(words.pop(0)))
            case "--clip":
                options = dataclasses.replace(options, clip=(*options.clip, words.pop(0)))
            case "--placer":
                more["placer"] = words.pop(0)
            case "--copies":
                more["copies"] = CopyOptions()
            case "--chain-strength":
                more["copies"] = CopyOptions(strength=float(words.pop(0)))
            case "--core":
                assert entry.core is not None
                assert words.pop(0) == entry.core.name
                core = entry.core
            case word:
                raise AssertionError(word)
    if entry.kind == "position":
        graph = moved(source.model.graph, {node: (row, col) for node, row, col in entry.positions})
        source = source_of(changed(graph, model_hash=""))
    if entry.kind == "die":
        core = core.changed(defects={})
    if entry.keys:
        # As somebody would: the lines of the keys, pasted into the file of the core.
        pasted = yaml.safe_load("\n".join(yaml_words({key: value}) for key, value in entry.keys.items()))
        core = parse_core(yaml.safe_dump({**yaml.safe_load(dump_core(core)), **pasted}), where="core.yaml")
    if entry.kind == "drop":
        more["prune"] = number
    return explored(source, core, case, options=options, **more).result


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_cause_is_named_and_the_advice_helps(
    case: Case, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    if case.placer == "exact":
        pytest.importorskip("ortools")
    make = Make(make_core, make_graph)
    core = make.core(**case.core)
    source = source_of(case.model(make))
    found = explored(source, core, case)
    causes = found.result.causes
    assert not found.result.feasible
    assert (causes[0].code, case.words in causes[0].message) == (case.code, True), causes[0].message
    if case.causes:
        assert tuple(cause.code for cause in causes) == case.causes
    assert len(causes) <= 4
    assert found.witnesses is not None
    assert found.witnesses.disagreeing == ()
    assert not set(found.witnesses.without_check) & set(CHECKED)
    assert found.what_if is not None
    entries = found.what_if.entries
    if not case.kind:
        assert entries == ()
        return
    offered = [(place, entry) for place, entry in enumerate(entries, 1) if entry.kind == case.kind]
    chosen = [(place, entry) for place, entry in offered if case.advice in entry.change]
    assert chosen, [entry.change for entry in entries]
    number, entry = chosen[0]
    result = followed(entry, number, source, core, case)
    assert result.feasible, [cause.message for cause in result.causes]


def test_there_are_enough_cases_and_each_code_is_among_them() -> None:
    assert len(CASES) >= 50
    assert len({case.name for case in CASES}) == len(CASES)
    named = {case.code for case in CASES}
    assert named >= {f"F00{number}" for number in range(1, 6)}
    assert named >= {f"S00{number}" for number in range(1, 6)}
    assert named >= {"R001", "R003", "R004", "R005", "R006", "R007", "R009", "R010"}
    assert named >= {"L001", "L006", "L007", "L010", "L011", "L012", "L013", "C001", "C002", "C003"}


def test_every_entry_helps(make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "few couplings too far")
    make = Make(make_core, make_graph)
    source, core = source_of(case.model(make)), make.core(**case.core)
    found = explored(source, core, case)
    assert found.what_if is not None
    assert [entry.kind for entry in found.what_if.entries] == ["drop", "preset", "core"]
    for number, entry in enumerate(found.what_if.entries, 1):
        assert followed(entry, number, source, core, case).feasible


def test_nothing_absurd_is_offered(make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    make = Make(make_core, make_graph)

    def entries(graph: CouplingGraph, core: CoreSpec, case: Case) -> dict[str, list[WhatIfEntry]]:
        found = explored(source_of(changed(graph, model_hash="")), core, case)
        assert found.what_if is not None
        kinds: dict[str, list[WhatIfEntry]] = {}
        for entry in found.what_if.entries:
            kinds.setdefault(entry.kind, []).append(entry)
        return kinds

    plain = CASES[0]
    # Two thirds of the couplings have no unit: that is another model.
    graph = make.on(1.0)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    assert np.count_nonzero(far) > MOST_SHARE * graph.couplings
    assert "drop" not in entries(graph, make.core(**KING), plain)
    # Few couplings that hold most of the norm are not dropped, either.
    few = few_far(graph)
    far = np.abs(graph.position[few.src] - graph.position[few.dst]).max(axis=1) > 1
    loud = changed(few, weight=np.where(far, 10 * few.weight, few.weight).astype(np.float32))
    assert np.linalg.norm(loud.weight[:, far]) > MOST_NORM * np.linalg.norm(loud.weight)
    offered = entries(loud, make.core(**KING, cycles_per_sample=10**6), plain)
    assert "drop" not in offered
    assert "core" in offered
    # A node that is far away is put right; no core of many more offsets is offered for it.
    offered = entries(moved(graph, {0: (7, 7), 63: (0, 0)}), make.core(), plain)
    assert "core" not in offered
    # Most codes would clip.
    strong = changed(graph, weight=np.sign(graph.weight) * np.float32(50.0))
    short = make.core(cycles_per_sample=500)
    assert not [entry for entry in entries(strong, short, plain).get("option", []) if "--clip" in entry.options]


def test_what_clipping_costs_is_said(make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.advice == "use --clip shil")
    make = Make(make_core, make_graph)
    core, graph = make.core(**case.core), case.model(make)
    source = source_of(graph)
    found = explored(source, core, case)
    assert found.what_if is not None
    entry = next(entry for entry in found.what_if.entries if "--clip" in entry.options)
    result = followed(entry, 0, source, core, case)
    assert result.timed is not None
    size = np.abs(graph.shil.astype(float))
    full_scale = core.shil_dac.full_scale_rad_s * result.timed.time_scale.tau_s[:, None]
    clipped = int(np.count_nonzero(size > full_scale * (1 + 1e-6)))
    assert entry.cost["shil_clipped"] == f"{clipped} of {size.size} shil codes clip"
    error = np.linalg.norm(np.maximum(0, size - full_scale)) / np.linalg.norm(size)
    assert entry.cost["shil_error"].endswith(f"{error:.2g} of their norm")


def test_a_problem_is_lowered_for_the_core_that_is_offered(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    # A path of 70 spins: the model that is lowered for 8 x 8 cells has the cycles of that core.
    lines = "".join(f"{spin} {spin + 1} 1\n" for spin in range(1, 70))
    (tmp_path / "path.gset").write_text(f"70 69\n{lines}")
    core = Make(make_core, make_graph).core(init={"kind": "uniform"}, cycles_per_sample=4000)
    found = explored(read_source(tmp_path / "path.gset", None, core), core, CASES[0])
    assert found.result.causes[0].code == "F005"
    assert found.what_if is not None
    preset = next(entry for entry in found.what_if.entries if entry.kind == "preset")
    assert preset.core is not None
    source = read_source(tmp_path / "path.gset", None, preset.core)
    assert explored(source, preset.core, CASES[0]).result.feasible
