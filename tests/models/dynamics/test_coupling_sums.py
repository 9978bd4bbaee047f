from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.models.dynamics.coupling_sums import TOGETHER, add_couplings, add_couplings_vjp, tabulate


@st.composite
def drawn_couplings(draw):
    """Nodes, and couplings (own, other) in any order, repeated ones and self-couplings included."""
    nodes = draw(st.integers(1, 7))
    pairs = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=40))
    own, other = (np.array([pair[place] for pair in pairs], dtype=np.int32) for place in (0, 1))
    return nodes, own, other


@given(drawn_couplings())
def test_table_lists_the_couplings_of_each_node_in_their_order(drawn):
    nodes, own, other = drawn
    table = tabulate(own, other, nodes)
    assert table.edges == len(own)
    assert table.count.shape == (nodes,)
    for node in range(nodes):
        edges = [edge for edge in range(len(own)) if own[edge] == node]
        padded = -(-len(edges) // TOGETHER) * TOGETHER
        assert table.count[node] == padded
        rest = table.other.shape[1] - len(edges)
        assert table.edge[node].tolist() == edges + [len(own)] * rest
        assert table.other[node].tolist() == [int(other[edge]) for edge in edges] + [node] * rest
    assert table.other.shape[1] % TOGETHER == 0
    assert table.other.shape[1] >= max(TOGETHER, table.count.max())


@given(drawn_couplings())
def test_collect_is_the_inverse_of_arrange(drawn):
    nodes, own, other = drawn
    table = tabulate(own, other, nodes)
    weight = np.arange(1.0, len(own) + 1)
    arranged = table.arrange(weight)
    assert arranged.sum() == weight.sum(), "what only fills up is zero"
    assert table.collect(arranged).tolist() == weight.tolist()
    assert table.arrange(weight.astype(np.float32)).dtype == np.float32


def test_table_cannot_be_changed():
    table = tabulate(np.array([0, 1]), np.array([1, 0]), 2)
    for array in (table.count, table.other, table.edge):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def drawn(dtype, signals=2, nodes=5, batch=3, edges=17, seed=0):
    random = np.random.default_rng(seed)
    src, dst = random.integers(nodes, size=(2, edges)).astype(np.int32)
    # Node 4 is at neither end of any coupling.
    src, dst = src % (nodes - 1), dst % (nodes - 1)
    weight = random.normal(size=edges).astype(dtype)
    values, slopes = random.normal(size=(2, signals, nodes, batch)).astype(dtype)
    return src, dst, weight, values, slopes


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 2e-6)])
@pytest.mark.parametrize("signals", [1, 2])
def test_sums_are_those_of_a_plain_loop(dtype, tolerance, signals):
    src, dst, weight, values, _ = drawn(dtype, signals)
    table = tabulate(dst, src, 5)
    sums = np.full(values.shape, np.nan, dtype)
    add_couplings(values, table.weighted(weight), sums)
    expected = np.zeros(values.shape)
    for edge in range(len(src)):
        expected[:, dst[edge]] += float(weight[edge]) * values[:, src[edge]].astype(float)
    np.testing.assert_allclose(sums, expected, rtol=0, atol=tolerance)
    assert (sums[:, 4] == 0).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 2e-6)])
@pytest.mark.parametrize("signals", [1, 2])
def test_gradient_is_that_of_a_plain_loop(dtype, tolerance, signals):
    src, dst, weight, values, slopes = drawn(dtype, signals)
    table = tabulate(src, dst, 5)
    of_signals, of_weight = np.full(values.shape, np.nan, dtype), np.ones_like(table.arrange(weight))
    add_couplings_vjp(values, slopes, table.weighted(weight), of_signals, of_weight)
    expected, expected_weight = np.zeros(values.shape), np.zeros(len(src))
    for edge in range(len(src)):
        expected[:, src[edge]] += float(weight[edge]) * slopes[:, dst[edge]].astype(float)
        expected_weight[edge] = (values[:, src[edge]].astype(float) * slopes[:, dst[edge]].astype(float)).sum()
    np.testing.assert_allclose(of_signals, expected, rtol=0, atol=tolerance)
    # Those of the weights are added to what stood there.
    np.testing.assert_allclose(table.collect(of_weight), 1 + expected_weight, rtol=0, atol=4 * tolerance)


def test_no_couplings_at_all():
    table = tabulate(np.zeros(0, np.int32), np.zeros(0, np.int32), 3)
    values, sums = np.ones((1, 3, 2)), np.full((1, 3, 2), np.nan)
    add_couplings(values, table.weighted(np.zeros(0)), sums)
    assert (sums == 0).all()
    assert table.collect(np.ones((3, TOGETHER))).size == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_lost(value):
    src, dst, weight, values, _ = drawn(np.float64)
    values[0, src[0], 1] = value
    table = tabulate(dst, src, 5)
    sums = np.zeros_like(values)
    add_couplings(values, table.weighted(weight), sums)
    assert not np.isfinite(sums[0, dst[0], 1])
    assert np.isfinite(sums[:, :, [0, 2]]).all()
