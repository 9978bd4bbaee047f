"""Inputs that went wrong once, as a user gives them: each is answered rightly, or refused in one line and a hint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.frontends.checkpoint import read_checkpoint

Run = Callable[..., tuple[int, str, str]]

HEAD = '<?xml version="1.0" encoding="UTF-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
WEIGHT = '<key id="w" for="edge" attr.name="weight" attr.type="double"/>\n'
FIELD = '<key id="f" for="node" attr.name="field" attr.type="double"/>\n'
AB = '<node id="a"/><node id="b"/><edge source="a" target="b"/>'
UNDIRECTED = '<graph id="G" edgedefault="undirected">'


def dimod(**changes: object) -> str:
    content = {
        "type": "BinaryQuadraticModel",
        "version": {"bqm_schema": "3.0.0"},
        "use_bytes": False,
        "num_variables": 2,
        "num_interactions": 1,
        "variable_labels": ["a", "b"],
        "variable_type": "SPIN",
        "offset": 0.0,
        "info": {},
        "linear_biases": [1.0, -1.0],
        "quadratic_biases": [0.5],
        "quadratic_head": [0],
        "quadratic_tail": [1],
    }
    return json.dumps({**content, **changes})


REFUSED = {
    "two.graphml": (
        f'{HEAD}{UNDIRECTED}{AB}</graph>\n<graph id="G2" edgedefault="undirected"><node id="c"/></graph></graphml>',
        ":3: a second graph 'G2'; a file with one is read",
    ),
    "nested.graphml": (
        f'{HEAD}{UNDIRECTED}<node id="a"><graph edgedefault="undirected">{AB}</graph></node></graph></graphml>',
        ":2: node a holds <graph>; nested graphs are not read",
    ),
    "typo.graphml": (
        f'{HEAD}{UNDIRECTED}<node id="n1"/><node id="n2"/><edge source="n1" target="N2"/></graph></graphml>',
        ":2: edge n1 N2: there is no node 'N2'; did you mean 'n2'?",
    ),
    "noid.graphml": (
        f'{HEAD}{UNDIRECTED}<node/><node/><node id="a"/><edge source="a" target="None"/></graph></graphml>',
        ":2: node 1 has no id",
    ),
    "dup.graphml": (
        f'{HEAD}{FIELD}{UNDIRECTED}<node id="a"><data key="f">0.5</data></node>'
        '<node id="a"><data key="f">-0.5</data></node></graph></graphml>',
        ":3: node a is declared in line 3 already",
    ),
    "twice.graphml": (
        f'{HEAD}{WEIGHT}{UNDIRECTED}<node id="a"/><node id="b"/><edge source="a" target="b"><data key="w">1</data>'
        '<data key="w">-1</data></edge></graph></graphml>',
        ":3: edge a b: 'weight' stands twice",
    ),
    "edcase.graphml": (
        f'{HEAD}<graph id="G" edgedefault="Directed">{AB}</graph></graphml>',
        ":2: edgedefault is 'Directed'; accepted: directed, undirected",
    ),
    "noed.graphml": (
        f'{HEAD}<graph id="G">{AB}</graph></graphml>',
        ":2: the graph has no edgedefault; accepted: directed, undirected",
    ),
    "capital.graphml": (
        f"{HEAD}{WEIGHT.replace('weight', 'Weight')}{UNDIRECTED}{AB}</graph></graphml>",
        ":2: attribute 'Weight' of the edge is not read; did you mean 'weight'?\n"
        "rename the attribute, or remove its key and data",
    ),
    "python.graphml": (
        f'{HEAD}{WEIGHT}{UNDIRECTED}<node id="a"/><node id="b"/><edge source="a" target="b"><data key="w">1_0</data>'
        "</edge></graph></graphml>",
        ":3: weight of edge a b: '1_0' is no double (attr.type of its key)",
    ),
    "winf.graphml": (
        f'{HEAD}{WEIGHT}{UNDIRECTED}<node id="a"/><node id="b"/><edge source="a" target="b"><data key="w">1e39</data>'
        "</edge></graph></graphml>",
        ": weight of edge a b: '1e+39' is more than 1e+30",
    ),
    "ovf.gset": (
        "4 3\n1 2 1e308\n2 3 1e308\n3 4 1e308\n",
        ":2: with weight 1e+308, weights come to 1e+308 in all; at most 1e+150 can be computed with\n"
        "scale all weights down: solutions stay the same",
    ),
    "huge.bqm": (
        dimod(variable_type="BINARY", offset=1e308, linear_biases=[1e308, 1e308], quadratic_biases=[1e308]),
        ", offset: with weight 1e+308, weights come to 1e+308 in all; at most 1e+150 can be computed with\n"
        "scale all weights down: solutions stay the same",
    ),
    "dictlab.bqm": (
        dimod(variable_labels=[{"a": 1}, "b"]),
        ': variable_labels[0]: {"a": 1} is no label; labels are texts, numbers, or lists of such\n'
        "expected what json.dumps(bqm.to_serializable()) writes",
    ),
    "textbias.bqm": (
        dimod(linear_biases=["1.0", -1.0]),
        ': linear_biases[0]: "1.0" is no finite number\nexpected what json.dumps(bqm.to_serializable()) writes',
    ),
    "G1": (
        "2 1\n1 2 1\n",
        ": no checkpoint, and its name ends in none of .safetensors, .graphml, .gset, .bqm, .coo, .json\n"
        "say what it is: --frontend graphml, gset or bqm",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_says_two_things_or_none_is_refused(name: str, oscc: Run, tmp_path: Path) -> None:
    content, answer = REFUSED[name]
    (tmp_path / name).write_text(content)
    status, out, err = oscc("check", tmp_path / name, "--core", "ising-56x56")
    assert (status, out, err) == (1, "", f"oscc: {tmp_path / name}{answer}\n")


DEFAULTS = (
    HEAD
    + WEIGHT.replace("/>", "><default>-0.5</default></key>")
    + f'{UNDIRECTED}<node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b"/>'
    '<edge source="b" target="c"><data key="w">0.75</data></edge></graph></graphml>'
)

READ: dict[str, tuple[bytes, tuple[str, ...], dict[tuple[int, int], float]]] = {
    # Labels, and couplings K by (source, destination); those of problems are in units of the largest.
    "default_w.graphml": (
        DEFAULTS.encode(),
        ("a", "b", "c"),
        {(0, 1): -0.5, (1, 0): -0.5, (1, 2): 0.75, (2, 1): 0.75},
    ),
    "utf16.GraphML": (
        DEFAULTS.replace("UTF-8", "UTF-16").encode("utf-16"),
        ("a", "b", "c"),
        {(0, 1): -0.5, (1, 0): -0.5, (1, 2): 0.75, (2, 1): 0.75},
    ),
    "A.GSET": (b"\xef\xbb\xbf3 1\r\n1 2 1e0\r\n", ("1", "2", "3"), {(0, 1): -1.0, (1, 0): -1.0}),
    "gap.coo": (
        b"# vartype=SPIN\n30 4000 -1.000000\n4000 5000 1.000000",
        ("30", "4000", "5000"),
        {(0, 1): 1.0, (1, 0): 1.0, (1, 2): -1.0, (2, 1): -1.0},
    ),
    "bom.coo": (
        b"\xef\xbb\xbf# vartype=SPIN\r\n0\t1\t-1e0\r\n\r\n1 0 -0.5\r\n",
        ("0", "1"),
        {(0, 1): 1.0, (1, 0): 1.0},
    ),
    "Y.JSON": (dimod(type="Float32BQM", linear_biases=[0, 0]).encode(), ("a", "b"), {(0, 1): -1.0, (1, 0): -1.0}),
    "dict.bqm": (
        b"\xef\xbb\xbf" + dimod(type="DictBQM", linear_biases=[0, 0], variable_labels=[1, "1"]).encode(),
        ("1", '"1"'),
        {(0, 1): -1.0, (1, 0): -1.0},
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_other_tools_write_is_read(name: str, oscc: Run, tmp_path: Path) -> None:
    content, labels, couplings = READ[name]
    (tmp_path / name).write_bytes(content)
    status, _, err = oscc("compile", tmp_path / name, "--core", "ising-56x56", "-o", tmp_path / "out")
    assert (status, err) == (0, "")
    assert (tmp_path / "out" / "problem").read_bytes() == content
    assert tuple(json.loads((tmp_path / "out" / "labels.json").read_text())) == labels
    graph = read_checkpoint(tmp_path / "out" / "model.safetensors")
    ends = zip(graph.src.tolist(), graph.dst.tolist(), strict=True)
    assert dict(zip(ends, graph.weight[0].tolist(), strict=True)) == pytest.approx(couplings)
