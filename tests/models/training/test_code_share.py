from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec_file import load_core
from oscc.models.training.code_share import code_share
from oscc.models.training.dac_grid import DacGrid
from oscc.models.training.generator import Delivery, Generator


@pytest.fixture
def graph(make_graph: Callable[..., CouplingGraph]) -> CouplingGraph:
    return make_graph(load_core("tiny-8x8"), chunks=2)


def grid_of(graph: CouplingGraph) -> DacGrid:
    return DacGrid.of(load_core("tiny-8x8"), tuple(graph.chunk_duration.tolist()))


def test_it_counts_couplings_beyond_half_a_step(graph: CouplingGraph) -> None:
    grid = grid_of(graph)
    generator = Generator(graph, Delivery(grid=grid, quantize=True))
    step = float(grid.step("coupling")[0, 0])
    values = np.full(graph.weight.shape, 0.49 * step)
    values[0, :5], values[1, 5:7] = 0.51 * step, -3 * step
    with torch.no_grad():
        generator.get_parameter("coupling").copy_(torch.from_numpy(values))
    assert code_share(generator) == pytest.approx(7 / values.size)


def test_without_codes_there_is_nothing_to_count(graph: CouplingGraph) -> None:
    assert code_share(Generator(graph)) is None
    assert code_share(Generator(graph, Delivery(grid=grid_of(graph)))) is None
