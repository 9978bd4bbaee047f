"""Binary quadratic models of dimod: its JSON (``bqm.to_serializable()``) and its COO text; dimod is not needed."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.frontends.text import MOST_SPINS, as_number, as_whole, fault

JSON_FORMAT = "expected what json.dumps(bqm.to_serializable()) writes"
COO_FORMAT = "expected '# vartype=SPIN' or '# vartype=BINARY', then a line 'I J BIAS' for each bias, linear where I = J"


def parse_bqm(text: str, *, name: str, where: str) -> IsingProblem:
    """The problem of a text: JSON where it begins with a brace, COO otherwise.

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
    parsed = _parse_json(text, where) if text.lstrip().startswith("{") else _parse_coo(text, where)
    labels, linear, quadratic, offset, binary = parsed
    numbered = {label: place for place, label in enumerate(labels)}
    sums: dict[tuple[int, int], float] = {}
    for one, other, bias in quadratic:
        pair = (min(numbered[one], numbered[other]), max(numbered[one], numbered[other]))
        sums[pair] = sums.get(pair, 0.0) + bias
    pairs = np.array(sorted(sums), dtype=np.int32).reshape(-1, 2)
    first, second = pairs[:, 0].copy(), pairs[:, 1].copy()
    coupling = np.array([sums[pair] for pair in sorted(sums)], dtype=np.float64)
    field = np.array([linear.get(label, 0.0) for label in labels], dtype=np.float64)
    if binary:
        # a x + b x y with x = (1 + s) / 2: a / 2 (1 + s) + b / 4 (1 + s + t + s t).
        offset += field.sum() / 2 + coupling.sum() / 4
        field = field / 2
        np.add.at(field, first, coupling / 4)
        np.add.at(field, second, coupling / 4)
        coupling = coupling / 4
    return IsingProblem(name, "ising", first, second, coupling, field, float(offset), tuple(labels))


_Parsed = tuple[list[Any], dict[Any, float], list[tuple[Any, Any, float]], float, bool]


def _parse_coo(text: str, where: str) -> _Parsed:
    vartype: str | None = None
    linear: dict[int, float] = {}
    quadratic: list[tuple[int, int, float]] = []
    largest = -1
    for number, line in enumerate(text.splitlines(), 1):
        at = f"{where}:{number}"
        if line.startswith("#"):
            if found := re.fullmatch(r"#\s*vartype\s*=\s*(\w+)\s*", line):
                vartype = found[1]
            continue
        words = line.split()
        if not words:
            continue
        ends = [as_whole(word) for word in words[:2]]
        bias = as_number(words[2]) if len(words) == 3 else None
        if None in ends or bias is None:
            raise fault("bqm", f"'{line.strip()}' is no bias", at, COO_FORMAT)
        one, other = (int(end or 0) for end in ends)
        if max(one, other) >= MOST_SPINS:
            raise fault("bqm", f"variable {max(one, other)}; at most {MOST_SPINS - 1}", at)
        largest = max(largest, one, other)
        if one == other:
            linear[one] = linear.get(one, 0.0) + bias
        else:
            quadratic.append((one, other, bias))
    if largest < 0:
        raise fault("bqm", "no biases", where, COO_FORMAT)
    return list(range(largest + 1)), linear, quadratic, 0.0, _is_binary(vartype, where, COO_FORMAT)


def _parse_json(text: str, where: str) -> _Parsed:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise fault("bqm", f"no JSON: {error.msg}", f"{where}:{error.lineno}", JSON_FORMAT) from None
    except (RecursionError, ValueError):
        raise fault("bqm", "no JSON that a problem needs: too deep, or a number too long", where, JSON_FORMAT) from None
    if not isinstance(content, dict) or content.get("type") != "BinaryQuadraticModel":
        raise fault("bqm", "no BinaryQuadraticModel", where, JSON_FORMAT)
    try:
        # Lists in JSON are tuples in dimod's labels.
        labels = [_hashable(label) for label in content["variable_labels"]]
        linear, biases = (np.array(content[f"{kind}_biases"], np.float64).ravel() for kind in ("linear", "quadratic"))
        head, tail = (_whole_numbers(content[f"quadratic_{end}"]) for end in ("head", "tail"))
        offset = float(content["offset"])
        binary = _is_binary(content["variable_type"], where, JSON_FORMAT)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"key '{error.args[0]}' is missing" if isinstance(error, KeyError) else "an entry that cannot be read"
        raise fault("bqm", what, where, JSON_FORMAT) from None
    if len(set(labels)) != len(labels) or linear.size != len(labels) or not head.size == tail.size == biases.size:
        raise fault("bqm", "labels and biases do not agree in number", where, JSON_FORMAT)
    if not all(np.isfinite(part).all() for part in (linear, biases)) or not np.isfinite(offset):
        raise fault("bqm", "a bias that is no number", where)
    ends = np.concatenate([head, tail])
    if ends.size and (ends.min() < 0 or ends.max() >= len(labels) or np.any(head == tail)):
        raise fault("bqm", "a quadratic bias of a variable that is not there, or with itself", where)
    pairs = [
        (labels[int(one)], labels[int(other)], float(bias)) for one, other, bias in zip(head, tail, biases, strict=True)
    ]
    return labels, dict(zip(labels, linear.tolist(), strict=True)), pairs, offset, binary


def _whole_numbers(given: list[Any]) -> NDArray[np.int64]:
    if not all(type(number) is int for number in given):
        # numpy would cut off what is behind the point.
        raise ValueError("not whole")
    return np.array(given, np.int64)


def _is_binary(vartype: object, where: str, form: str) -> bool:
    if vartype not in ("SPIN", "BINARY"):
        given = "no vartype" if vartype is None else f"vartype '{vartype}'"
        raise fault("bqm", f"{given}; accepted: SPIN, BINARY", where, form)
    return vartype == "BINARY"


def _hashable(label: Any) -> Any:
    return tuple(map(_hashable, label)) if isinstance(label, list) else label
