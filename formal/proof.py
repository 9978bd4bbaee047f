"""What a proof is: a design with properties, how far it is proved, and the seeded bugs that must break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Module

Mode = Literal["bmc", "prove"]
"""``bmc``: no counterexample within ``depth`` cycles of reset. ``prove``: none ever, by induction over ``depth``."""


@dataclass(frozen=True)
class Mutant:
    """A seeded bug: one text of a source file replaced by another.

    The source stays as it is; a changed copy is loaded in its place while the design is built. The old text must
    occur exactly once, so that a mutant that the source has outgrown is reported as stale, and not a silent pass.

    Parameters
    ----------
    name : str
        The bug in a few words; unique within its proof.
    file : str
        Of the package, such as ``rtl/host/axi_lite.py``.
    old, new : str
        Text of the file, and what takes its place. Both may have several lines.
    depth : int
        Cycles after reset within which the bug must show; 0: the depth of the proof.
    """

    name: str
    file: str
    old: str
    new: str
    depth: int = 0


@dataclass(frozen=True)
class Proof:
    """Properties of one component.

    Parameters
    ----------
    name : str
        Unique; letters, digits and hyphens. Names the scratch folder, and ``--only`` selects by it.
    component : str
        What is proved, by its class.
    claim : str
        The properties in words: what a reader may rely on when the proof passes.
    parameters : str
        For which parameters; empty where the component has none.
    build : callable
        Gives the design, properties included (`formal.bench` has what it takes). It imports the components that it
        proves in its body, never at the top of a file: a seeded bug takes the place of the file that is imported.
    mode : {"bmc", "prove"}
    depth : int
        Cycles of ``bmc``, k of ``prove``.
    cover_depth : int
        Cycles within which every cover statement must be reached. They show that the assumptions leave something to
        prove.
    mutants : tuple of Mutant
        Each must break at least one assertion, shown by a counterexample from reset.
    quick : bool
        Belongs to the set that CI runs.
    bdds : bool
        For combinational designs full of parities; see `formal.sby.AS_BDDS`.
    timeout_s : int
        For each run of the solver.
    """

    name: str
    component: str
    claim: str
    parameters: str
    build: Callable[[], Module]
    mode: Mode
    depth: int
    cover_depth: int
    mutants: tuple[Mutant, ...]
    quick: bool = False
    bdds: bool = False
    timeout_s: int = 600

    @property
    def reach(self) -> int:
        """Cycles from reset within which everything that the proof speaks of can be seen.

        That far a counterexample is looked for where the induction does not close.
        """
        return max(self.depth, self.cover_depth, *(mutant.depth for mutant in self.mutants))
