"""What the tests of the interface share."""

from __future__ import annotations

from collections.abc import Callable

import dimod
import pytest

import oscc
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec


@pytest.fixture(scope="session")
def tiny_graph(tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]) -> CouplingGraph:
    """A model that fits tiny-8x8."""
    return make_graph(tiny_core, density=0.5)


@pytest.fixture(scope="session")
def tiny_compiled(tiny_graph: CouplingGraph) -> oscc.Compiled:
    """It, compiled in memory."""
    return oscc.compile(tiny_graph, "tiny-8x8")


@pytest.fixture(scope="session")
def square() -> dimod.BinaryQuadraticModel:
    """Four spins in a ring that would all differ from their neighbours: energy -4 at best."""
    found: dimod.BinaryQuadraticModel = dimod.BinaryQuadraticModel.from_ising(
        {}, {("a", "b"): 1, ("b", "c"): 1, ("c", "d"): 1, ("d", "a"): 1}
    )
    return found


@pytest.fixture(scope="session")
def square_compiled(square: dimod.BinaryQuadraticModel) -> oscc.Compiled:
    """It, compiled in memory."""
    return oscc.compile(square, "ising-56x56")
