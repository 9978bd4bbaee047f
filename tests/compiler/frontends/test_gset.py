from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.compiler.errors import OsccError
from oscc.compiler.frontends.gset import FORMAT, parse_gset, write_gset
from oscc.compiler.frontends.ising_problem import max_cut

GOOD = "4 3\n1 2 1\n\n4 3 -2.5\n2 3\n"


def test_a_graph_is_read() -> None:
    problem = parse_gset(GOOD, name="small", where="x")
    assert (problem.name, problem.kind, problem.spins, problem.labels) == ("small", "max-cut", 4, (1, 2, 3, 4))
    assert list(zip(problem.first.tolist(), problem.second.tolist(), strict=True)) == [(0, 1), (2, 3), (1, 2)]
    # Cutting 3 from 4 alone costs 2.5; cutting 1 from 2 and 2 from 3 gains 2.
    assert problem.value(np.array([[1, 1, 1, -1], [1, -1, 1, 1]], np.int8)).tolist() == [-2.5, 2.0]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, dict[tuple[int, int], float]]:
    vertices = draw(st.integers(2, 12))
    pairs = st.tuples(st.integers(0, vertices - 1), st.integers(0, vertices - 1)).filter(lambda pair: pair[0] < pair[1])
    return vertices, draw(st.dictionaries(pairs, st.floats(-1e6, 1e6), max_size=20))


@given(graphs())
def test_what_is_written_is_read_back(graph: tuple[int, dict[tuple[int, int], float]]) -> None:
    vertices, edges = graph
    pairs = np.array(list(edges), np.int32).reshape(-1, 2)
    labels = tuple(range(1, vertices + 1))
    problem = max_cut("g", pairs[:, 0].copy(), pairs[:, 1].copy(), np.array(list(edges.values()), float), labels)
    again = parse_gset(write_gset(problem), name="g", where="x")
    assert (again.first.tolist(), again.second.tolist(), again.labels) == (
        problem.first.tolist(),
        problem.second.tolist(),
        labels,
    )
    assert again.coupling.tolist() == problem.coupling.tolist()


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("", "x", "empty", FORMAT),
        ("\n \n", "x", "empty", FORMAT),
        ("4\n", "x:1", "'4' are no numbers of vertices and edges", FORMAT),
        ("four 3\n", "x:1", "'four 3' are no numbers of vertices and edges", FORMAT),
        ("0 0\n", "x:1", "'0 0' are no numbers of vertices and edges", FORMAT),
        ("-4 1\n1 2 1\n", "x:1", "'-4 1' are no numbers of vertices and edges", FORMAT),
        ("2 2\n1 2 1\n", "x", "2 edges are announced, 1 lines follow", FORMAT),
        ("2 1\n\n1 2 1 1\n", "x:3", "'1 2 1 1' is no edge", FORMAT),
        ("2 1\n1 2 nan\n", "x:2", "'1 2 nan' is no edge", FORMAT),
        ("2 1\n1 2 heavy\n", "x:2", "'1 2 heavy' is no edge", FORMAT),
        ("2 1\n1.0 2 1\n", "x:2", "'1.0 2 1' is no edge", FORMAT),
        ("2 1\n1 3 1\n", "x:2", "edge 1 3: vertices are 1 to 2", ""),
        ("2 1\n0 1 1\n", "x:2", "edge 0 1: vertices are 1 to 2", ""),
        ("2 1\n2 2 1\n", "x:2", "vertex 2 is joined to itself", ""),
        ("262145 0\n", "x:1", "262145 vertices; at most 262144", ""),
        (
            "9999999999999999999 1\n1 2 1\n",
            "x:1",
            "'9999999999999999999 1' are no numbers of vertices and edges",
            FORMAT,
        ),
        ("2 1\n1 2 1_0\n", "x:2", "'1 2 1_0' is no edge", FORMAT),
        ("2 1\n1 2 \u0661\n", "x:2", "'1 2 \u0661' is no edge", FORMAT),
        ("3 2\n1 2 1\n2 1 1\n", "x:3", "edge 1 2 stands in line 2 already", ""),
    ],
)
def test_what_is_wrong_is_said(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_gset(text, name="g", where="x")
    error = caught.value
    assert (error.code, error.where, error.message, error.hint) == ("problem.gset", place, message, hint)
