"""From a model to a program: all passes in order, and the cheap checks on their own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from oscc.base.errors import OsccError
from oscc.base.findings import Finding, FindingKind, finding_codes
from oscc.compiler.diagnosis.causes import Cause, find_causes
from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.findings.of_fit import NO_HARDWARE, TOO_FEW_CELLS, TOO_MANY_CHUNKS, TOO_MANY_NODES
from oscc.compiler.findings.of_placers import NO_SYMMETRIC_PLACEMENT
from oscc.compiler.findings.of_times import TIMES
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph, idle_couplings, without_couplings
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.store import Level
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.pass_manager import PassRecord, reached, run_pipeline
from oscc.compiler.passes.assemble import AssemblePass
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.conditions import diagnose_conditions
from oscc.compiler.passes.place import AUTOMATIC, PlaceOptions, PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.schedule import SchedulePass, diagnose_sample_schedule
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.compiler.place.cell_rules import usable_cells
from oscc.compiler.place.placer import IdentityPlacer, SymmetryPlacer, identity_placement
from oscc.compiler.place.repair import DEFECTS
from oscc.compiler.precision.code_use import CodeUse, code_use
from oscc.compiler.precision.code_warnings import code_warnings
from oscc.core.families import family_named
from oscc.core.program import Program
from oscc.core.program_findings import OTHER_PHASES
from oscc.core.schedule_proof import trace_schedule
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

OF_POSITIONS = ("auto", "identity", "symmetry", "repair")
"""Placers that begin with the positions of a model that has them."""

UNAFFECTED: frozenset[FindingKind[Any]] = frozenset(
    (OTHER_PHASES, TOO_MANY_CHUNKS, NO_HARDWARE, TOO_MANY_NODES, TOO_FEW_CELLS, *TIMES)
)
"""Kinds of findings that are the same whether couplings of weight zero are there or not."""


LOADED = "load"
"""What the model is called among the levels, which no pass makes: a front end reads it."""


@dataclass(frozen=True)
class CompileResult:
    """What compiling or checking a model came to; levels that were not reached are None.

    Parameters
    ----------
    graph : CouplingGraph
        The model; without its idle couplings, where it fits only so.
    core : CoreSpec
    routed : RoutedGraph or None
        Placed and routed.
    timed : TimedGraph or None
        With its time scale.
    coded : CodedGraph or None
        Its codes; with the schedule (`ScheduledGraph`) where a program was made.
    program : Program or None
        None also when the model was only checked.
    records : tuple of PassRecord
        Wall time of every pass that was run.
    findings : tuple of Finding
        Every reason why the model does not fit; empty when it does.
    tried : PlacedGraph or None
        Where no placement was found, the one that the findings are about, or that of the model's own positions.
    idle : int
        Couplings of weight zero in all chunks that were left out, since the model does not fit with them.
    labels : tuple of str
        What the file of the model calls each node; empty where it calls them by their numbers.
    """

    graph: CouplingGraph
    core: CoreSpec
    routed: RoutedGraph | None = None
    timed: TimedGraph | None = None
    coded: CodedGraph | None = None
    program: Program | None = None
    records: tuple[PassRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    tried: PlacedGraph | None = None
    idle: int = 0
    labels: tuple[str, ...] = ()

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """The findings by their causes, the most fundamental first, with the labels of nodes."""
        causes = find_causes(self.findings, self.graph, self.placed)
        return tuple(cause.named(self.labels) for cause in causes)

    @property
    def feasible(self) -> bool:
        """Whether the model fits: there are no findings."""
        return not self.findings

    @property
    def placed(self) -> PlacedGraph | None:
        """The model on the core, as far as it came: placed, routed, scaled.

        Where none was found, the one that was tried, such as the best that annealing came to, or the one that the model
        was trained at, if it has positions.
        """
        return self.timed or self.routed or self.tried

    @property
    def codes(self) -> CodedGraph:
        """The codes of a model of which they were reached.

        Raises
        ------
        OsccError
            ``compile.infeasible`` where they were not.
        """
        if self.coded is None:
            raise OsccError("compile.infeasible", "the model does not fit the core", where=self.graph.name)
        return self.coded

    def levels(self) -> dict[str, Level]:
        """Return what each pass that was run returned, by its name, in order; `LOADED` is the model."""
        return {name: level for name, level_of in _LEVELS.items() if (level := level_of(self)) is not None}

    @cached_property
    def code_use(self) -> CodeUse | None:
        """How the codes serve the parameters; None when codes were not reached."""
        return None if self.coded is None else code_use(self.coded)

    @cached_property
    def warnings(self) -> tuple[CodeWarning, ...]:
        """Every reason why a model that fits may not do what it was made for; empty when it does not fit."""
        return () if self.coded is None or not self.feasible else code_warnings(self.coded, self.idle, self.code_use)

    def summary(self) -> dict[str, Any]:
        """Return what is worth knowing, as JSON; what was not reached is left out, and it holds no times of passes."""
        graph, core = self.graph, self.core
        summary: dict[str, Any] = {
            "feasible": self.feasible,
            "model": graph.name,
            "family": graph.family,
            "core": core.name,
            "nodes": graph.nodes,
            "couplings": graph.couplings,
            "max_degree": int(graph.in_degree().max(initial=0)),
            "chunks": graph.chunks,
            "findings": [cause.as_dict() for cause in self.causes],
            "weight_bits": core.weight_bits,
            "read_out": int(np.unique(graph.readout).size),
            "offers": _offers(core),
            **({"idle_couplings": self.idle} if self.idle else {}),
        }
        if self.routed is not None:
            summary["placement"] = self.routed.transform
        if self.timed is not None:
            scale = self.timed.time_scale
            summary |= {
                "tau_s": float(scale.tau_s.max()),
                "tau_s_per_chunk": scale.tau_s.tolist(),
                "tau_active_bound": scale.active,
                "tau_bounds_s": scale.bounds_s,
                "run_cycles": scale.run_cycles.tolist(),
                "cycles_per_sample": core.init.cycles + int(scale.run_cycles.sum()),
            }
        if self.coded is not None:
            groups = {group: numbers.as_dict() for group, numbers in self.coded.statistics.items()}
            summary["quantization"] = {**groups["coupling"], "groups": groups}
        if self.code_use is not None and self.feasible:
            summary["code_use"] = self.code_use.as_dict()
            summary["warnings"] = [warning.as_dict() for warning in self.warnings]
        if self.program is not None:
            timing = trace_schedule(self.program.instructions(), core, samples=1)
            summary["cycles_per_sample"] = timing.cycles_per_sample
        return summary


def _offers(core: CoreSpec) -> dict[str, int]:
    """Return how many cells of a core live, how many of those can be read, and for how many chunks it has memory."""
    living, readable = (int(cells.sum()) for cells in usable_cells(core))
    return {"cells": living, "readable_cells": readable, "chunks": core.chunks}


def _coded(result: CompileResult) -> CodedGraph | None:
    """Return the codes as the pass left them that made them: without a schedule."""
    return result.coded.unscheduled() if isinstance(result.coded, ScheduledGraph) else result.coded


_LEVELS: dict[str, Callable[[CompileResult], Level | None]] = {
    LOADED: lambda result: result.graph,
    PlacePass.name: lambda result: None if result.routed is None else result.routed.placement(),
    RoutePass.name: lambda result: result.routed,
    ScalePass.name: lambda result: result.timed,
    QuantizePass.name: _coded,
    SchedulePass.name: lambda result: result.coded if isinstance(result.coded, ScheduledGraph) else None,
    AssemblePass.name: lambda result: result.program,
}
"""What each pass returned, by its name, in order."""


def pass_names() -> tuple[str, ...]:
    """Return the names of what `CompileResult.levels` may hold, in order: the model, and all passes."""
    return tuple(_LEVELS)


def check_model(
    graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU, *, placing: PlaceOptions = AUTOMATIC
) -> CompileResult:
    """Check whether a model fits a core: placement, routing, read-out, chunks, initial phases, time scale and schedule.

    Parameters
    ----------
    graph : CouplingGraph
        Well formed, as front ends return it.
    core : CoreSpec
    options : ScaleOptions
    placing : PlaceOptions

    Returns
    -------
    CompileResult
        With every finding of every check, and the levels up to ``coded`` as far as they were reached.

    Raises
    ------
    OsccError
        As the passes raise it.
    """
    begun = time.monotonic()
    result = _checked(graph, core, options, placing)
    if not result.feasible and not {finding.kind for finding in result.findings} <= UNAFFECTED:
        idle = idle_couplings(graph)
        if idle.size:
            # They have no effect: what they need must not be in the way.
            if placing.timeout_s is not None:
                # The time is for both searches.
                placing = replace(placing, timeout_s=max(0.0, placing.timeout_s - (time.monotonic() - begun)))
            again = _checked(without_couplings(graph, idle), core, options, placing)
            return replace(again, records=(*result.records, *again.records), idle=int(idle.size))
    return result


def compile_model(
    graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU, *, placing: PlaceOptions = AUTOMATIC
) -> CompileResult:
    """Compile a model for a core.

    Parameters
    ----------
    graph : CouplingGraph
        Well formed, as front ends return it.
    core : CoreSpec
    options : ScaleOptions
    placing : PlaceOptions

    Returns
    -------
    CompileResult
        With all levels, or with every finding that `check_model` has.

    Raises
    ------
    OsccError
        As the passes raise it.
    """
    checked = check_model(graph, core, options, placing=placing)
    if not checked.feasible:
        return checked
    made = run_pipeline((SchedulePass(), AssemblePass()), checked.coded, core=core, report=placing.report)
    return replace(
        checked,
        coded=reached(made.levels, SchedulePass.name, ScheduledGraph) or checked.coded,
        program=reached(made.levels, AssemblePass.name, Program),
        records=(*checked.records, *made.records),
        findings=made.findings,
    )


def _checked(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, placing: PlaceOptions) -> CompileResult:
    begin = time.perf_counter()
    # What is cheap to decide is decided before anything is searched for.
    conditions = tuple(diagnose_conditions(graph, core, options))
    _LOG.info(
        "%s, %d nodes and %d couplings, on %s: conditions that are not met: %s",
        graph.name,
        graph.nodes,
        graph.couplings,
        core.name,
        finding_codes(conditions),
    )
    if conditions:
        tried, more = _positions_as_they_are(graph, core, placing)
        known = {finding.kind for finding in conditions}
        conditions += tuple(finding for finding in more if finding.kind not in known)
        conditions += () if tried is None else _weak_cell_findings(tried, options)
        record = PassRecord("conditions", time.perf_counter() - begin)
        return CompileResult(graph, core, records=(record,), findings=conditions, tried=tried)
    front = run_pipeline((PlacePass(core, placing), RoutePass()), graph, core=core, report=placing.report)
    if front.findings:
        about = front.about if isinstance(front.about, PlacedGraph) else identity_placement(graph, core)
        findings = front.findings if about is None else (*front.findings, *_weak_cell_findings(about, options))
        return CompileResult(graph, core, records=front.records, findings=findings, tried=about)
    # Codes cost little, and say whether what fits is still the model.
    back = run_pipeline((ScalePass(options), QuantizePass()), front.last(), core=core, report=placing.report)
    timed = reached(back.levels, ScalePass.name, TimedGraph)
    return CompileResult(
        graph,
        core,
        reached(front.levels, RoutePass.name, RoutedGraph),
        timed,
        reached(back.levels, QuantizePass.name, CodedGraph),
        records=(*front.records, *back.records),
        findings=back.findings if timed is None else tuple(diagnose_sample_schedule(timed.time_scale, core)),
    )


def _positions_as_they_are(
    graph: CouplingGraph, core: CoreSpec, placing: PlaceOptions
) -> tuple[PlacedGraph | None, tuple[Finding, ...]]:
    """Return a model of which a condition is not met at its own positions, and what is wrong with these.

    What a search might be rid of is not said: that is not known.
    """
    start = identity_placement(graph, core)
    if start is None or graph.position is None or placing.placer not in OF_POSITIONS:
        return start, ()
    placer = IdentityPlacer() if placing.placer == "identity" else SymmetryPlacer()
    found = placer.place(graph, core)
    kinds = {finding.kind for finding in found.findings} - {NO_SYMMETRIC_PLACEMENT}
    if kinds <= DEFECTS and placing.placer in ("auto", "repair"):
        return found.placed or start, ()
    return found.placed or start, found.findings


def _weak_cell_findings(placed: PlacedGraph, options: ScaleOptions) -> tuple[Finding, ...]:
    """Return findings about time on cells of different gain; elsewhere `diagnose_conditions` has them."""
    if not placed.core.defects.gain or not family_named(placed.graph.family).has_hardware:
        return ()
    return tuple(diagnose_time_scale(programmed_graph(placed), placed.core, options))
