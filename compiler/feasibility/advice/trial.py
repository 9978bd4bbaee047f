"""Trials: whether a model fits a core, by the same checks as a compilation, with less search for a placement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oscc.base.findings import Finding, FindingKind
from oscc.base.node_labels import node_label
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.conditions import diagnose_conditions
from oscc.compiler.passes.schedule import diagnose_sample_schedule
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.bounds import diagnose_bounds
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.place.placer import GrowthPlacer, TorusPlacer, identity_placement
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.compiler.place.symmetry import search_symmetric
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

ATTEMPTS, MOVES_PER_NODE, MOST_MOVES = 2, 2_500, 1_000_000
"""Of the annealing of a trial: a twentieth of what a compilation takes, so that what it finds, that finds, too."""

MOST_ATTEMPTS = 10
"""Of it for a model of few nodes, whose attempts take no time and are often in vain."""


MOST_MOVES_IN_ALL = 12_000_000
"""Of all annealings of an exploration together: half a minute to a minute. A count, so that the same model gets the
same advice on any machine."""


class TrialsEndedError(Exception):
    """Raised where an interrupt, or the end of the time, ends what is tried: what was found until then stands."""


@dataclass(eq=False)
class Trials:
    """How trials search, and how much they still may.

    Parameters
    ----------
    search : Search
        Of all trials.
    moves_left : int
        Of annealing, for all trials together; it falls as trials are made.
    """

    search: Search = UNLIMITED
    moves_left: int = MOST_MOVES_IN_ALL

    def take(self, moves: int) -> bool:
        """Take moves off those that are left; return whether there were as many.

        Parameters
        ----------
        moves : int
        """
        if moves > self.moves_left:
            return False
        self.moves_left -= moves
        return True


@dataclass(frozen=True, eq=False)
class Situation:
    """A model that does not fit, and how it was compiled.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that does not fit, where there is one.
    options : ScaleOptions
    findings : tuple of Finding
        What was found.
    lower : callable or None
        Gives the model for another core, where it depends on the core: a problem is lowered for one.
    trials : Trials
    labels : tuple of str
        What the file of the model calls each node; empty where it calls them by their numbers.
    of_die : bool
        Whether the core is one whose defects a die file gave, which another core cannot be used with.
    """

    graph: CouplingGraph
    core: CoreSpec
    placed: PlacedGraph | None
    options: ScaleOptions
    findings: tuple[Finding, ...] = ()
    lower: Callable[[CoreSpec], CouplingGraph] | None = None
    trials: Trials = field(default_factory=Trials)
    labels: tuple[str, ...] = ()
    of_die: bool = False

    @property
    def kinds(self) -> set[FindingKind[Any]]:
        """Kinds of what was found."""
        return {finding.kind for finding in self.findings}

    @property
    def start(self) -> PlacedGraph | None:
        """The model at its own positions; None where it has none."""
        return None if self.graph.position is None else identity_placement(self.graph, self.core)

    def lacks(self, cause: str) -> bool:
        """Return whether a finding says that something is lacking: ``readout``, ``stencil`` or ``defects``.

        Parameters
        ----------
        cause : str
        """
        return any(finding.witness.get("cause") == cause for finding in self.findings)

    def named(self, node: int) -> str:
        """Return how a message names a node.

        Parameters
        ----------
        node : int
        """
        return node_label(self.labels, node)

    def model_for(self, core: CoreSpec) -> CouplingGraph:
        """Return the model for another core.

        Parameters
        ----------
        core : CoreSpec
        """
        return self.graph if self.lower is None else self.lower(core)

    def fitted(self, core: CoreSpec, options: ScaleOptions | None = None) -> TimedGraph | None:
        """Return the model on another core, or with other options, placed, routed and scaled; None if it does not fit.

        Parameters
        ----------
        core : CoreSpec
        options : ScaleOptions, optional
        """
        start = self.start
        graph = self.model_for(core)
        return fitted(graph, core, self.options if options is None else options, start, self.trials)


def fitted(
    graph: CouplingGraph,
    core: CoreSpec,
    options: ScaleOptions,
    start: PlacedGraph | None,
    trials: Trials | None = None,
) -> TimedGraph | None:
    """Return a model on a core, placed, routed and scaled, with no finding left; None if there is any.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    options : ScaleOptions
    start : PlacedGraph or None
        Whose cells are shifted, mirrored and rotated; without it the model is placed, with little search.
    trials : Trials, optional
        Those of one model alone by default.

    Raises
    ------
    TrialsEndedError
        As `annealed` raises it.
    """
    if next(diagnose_conditions(graph, core, options), None) is not None:
        return None
    routed = tried_placement(graph, core, start, trials)
    if routed is None or any(True for _ in (*diagnose_route(routed), *diagnose_fit(routed))):
        return None
    programmed = programmed_graph(routed)
    if next(diagnose_time_scale(programmed, core, options), None) is not None:
        return None
    scale = choose_time_scale(programmed, core, options)
    if next(diagnose_sample_schedule(scale, core), None) is not None:
        return None
    return TimedGraph.at(routed, scale)


def tried_placement(
    graph: CouplingGraph, core: CoreSpec, start: PlacedGraph | None, trials: Trials | None = None
) -> RoutedGraph | None:
    """Return a placement within the stencil, on living and readable cells; None if a short search finds none.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    start : PlacedGraph or None
        As `fitted` takes it.
    trials : Trials, optional
        Those of one model alone by default.

    Raises
    ------
    TrialsEndedError
        As `annealed` raises it.
    """
    first = identity_placement(graph, core) if start is None and graph.position is None else start
    if first is not None:
        moved = PlacedGraph(graph, core, first.cell, first.transform)
        found, _ = search_symmetric(moved)
        if found is not None or start is not None:
            return found
    trials = Trials() if trials is None else trials
    for placer in (TorusPlacer(trials.search), GrowthPlacer(trials.search)):
        placing = placer.place(graph, core)
        if placing.placed is not None:
            return placing.placed
    return annealed(graph, core, trials)


def annealed(graph: CouplingGraph, core: CoreSpec, trials: Trials) -> RoutedGraph | None:
    """Return the placement that a short annealing finds; None if it finds none, or none is begun.

    None is begun where a bound says that there is no placement, or where trials have no moves left for it.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    trials : Trials

    Raises
    ------
    TrialsEndedError
        When an interrupt from the keyboard, or the end of the time, ended it.
    """
    if next(diagnose_bounds(graph, core), None) is not None:
        return None
    moves = min(MOST_MOVES, MOVES_PER_NODE * graph.nodes)
    attempts = max(ATTEMPTS, min(MOST_ATTEMPTS, MOST_MOVES // max(1, moves)))
    if not trials.take(attempts * moves):
        return None
    found = anneal(graph, core, trials.search, attempts=attempts, moves=moves)
    if not found.complete:
        raise TrialsEndedError
    if found.cell is None or found.cost > 0:
        return None
    return routed_graph(PlacedGraph(graph, core, found.cell, "anneal"))
