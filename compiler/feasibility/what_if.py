"""What would make a model fit: sets of changes, each enough by itself, with what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from oscc.base.errors import OsccError
from oscc.compiler.feasibility.advice.cores import core_entries, die_entries, preset_entries
from oscc.compiler.feasibility.advice.drops import drop_entries
from oscc.compiler.feasibility.advice.entry import KINDS, WhatIfEntry
from oscc.compiler.feasibility.advice.placements import placer_entries, position_entries
from oscc.compiler.feasibility.advice.splits import split_entries
from oscc.compiler.feasibility.advice.times import time_options
from oscc.compiler.feasibility.advice.trial import Situation, TrialsEndedError
from oscc.compiler.ir.graph import CouplingGraph, without_couplings
from oscc.compiler.ir.placed import PlacedGraph
from oscc.core.families import family_named

SCHEMA = "oscc.whatif/1"
"""Content of key ``schema`` of reports/whatif.json."""


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Entries, and what they are about.

    Parameters
    ----------
    placed : PlacedGraph or None
        The placement that they start from; None when there was none to start from.
    entries : tuple of WhatIfEntry
    labels : tuple of str
        What the file of the model calls each node; empty where it calls them by their numbers.
    """

    placed: PlacedGraph | None
    entries: tuple[WhatIfEntry, ...]
    labels: tuple[str, ...] = ()

    def as_dict(self, graph: CouplingGraph) -> dict[str, Any]:
        """Return the entries as JSON, numbered from 1 in their order."""
        return {"schema": SCHEMA, "entries": [entry.as_dict(graph, self.labels) for entry in self.entries]}


def explore_changes(situation: Situation, kinds: Collection[str] = KINDS) -> WhatIf:
    """Return sets of changes that would make a model fit that does not.

    Every entry was tried: placed, routed, fitted and scaled once more, with no finding left, but for those of kind
    ``split`` that say otherwise. For a model whose family has no hardware there are none. An interrupt from the
    keyboard ends the trials with what was found, also of the kind that is being tried.

    Parameters
    ----------
    situation : Situation
    kinds : collection of str
        Those of `KINDS` that are looked for.
    """
    if not family_named(situation.graph.family).has_hardware:
        return WhatIf(situation.placed, (), situation.labels)
    makers: dict[str, tuple[Callable[[Situation], Iterator[WhatIfEntry]], ...]] = {
        "drop": (drop_entries,),
        "position": (position_entries,),
        "option": (time_options, placer_entries),
        "preset": (preset_entries,),
        "core": (core_entries,),
        "die": (die_entries,),
        "split": (split_entries,),
    }
    entries: list[WhatIfEntry] = []
    with suppress(TrialsEndedError, KeyboardInterrupt):
        for kind in KINDS:
            for make in makers[kind] if kind in kinds else ():
                # One by one: `+=` with a generator that raises may keep none of what it gave.
                for entry in make(situation):
                    entries.append(entry)
    return WhatIf(situation.placed, tuple(entries), situation.labels)


def pruned_graph(what_if: WhatIf, number: int) -> tuple[CouplingGraph, dict[str, Any]]:
    """Return the model without the couplings of an entry, at the positions of the placement, and its receipt.

    Parameters
    ----------
    what_if : WhatIf
    number : int
        Of the entry, from 1.

    Raises
    ------
    OsccError
        ``prune.entry`` when there is no such entry, or it drops nothing.
    """
    entries = what_if.entries
    known = [place for place, entry in enumerate(entries, 1) if entry.kind == "drop"]
    if number not in known or what_if.placed is None:
        accepted = (
            f"--prune takes {', '.join(map(str, known))}" if known else "none can be applied by dropping couplings"
        )
        raise OsccError("prune.entry", f"{number} is no entry that drops couplings", where="--prune", hint=accepted)
    entry, placed = entries[number - 1], what_if.placed
    graph = without_couplings(placed.graph, entry.dropped)
    receipt = {"entry": number, **entry.as_dict(placed.graph, what_if.labels)}
    return dataclasses.replace(graph, position=placed.cell, model_hash=""), receipt
