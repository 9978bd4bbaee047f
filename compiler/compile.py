"""From a checkpoint to a program: all passes in order, and the cheap checks on their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oscc.compiler.coded import CodedGraph
from oscc.compiler.families import family_named
from oscc.compiler.findings import Finding
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.pass_manager import Pass, PassRecord, run_pipeline
from oscc.compiler.passes.assemble import AssemblePass
from oscc.compiler.passes.load import LoadPass
from oscc.compiler.passes.place import AUTOMATIC, PlaceOptions, PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScaleOptions, ScalePass, diagnose_time_scale
from oscc.compiler.passes.schedule import SchedulePass, diagnose_sample_schedule
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.placers.placer import identity_placement
from oscc.compiler.program import Program
from oscc.compiler.programmed import programmed_graph
from oscc.compiler.schedule_timing import trace_schedule
from oscc.compiler.spec import CoreSpec
from oscc.compiler.store import Level

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
    """

    core: CoreSpec
    levels: dict[str, Level]
    records: tuple[PassRecord, ...]
    findings: tuple[Finding, ...] = field(default=())
    tried: PlacedGraph | None = None

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
        """The codes with the schedule; None when the model was only checked or does not fit."""
        level = self.levels.get("schedule")
        return level if isinstance(level, CodedGraph) else None

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
            "findings": [finding.as_dict() for finding in self.findings],
            "weight_bits": core.weight_bits,
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
        if self.program is not None:
            timing = trace_schedule(self.program.instructions(), core, samples=1)
            summary["cycles_per_sample"] = timing.cycles_per_sample
        return summary


def front_passes(model: str | Path, core: CoreSpec, placing: PlaceOptions = AUTOMATIC) -> tuple[Pass, ...]:
    """The passes that decide whether a model fits, but for its time scale."""
    return LoadPass(model), PlacePass(core, placing), RoutePass()


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
        With every finding of every check, and the levels up to ``scale`` as far as they were reached.

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
    made = run_pipeline(back_passes(options)[1:], checked.levels["scale"], core=core, after=after)
    return CompileResult(core, {**checked.levels, **made.levels}, checked.records + made.records, made.findings)


def _check(
    model: str | Path, core: CoreSpec, options: ScaleOptions, placing: PlaceOptions, after: AfterPass | None
) -> CompileResult:
    front = run_pipeline(front_passes(model, core, placing), core=core, after=after)
    if front.findings:
        graph = front.levels["load"]
        assert isinstance(graph, CouplingGraph)
        tried = front.about if isinstance(front.about, PlacedGraph) else identity_placement(graph, core)
        programmed = graph if tried is None else programmed_graph(tried)
        findings = (*front.findings, *_time_findings(programmed, core, options))
        return CompileResult(core, front.levels, front.records, findings, tried)
    scaled = run_pipeline(back_passes(options)[:1], front.last(), core=core, after=after)
    findings = scaled.findings
    placed = scaled.last()
    if isinstance(placed, PlacedGraph) and placed.time_scale is not None:
        findings = tuple(diagnose_sample_schedule(placed.time_scale, core))
    return CompileResult(core, {**front.levels, **scaled.levels}, front.records + scaled.records, findings)


def _time_findings(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> tuple[Finding, ...]:
    """Findings about time of a model that does not fit for another reason; the other families have no time scale."""
    if not family_named(graph.family).has_hardware:
        return ()
    return tuple(diagnose_time_scale(graph, core, options))
