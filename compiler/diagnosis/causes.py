"""Causes: findings that have one reason are one entry, with what follows from it counted under it.

Checks find one thing at a time: a coupling outside the stencil, a node outside the grid. A person needs the reason that
they share, and the most fundamental one first: `ORDER`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import MAX_LISTED, Finding, FindingKind
from oscc.compiler.diagnosis.cause_groups import DESCRIBED, MOST_ASTRAY, Group, is_regular
from oscc.compiler.findings.of_bounds import BOUNDS, CLIQUE_BOUND, CUT_BOUND, DEGREE_BOUND, DENSITY_BOUND
from oscc.compiler.findings.of_fit import NO_HARDWARE, TOO_FEW_CELLS, TOO_MANY_CHUNKS, TOO_MANY_NODES, UNREADABLE_PIXEL
from oscc.compiler.findings.of_placers import (
    ALL_EXCLUDED,
    EXACT_ENDED,
    NO_CHAINS,
    NO_SYMMETRIC_PLACEMENT,
    NOT_ANNEALED,
    NOT_PLACED,
    NOT_REPAIRED,
    TOO_MANY_COPIES,
    WEAK_MODEL,
)
from oscc.compiler.findings.of_routes import (
    CROWDED_NODE,
    DEAD_CELL,
    DEAD_SLOT,
    FAR_COUPLING,
    FULL_BOUNDARY,
    FULL_CUT,
    NODE_OUTSIDE,
    SHARED_CELL,
    SHARED_UNIT,
    UNEVEN_PAIR,
)
from oscc.compiler.findings.of_times import BEYOND_FULL_SCALE, LONG_RUN, SHORT_RUN, SHORT_SAMPLE, TOO_MANY_CYCLES
from oscc.compiler.findings.table import kind_of
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.time_fixes import longer_tau
from oscc.core.program_findings import OTHER_PHASES
from oscc.core.spec import CoreSpec

ORDER: tuple[tuple[FindingKind[Any], ...], ...] = (
    (NO_HARDWARE,),
    (TOO_MANY_NODES, TOO_FEW_CELLS),
    (NO_CHAINS, WEAK_MODEL, TOO_MANY_COPIES),
    (DEGREE_BOUND, CLIQUE_BOUND, DENSITY_BOUND, CUT_BOUND, ALL_EXCLUDED),
    (TOO_MANY_CHUNKS,),
    (OTHER_PHASES,),
    (LONG_RUN, BEYOND_FULL_SCALE, TOO_MANY_CYCLES, SHORT_RUN, SHORT_SAMPLE),
    (NODE_OUTSIDE,),
    (SHARED_CELL, SHARED_UNIT),
    (FAR_COUPLING, CROWDED_NODE),
    (UNEVEN_PAIR,),
    (UNREADABLE_PIXEL,),
    (DEAD_CELL,),
    (DEAD_SLOT,),
    (FULL_CUT, FULL_BOUNDARY),
    (NOT_PLACED, NO_SYMMETRIC_PLACEMENT, NOT_ANNEALED, EXACT_ENDED, NOT_REPAIRED),
)
"""Kinds by how fundamental they are: what holds wherever nodes are placed, then what holds of a placement, then what
a search did not find."""

TOO_SHORT = (BEYOND_FULL_SCALE, SHORT_RUN, SHORT_SAMPLE)
"""Kinds of findings of a tau that was given, by the user or by the model, and is too short."""


Pool = dict[FindingKind[Any], list[Finding]]
"""Findings that no cause has taken yet."""


@dataclass(frozen=True)
class Cause(Finding):
    """A finding that stands for others.

    Parameters
    ----------
    count : int
        Findings of its code that it stands for, itself included.
    consequences : dict of str to int
        Findings of other codes that would not be there without it, by code.
    examples : tuple of Finding
        The first `oscc.base.findings.MAX_LISTED` of its code, where there are several; and those consequences that
        say more than that they follow, such as what was searched.
    """

    count: int = 1
    consequences: dict[str, int] = field(default_factory=dict)
    examples: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the cause as JSON: a finding with ``count``, ``consequences`` and ``examples``."""
        return {
            **super().as_dict(),
            "count": self.count,
            "consequences": self.consequences,
            "examples": [example.as_dict() for example in self.examples],
        }

    @classmethod
    def of_dict(cls, content: Mapping[str, Any]) -> Cause:
        """Return the cause that `as_dict` wrote, or a finding of before there were causes.

        Parameters
        ----------
        content : mapping
        """
        own = _finding_of(content)
        examples = tuple(map(_finding_of, content.get("examples", ())))
        count, consequences = content.get("count", 1), content.get("consequences", {})
        return cls(own.kind, own.words, own.fixes, own.witness, own.nodes, count, consequences, examples)

    def named(self, labels: Sequence[str]) -> Self:
        """Return the cause, and its examples, with the names that a file gives to nodes.

        Parameters
        ----------
        labels : sequence of str
            As `Finding.named` takes them.
        """
        examples = tuple(example.named(labels) for example in self.examples)
        return replace(super().named(labels), examples=examples)

    def totals(self) -> Counter[str]:
        """Return how many findings of each code the cause stands for."""
        return Counter({self.code: self.count}) + Counter(self.consequences)


def _finding_of(content: Mapping[str, Any]) -> Finding:
    """Return the finding that `Finding.as_dict` wrote; its message names nodes already as a file does."""
    kind = kind_of(content["code"], content.get("proof", True))
    words, fixes = (content["message"],), (content["fix"],)
    return Finding(kind, words, fixes, content.get("witness", {}), content.get("nodes", {}))


def find_causes(findings: Sequence[Finding], graph: CouplingGraph, placed: PlacedGraph | None) -> tuple[Cause, ...]:
    """Return the causes of findings, the most fundamental first.

    Parameters
    ----------
    findings : sequence of Finding
        Of one model on one core. All of them are counted once, as causes or as consequences.
    graph : CouplingGraph
    placed : PlacedGraph or None
        The placement that findings of codes R and F001 are about.
    """
    pool: Pool = {}
    for finding in findings:
        pool.setdefault(finding.kind, []).append(finding)
    drafts = [*_of_sizes(pool), *_of_cells(pool, placed), *_of_times(pool)]
    drafts += [_Draft(group) for kind in list(pool) for group in _by_reason(pool.pop(kind))]
    drafts.sort(key=lambda draft: _rank(draft.kind))
    _note_searches(drafts)
    return tuple(draft.cause(graph, placed) for draft in drafts)


def total_findings(causes: Iterable[Cause]) -> int:
    """Return how many findings causes stand for."""
    return sum(sum(cause.totals().values()) for cause in causes)


def as_cause(finding: Finding) -> Cause:
    """Return a finding as a cause that stands for itself."""
    if isinstance(finding, Cause):
        return finding
    return Cause(**{each.name: getattr(finding, each.name) for each in fields(Finding)})


@dataclass
class _Draft:
    """A cause that is being put together: its own findings, those that follow, and those of these that are told."""

    own: Group
    follow: list[Finding] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)

    @property
    def kind(self) -> FindingKind[Any]:
        return self.own[0].kind

    def cause(self, graph: CouplingGraph, placed: PlacedGraph | None) -> Cause:
        head = as_cause(self.own[0])
        describe: Callable[[Group, PlacedGraph], Finding] | None = DESCRIBED.get(self.kind)
        if len(self.own) > 1:
            if describe is not None and placed is not None:
                head = as_cause(describe(self.own, placed))
            else:
                more = f" (and {len(self.own) - 1} more)"
                head = replace(head, words=(*head.words, more))
            head = replace(head, examples=tuple(self.own[:MAX_LISTED]))
        counts = Counter(each.code for each in (*self.follow, *self.told))
        return replace(
            head,
            count=len(self.own),
            consequences=dict(sorted(counts.items())),
            examples=(*head.examples, *self.told),
        )


def _rank(kind: FindingKind[Any]) -> int:
    return next((place for place, kinds in enumerate(ORDER) if kind in kinds), len(ORDER))


def _by_reason(group: Group) -> list[Group]:
    """Group findings of one code that have one reason, by kind."""
    kind = group[0].kind
    if kind is UNEVEN_PAIR:
        kinds = [[each for each in group if ("opposite" in each.witness) is unequal] for unequal in (False, True)]
        return [kind for kind in kinds if kind]
    if kind in DESCRIBED:
        return [group]
    return [[each] for each in group]


def _of_sizes(pool: Pool) -> list[_Draft]:
    """Group what follows from too few cells: nodes off the grid, on defective or on unreadable cells."""
    heads = [*pool.pop(TOO_MANY_NODES, []), *pool.pop(TOO_FEW_CELLS, [])]
    if not heads:
        return []
    draft = _Draft([heads[0]])
    if heads[0].kind is TOO_MANY_NODES:
        draft.follow = [*pool.pop(NODE_OUTSIDE, []), *pool.pop(NOT_PLACED, [])]
    drafts = [draft, *map(_Draft, ([each] for each in heads[1:]))]
    for each in drafts:
        if each.kind is TOO_FEW_CELLS:
            each.follow += pool.pop(UNREADABLE_PIXEL if each.own[0].witness["cause"] == "readout" else DEAD_CELL, [])
    return drafts


def _of_cells(pool: Pool, placed: PlacedGraph | None) -> list[_Draft]:
    """Group what is wrong with a placement, as far as one thing follows from another."""
    if placed is None:
        return []
    drafts: list[_Draft] = []
    far, outside = pool.pop(FAR_COUPLING, []), pool.get(NODE_OUTSIDE, [])
    if outside:
        off = {each.witness["node"] for each in outside}
        kinds = {tuple(each.witness["displacement"]) for each in far if not off & _ends(each)}
        # An offset that other couplings have, too, is not due to where these nodes are.
        due = [each for each in far if off & _ends(each) and tuple(each.witness["displacement"]) not in kinds]
        unread = pool.get(UNREADABLE_PIXEL, [])
        if len(off) > MOST_ASTRAY or not _can_be_read(placed, off):
            unread = [each for each in unread if each.witness["node"] in off]
        drafts.append(_Draft(pool.pop(NODE_OUTSIDE), [*due, *unread]))
        far = _without(far, due)
        _put_back(pool, UNREADABLE_PIXEL, _without(pool.pop(UNREADABLE_PIXEL, []), unread))
    if SHARED_CELL in pool:
        due = [each for each in far if each.witness["displacement"] == [0, 0]]
        drafts.append(_Draft(pool.pop(SHARED_CELL), [*due, *pool.pop(SHARED_UNIT, [])]))
        far = _without(far, due)
    crowded = pool.pop(CROWDED_NODE, [])
    if crowded and not (far and is_regular(placed)):
        nodes = {each.witness["node"] for each in crowded}
        due = [each for each in far if each.witness["dst"] in nodes]
        drafts.append(_Draft(crowded, due))
        crowded, far = [], _without(far, due)
    if far:
        draft = _Draft(far, crowded)
        if placed.graph.position is not None and is_regular(placed):
            # What a model of a wider stencil needs of this one follows from that.
            draft.told = [each for kind in BOUNDS for each in pool.pop(kind, [])]
        drafts.append(draft)
    if FULL_CUT in pool:
        drafts.append(_Draft(pool.pop(FULL_CUT), pool.pop(FULL_BOUNDARY, [])))
    return drafts


def _can_be_read(placed: PlacedGraph, off: set[int]) -> bool:
    """Return whether all nodes that are read out, but for some, are on readable cells once the model is shifted.

    Placers shift and turn models, but never where a node stays off the grid.
    """
    core = placed.core
    rest = np.setdiff1d(np.arange(placed.graph.nodes), sorted(off))
    read = placed.cell[np.setdiff1d(placed.graph.readout, sorted(off))].astype(np.int64)
    cell = placed.cell[rest].astype(np.int64)
    if not rest.size:
        return False
    for turn in ((0, 1), (1, 0)):
        low, high = cell[:, turn].min(axis=0), cell[:, turn].max(axis=0)
        room = np.array(core.grid) - 1 - high
        ways = [
            [
                shift
                for shift in range(-int(low[axis]), int(room[axis]) + 1)
                if _is_read(read[:, at] + shift, core, axis)
            ]
            for axis, at in enumerate(turn)
        ]
        if all(ways):
            return True
    return False


def _is_read(line: NDArray[np.int64], core: CoreSpec, axis: int) -> bool:
    origin, step = core.readout.origin[axis], core.readout.step[axis]
    return bool(np.all((line >= origin) & ((line - origin) % step == 0)))


def _of_times(pool: Pool) -> list[_Draft]:
    """Group what follows from a given tau that is too short: the finding that needs the longest stands for all."""
    found = [each for kind in TOO_SHORT for each in pool.pop(kind, [])]
    if not found:
        return []
    head = max(found, key=_needed_tau)
    rest = [each for each in found if each is not head]
    if head.kind is BEYOND_FULL_SCALE and rest:
        groups = [each.witness["group"] for each in found if each.kind is BEYOND_FULL_SCALE]
        # To saturate helps where nothing else needs a longer tau.
        groups = groups if len(groups) == len(found) else []
        fix = longer_tau(head.witness["needed_tau_s"], groups, given=head.witness["given"])
        head = replace(head, fixes=(fix,))
    return [_Draft([head], told=rest)]


def _needed_tau(finding: Finding) -> float:
    witness = finding.witness
    bound: dict[FindingKind[Any], str] = {SHORT_RUN: "load", SHORT_SAMPLE: "readout"}
    return float(witness["bounds_s"][bound[finding.kind]] if finding.kind in bound else witness["needed_tau_s"])


def _note_searches(drafts: list[_Draft]) -> None:
    """Put what was searched under the first cause that the search was about."""
    about = next(
        (draft for draft in drafts if draft.kind.of_placement or draft.kind in (TOO_MANY_NODES, TOO_FEW_CELLS)), None
    )
    if about is None:
        return
    for draft in [each for each in drafts if each.kind in (NO_SYMMETRIC_PLACEMENT, NOT_REPAIRED)]:
        about.told += draft.own
        drafts.remove(draft)


def _ends(finding: Finding) -> set[int]:
    return {finding.witness["src"], finding.witness["dst"]}


def _without(group: list[Finding], gone: list[Finding]) -> list[Finding]:
    taken = {id(each) for each in gone}
    return [each for each in group if id(each) not in taken]


def _put_back(pool: Pool, kind: FindingKind[Any], group: list[Finding]) -> None:
    if group:
        pool[kind] = group
