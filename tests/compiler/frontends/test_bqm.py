from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest

from oscc.compiler.errors import OsccError
from oscc.compiler.frontends.bqm import COO_FORMAT, JSON_FORMAT, parse_bqm

dimod = pytest.importorskip("dimod", reason="dimod writes what is read here")


def models() -> list[Any]:
    random = np.random.default_rng(0)
    made = []
    for vartype in ("SPIN", "BINARY"):
        linear = {label: float(random.normal()) for label in ("a", "b", ("c", 1), 4, 5)}
        pairs = {("a", "b"): 1.5, ("b", ("c", 1)): -0.75, (4, "a"): 2.0, (("c", 1), 4): 0.1}
        made.append(dimod.BinaryQuadraticModel(linear, pairs, 0.3, vartype))
    return made


@pytest.mark.parametrize("model", models(), ids=["spin", "binary"])
def test_energies_of_json_are_those_of_dimod(model: Any) -> None:
    problem = parse_bqm(json.dumps(model.to_serializable()), name="m", where="x")
    assert problem.labels == tuple(model.variables)
    for spins in product((-1, 1), repeat=5):
        values = spins if model.vartype is dimod.SPIN else [(1 + spin) // 2 for spin in spins]
        expected = model.energy(dict(zip(model.variables, values, strict=True)))
        assert problem.value(np.array([spins], np.int8))[0] == pytest.approx(expected)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_energies_of_coo_are_those_of_dimod(vartype: str) -> None:
    from dimod.serialization import coo

    model = dimod.BinaryQuadraticModel({0: 1.0, 1: -2.0, 2: 0.5}, {(0, 1): 0.5, (1, 2): -1.25}, vartype)
    problem = parse_bqm(coo.dumps(model, vartype_header=True), name="m", where="x")
    for spins in product((-1, 1), repeat=3):
        values = spins if vartype == "SPIN" else [(1 + spin) // 2 for spin in spins]
        assert problem.value(np.array([spins], np.int8))[0] == pytest.approx(model.energy(dict(enumerate(values))))


GOOD: dict[str, Any] = {
    "type": "BinaryQuadraticModel",
    "variable_labels": ["a", "b"],
    "variable_type": "SPIN",
    "offset": 0.0,
    "linear_biases": [0.0, 1.0],
    "quadratic_biases": [1.0],
    "quadratic_head": [0],
    "quadratic_tail": [1],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "Graph"}, "no BinaryQuadraticModel"),
        ({"variable_labels": None}, "key 'variable_labels' is missing"),
        ({"variable_type": "TERNARY"}, "vartype 'TERNARY'; accepted: SPIN, BINARY"),
        ({"linear_biases": [0.0]}, "labels and biases do not agree in number"),
        ({"variable_labels": ["a", "a"]}, "labels and biases do not agree in number"),
        ({"quadratic_head": [0, 1]}, "labels and biases do not agree in number"),
        ({"quadratic_biases": ["heavy"]}, "an entry that cannot be read"),
        ({"offset": "much"}, "an entry that cannot be read"),
        ({"quadratic_tail": [1.5]}, "an entry that cannot be read"),
        ({"quadratic_head": [True]}, "an entry that cannot be read"),
        ({"linear_biases": [0.0, float("inf")]}, "a bias that is no number"),
        ({"quadratic_tail": [2]}, "a quadratic bias of a variable that is not there, or with itself"),
        ({"quadratic_tail": [0]}, "a quadratic bias of a variable that is not there, or with itself"),
    ],
)
def test_json_that_is_wrong(change: dict[str, Any], message: str) -> None:
    content = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(OsccError) as caught:
        parse_bqm(json.dumps(content), name="m", where="x")
    assert (caught.value.code, caught.value.where, caught.value.message) == ("problem.bqm", "x", message)


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("{", "x:1", "no JSON: Expecting property name enclosed in double quotes", JSON_FORMAT),
        ("{" * 100_000, "x:1", "no JSON: Expecting property name enclosed in double quotes", JSON_FORMAT),
        ("", "x", "no biases", COO_FORMAT),
        ("0 1 1\n", "x", "no vartype; accepted: SPIN, BINARY", COO_FORMAT),
        ("# vartype=SPIN\n0 1\n", "x:2", "'0 1' is no bias", COO_FORMAT),
        ("# vartype=SPIN\n0 -1 2\n", "x:2", "'0 -1 2' is no bias", COO_FORMAT),
        ("# vartype=SPIN\n0 1 inf\n", "x:2", "'0 1 inf' is no bias", COO_FORMAT),
    ],
)
def test_text_that_is_wrong(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_bqm(text, name="m", where="x")
    error = caught.value
    assert (error.code, error.where, error.message, error.hint) == ("problem.bqm", place, message, hint)


def test_more_variables_than_any_core_has_cells() -> None:
    with pytest.raises(OsccError, match="variable 262144; at most 262143"):
        parse_bqm("# vartype=SPIN\n0 262144 1.0\n", name="m", where="x")
    with pytest.raises(OsccError, match="a number too long"):
        parse_bqm('{"type": ' + "9" * 5000 + "}", name="m", where="x")
