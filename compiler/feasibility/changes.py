"""Compiling a model that may have to be changed first: couplings dropped, nodes split into copies."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from oscc.base.errors import OsccError
from oscc.base.findings import Finding
from oscc.compiler.compile import CompileResult
from oscc.compiler.copies.copied_graph import CopyMap
from oscc.compiler.copies.splitting import CopyOptions, split_nodes
from oscc.compiler.feasibility.advice.entry import KINDS, WhatIfEntry
from oscc.compiler.feasibility.advice.splits import chain_entries
from oscc.compiler.feasibility.advice.trial import Situation, Trials, TrialsEndedError
from oscc.compiler.feasibility.what_if import WhatIf, explore_changes, pruned_graph
from oscc.compiler.feasibility.witness_checker import WitnessCheck, check_witnesses
from oscc.compiler.findings.of_bounds import BOUNDS
from oscc.compiler.findings.of_placers import WEAK_MODEL
from oscc.compiler.frontends.front_end import Source
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.pass_manager import PassRecord
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.place.bounds import COPY_ADVICE
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

WITHOUT_MODEL = tuple(kind for kind in KINDS if kind not in ("drop", "split"))
"""Kinds of advice about a model that was changed already."""

Compile = Callable[[CouplingGraph, PlaceOptions], CompileResult]
"""`compile_model` or `check_model` with all but the model and the placer."""


@dataclass(frozen=True)
class ChangeOptions:
    """Which changes may be made.

    Parameters
    ----------
    prune : int or None
        Entry of `explore_changes` whose couplings are dropped, from 1.
    copies : CopyOptions or None
        Whether, and how, nodes may be split.
    of_die : bool
        Whether a die file gave the defects of the core: advice to use another core leaves the die out then.
    """

    prune: int | None = None
    copies: CopyOptions | None = None
    of_die: bool = False


@dataclass(frozen=True, eq=False)
class Changed:
    """What came out.

    Parameters
    ----------
    result : CompileResult
        Its records are of all passes, also of the model before it was changed, and of the search for chains.
    model : ModelFile
        What was compiled in the end.
    placing : PlaceOptions
        With which the same model gives the same result.
    changes : dict
        For the manifest: ``original`` (file, sha256), and ``pruned`` and ``copies`` as far as made; empty for none.
    copies : CopyMap or None
    what_if : WhatIf or None
        Of a model that does not fit; of its ``result``.
    witnesses : WitnessCheck or None
        Of a model that does not fit: what an independent check re-computed of its findings.
    """

    result: CompileResult
    model: ModelFile
    placing: PlaceOptions
    changes: dict[str, Any]
    copies: CopyMap | None
    what_if: WhatIf | None
    witnesses: WitnessCheck | None


def compile_with_changes(
    source: Source,
    core: CoreSpec,
    scaling: ScaleOptions,
    placing: PlaceOptions,
    wanted: ChangeOptions,
    compile: Compile,
) -> Changed:
    """Compile a model as it is, or where that does not fit, with the changes that are allowed.

    Parameters
    ----------
    source : Source
    core : CoreSpec
    scaling : ScaleOptions
    placing : PlaceOptions
    wanted : ChangeOptions
    compile : callable

    Raises
    ------
    OsccError
        ``prune.entry`` or ``prune.fits``, and what ``compile`` raises.

    Notes
    -----
    Where nodes may be split, a limit of time is for both searches: half of it for a placement of one cell for each
    node, and what that leaves for chains. What would make a model fit is explored for the model that was given; once it
    was changed, only what the core would need is, since ``prune`` counts the entries of the former.
    """
    model = source.model
    started, timeout_s = time.monotonic(), placing.timeout_s
    if wanted.copies is not None and placing.timeout_s is not None:
        placing = dataclasses.replace(placing, timeout_s=placing.timeout_s / 2)
    kinds: tuple[str, ...] = KINDS
    result = compile(model.graph, placing)
    changes: dict[str, Any] = {}
    copies: CopyMap | None = None
    weak: Finding | None = None
    if wanted.prune is not None:
        if result.feasible:
            raise OsccError("prune.fits", "the model fits as it is; there is nothing to drop", where="--prune")
        _tell(placing)
        situation = _situation(dataclasses.replace(result, labels=source.labels), scaling, placing, source)
        what_if = explore_changes(dataclasses.replace(situation, of_die=wanted.of_die))
        graph, changes["pruned"] = pruned_graph(what_if, wanted.prune)
        kinds = WITHOUT_MODEL
        model = ModelFile.of(graph, source.path)
        placing = dataclasses.replace(placing, placer="symmetry")
        result = _after(result.records, compile(model.graph, placing))
    if wanted.copies is not None and result.routed is None:
        _LOG.info("looking for chains: one cell for each node was not found")
        splitting = dataclasses.replace(wanted.copies, may_clip="coupling" in scaling.clip)
        search = Search.within(_time_left(timeout_s, started), placing.seed, placing.report)
        begun = time.perf_counter()
        split = split_nodes(result.graph, core, splitting, search)
        records = (*result.records, PassRecord("copies", time.perf_counter() - begun))
        if split.graph is None or split.copies is None:
            kinds = tuple(kind for kind in kinds if kind != "split")
            weak = next((finding for finding in split.findings if finding.kind is WEAK_MODEL), None)
            findings = _without_copies(split.findings, result.findings)
            result = dataclasses.replace(result, findings=findings, records=records)
        else:
            copies, kinds = split.copies, WITHOUT_MODEL
            changes["copies"] = {**copies.summary(), "strength_factor": wanted.copies.strength}
            model = ModelFile.of(split.graph, source.path)
            placing = dataclasses.replace(placing, placer="identity")
            result = _after(records, compile(model.graph, placing))
    if changes:
        original = {"file": source.model.name, "sha256": source.model.graph.model_hash}
        changes = {"original": original, **changes}
    result = dataclasses.replace(result, labels=_labels(source.labels, copies))
    found = witnesses = None
    if not result.feasible:
        witnesses = check_witnesses(result.causes, result.graph, core, result.placed)
        _tell(placing)
        situation = _situation(result, scaling, placing, None if changes else source)
        situation = dataclasses.replace(situation, of_die=wanted.of_die)
        found = explore_changes(situation, kinds)
        if weak is not None and wanted.copies is not None:
            chains: list[WhatIfEntry] = []
            with suppress(TrialsEndedError, KeyboardInterrupt):
                search = Search.within(timeout_s, placing.seed, placing.report)
                for entry in chain_entries(situation, wanted.copies, weak, search):
                    chains.append(entry)
            found = dataclasses.replace(found, entries=(*chains, *found.entries))
    return Changed(result, model, dataclasses.replace(placing, timeout_s=timeout_s), changes, copies, found, witnesses)


def _after(records: tuple[PassRecord, ...], result: CompileResult) -> CompileResult:
    """Return a result with the passes that led to it before those that were its own."""
    return dataclasses.replace(result, records=(*records, *result.records))


def _situation(result: CompileResult, scaling: ScaleOptions, placing: PlaceOptions, source: Source | None) -> Situation:
    """Return what advice starts from; a model that was changed is no longer that of its source."""
    lower = None if source is None else source.lower
    trials = Trials(Search(placing.seed, progress=placing.report))
    return Situation(result.graph, result.core, result.placed, scaling, result.findings, lower, trials, result.labels)


def _labels(labels: tuple[str, ...], copies: CopyMap | None) -> tuple[str, ...]:
    """Return what messages call the nodes of a model, of copies by the node that they are of."""
    if copies is None:
        return labels
    number = Counter[int]()
    named = []
    for owner in copies.owner.tolist():
        number[owner] += 1
        called = labels[owner] if labels else str(owner)
        named.append(called if number[owner] == 1 else f"{called} (copy {number[owner]})")
    return tuple(named)


def _tell(placing: PlaceOptions) -> None:
    """Say that the search for changes begins, which may take as long as the one that found no placement."""
    _LOG.info("looking for what would make it fit")
    if placing.report is not None:
        placing.report("looking for what would make it fit", 0.0)


def _time_left(timeout_s: float | None, started: float) -> float | None:
    return None if timeout_s is None else max(0.0, timeout_s - (time.monotonic() - started))


def _without_copies(split: tuple[Finding, ...], before: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return why there are no chains, then what was found before, each once and without the advice to try chains."""
    # Bounds are of one cell for each node, which chains are free of: with those the rest is what counts.
    found_chains = any(finding.kind is WEAK_MODEL for finding in split)
    rest = (finding for finding in before if finding not in split and not (found_chains and finding.kind in BOUNDS))
    return (*split, *(each.without_fix(COPY_ADVICE) for each in rest))
