"""Causes: findings that have one reason are one entry, with what follows from it counted under it.

Checks find one thing at a time: a coupling outside the stencil, a node outside the grid. A person needs the reason that
they share, and the most fundamental one first: `ORDER`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import MAX_LISTED, Finding
from oscc.compiler.diagnosis.cause_groups import DESCRIBED, MOST_ASTRAY, Group, is_regular
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.time_scale import longer_tau
from oscc.core.spec import CoreSpec

ORDER = (
    ("F004",),
    ("F005", "L007"),
    ("C001", "C002", "C003"),
    ("L010", "L012", "L011", "L013", "L008"),
    ("F003",),
    ("F002",),
    ("S005", "S004", "S001", "S002", "S003"),
    ("R009",),
    ("R007", "R002"),
    ("R001", "R003"),
    ("R006",),
    ("F001",),
    ("R004",),
    ("R005",),
    ("R010", "R008"),
    ("L001", "L002", "L006", "L009", "L014"),
)
"""Codes by how fundamental they are: what holds wherever nodes are placed, then what holds of a placement, then what
a search did not find."""

PLACEMENT = ("R001", "R002", "R003", "R004", "R005", "R006", "R007", "R008", "R009", "R010", "F001")
"""Codes about a placement as it stands."""

BOUNDS = ("L010", "L011", "L012", "L013")
"""Codes of bounds, of any placement."""

TOO_SHORT = ("S004", "S002", "S003")
"""Codes of a tau that was given, by the user or by the model, and is too short."""


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
        known = {each.name: content[each.name] for each in fields(cls) if each.name in content}
        examples = tuple(Finding(**example) for example in content.get("examples", ()))
        return cls(**{**known, "examples": examples})

    def totals(self) -> Counter[str]:
        """Return how many findings of each code the cause stands for."""
        return Counter({self.code: self.count}) + Counter(self.consequences)


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
    pool: dict[str, list[Finding]] = {}
    for finding in findings:
        pool.setdefault(finding.code, []).append(finding)
    drafts = [*_of_sizes(pool), *_of_cells(pool, placed), *_of_times(pool)]
    drafts += [_Draft(group) for code in list(pool) for group in _by_kind(pool.pop(code))]
    drafts.sort(key=lambda draft: _rank(draft.code))
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
    def code(self) -> str:
        return self.own[0].code

    def cause(self, graph: CouplingGraph, placed: PlacedGraph | None) -> Cause:
        head = as_cause(self.own[0])
        describe: Callable[[Group, PlacedGraph], Finding] | None = DESCRIBED.get(self.code)
        if len(self.own) > 1:
            if describe is not None and placed is not None:
                head = as_cause(describe(self.own, placed))
            else:
                more = f" (and {len(self.own) - 1} more)"
                head = replace(head, message=head.message + more, proof=all(each.proof for each in self.own))
            head = replace(head, examples=tuple(self.own[:MAX_LISTED]))
        counts = Counter(each.code for each in (*self.follow, *self.told))
        return replace(
            head,
            count=len(self.own),
            consequences=dict(sorted(counts.items())),
            examples=(*head.examples, *self.told),
        )


def _rank(code: str) -> int:
    return next((place for place, codes in enumerate(ORDER) if code in codes), len(ORDER))


def _by_kind(group: Group) -> list[Group]:
    """Group findings of one code that have one reason, by kind."""
    code = group[0].code
    if code == "R006":
        kinds = [[each for each in group if ("opposite" in each.witness) is unequal] for unequal in (False, True)]
        return [kind for kind in kinds if kind]
    if code in DESCRIBED:
        return [group]
    return [[each] for each in group]


def _of_sizes(pool: dict[str, list[Finding]]) -> list[_Draft]:
    """Group what follows from too few cells: nodes off the grid, on defective or on unreadable cells."""
    heads = [*pool.pop("F005", []), *pool.pop("L007", [])]
    if not heads:
        return []
    draft = _Draft([heads[0]])
    if heads[0].code == "F005":
        draft.follow = [*pool.pop("R009", []), *pool.pop("L001", [])]
    drafts = [draft, *map(_Draft, ([each] for each in heads[1:]))]
    for each in drafts:
        if each.code == "L007":
            each.follow += pool.pop("F001" if each.own[0].witness["cause"] == "readout" else "R004", [])
    return drafts


def _of_cells(pool: dict[str, list[Finding]], placed: PlacedGraph | None) -> list[_Draft]:
    """Group what is wrong with a placement, as far as one thing follows from another."""
    if placed is None:
        return []
    drafts: list[_Draft] = []
    far, outside = pool.pop("R001", []), pool.get("R009", [])
    if outside:
        off = {each.witness["node"] for each in outside}
        kinds = {tuple(each.witness["displacement"]) for each in far if not off & _ends(each)}
        # An offset that other couplings have, too, is not due to where these nodes are.
        due = [each for each in far if off & _ends(each) and tuple(each.witness["displacement"]) not in kinds]
        unread = pool.get("F001", [])
        if len(off) > MOST_ASTRAY or not _can_be_read(placed, off):
            unread = [each for each in unread if each.witness["node"] in off]
        drafts.append(_Draft(pool.pop("R009"), [*due, *unread]))
        far = _without(far, due)
        _put_back(pool, "F001", _without(pool.pop("F001", []), unread))
    if "R007" in pool:
        due = [each for each in far if each.witness["displacement"] == [0, 0]]
        drafts.append(_Draft(pool.pop("R007"), [*due, *pool.pop("R002", [])]))
        far = _without(far, due)
    crowded = pool.pop("R003", [])
    if crowded and not (far and is_regular(placed)):
        nodes = {each.witness["node"] for each in crowded}
        due = [each for each in far if each.witness["dst"] in nodes]
        drafts.append(_Draft(crowded, due))
        crowded, far = [], _without(far, due)
    if far:
        draft = _Draft(far, crowded)
        if placed.graph.position is not None and is_regular(placed):
            # What a model of a wider stencil needs of this one follows from that.
            draft.told = [each for code in BOUNDS for each in pool.pop(code, [])]
        drafts.append(draft)
    if "R010" in pool:
        drafts.append(_Draft(pool.pop("R010"), pool.pop("R008", [])))
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


def _of_times(pool: dict[str, list[Finding]]) -> list[_Draft]:
    """Group what follows from a given tau that is too short: the finding that needs the longest stands for all."""
    found = [each for code in TOO_SHORT for each in pool.pop(code, [])]
    if not found:
        return []
    head = max(found, key=_needed_tau)
    rest = [each for each in found if each is not head]
    if head.code == "S004" and rest:
        groups = [each.witness["group"] for each in found if each.code == "S004"]
        # To saturate helps where nothing else needs a longer tau.
        groups = groups if len(groups) == len(found) else []
        head = replace(head, fix=longer_tau(head.witness["needed_tau_s"], groups, given=head.witness["given"]))
    return [_Draft([head], told=rest)]


def _needed_tau(finding: Finding) -> float:
    witness = finding.witness
    bound = {"S002": "load", "S003": "readout"}
    return float(witness["bounds_s"][bound[finding.code]] if finding.code in bound else witness["needed_tau_s"])


def _note_searches(drafts: list[_Draft]) -> None:
    """Put what was searched under the first cause that the search was about."""
    about = next((draft for draft in drafts if draft.code in (*PLACEMENT, "F005", "L007")), None)
    if about is None:
        return
    for draft in [each for each in drafts if each.code in ("L002", "L014")]:
        about.told += draft.own
        drafts.remove(draft)


def _ends(finding: Finding) -> set[int]:
    return {finding.witness["src"], finding.witness["dst"]}


def _without(group: list[Finding], gone: list[Finding]) -> list[Finding]:
    taken = {id(each) for each in gone}
    return [each for each in group if id(each) not in taken]


def _put_back(pool: dict[str, list[Finding]], code: str, group: list[Finding]) -> None:
    if group:
        pool[code] = group
