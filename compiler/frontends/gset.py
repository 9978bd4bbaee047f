"""The text format of the G-set: max-cut instances (https://web.stanford.edu/~yyye/yyye/Gset/)."""

from __future__ import annotations

import numpy as np

from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.text import (
    MOST_SPINS,
    added_weight,
    as_number,
    as_whole,
    fault,
    number_fault,
    numbered_lines,
    quoted,
    whole_fault,
)

FORMAT = "expected 'VERTICES EDGES', then a line 'VERTEX VERTEX WEIGHT' for each edge, vertices from 1"

_COMMENT = ("#", "%", "//", ";")
"""What a comment begins with in the formats of other tools."""


def parse_gset(text: str, *, name: str, where: str) -> IsingProblem:
    """Parse the max-cut problem of a text.

    The first line holds the numbers of vertices and of edges, every other one an edge: two vertices, from 1, and a
    weight, which is 1 where it is left out. Empty lines do not count.

    Parameters
    ----------
    text : str
    name : str
        Of the problem.
    where : str
        Of the text, for errors.

    Raises
    ------
    OsccError
        ``problem.gset``, with the line at fault.
    """
    lines = list(numbered_lines(text))
    if not lines:
        raise fault("gset", "empty", where, FORMAT)
    for number, words in lines:
        # Before lines are counted, among which comments would be taken for edges.
        if words[0] in ("c", "C") or any(word.startswith(_COMMENT) for word in words):
            raise fault(
                "gset",
                f"{quoted(' '.join(words))} holds a comment; this format has none",
                f"{where}:{number}",
                f"remove comments; {FORMAT}",
            )
    vertices, edges = _sizes(lines[0][1], f"{where}:{lines[0][0]}")
    if len(lines) - 1 != edges:
        raise fault("gset", f"{edges} edges are announced, {len(lines) - 1} lines follow", where, FORMAT)
    seen: dict[tuple[int, int], int] = {}
    weights = np.zeros(edges)
    total = 0.0
    for place, (number, words) in enumerate(lines[1:]):
        pair, weight = _edge(words, vertices, f"{where}:{number}")
        total = added_weight(total, weight, "gset", f"{where}:{number}")
        weights[place] = weight
        if pair in seen:
            raise fault(
                "gset", f"edge {pair[0] + 1} {pair[1] + 1} stands in line {seen[pair]} already", f"{where}:{number}"
            )
        seen[pair] = number
    pairs = np.array(list(seen), dtype=np.int32).reshape(-1, 2)
    labels = tuple(range(1, vertices + 1))
    return max_cut(name, pairs[:, 0].copy(), pairs[:, 1].copy(), weights, labels)


def write_gset(problem: IsingProblem) -> str:
    """Return the text of a max-cut problem, which `parse_gset` reads back.

    Parameters
    ----------
    problem : IsingProblem
        Of kind ``max-cut``.
    """
    lines = [f"{problem.spins} {problem.first.size}"]
    for first, second, coupling in zip(problem.first, problem.second, problem.coupling, strict=True):
        lines.append(f"{first + 1} {second + 1} {2 * coupling:.17g}")
    return "\n".join(lines) + "\n"


def _sizes(words: list[str], where: str) -> tuple[int, int]:
    sizes = [as_whole(word) for word in words]
    vertices, edges = sizes if len(sizes) == 2 else (None, None)
    if vertices is None or edges is None:
        why = whole_fault(words) if len(words) == 2 else ""
        message = f"{quoted(' '.join(words))} are no numbers of vertices and edges"
        raise fault("gset", f"{message}: {why}" if why else message, where, FORMAT)
    if vertices == 0:
        raise fault("gset", "0 vertices; at least 1", where, FORMAT)
    if vertices > MOST_SPINS:
        raise fault("gset", f"{vertices} vertices; at most {MOST_SPINS}", where)
    return vertices, edges


def _edge(words: list[str], vertices: int, where: str) -> tuple[tuple[int, int], float]:
    ends = [as_whole(word) for word in words[:2]]
    weight = as_number(words[2]) if len(words) == 3 else 1.0
    if len(words) not in (2, 3) or None in ends or weight is None:
        why = whole_fault(words[:2]) or (number_fault(words[2]) if len(words) == 3 else "")
        message = f"{quoted(' '.join(words))} is no edge"
        raise fault("gset", f"{message}: {why}" if why and len(words) in (2, 3) else message, where, FORMAT)
    first, second = sorted(int(end or 0) for end in ends)
    if first < 1 or second > vertices:
        raise fault("gset", f"edge {first} {second}: vertices are 1 to {vertices}", where)
    if first == second:
        raise fault("gset", f"vertex {first} is joined to itself", where)
    return (first - 1, second - 1), weight
