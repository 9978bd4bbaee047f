"""`Subject`: what a witness is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.core.spec import CoreSpec

Witness = dict[str, Any]
"""As a finding has it, or a file: nothing is known of it before it is checked."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model on a core, and the placement that findings are about.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        None where there is none.
    """

    graph: CouplingGraph
    core: CoreSpec
    placed: PlacedGraph | None

    @property
    def placement(self) -> PlacedGraph:
        """The placement.

        Raises
        ------
        ValueError
            When there is none.
        """
        if self.placed is None:
            raise ValueError("a witness of a placement needs one")
        return self.placed


Check = Callable[[Witness, Subject], bool]
"""An independent check: whether what a witness claims is so of its subject."""
