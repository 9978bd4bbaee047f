"""Runs passes in order: times each, verifies the level that it returns, stops at the first whose answer is no."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.findings import Finding, FindingError, FindingsError, finding_codes
from oscc.base.progress import Report, tell_stage
from oscc.compiler.ir.coded import CodedGraph, verify_codes
from oscc.compiler.ir.graph import CouplingGraph, verify_graph
from oscc.compiler.ir.placed import PlacedGraph, verify_placed
from oscc.compiler.ir.routed import RoutedGraph, verify_routed
from oscc.compiler.ir.store import Level
from oscc.core.program import Program
from oscc.core.program_check import verify_program
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)


class Pass(Protocol):
    """A pass takes a level and returns the next; its options are fields of its dataclass.

    It never changes what it was given. When the answer is no it raises `FindingsError` with every finding; what a user
    gave wrongly it raises as `OsccError`.
    """

    @property
    def name(self) -> str:
        """One word, unique among the passes of a pipeline."""

    @property
    def description(self) -> str:
        """One line."""

    def run(self, level: Any) -> Level:
        """Return the next level."""


@dataclass(frozen=True)
class PassRecord:
    """How long a pass took.

    Parameters
    ----------
    name : str
    seconds : float
        Wall time of the pass and of the verifier after it.
    """

    name: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {"name": self.name, "seconds": self.seconds}


@dataclass(frozen=True)
class PipelineResult:
    """What a pipeline came to.

    Parameters
    ----------
    levels : dict of str to Level
        What each pass returned, by its name, in order; a pass whose answer was no has none.
    records : tuple of PassRecord
        Of every pass that was run, the last one included.
    findings : tuple of Finding
        Of the pass that stopped the pipeline; empty when every pass delivered.
    about : Level or None
        What they are about, where the pass says so (`FindingsError`).
    """

    levels: dict[str, Level]
    records: tuple[PassRecord, ...]
    findings: tuple[Finding, ...]
    about: Level | None = None

    def last(self) -> Level | None:
        """Return the last level that was reached."""
        return next(reversed(self.levels.values()), None)


Kind = TypeVar("Kind")


def reached(levels: Mapping[str, Level], name: str, kind: type[Kind]) -> Kind | None:
    """Return the level that a pass returned, of the kind that it returns; None where it was not reached.

    Parameters
    ----------
    levels : mapping of str to Level
    name : str
        Of the pass.
    kind : type
    """
    level = levels.get(name)
    return level if isinstance(level, kind) else None


def run_pipeline(
    passes: Sequence[Pass], level: Any = None, *, core: CoreSpec, report: Report | None = None
) -> PipelineResult:
    """Run passes in order.

    Parameters
    ----------
    passes : sequence of Pass
    level : Level or None
        What the first pass is given.
    core : CoreSpec
        The core that the pipeline compiles for.
    report : callable, optional
        Told which pass begins.

    Raises
    ------
    OsccError
        As the passes raise it.
    """
    levels: dict[str, Level] = {}
    records: list[PassRecord] = []
    for step in passes:
        begin = time.perf_counter()
        findings: tuple[Finding, ...] = ()
        about: Level | None = None
        tell_stage(report, f"pass {step.name}")
        try:
            level = step.run(level)
            verify_level(level, core)
        except FindingsError as error:
            findings, about = error.findings, error.about
        except FindingError as error:
            findings = (error.finding,)
        records.append(PassRecord(step.name, time.perf_counter() - begin))
        _LOG.info("pass %s: findings %s; %.3f s", step.name, finding_codes(findings), records[-1].seconds)
        if findings:
            return PipelineResult(levels, tuple(records), findings, about)
        levels[step.name] = level
    return PipelineResult(levels, tuple(records), ())


def verify_level(level: Level, core: CoreSpec) -> None:
    """Run the verifier that belongs to a level.

    Parameters
    ----------
    level : Level
    core : CoreSpec

    Raises
    ------
    FindingError
        With the first finding.
    """
    match level:
        case CouplingGraph():
            verify_graph(level)
        case RoutedGraph():
            verify_routed(level)
        case PlacedGraph():
            verify_placed(level)
        case CodedGraph():
            verify_codes(level)
        case Program():
            verify_program(level, core)


def parse_dump_requests(requests: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the passes after which a dump is wanted, in the order of the pipeline.

    Parameters
    ----------
    requests : iterable of str
        Each ``after:PASS``.
    names : sequence of str
        Of the passes of the pipeline.

    Raises
    ------
    OsccError
        ``dump.unknown-pass``
    """
    wanted = set()
    for request in requests:
        name = request.removeprefix("after:")
        if name == request or name not in names:
            guess = did_you_mean(request, [f"after:{accepted}" for accepted in names])
            raise OsccError("dump.unknown-pass", f"'{request}' is not after:PASS{guess}", where="--dump-ir")
        wanted.add(name)
    return tuple(name for name in names if name in wanted)
