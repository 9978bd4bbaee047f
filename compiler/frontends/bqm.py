"""Binary quadratic models of dimod: its JSON (``bqm.to_serializable()``) and its COO text; dimod is not needed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from oscc.base.node_labels import Label, label_json, printable
from oscc.base.strict_json import JsonError, parse_json
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.frontends.text import (
    MOST_SPINS,
    added_weight,
    as_number,
    as_whole,
    fault,
    number_fault,
    numbered_lines,
    quoted,
    quoted_json,
    whole_fault,
)

JSON_FORMAT = "expected what json.dumps(bqm.to_serializable()) writes"
COO_FORMAT = "expected '# vartype=SPIN' or '# vartype=BINARY', then a line 'I J BIAS' for each bias, linear where I = J"

JSON_TYPES = ("BinaryQuadraticModel", "Float32BQM", "Float64BQM", "DictBQM")
"""Names that dimod's classes write as ``type``."""

DEEPEST_LABEL = 16
"""Lists within lists that a label may be."""

_JSON = re.compile(r'[\[{"]|(?:null|true|false|NaN|-?Infinity)\b')
"""How JSON begins; a number begins a line of COO, too."""

# As dimod looks for it in a comment.
_VARTYPE = re.compile(r"[ \t]*#.*?vartype[:=][ \t]*([-_.a-zA-Z0-9]+)")


@dataclass(frozen=True)
class _Biases:
    """A model as its file has it: biases by places of labels, a pair as often as it stands there."""

    labels: tuple[Label, ...]
    linear: dict[int, float]
    quadratic: list[tuple[int, int, float]]
    offset: float
    binary: bool


def parse_bqm(text: str, *, name: str, where: str) -> IsingProblem:
    """Return the problem of a text: JSON where it begins as any JSON but a number does, COO otherwise.

    Binary variables x become spins s = 2 x - 1 (F. Barahona, J. Phys. A 15, 1982): the energies are the same.

    Parameters
    ----------
    text : str
    name : str
    where : str
        Of the text, for errors.

    Raises
    ------
    OsccError
        ``problem.bqm``, with what is at fault.
    """
    start = text.lstrip(" \t\n")
    if not start:
        # Nothing tells which of the two it was to be.
        raise fault("bqm", "empty", where, f"{JSON_FORMAT}; or, as COO, {COO_FORMAT.removeprefix('expected ')}")
    read = _read_json(text, where) if _JSON.match(start) else _read_coo(text, where)
    sums: dict[tuple[int, int], float] = {}
    for one, other, bias in read.quadratic:
        pair = (min(one, other), max(one, other))
        sums[pair] = sums.get(pair, 0.0) + bias
    pairs = np.array(sorted(sums), dtype=np.int32).reshape(-1, 2)
    first, second = pairs[:, 0].copy(), pairs[:, 1].copy()
    coupling = np.array([sums[pair] for pair in sorted(sums)], dtype=np.float64)
    field = np.array([read.linear.get(place, 0.0) for place in range(len(read.labels))], dtype=np.float64)
    offset = read.offset
    if read.binary:
        # a x + b x y with x = (1 + s) / 2: a / 2 (1 + s) + b / 4 (1 + s + t + s t).
        offset += float(field.sum()) / 2 + float(coupling.sum()) / 4
        field = field / 2
        np.add.at(field, first, coupling / 4)
        np.add.at(field, second, coupling / 4)
        coupling = coupling / 4
    return IsingProblem(name, "qubo" if read.binary else "ising", first, second, coupling, field, offset, read.labels)


def _read_coo(text: str, where: str) -> _Biases:
    vartype: str | None = None
    biases: list[tuple[int, int, float]] = []
    total = 0.0
    for number, words in numbered_lines(text):
        at = f"{where}:{number}"
        line = " ".join(words)
        if line.startswith("#"):
            if found := _VARTYPE.match(line):
                if vartype not in (None, found[1]):
                    raise fault("bqm", f"vartype {quoted(found[1])}, and '{vartype}' before", at, COO_FORMAT)
                vartype = found[1]
                _is_binary(vartype, at, COO_FORMAT)
            continue
        ends = [as_whole(word) for word in words[:2]]
        bias = as_number(words[2]) if len(words) == 3 else None
        if None in ends or bias is None:
            why = (whole_fault(words[:2]) or number_fault(words[2])) if len(words) == 3 else ""
            message = f"{quoted(line)} is no bias"
            raise fault("bqm", f"{message}: {why}" if why else message, at, COO_FORMAT)
        total = added_weight(total, bias, "bqm", at)
        biases.append((int(ends[0] or 0), int(ends[1] or 0), bias))
    if not biases:
        raise fault("bqm", "no biases", where, COO_FORMAT)
    # Only those that stand there are variables, as dimod reads it, whatever numbers lie between them.
    labels = sorted({end for one, other, _ in biases for end in (one, other)})
    _check_number(len(labels), where)
    place = {label: index for index, label in enumerate(labels)}
    linear: dict[int, float] = {}
    for one, other, bias in biases:
        if one == other:
            linear[place[one]] = linear.get(place[one], 0.0) + bias
    quadratic = [(place[one], place[other], bias) for one, other, bias in biases if one != other]
    return _Biases(tuple(labels), linear, quadratic, 0.0, _is_binary(vartype, where, COO_FORMAT))


def _read_json(text: str, where: str) -> _Biases:
    try:
        content = parse_json(text)
    except JsonError as error:
        at = where if error.line is None else f"{where}:{error.line}"
        raise fault("bqm", f"no JSON that is read: {error}", at, JSON_FORMAT) from None
    if not isinstance(content, dict):
        raise fault("bqm", f"JSON, but no BinaryQuadraticModel: {quoted_json(content)}", where, JSON_FORMAT)
    if "type" not in content:
        given = "an object without 'type'" if content else "an empty object"
        raise fault("bqm", f"JSON, but no BinaryQuadraticModel: {given}", where, JSON_FORMAT)
    if content["type"] not in JSON_TYPES:
        raise fault("bqm", f"no BinaryQuadraticModel, but type {quoted_json(content['type'])}", where, JSON_FORMAT)
    if content.get("use_bytes"):
        raise fault("bqm", "its biases are bytes (use_bytes)", where, JSON_FORMAT)
    binary = _is_binary(_entry(content, "variable_type", where), where, JSON_FORMAT)
    labels = tuple(
        _label(given, f"variable_labels[{place}]", where) for place, given in _list(content, "labels", where)
    )
    _check_number(len(labels), where)
    _check_distinct(labels, where)
    linear = [_bias(given, f"linear_biases[{place}]", where) for place, given in _list(content, "linear", where)]
    quadratic = [_bias(given, f"quadratic_biases[{place}]", where) for place, given in _list(content, "biases", where)]
    head, tail = (
        [_end(given, f"quadratic_{key}[{place}]", len(labels), where) for place, given in _list(content, key, where)]
        for key in ("head", "tail")
    )
    offset = _bias(_entry(content, "offset", where), "offset", where)
    if len(linear) != len(labels) or not len(head) == len(tail) == len(quadratic):
        raise fault("bqm", "labels and biases do not agree in number", where, JSON_FORMAT)
    for key, count in (("num_variables", len(labels)), ("num_interactions", len(quadratic))):
        if content.get(key, count) != count:
            raise fault("bqm", f"{key} is {quoted_json(content[key])}, but there are {count}", where)
    for place, (one, other) in enumerate(zip(head, tail, strict=True)):
        if one == other:
            label = printable(label_json(labels[one]))
            raise fault("bqm", f"quadratic_biases[{place}] is of variable {label} with itself", where)
    total = added_weight(0.0, offset, "bqm", f"{where}, offset")
    for key, biases in (("linear_biases", linear), ("quadratic_biases", quadratic)):
        for place, bias in enumerate(biases):
            total = added_weight(total, bias, "bqm", f"{where}, {key}[{place}]")
    return _Biases(labels, dict(enumerate(linear)), list(zip(head, tail, quadratic, strict=True)), offset, binary)


_LISTS = {"labels": "variable_labels", "linear": "linear_biases", "biases": "quadratic_biases"} | {
    end: f"quadratic_{end}" for end in ("head", "tail")
}


def _entry(content: dict[str, Any], key: str, where: str) -> Any:
    if key not in content:
        raise fault("bqm", f"key '{key}' is missing", where, JSON_FORMAT)
    return content[key]


def _list(content: dict[str, Any], what: str, where: str) -> list[tuple[int, Any]]:
    given = _entry(content, _LISTS[what], where)
    if not isinstance(given, list):
        raise fault("bqm", f"{_LISTS[what]}: {quoted_json(given)} is no list", where, JSON_FORMAT)
    return list(enumerate(given))


def _label(given: Any, at: str, where: str, depth: int = 0) -> Label:
    """Return a label as dimod has it: its JSON has lists for tuples."""
    if isinstance(given, list) and depth < DEEPEST_LABEL:
        return tuple(_label(part, at, where, depth + 1) for part in given)
    # A boolean is a number to Python, and 1 to dimod.
    if type(given) in (str, int) or (type(given) is float and math.isfinite(given)):
        label: Label = given
        return label
    raise fault(
        "bqm",
        f"{at}: {quoted_json(given)} is no label; labels are texts, numbers, or lists of such",
        where,
        JSON_FORMAT,
    )


def _check_distinct(labels: tuple[Label, ...], where: str) -> None:
    seen: dict[Label, Label] = {}
    for label in labels:
        if label in seen:
            # 1 and 1.0 are one variable to dimod, too.
            raise fault("bqm", f"variable {printable(label_json(label))} stands twice among the labels", where)
        seen[label] = label


def _bias(given: Any, at: str, where: str) -> float:
    # Integers of JSON can be longer than any float.
    if type(given) is float and math.isfinite(given):
        return given
    if type(given) is int and abs(given) <= 10**308:
        return float(given)
    raise fault("bqm", f"{at}: {quoted_json(given)} is no finite number", where, JSON_FORMAT)


def _end(given: Any, at: str, variables: int, where: str) -> int:
    if type(given) is not int or not 0 <= given < variables:
        raise fault("bqm", f"{at}: {quoted_json(given)} is the place of none of {variables} labels", where, JSON_FORMAT)
    return given


def _check_number(variables: int, where: str) -> None:
    if variables > MOST_SPINS:
        raise fault("bqm", f"{variables} variables; at most {MOST_SPINS}", where)


def _is_binary(vartype: object, where: str, form: str) -> bool:
    if vartype not in ("SPIN", "BINARY"):
        given = "no vartype" if vartype is None else f"vartype {quoted(str(vartype))}"
        raise fault("bqm", f"{given}; accepted: SPIN, BINARY", where, form)
    return vartype == "BINARY"
