from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
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
        ("0 0\n", "x:1", "0 vertices; at least 1", FORMAT),
        ("-4 1\n1 2 1\n", "x:1", "'-4 1' are no numbers of vertices and edges: '-4' is negative", FORMAT),
        ("2 2\n1 2 1\n", "x", "2 edges are announced, 1 lines follow", FORMAT),
        ("2 1\n\n1 2 1 1\n", "x:3", "'1 2 1 1' is no edge", FORMAT),
        ("2 1\n1 2 nan\n", "x:2", "'1 2 nan' is no edge: 'nan' is not finite", FORMAT),
        ("2 1\n1 2 heavy\n", "x:2", "'1 2 heavy' is no edge", FORMAT),
        ("2 1\n1.0 2 1\n", "x:2", "'1.0 2 1' is no edge: '1.0' is no integer; write 1", FORMAT),
        ("4.5 1\n1 2\n", "x:1", "'4.5 1' are no numbers of vertices and edges: '4.5' is no integer", FORMAT),
        ("2 1\n-1 2\n", "x:2", "'-1 2' is no edge: '-1' is negative", FORMAT),
        ("2 1\n1 +2\n", "x:2", "'1 +2' is no edge: '+2' has a sign", FORMAT),
        ("2 1\n1 2 -1e999\n", "x:2", "'1 2 -1e999' is no edge: '-1e999' is too large for a double", FORMAT),
        (
            "2 1\n1 2000000000000000000\n",
            "x:2",
            "'1 2000000000000000000' is no edge: '2000000000000000000' is too large: a number of 19 digits",
            FORMAT,
        ),
        # Comments of other formats, also where the count of lines would be wrong by them.
        *(
            (text, place, f"'{line}' holds a comment; this format has none", f"remove comments; {FORMAT}")
            for text, place, line in (
                ("# a square\n2 1\n1 2\n", "x:1", "# a square"),
                ("2 1\n% no edge\n1 2\n", "x:2", "% no edge"),
                ("c DIMACS\n2 1\n1 2\n", "x:1", "c DIMACS"),
                ("2 1\n1 2 1 // heavy\n", "x:2", "1 2 1 // heavy"),
                ("2 1 ;sizes\n1 2 1\n", "x:1", "2 1 ;sizes"),
            )
        ),
        ("2 1\n1 3 1\n", "x:2", "edge 1 3: vertices are 1 to 2", ""),
        ("2 1\n0 1 1\n", "x:2", "edge 0 1: vertices are 1 to 2", ""),
        ("2 1\n2 2 1\n", "x:2", "vertex 2 is joined to itself", ""),
        ("262145 0\n", "x:1", "262145 vertices; at most 262144", ""),
        (
            "9999999999999999999 1\n1 2 1\n",
            "x:1",
            "'9999999999999999999 1' are no numbers of vertices and edges: '9999999999999999999' is too large: a "
            "number of 19 digits",
            FORMAT,
        ),
        ("2 1\n1 2 1_0\n", "x:2", "'1 2 1_0' is no edge", FORMAT),
        ("2 1\n1 2 \u0661\n", "x:2", "'1 2 \u0661' is no edge", FORMAT),
        ("3 2\n1 2 1\n2 1 1\n", "x:3", "edge 1 2 stands in line 2 already", ""),
        ("2 1\n1 2 0x10\n", "x:2", "'1 2 0x10' is no edge", FORMAT),
        ("2 1\n1 2 infinity\n", "x:2", "'1 2 infinity' is no edge: 'infinity' is not finite", FORMAT),
        # Characters that only Python takes for blanks or line ends.
        ("2 1\n1\u00a02 1\n", "x:2", '"1\\u00a02 1" is no edge', FORMAT),
        ("2 1\x0c1 2 1\n", "x:1", '"2 1\\f1 2 1" are no numbers of vertices and edges', FORMAT),
        ("2 1\u20281 2 1\n", "x:1", '"2 1\\u20281 2 1" are no numbers of vertices and edges', FORMAT),
        ("\ufeff2 1\n1 2 1\n", "x:1", '"\\ufeff2 1" are no numbers of vertices and edges', FORMAT),
        (f"2 1\n1 2 {'9' * 100}x\n", "x:2", f"'1 2 {'9' * 14}...{'9' * 17}x' is no edge", FORMAT),
    ],
)
def test_what_is_wrong_is_said(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_gset(text, name="g", where="x")
    error = caught.value
    assert (error.code, error.where, error.message, error.hint) == ("problem.gset", place, message, hint)


@pytest.mark.parametrize(
    ("weights", "line", "message"),
    [
        (("1", "1e300"), 3, "with weight 1e+300, weights come to 1e+300 in all; at most 1e+150 can be computed with"),
        (("1e308", "1e308"), 2, "with weight 1e+308, weights come to 1e+308 in all; at most 1e+150 can be computed"),
        (("9e149", "-9e149"), 3, "with weight -9e+149, weights come to 1.8e+150 in all; at most 1e+150 can be com"),
    ],
)
def test_weights_that_no_sum_holds(weights: tuple[str, str], line: int, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_gset(f"3 2\n1 2 {weights[0]}\n2 3 {weights[1]}\n", name="g", where="x")
    assert (caught.value.code, caught.value.where) == ("problem.gset", f"x:{line}")
    assert caught.value.message.startswith(message)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["1", "-2.5", "+3", "1e0", ".5", "7."]), min_size=1, max_size=6), st.data())
def test_weights_and_blanks_as_people_write_them(weights: list[str], data: st.DataObject) -> None:
    blank = st.sampled_from([" ", "\t", "  \t "])
    lines = [f"{len(weights) + 1}{data.draw(blank)}{len(weights)}"]
    for place, weight in enumerate(weights, 1):
        gaps = [data.draw(blank) for _ in range(4)]
        lines.append(f"{gaps[0]}{place}{gaps[1]}{place + 1}{gaps[2]}{weight}{gaps[3]}")
        lines.extend(data.draw(st.sampled_from([[], ["", " "]])))
    problem = parse_gset("\n".join(lines), name="g", where="x")
    assert (2 * problem.coupling).tolist() == [float(weight) for weight in weights]
