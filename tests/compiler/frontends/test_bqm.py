from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
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
        ({"type": "Graph"}, 'no BinaryQuadraticModel, but type "Graph"'),
        ({"type": None}, "JSON, but no BinaryQuadraticModel: an object without 'type'"),
        ({"type": ["DictBQM"]}, 'no BinaryQuadraticModel, but type ["DictBQM"]'),
        ({"use_bytes": True}, "its biases are bytes (use_bytes)"),
        ({"variable_labels": None}, "key 'variable_labels' is missing"),
        ({"offset": None}, "key 'offset' is missing"),
        ({"variable_type": "TERNARY"}, "vartype 'TERNARY'; accepted: SPIN, BINARY"),
        ({"variable_type": ["SPIN"]}, "vartype '['SPIN']'; accepted: SPIN, BINARY"),
        ({"linear_biases": [0.0]}, "labels and biases do not agree in number"),
        ({"quadratic_head": [0, 1]}, "labels and biases do not agree in number"),
        ({"num_variables": 3}, "num_variables is 3, but there are 2"),
        ({"num_interactions": "1"}, 'num_interactions is "1", but there are 1'),
        # Labels.
        ({"variable_labels": ["a", "a"]}, 'variable "a" stands twice among the labels'),
        ({"variable_labels": [1, 1.0]}, "variable 1.0 stands twice among the labels"),
        ({"variable_labels": [[1, [2]], [1, [2]]]}, "variable [1, [2]] stands twice among the labels"),
        ({"variable_labels": [{"a": 1}, "b"]}, 'variable_labels[0]: {"a": 1} is no label; labels are texts, numbers'),
        ({"variable_labels": ["a", ["b", {}]]}, "variable_labels[1]: {} is no label; labels are texts, numbers, or li"),
        ({"variable_labels": ["a", True]}, "variable_labels[1]: true is no label; labels are texts, numbers, or lists"),
        ({"variable_labels": [[[]] * 3, "b"], "linear_biases": 1}, "linear_biases: 1 is no list"),
        ({"variable_labels": "ab"}, 'variable_labels: "ab" is no list'),
        ({"variable_labels": {"a": 0, "b": 1}}, 'variable_labels: {"a": 0, "b": 1} is no list'),
        # Biases.
        ({"quadratic_biases": ["heavy"]}, 'quadratic_biases[0]: "heavy" is no finite number'),
        ({"linear_biases": ["1.5", 0]}, 'linear_biases[0]: "1.5" is no finite number'),
        ({"linear_biases": [0, True]}, "linear_biases[1]: true is no finite number"),
        ({"linear_biases": [[0, 1]]}, "linear_biases[0]: [0, 1] is no finite number"),
        ({"linear_biases": [0, 10**400]}, "linear_biases[1]: 1000"),
        ({"offset": "much"}, 'offset: "much" is no finite number'),
        ({"offset": False}, "offset: false is no finite number"),
        ({"linear_biases": [0.0, float("inf")]}, "no JSON that is read: JSON has no Infinity"),
        ({"offset": float("nan")}, "no JSON that is read: JSON has no NaN"),
        # Their variables.
        ({"quadratic_tail": [1.5]}, "quadratic_tail[0]: 1.5 is the place of none of 2 labels"),
        ({"quadratic_head": [True]}, "quadratic_head[0]: true is the place of none of 2 labels"),
        ({"quadratic_tail": [2]}, "quadratic_tail[0]: 2 is the place of none of 2 labels"),
        ({"quadratic_tail": [-1]}, "quadratic_tail[0]: -1 is the place of none of 2 labels"),
        ({"quadratic_tail": [10**30]}, "quadratic_tail[0]: 1000000000000000000000000000000 is the place of none of 2"),
        ({"quadratic_tail": [0]}, 'quadratic_biases[0] is of variable "a" with itself'),
    ],
)
def test_json_that_is_wrong(change: dict[str, Any], message: str) -> None:
    content = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(OsccError) as caught:
        parse_bqm(json.dumps(content), name="m", where="x")
    assert (caught.value.code, caught.value.where) == ("problem.bqm", "x")
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("{", "x:1", "no JSON that is read: Expecting property name enclosed in double quotes", JSON_FORMAT),
        ('{"a": {"b":\n1, "b": 1}}', "x", "no JSON that is read: key 'b' stands twice", JSON_FORMAT),
        ('{"a": ' * 100_000, "x", "no JSON that is read: nested too deeply", JSON_FORMAT),
        ('{"offset": 1e999}', "x", "JSON, but no BinaryQuadraticModel: an object without 'type'", JSON_FORMAT),
        *(
            (text, "x", f"JSON, but no BinaryQuadraticModel: {shown}", JSON_FORMAT)
            for text, shown in (
                ("{}", "an empty object"),
                (" [ ]\n", "[]"),
                ("[[0, 1, 2.5]]", "[[0, 1, 2.5]]"),
                ("null", "null"),
                ('"0 1 1"', '"0 1 1"'),
            )
        ),
        ("", "x", "empty", f"{JSON_FORMAT}; or, as COO, {COO_FORMAT.removeprefix('expected ')}"),
        ("\n \n", "x", "empty", f"{JSON_FORMAT}; or, as COO, {COO_FORMAT.removeprefix('expected ')}"),
        ("# vartype=SPIN\n", "x", "no biases", COO_FORMAT),
        ("0 1 1\n", "x", "no vartype; accepted: SPIN, BINARY", COO_FORMAT),
        ("# vartype=SPIN\n0 1\n", "x:2", "'0 1' is no bias", COO_FORMAT),
        ("# vartype=SPIN\n0 -1 2\n", "x:2", "'0 -1 2' is no bias: '-1' is negative", COO_FORMAT),
        ("# vartype=SPIN\n0 1 inf\n", "x:2", "'0 1 inf' is no bias: 'inf' is not finite", COO_FORMAT),
        ("# vartype=SPIN\n0 1 1_0\n", "x:2", "'0 1 1_0' is no bias", COO_FORMAT),
        ("# vartype=SPIN\n0 \u0661 1\n", "x:2", "'0 \u0661 1' is no bias", COO_FORMAT),
        ("# vartype=SPIN\n0\u00a01 1\n", "x:2", '"0\\u00a01 1" is no bias', COO_FORMAT),
        ("# vartype=SPIN\n0 1 1\x0c2 3 4\n", "x:2", '"0 1 1\\f2 3 4" is no bias', COO_FORMAT),
        ("# vartype=SPIN\n0 1 1\n# vartype=BINARY", "x:3", "vartype 'BINARY', and 'SPIN' before", COO_FORMAT),
        ("0 1 1\n# vartype=binary", "x:2", "vartype 'binary'; accepted: SPIN, BINARY", COO_FORMAT),
    ],
)
def test_text_that_is_wrong(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_bqm(text, name="m", where="x")
    error = caught.value
    assert (error.code, error.where, error.message, error.hint) == ("problem.bqm", place, message, hint)


def test_more_variables_than_any_core_has_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oscc.compiler.frontends.bqm.MOST_SPINS", 3)
    lines = ["# vartype=SPIN", *(f"{100 * place} 0 1" for place in range(1, 4))]
    assert parse_bqm("\n".join(lines[:3]), name="m", where="x").spins == 3
    labels = {"variable_labels": ["a", "b", "c", "d"], "linear_biases": [0, 0, 0, 0]}
    for text in ("\n".join(lines), json.dumps({**GOOD, **labels})):
        with pytest.raises(OsccError, match="4 variables; at most 3"):
            parse_bqm(text, name="m", where="x")


def test_a_number_that_is_too_long_to_be_read() -> None:
    with pytest.raises(OsccError, match="an integer in it has too many digits"):
        parse_bqm('{"type": ' + "9" * 5000 + "}", name="m", where="x")


@pytest.mark.parametrize("kind", [dimod.Float32BQM, dimod.Float64BQM, dimod.DictBQM, "object", "float32"])
@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_models_of_every_type_that_dimod_has(kind: Any, vartype: str) -> None:
    arguments = ({"a": 0.1, "b": 2}, {("a", "b"): -0.3}, 0.7, vartype)
    if isinstance(kind, str):
        model = dimod.BinaryQuadraticModel(*arguments, dtype=object if kind == "object" else np.float32)
    else:
        model = kind(*arguments)
    problem = parse_bqm(json.dumps(model.to_serializable()), name="m", where="x")
    assert problem.kind == ("ising" if vartype == "SPIN" else "qubo")
    for spins in product((-1, 1), repeat=2):
        given = np.array([spins], np.int8)
        values = dict(zip("ab", problem.assignment(given)[0].tolist(), strict=True))
        assert problem.value(given)[0] == pytest.approx(float(model.energy(values)), abs=1e-12)


def test_whole_biases_of_any_length_that_a_float_has() -> None:
    content = {**GOOD, "linear_biases": [3, -(10**30)], "quadratic_biases": [2]}
    problem = parse_bqm(json.dumps(content), name="m", where="x")
    assert (problem.field.tolist(), problem.coupling.tolist()) == ([3.0, -1e30], [2.0])


def test_variables_of_coo_are_those_that_stand_there() -> None:
    problem = parse_bqm("# vartype=SPIN\n4000 5000 1\n30 4000 -1\n", name="m", where="x")
    assert problem.labels == (30, 4000, 5000)
    assert list(zip(problem.first.tolist(), problem.second.tolist(), problem.coupling.tolist(), strict=True)) == [
        (0, 1, -1.0),
        (1, 2, 1.0),
    ]
    assert problem.field.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("# vartype=SPIN\n0 1 1e308\n1 0 1e308\n", "x:2", "with weight 1e+308, weights come to 1e+308 in all; at most"),
        ("# vartype=SPIN\n0 1 6e149\n1 0 -6e149\n", "x:3", "with weight -6e+149, weights come to 1.2e+150 in all; at "),
        ({"offset": 1e200}, "x, offset", "with weight 1e+200, weights come to 1e+200 in all; at most 1e+150 can be"),
        ({"linear_biases": [0, -1e200]}, "x, linear_biases[1]", "with weight -1e+200, weights come to 1e+200 in all;"),
        ({"quadratic_biases": [1e308]}, "x, quadratic_biases[0]", "with weight 1e+308, weights come to 1e+308 in all;"),
    ],
)
def test_weights_that_no_sum_holds(text: str | dict[str, Any], place: str, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_bqm(text if isinstance(text, str) else json.dumps({**GOOD, **text}), name="m", where="x")
    assert (caught.value.where, caught.value.code) == (place, "problem.bqm")
    assert caught.value.message.startswith(message)


LABELS = st.recursive(
    st.text(max_size=3) | st.integers(-5, 5) | st.sampled_from([0.5, -1.5]), lambda inner: st.tuples(inner, inner)
)


@st.composite
def dimod_models(draw: st.DrawFn) -> Any:
    labels = draw(st.lists(LABELS, min_size=1, max_size=5, unique=True))
    bias = st.floats(-100, 100) | st.integers(-100, 100)
    pairs = [(one, other) for place, one in enumerate(labels) for other in labels[place + 1 :] if draw(st.booleans())]
    return dimod.BinaryQuadraticModel(
        {label: draw(bias) for label in labels},
        {pair: draw(bias) for pair in pairs},
        draw(bias),
        draw(st.sampled_from(["SPIN", "BINARY"])),
        dtype=draw(st.sampled_from([np.float64, object])),
    )


@settings(max_examples=40)
@given(dimod_models(), st.data())
def test_any_model_of_dimod_has_its_energies(model: Any, data: st.DataObject) -> None:
    problem = parse_bqm(json.dumps(model.to_serializable()), name="m", where="x")
    assert problem.labels == tuple(model.variables)
    spins = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=problem.spins, max_size=problem.spins))
    given = np.array([spins], np.int8)
    values = dict(zip(problem.labels, problem.assignment(given)[0].tolist(), strict=True))
    assert problem.value(given)[0] == pytest.approx(float(model.energy(values)), abs=1e-9)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(["SPIN", "BINARY"]))
def test_any_coo_text_is_what_dimod_reads(data: st.DataObject, vartype: str) -> None:
    from dimod.serialization import coo

    bias = st.sampled_from(["1", "-0.5", "+2.25", "1.000000", "-3"])
    line = st.tuples(st.integers(0, 6), st.integers(0, 6), bias, st.sampled_from([" ", "\t", "  "]))
    lines = [
        sep.join([str(one * 100), str(other * 100), text])
        for one, other, text, sep in data.draw(st.lists(line, min_size=1, max_size=8))
    ]
    header = data.draw(st.sampled_from(["# vartype={}", "#vartype: {}", " # model, vartype={} "])).format(vartype)
    lines.insert(data.draw(st.integers(0, len(lines))), header)
    text = data.draw(st.sampled_from(["\n", "\n\n"])).join(lines)
    problem, model = parse_bqm(text, name="m", where="x"), coo.loads(text)
    assert problem.labels == tuple(sorted(map(int, map(str, model.variables))))
    spins = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=problem.spins, max_size=problem.spins))
    given = np.array([spins], np.int8)
    values = dict(zip(problem.labels, problem.assignment(given)[0].tolist(), strict=True))
    assert problem.value(given)[0] == pytest.approx(model.energy(values))
