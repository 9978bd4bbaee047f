"""From a file of any front end to a checkpoint that the compiler takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oscc.compiler.changed_model import changed_model
from oscc.compiler.errors import OsccError, did_you_mean
from oscc.compiler.findings import Finding
from oscc.compiler.frontends.bqm import parse_bqm
from oscc.compiler.frontends.graph_file import parse_graphml
from oscc.compiler.frontends.gset import parse_gset
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.frontends.text import fault
from oscc.compiler.graph import CouplingGraph, diagnose_graph
from oscc.compiler.node_labels import distinct_texts
from oscc.compiler.spec import CoreSpec
from oscc.compiler.text_file import read_text_file

SUFFIXES = {".safetensors": "checkpoint", ".graphml": "graphml", ".gset": "gset", ".bqm": "bqm", ".coo": "bqm"}
"""Front end of a file, where none is named."""

PROBLEM_READERS = {"gset": parse_gset, "bqm": parse_bqm}

FRONT_ENDS = ("checkpoint", "graphml", *PROBLEM_READERS)


@dataclass(frozen=True)
class Source:
    """What is compiled.

    Parameters
    ----------
    checkpoint : Path
        The model; written for the compilation where the file is none.
    problem : bytes or None
        Content of the original file where that is not the checkpoint.
    description : dict
        For the manifest: ``file``, ``sha256`` and ``frontend`` of the original file; empty for a checkpoint.
    labels : tuple of str
        What the original file calls each node, as `oscc.compiler.node_labels.node_label` takes them: no two alike.
        Empty for a checkpoint, whose nodes are called by their numbers.
    """

    checkpoint: Path
    problem: bytes | None = None
    description: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


def front_end_of(path: Path, name: str | None) -> str:
    """The front end that is named, or that of the file's suffix; checkpoint for others.

    Parameters
    ----------
    path : Path
    name : str or None

    Raises
    ------
    OsccError
        ``frontend.unknown``.
    """
    if name is None:
        return SUFFIXES.get(path.suffix, "checkpoint")
    if name not in FRONT_ENDS:
        raise OsccError(
            "frontend.unknown", f"'{name}' is no front end{did_you_mean(name, FRONT_ENDS)}", where="--frontend"
        )
    return name


def read_problem(path: Path, front_end: str) -> IsingProblem:
    """The problem in a file.

    Parameters
    ----------
    path : Path
    front_end : str
        A key of `PROBLEM_READERS`.

    Raises
    ------
    OsccError
        ``problem.read``, or what the reader raises.
    """
    return PROBLEM_READERS[front_end](read_text_file(path, "problem.read"), name=path.stem, where=str(path))


@contextmanager
def opened_source(path: Path, name: str | None, core: CoreSpec) -> Iterator[Source]:
    """The checkpoint of a file, for as long as the block runs.

    Parameters
    ----------
    path : Path
    name : str or None
        Front end; by the suffix where it is None.
    core : CoreSpec
        That a problem is lowered for.

    Raises
    ------
    OsccError
        As `front_end_of` and the readers raise it; ``problem.graph`` when the model is not well formed.
    """
    front_end = front_end_of(path, name)
    if front_end == "checkpoint":
        yield Source(path)
        return
    text = read_text_file(path, "problem.read")
    if front_end == "graphml":
        graph, labels = parse_graphml(text, name=path.stem, where=str(path))
    else:
        problem = PROBLEM_READERS[front_end](text, name=path.stem, where=str(path))
        graph, labels = lower_problem(problem, core), distinct_texts(problem.labels)
    _check(graph, str(path))
    content = text.encode()
    description = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "frontend": front_end}
    with changed_model(graph, path) as checkpoint:
        yield Source(checkpoint, content, description, labels)


def _check(graph: CouplingGraph, where: str) -> None:
    finding: Finding
    for finding in diagnose_graph(graph):
        raise fault("graph", finding.message, where, finding.fix)
