"""How many dies with random defects take a model: trained ones, which use every unit, and a graph with room to move."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from oscc.compiler.feasibility.yield_study import YieldOptions, study_yield
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.report import markdown_table

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@dataclass(frozen=True)
class Case:
    """A model, a core and a rate of dead cells; ``model`` is a file of EXAMPLES, or the side of a King's graph."""

    name: str
    model: str | int
    core: CoreSpec
    where: str
    rate: float
    repairing: bool = False


def cases() -> tuple[Case, ...]:
    """The rows of the table."""
    pixels, small = "kurashil-mnist-28x28", load_core("ais-28x28")
    board = load_core("ising-56x56").changed(grid=[52, 52])
    where = "`ising-56x56` with 52 x 52 cells"
    return (
        Case(f"`{pixels}`", pixels, small, "`ais-28x28`", 0.001),
        Case(f"`{pixels}`", pixels, small.changed(grid=[32, 32]), "the same with 32 x 32 cells", 0.001),
        Case("`kurashil-mnist-56x56`", "kurashil-mnist-56x56", load_core("ais-56x56"), "`ais-56x56`", 0.001),
        Case("King's graph, 50 x 50", 50, board, where, 0.005),
        Case("the same, `--repair`", 50, board, where, 0.005, repairing=True),
    )


def model_of(model: str | int) -> CouplingGraph:
    """Return the model of a case."""
    if isinstance(model, str):
        return read_checkpoint(EXAMPLES / f"{model}.safetensors")
    squares: Any = nx.strong_product(nx.path_graph(model), nx.path_graph(model))
    board = nx.convert_node_labels_to_integers(squares)
    for one, other in board.edges:
        board.edges[one, other]["weight"] = 1.0
    return graph_model(board, name="board", where="benchmark")


def row_of(case: Case, dies: int) -> list[str]:
    """A line of the table."""
    started = time.perf_counter()
    options = YieldOptions(case.rate, slot_rate=0.0, dies=dies, repairing=case.repairing)
    study = study_yield(model_of(case.model), case.core, options)
    low, high = study.interval()
    share = f"{100 * study.good / dies:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return [case.name, case.where, f"{100 * case.rate:g} %", share, f"{time.perf_counter() - started:.1f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dies", type=int, default=200)
    given = parser.parse_args()
    rows = [row_of(case, given.dies) for case in cases()]
    print(markdown_table(["model", "core", "dead cells", "dies that take it", "seconds"], rows))


if __name__ == "__main__":
    main()
