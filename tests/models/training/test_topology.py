from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import diagnose_graph
from oscc.core.families import KURASHIL, POLY_ISING
from oscc.core.initial_phases import InitialPhases
from oscc.core.stencil import listed_stencil, named_stencil
from oscc.models.training.topology import GridLayout, grid_graph, reverse_couplings

OFFSETS = [(row, col) for row in range(-2, 3) for col in range(-2, 3) if (row, col) != (0, 0)]


def made(grid, stencil, *, origin=(0, 0), step=(1, 1), family=KURASHIL, duration=(1.0, 2.5)):
    return grid_graph(
        "made",
        family,
        GridLayout(grid, stencil, origin, step),
        chunk_duration=duration,
        init=InitialPhases("uniform", 0.5, 1.5),
    )


@given(
    rows=st.integers(1, 5),
    cols=st.integers(1, 5),
    offsets=st.lists(st.sampled_from(OFFSETS), min_size=1, unique=True),
    origin=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    step=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_every_coupling_of_the_stencil_exists_once(rows, cols, offsets, origin, step):
    graph = made((rows, cols), listed_stencil(offsets), origin=origin, step=step)
    expected = []
    for row in range(rows):
        for col in range(cols):
            for drow, dcol in sorted(offsets):
                if 0 <= row + drow < rows and 0 <= col + dcol < cols:
                    # An offset is source - destination.
                    expected.append(((row + drow) * cols + col + dcol, row * cols + col))
    assert list(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)) == expected
    assert graph.position is not None
    assert graph.position.tolist() == [[row, col] for row in range(rows) for col in range(cols)]
    seen_rows = [row for row in range(rows) if row >= origin[0] and (row - origin[0]) % step[0] == 0]
    seen_cols = [col for col in range(cols) if col >= origin[1] and (col - origin[1]) % step[1] == 0]
    assert graph.image_shape == (len(seen_rows), len(seen_cols))
    assert graph.readout.tolist() == [row * cols + col for row in seen_rows for col in seen_cols]


def test_parameters_are_zero_and_the_rest_is_as_given():
    graph = made((3, 4), named_stencil("king"), family=POLY_ISING)
    assert (graph.name, graph.family, graph.nodes, graph.chunks) == ("made", "poly_ising", 12, 2)
    assert graph.init == InitialPhases("uniform", 0.5, 1.5)
    assert graph.chunk_duration.tolist() == [1.0, 2.5]
    for values, count in (
        (graph.weight, graph.couplings),
        (graph.shil, 12),
        (graph.field, 12),
        (graph.detuning, 12),
    ):
        assert values.shape == (2, count)
        assert not values.any()


def test_a_checkpoint_takes_it(tmp_path):
    graph = made((3, 4), named_stencil("box-2"), origin=(1, 0), step=(2, 3))
    assert list(diagnose_graph(graph)) == []
    write_checkpoint(tmp_path / "model.safetensors", graph)
    assert read_checkpoint(tmp_path / "model.safetensors").src.tolist() == graph.src.tolist()


@given(
    rows=st.integers(1, 4),
    cols=st.integers(1, 4),
    half=st.lists(st.sampled_from([o for o in OFFSETS if o > (0, 0)]), min_size=1, unique=True),
    seed=st.integers(0, 99),
)
def test_partner_is_the_coupling_in_the_other_direction(rows, cols, half, seed):
    graph = made((rows, cols), listed_stencil([*half, *((-row, -col) for row, col in half)]))
    order = np.random.default_rng(seed).permutation(graph.couplings)
    graph = dataclasses.replace(graph, src=graph.src[order], dst=graph.dst[order])
    number = {pair: edge for edge, pair in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))}
    expected = [number[dst, src] for src, dst in number]
    assert reverse_couplings(graph).tolist() == expected


@pytest.mark.parametrize("offsets", [[(0, 1)], [(0, 1), (0, -1), (1, 0)], [(1, 1), (1, -1)]])
def test_a_coupling_without_partner_is_refused(offsets):
    graph = made((3, 3), listed_stencil(offsets))
    with pytest.raises(ValueError, match=r"^a coupling has none in the other direction: the stencil is not symmetric$"):
        reverse_couplings(graph)


def test_the_last_coupling_may_be_the_one_without_partner():
    # Its key is beyond all others.
    graph = dataclasses.replace(
        made((1, 3), named_stencil("king")), src=np.array([1, 0, 1], np.int32), dst=np.array([0, 1, 2], np.int32)
    )
    with pytest.raises(ValueError, match="the stencil is not symmetric"):
        reverse_couplings(graph)
