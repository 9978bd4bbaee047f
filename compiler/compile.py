"""From a checkpoint to a program: all passes in order, and the cheap checks on their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from oscc.base.findings import Finding
from oscc.compiler.diagnosis.causes import Cause, find_causes
from oscc.compiler.diagnosis.finding_names import name_nodes
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph, idle_couplings, without_couplings
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.store import Level
from oscc.compiler.pass_manager import Pass, PassRecord, PipelineResult, run_pipeline
from oscc.compiler.passes.assemble import AssemblePass
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.conditions import diagnose_conditions
from oscc.compiler.passes.load import LoadPass
from oscc.compiler.passes.place import AUTOMATIC, PlaceOptions, PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.schedule import SchedulePass, diagnose_sample_schedule
from oscc.compiler.passes.time_scale import ScaleOptions, ScalePass, diagnose_time_scale
from oscc.compiler.place.cell_rules import usable_cells
from oscc.compiler.place.placer import IdentityPlacer, SymmetryPlacer, identity_placement
from oscc.compiler.place.repair import DEFECTS
from oscc.compiler.precision.code_use import CodeUse, code_use
from oscc.compiler.precision.code_warning_texts import CodeWarning
from oscc.compiler.precision.code_warnings import code_warnings
from oscc.core.families import family_named
from oscc.core.program import Program
from oscc.core.schedule_proof import trace_schedule
from oscc.core.spec import CoreSpec

OF_POSITIONS = ("auto", "identity", "symmetry", "repair")
"""Placers that begin with the positions of a model that has them."""

UNAFFECTED = frozenset(("F002", "F003", "F004", "F005", "L007", "S001", "S002", "S003", "S004", "S005"))
"""Findings that are the same whether couplings of weight zero are there or not."""

AfterPass = Callable[[str, Level], None]

SMALLEST_TAU = ScaleOptions()
"""One tau for all chunks, the smallest at which nothing clips."""


@dataclass(frozen=True)
class CompileResult:
    """What compiling or checking a model came to.

    Parameters
    ----------
    core : CoreSpec
    levels : dict of str to Level
        What each pass returned, by its name, in order.
    records : tuple of PassRecord
        Wall time of every pass that was run.
    findings : tuple of Finding
        Every reason why the model does not fit; empty when it does.
    tried : PlacedGraph or None
        Where no placement was found, the one that they are about, or that of the model's own positions.
    idle : int
        Couplings of weight zero in all chunks that were left out, since the model does not fit with them.
    labels : tuple of str
        What the file of the model calls each node; empty where it calls them by their numbers.
    """

    core: CoreSpec
    levels: dict[str, Level]
    records: tuple[PassRecord, ...]
    findings: tuple[Finding, ...] = field(default=())
    tried: PlacedGraph | None = None
    idle: int = 0
    labels: tuple[str, ...] = ()

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """The findings by their causes, the most fundamental first, with the labels of nodes."""
        causes = find_causes(self.findings, self.graph, self.placed)
        return tuple(name_nodes(cause, self.labels) for cause in causes)

    @property
    def feasible(self) -> bool:
        """Whether the model fits: there are no findings."""
        return not self.findings

    @property
    def graph(self) -> CouplingGraph:
        """The model."""
        graph = self.levels["load"]
        assert isinstance(graph, CouplingGraph)
        return graph

    @property
    def placed(self) -> PlacedGraph | None:
        """The model on the core, as far as it came: placed, routed, scaled.

        Where none was found, the one that was tried, such as the best that annealing came to, or the one that the model
        was trained at, if it has positions.
        """
        for name in ("scale", "route", "place"):
            level = self.levels.get(name)
            if isinstance(level, PlacedGraph):
                return level
        return self.tried

    @property
    def coded(self) -> CodedGraph | None:
        """The codes, with the schedule where a program was made; None when they were not reached."""
        level = self.levels.get("schedule", self.levels.get("quantize"))
        return level if isinstance(level, CodedGraph) else None

    @cached_property
    def code_use(self) -> CodeUse | None:
        """How the codes serve the parameters; None when codes were not reached."""
        return None if self.coded is None else code_use(self.coded)

    @cached_property
    def warnings(self) -> tuple[CodeWarning, ...]:
        """Every reason why a model that fits may not do what it was made for; empty when it does not fit."""
        return () if self.coded is None or not self.feasible else code_warnings(self.coded, self.idle, self.code_use)

    @property
    def program(self) -> Program | None:
        """The program; None when the model was only checked or does not fit."""
        level = self.levels.get("assemble")
        return level if isinstance(level, Program) else None

    def summary(self) -> dict[str, Any]:
        """What is worth knowing, as JSON; what was not reached is left out, and it holds no times of passes."""
        graph, core, placed = self.graph, self.core, self.placed
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
        if placed is not None and placed.route is not None:
            summary["placement"] = placed.transform
        if placed is not None and placed.time_scale is not None:
            scale = placed.time_scale
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
    """How many cells of a core live, how many of those can be read, and for how many chunks it has memory."""
    living, readable = (int(cells.sum()) for cells in usable_cells(core))
    return {"cells": living, "readable_cells": readable, "chunks": core.chunks}


def front_passes(core: CoreSpec, placing: PlaceOptions = AUTOMATIC) -> tuple[Pass, ...]:
    """The passes after load that decide whether a model fits, but for its time scale."""
    return PlacePass(core, placing), RoutePass()


def back_passes(options: ScaleOptions) -> tuple[Pass, ...]:
    """The passes that make the program."""
    return ScalePass(options), QuantizePass(), SchedulePass(), AssemblePass()


def pass_names() -> tuple[str, ...]:
    """Names of all passes, in order."""
    passes = (LoadPass, PlacePass, RoutePass, ScalePass, QuantizePass, SchedulePass, AssemblePass)
    return tuple(step.name for step in passes)


def check_model(
    model: str | Path, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU, *, placing: PlaceOptions = AUTOMATIC
) -> CompileResult:
    """Whether a model fits a core: placement, routing, read-out, chunks, initial phases, time scale and schedule.

    Parameters
    ----------
    model : str or Path
        A checkpoint.
    core : CoreSpec
    options : ScaleOptions
    placing : PlaceOptions

    Returns
    -------
    CompileResult
        With every finding of every check, and the levels up to ``quantize`` as far as they were reached.

    Raises
    ------
    OsccError
        When the checkpoint cannot be read or is not well formed.
    """
    return _check(model, core, options, placing, None)


def compile_model(
    model: str | Path,
    core: CoreSpec,
    options: ScaleOptions = SMALLEST_TAU,
    *,
    placing: PlaceOptions = AUTOMATIC,
    after: AfterPass | None = None,
) -> CompileResult:
    """The program of a model on a core.

    Parameters
    ----------
    model : str or Path
        A checkpoint.
    core : CoreSpec
    options : ScaleOptions
    placing : PlaceOptions
    after : callable, optional
        Called with the name of each pass and the level that it returned.

    Returns
    -------
    CompileResult
        With all levels, or with every finding that `check_model` has.

    Raises
    ------
    OsccError
        When the checkpoint cannot be read or is not well formed.
    """
    checked = _check(model, core, options, placing, after)
    if not checked.feasible:
        return checked
    made = run_pipeline(
        back_passes(options)[2:], checked.levels["quantize"], core=core, after=after, report=placing.report
    )
    levels, records = {**checked.levels, **made.levels}, checked.records + made.records
    return replace(checked, levels=levels, records=records, findings=made.findings)


def _check(
    model: str | Path, core: CoreSpec, options: ScaleOptions, placing: PlaceOptions, after: AfterPass | None
) -> CompileResult:
    begun = time.monotonic()
    loaded = run_pipeline((LoadPass(model),), core=core, after=after, report=placing.report)
    result = _check_loaded(loaded, core, options, placing)
    if not result.feasible and not {finding.code for finding in result.findings} <= UNAFFECTED:
        idle = idle_couplings(result.graph)
        if idle.size:
            # They have no effect: what they need must not be in the way.
            graph = without_couplings(result.graph, idle)
            before = replace(loaded, levels={LoadPass.name: graph}, records=result.records)
            if placing.timeout_s is not None:
                # The time is for both searches.
                placing = replace(placing, timeout_s=max(0.0, placing.timeout_s - (time.monotonic() - begun)))
            result = replace(_check_loaded(before, core, options, placing), idle=int(idle.size))
    for name, level in result.levels.items():
        if after is not None and name != LoadPass.name:
            after(name, level)
    return result


def _check_loaded(
    loaded: PipelineResult, core: CoreSpec, options: ScaleOptions, placing: PlaceOptions
) -> CompileResult:
    graph = loaded.levels[LoadPass.name]
    assert isinstance(graph, CouplingGraph)
    begin = time.perf_counter()
    # What is cheap to decide is decided before anything is searched for.
    conditions = tuple(diagnose_conditions(graph, core, options))
    if conditions:
        tried, more = _positions_as_they_are(graph, core, placing)
        known = {finding.code for finding in conditions}
        conditions += tuple(finding for finding in more if finding.code not in known)
        conditions += () if tried is None else _weak_cell_findings(tried, options)
        record = PassRecord("conditions", time.perf_counter() - begin)
        return CompileResult(core, loaded.levels, (*loaded.records, record), conditions, tried)
    front = run_pipeline(front_passes(core, placing), graph, core=core, report=placing.report)
    levels, records = {**loaded.levels, **front.levels}, (*loaded.records, *front.records)
    if front.findings:
        tried = front.about if isinstance(front.about, PlacedGraph) else identity_placement(graph, core)
        findings = front.findings if tried is None else (*front.findings, *_weak_cell_findings(tried, options))
        return CompileResult(core, levels, records, findings, tried)
    # Codes cost little, and say whether what fits is still the model.
    scaled = run_pipeline(back_passes(options)[:2], front.last(), core=core, report=placing.report)
    findings = scaled.findings
    placed = scaled.levels.get("scale")
    if isinstance(placed, PlacedGraph) and placed.time_scale is not None:
        findings = tuple(diagnose_sample_schedule(placed.time_scale, core))
    return CompileResult(core, {**levels, **scaled.levels}, (*records, *scaled.records), findings)


def _positions_as_they_are(
    graph: CouplingGraph, core: CoreSpec, placing: PlaceOptions
) -> tuple[PlacedGraph | None, tuple[Finding, ...]]:
    """A model of which a condition is not met at its own positions, and what is wrong with these.

    What a search might be rid of is not said: that is not known.
    """
    start = identity_placement(graph, core)
    if start is None or graph.position is None or placing.placer not in OF_POSITIONS:
        return start, ()
    placer = IdentityPlacer() if placing.placer == "identity" else SymmetryPlacer()
    found = placer.place(graph, core)
    codes = {finding.code for finding in found.findings} - {"L002"}
    if codes <= DEFECTS and placing.placer in ("auto", "repair"):
        return found.placed or start, ()
    return found.placed or start, found.findings


def _weak_cell_findings(placed: PlacedGraph, options: ScaleOptions) -> tuple[Finding, ...]:
    """Findings about time of a placement on cells of different gain; elsewhere `diagnose_conditions` has them."""
    if not placed.core.defects.gain or not family_named(placed.graph.family).has_hardware:
        return ()
    return tuple(diagnose_time_scale(programmed_graph(placed), placed.core, options))
