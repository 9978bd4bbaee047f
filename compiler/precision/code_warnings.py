"""Warnings: a model that fits, and yet will not work, or not as it was meant (codes W001 to W006).

A model fits when every parameter has a code. Whether the codes still are the model is what these rules ask. They go by
whether parameters were trained, where many small errors cancel and training may have rounded already, or were given, as
those of a problem or of a graph in a file: there each number is a part of the question.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.precision.code_limits import (
    DEAD,
    ENDS,
    MATTERS,
    ROUGH,
    ends_ratio,
    is_given,
    is_merged,
    is_vanished,
    live_share,
    one_code,
)
from oscc.compiler.precision.code_use import CodeUse, code_use, group_values
from oscc.compiler.precision.code_warning_texts import (
    Case,
    dead,
    ends,
    merged,
    rough,
    saturated,
    vanished,
)


def code_warnings(coded: CodedGraph, idle: int = 0, use: CodeUse | None = None) -> tuple[CodeWarning, ...]:
    """Return every reason why the codes of a model may not be the model.

    W001 hardly a coupling acts, or all codes of a group are 0; W002 rounding takes a large part of a trained group;
    W003 given parameters that differ have one code; W004 parameters saturate; W005 given parameters became 0; W006
    trained parameters crowd at the ends of the DAC.

    Parameters
    ----------
    coded : CodedGraph
    idle : int
        Couplings of weight zero that were left out of the model beforehand.
    use : CodeUse, optional
        That of the codes, where it was computed already.
    """
    use = code_use(coded) if use is None else use
    found: list[CodeWarning] = []
    for group, values in group_values(coded):
        case = Case(coded, group, values, use.groups[group], use, idle if group == "coupling" else 0)
        # What says most of a group comes first, and alone: the others follow from it.
        found += [warning for warning in (saturated(case), next(_lost(case), None)) if warning is not None]
    return tuple(sorted(found, key=lambda warning: warning.code))


def _lost(case: Case) -> Iterator[CodeWarning]:
    graph = case.coded.placed.graph
    if not case.use.not_zero:
        if case.group == "coupling" and not is_given(graph) and case.use.parameters:
            yield dead(case)
        return
    if is_given(graph):
        if not case.use.codes_not_zero:
            yield dead(case)
        elif case.problem is None or case.group in ("coupling", "field"):
            # SHIL and detuning of a problem are the ramp's: no part of what was asked.
            yield from _given(case)
        return
    if case.group == "coupling" and live_share(case.values, case.idle) < DEAD:
        yield dead(case)
        return
    chunks = [chunk for chunk, error in enumerate(case.use.error) if error > ROUGH and _matters(case, chunk)]
    if chunks and not case.use.saturated:
        yield rough(case, chunks)
    ratio = ends_ratio(case.use)
    own = case.coded.placed.graph.time_scale_s is not None
    if (
        own
        and ratio > ENDS
        and case.use.values > 1
        and any(_matters(case, chunk) for chunk in range(case.coded.chunks))
    ):
        yield ends(case, ratio)


def _given(case: Case) -> Iterator[CodeWarning]:
    use = case.use
    if is_vanished(use):
        yield vanished(case)
    if is_merged(use, case.values):
        yield merged(case, one_code(case.values))
    chunks = [chunk for chunk, error in enumerate(use.error) if error > ROUGH]
    if chunks and not use.saturated:
        yield rough(case, chunks)


def _matters(case: Case, chunk: int) -> bool:
    whole = np.linalg.norm([use.norm[chunk] for use in case.code_use.groups.values()])
    return case.use.norm[chunk] > MATTERS * float(whole)
