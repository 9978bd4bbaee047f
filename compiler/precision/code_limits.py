"""Limits: from where on codes are no longer the model, and the numbers that are compared with them."""

from __future__ import annotations

import numpy as np

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.precision.code_use import GroupUse, GroupValues, distinct_numbers
from oscc.compiler.precision.coded_problem import problem_of

DEAD = 0.2
"""W001: couplings with a code other than 0, as a part of those of chunks that have any, below which a trained model
hardly couples: fewer than 5 of the 24 into a cell of the presets. The models in examples/ have 0.78 to 0.82, a fresh
one whose spread is a code step 0.62."""

ROUGH = 0.25
"""W002: error of a group over its norm in a chunk. Normally distributed parameters, the largest at five standard
deviations, have 0.2 with 4 bits and 0.5 with 3."""

MATTERS = 0.05
"""W002, W006: part of the norm of all parameters of a chunk below which a trained group does not matter: less than what
strong mismatch (0.1) does to the rest."""

MERGED = 0.25
"""W003: part of the pairs of different given parameters with one and the same code. Normally distributed ones, the
largest at five standard deviations, have 0.2 with 4 bits and 0.4 with 3."""

CROWD = 3
"""W003: different parameters on one code from which on they count as merged: two that fall together are rounding."""

VANISHED = 1.0 / 3.0
"""W005: part of the given parameters of a group that may become code 0, or change their sign. Normally distributed
ones, the largest at five standard deviations, have 0.28 with 4 bits and 0.6 with 3."""

ENDS = 1.5
"""W006: codes of the largest magnitude, of all that are not 0, over the part that they would have if all codes came
equally often. Codes that training drove against their limits come more often there; the models in examples/ have at
most 0.1."""


def is_given(graph: CouplingGraph) -> bool:
    """Return whether the parameters of a model stand in a file that a person or another program wrote, as they are.

    Parameters
    ----------
    graph : CouplingGraph
    """
    return problem_of(graph) is not None or isinstance(graph.recorded.get("graph"), dict)


def live_share(values: GroupValues, idle: int = 0) -> float:
    """Return the part of parameters with a code other than 0, of the chunks in which any parameter is not 0.

    A chunk whose couplings are all 0 was made so, and says nothing of the others.

    Parameters
    ----------
    values : GroupValues
    idle : int
        Parameters that are 0 in all chunks and not among the values.
    """
    codes = values.codes[np.any(values.own != 0, axis=1)]
    count = codes.size + len(codes) * idle
    return float(np.count_nonzero(codes) / count) if count else 0.0


def ends_ratio(use: GroupUse) -> float:
    """Return how much more often the largest codes come than if all that are not 0 came equally often.

    Parameters
    ----------
    use : GroupUse
    """
    top = (1 << (use.bits - 1)) - 1
    return use.at_ends / use.codes_not_zero * top if use.codes_not_zero else 0.0


def one_code(values: GroupValues) -> int | None:
    """Return the last chunk in which all parameters that are not 0 have one code though they differ; None without any.

    Parameters
    ----------
    values : GroupValues
    """
    for chunk in reversed(range(len(values.own))):
        some = distinct_numbers(values.own[chunk])
        codes = values.codes[chunk][some != 0]
        if np.unique(some[some != 0]).size > 1 and np.unique(codes).size == 1:
            return chunk
    return None


def is_lost(use: GroupUse, values: GroupValues) -> bool:
    """Return whether a group of given parameters is warned of, but for saturation: W001, W002, W003 or W005.

    Parameters
    ----------
    use : GroupUse
    values : GroupValues
        Of the same codes.
    """
    return (
        (use.not_zero > 0 and not use.codes_not_zero)
        or is_vanished(use)
        or is_merged(use, values)
        or any(error > ROUGH for error in use.error)
    )


def is_vanished(use: GroupUse) -> bool:
    """Return whether W005 is given: too many parameters became 0, or changed their sign.

    Parameters
    ----------
    use : GroupUse
    """
    return use.zeroed + use.sign_changed > VANISHED * use.not_zero


def is_merged(use: GroupUse, values: GroupValues) -> bool:
    """Return whether W003 is given: parameters that differ have one code.

    Parameters
    ----------
    use : GroupUse
    values : GroupValues
        Of the same codes.
    """
    return one_code(values) is not None or (use.merged > MERGED and use.crowd >= CROWD)
