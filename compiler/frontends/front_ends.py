"""The front ends by name, from which the command's choices, its help and its advice are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from oscc.base.errors import OsccError
from oscc.base.extensions import ExtensionTable
from oscc.base.path_kind import SUFFIXES
from oscc.compiler.frontends.bqm import parse_bqm
from oscc.compiler.frontends.graphml import parse_graphml
from oscc.compiler.frontends.gset import parse_gset
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.ir.graph import CouplingGraph

CHECKPOINT = "checkpoint"
"""The format of models itself, which needs no front end."""


class ParseGraph(Protocol):
    """Reads a model."""

    def __call__(self, content: bytes, *, name: str, where: str) -> tuple[CouplingGraph, tuple[str, ...]]:
        """Return the model in a file of these bytes, called ``name``, and what the file calls each node.

        Raises
        ------
        OsccError
            Naming ``where``, with what is at fault.
        """


class ParseProblem(Protocol):
    """Reads a problem."""

    def __call__(self, text: str, *, name: str, where: str) -> IsingProblem:
        """Return the problem in a file of this text, called ``name``.

        Raises
        ------
        OsccError
            Naming ``where``, with what is at fault.
        """


@dataclass(frozen=True)
class GraphReader:
    """A front end that reads models.

    Parameters
    ----------
    parse : callable
    suffixes : tuple of str
        In small letters, with the dot, of files that are read by it when no front end is named. Those of oscc's own
        front ends stand in `oscc.base.path_kind.SUFFIXES`.
    """

    parse: ParseGraph
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProblemReader:
    """A front end that reads Ising problems, which are lowered for a core, and which ``oscc solve`` solves.

    Parameters
    ----------
    parse : callable
    suffixes : tuple of str
        As `GraphReader` has them.
    """

    parse: ParseProblem
    suffixes: tuple[str, ...] = ()


Reader = GraphReader | ProblemReader

FRONT_ENDS: ExtensionTable[Reader] = ExtensionTable(
    "oscc.frontends",
    "front end",
    {"graphml": GraphReader(parse_graphml), "gset": ProblemReader(parse_gset), "bqm": ProblemReader(parse_bqm)},
    lambda found: isinstance(found, Reader),
)
"""Every front end by its name; `CHECKPOINT` is none."""


def suffixes_of_others() -> dict[str, str]:
    """Return the front ends of other distributions by the suffixes that none of oscc's own has.

    Raises
    ------
    OsccError
        ``extension.suffix`` when two of them read the same, and what `ExtensionTable` raises.
    """
    found: dict[str, str] = {}
    for name in FRONT_ENDS:
        for suffix in () if name in FRONT_ENDS.own else FRONT_ENDS[name].suffixes:
            if suffix in SUFFIXES:
                continue
            if suffix in found:
                message = f"files {suffix} are read by {found[suffix]} of {FRONT_ENDS.origin(found[suffix])} and by "
                message += f"{name} of {FRONT_ENDS.origin(name)}"
                raise OsccError("extension.suffix", message, where=FRONT_ENDS.where, hint="say which: --frontend NAME")
            found[suffix] = name
    return found
