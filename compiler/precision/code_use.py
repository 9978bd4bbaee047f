"""What the codes of a model make of its parameters: how many act, how many are told apart, how much is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.copies.copied_graph import copy_map_of
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.quantize import SINGLE, unit_couplings, unit_parameters
from oscc.compiler.precision.coded_problem import CodedProblem, coded_problem, problem_of
from oscc.core.groups import GROUPS
from oscc.core.spec import DacSpec

ALIKE = 2.0**-20
"""Parameters that differ by less than this part of the largest are the same number: sums in float32 end in such."""


@dataclass(frozen=True)
class GroupUse:
    """How the codes of one DAC group serve its parameters, over all chunks; numbers of chunks are lists.

    Parameters
    ----------
    bits : int
        Width of a code.
    parameters : int
        Parameters of used units; couplings that hold copies of a node together are not counted.
    not_zero : int
        Of them, those that are not 0 in the model.
    codes_not_zero : int
        Those whose code is not 0.
    codes_used, codes_available : int
        Different codes that occur, and that the DAC has.
    at_ends : int
        Codes of the largest magnitude.
    saturated : int
        Parameters beyond the top code by more than half a step, which is more than rounding.
    zeroed, sign_changed : int
        Parameters that are not 0 and became code 0, or one of the other sign.
    smallest_lsb, largest_lsb : float
        Least magnitude of a parameter that is not 0, and the largest [LSB]; 0 without any.
    values : int
        Different parameters that are not 0, in the chunk that has most of them.
    crowd : int
        Most different parameters of a chunk that share one code.
    merged : float
        Of all pairs of different parameters of a chunk that are not 0, the part with one and the same code.
    error : tuple of float
        Norm of what the codes are off by over the norm of the parameters, chunk by chunk; 0 where all are 0.
    norm : tuple of float
        Norm of the parameters, chunk by chunk [rad per unit of model time].
    """

    bits: int
    parameters: int
    not_zero: int
    codes_not_zero: int
    codes_used: int
    codes_available: int
    at_ends: int
    saturated: int
    zeroed: int
    sign_changed: int
    smallest_lsb: float
    largest_lsb: float
    values: int
    crowd: int
    merged: float
    error: tuple[float, ...]
    norm: tuple[float, ...]

    @property
    def share(self) -> float:
        """Part of the parameters whose code is not 0; 0 without any."""
        return self.codes_not_zero / self.parameters if self.parameters else 0.0


@dataclass(frozen=True, eq=False)
class GroupValues:
    """The parameters and codes of one group. Arrays are read-only.

    Parameters
    ----------
    own : float64[C, n]
        As the model has them [rad per unit of model time].
    scaled : float64[C, n]
        As the DACs must deliver them, in LSB: other than ``own`` where cells differ in gain.
    codes : int8[C, n]
    dac : DacSpec
    """

    own: NDArray[np.float64]
    scaled: NDArray[np.float64]
    codes: NDArray[np.int8]
    dac: DacSpec


@dataclass(frozen=True)
class CodeUse:
    """How the codes of a model serve its parameters.

    Parameters
    ----------
    groups : dict of str to GroupUse
        By group of `GROUPS`.
    problem : CodedProblem or None
        Of an Ising problem: what its codes make of the energy.
    """

    groups: dict[str, GroupUse]
    problem: CodedProblem | None

    def as_dict(self) -> dict[str, Any]:
        """Return the same as JSON: ``groups`` and, of a problem, ``problem``."""
        groups = {
            group: {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(use).items()}
            for group, use in self.groups.items()
        }
        return {"groups": groups, **({} if self.problem is None else {"problem": asdict(self.problem)})}


def code_use(coded: CodedGraph) -> CodeUse:
    """Return how the codes of a model serve its parameters.

    Parameters
    ----------
    coded : CodedGraph
    """
    groups = {group: measure_use(values, coded.lsb[group][:, None]) for group, values in group_values(coded)}
    graph = coded.placed.graph
    return CodeUse(groups, None if problem_of(graph) is None else coded_problem(coded))


def group_values(coded: CodedGraph) -> Iterator[tuple[str, GroupValues]]:
    """Yield the parameters and codes of every group of `GROUPS`, by its name.

    Of the couplings, those that hold copies of one node together are left out: they are no parameters of the model.

    Parameters
    ----------
    coded : CodedGraph
    """
    placed, graph = coded.placed, coded.placed.graph
    asked = unit_parameters(placed)
    unit = unit_couplings(placed.route)
    owner = copy_map_of(graph)
    own = np.ones(unit.size, dtype=bool) if owner is None else owner[graph.src[unit]] != owner[graph.dst[unit]]
    for group in GROUPS:
        scaled = asked[group] / coded.lsb[group][:, None]
        if group == "coupling":
            row, col = placed.route.unit_cell[unit].T
            codes = coded.codes.coupling[:, row, col, placed.route.slot[unit]]
            values = graph.weight[:, unit].astype(np.float64)
            yield group, GroupValues(values[:, own], scaled[:, own], codes[:, own], placed.core.dac(group))
        else:
            codes = coded.codes[group][:, placed.cell[:, 0], placed.cell[:, 1]]
            yield group, GroupValues(asked[group], scaled, codes, placed.core.dac(group))


def measure_use(values: GroupValues, lsb: NDArray[np.float64]) -> GroupUse:
    """Return how codes serve the parameters of a group.

    Parameters
    ----------
    values : GroupValues
    lsb : float64[C, 1]
        Worth of a code step [rad per unit of model time].
    """
    own, scaled, codes, dac = values.own, values.scaled, values.codes, values.dac
    size, error = np.abs(scaled), np.linalg.norm(codes - scaled, axis=1)
    norm = np.linalg.norm(scaled, axis=1)
    steps = size[size > 0]
    distinct = [_distinct(chunk, code) for chunk, code in zip(own, codes, strict=True)]
    different, merged = (sum(each[place] for each in distinct) for place in (2, 3))
    return GroupUse(
        bits=dac.bits,
        parameters=int(codes.size),
        not_zero=int(np.count_nonzero(own)),
        codes_not_zero=int(np.count_nonzero(codes)),
        codes_used=int(np.unique(codes).size),
        codes_available=len(dac.allowed_codes),
        at_ends=int(np.count_nonzero(np.abs(codes.astype(np.int16)) == dac.top_code)),
        saturated=int(np.count_nonzero(size > (dac.top_code + 0.5) * (1 + SINGLE))),
        zeroed=int(np.count_nonzero((codes == 0) & (scaled != 0))),
        sign_changed=int(np.count_nonzero(codes * scaled < 0)),
        smallest_lsb=float(steps.min()) if steps.size else 0.0,
        largest_lsb=float(steps.max()) if steps.size else 0.0,
        values=max((each[0] for each in distinct), default=0),
        crowd=max((each[1] for each in distinct), default=0),
        merged=merged / different if different else 0.0,
        error=tuple(np.divide(error, norm, out=np.zeros_like(norm), where=norm > 0).tolist()),
        norm=tuple((norm * lsb[:, 0]).tolist()),
    )


def distinct_numbers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the same integer for parameters that differ by rounding alone (`ALIKE`), int64[n].

    Parameters
    ----------
    values : float64[n]
    """
    largest = float(np.abs(values).max(initial=0.0))
    return np.rint(values / (largest * ALIKE if largest else 1.0)).astype(np.int64)


def _distinct(own: NDArray[np.float64], codes: NDArray[np.int8]) -> tuple[int, int, int, int]:
    """Count different values that are not 0, the most of them on one code, their pairs, and pairs that share a code."""
    number = distinct_numbers(own)
    number, codes = number[number != 0], codes[number != 0]
    if not number.size:
        return 0, 0, 0, 0
    each = np.unique(number, return_counts=True)[1]
    shared, count = np.unique(np.stack([codes.astype(np.int64), number]), axis=1, return_counts=True)
    members, most = np.unique(codes, return_counts=True)[1], np.unique(shared[0], return_counts=True)[1]
    different = _pairs(np.array([number.size])) - _pairs(each)
    return each.size, int(most.max()), different, _pairs(members) - _pairs(count)


def _pairs(counts: NDArray[np.int64]) -> int:
    """Return how many pairs groups of these sizes hold."""
    return sum(math.comb(count, 2) for count in counts.tolist())
