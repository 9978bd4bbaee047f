"""From a file of any front end to a model that the compiler takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from oscc.base.errors import OsccError, did_you_mean, one_line
from oscc.base.findings import Finding
from oscc.base.node_labels import distinct_texts
from oscc.base.output_folder import MANIFEST, PROBLEM, OutputFolder
from oscc.base.path_kind import SUFFIXES, kind_of, near_path, refuse_wrong_kind
from oscc.base.tensor_file import begins_as_tensors
from oscc.base.text_file import UserFile, read_user_file
from oscc.compiler.frontends.front_ends import CHECKPOINT, FRONT_ENDS, GraphReader, ProblemReader, suffixes_of_others
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.frontends.text import fault
from oscc.compiler.ir.graph import CouplingGraph, diagnose_graph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import preset_names

Lower = Callable[[CoreSpec], CouplingGraph]
"""Gives the model of a problem for a core."""


@dataclass(frozen=True, eq=False)
class Source:
    """A model as it was given.

    Parameters
    ----------
    path : Path
        The file.
    model : ModelFile
        What is compiled: the file itself, or the checkpoint that it was lowered to.
    problem : bytes or None
        Content of the original file where that is not the checkpoint.
    description : dict
        For the manifest: ``file``, ``sha256`` and ``frontend`` of the original file; empty for a checkpoint.
    labels : tuple of str
        What the original file calls each node, as `oscc.base.node_labels.node_label` takes them: no two alike.
        Empty for a checkpoint, whose nodes are called by their numbers.
    lower : callable or None
        Gives the model for another core, where the file is a problem, which is lowered for a core.
    """

    path: Path
    model: ModelFile
    problem: bytes | None = None
    description: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    lower: Lower | None = None


def front_end_of(path: Path, name: str | None) -> str:
    """Return the front end that is named, or that of the file's suffix; checkpoint for a file that begins as one.

    Parameters
    ----------
    path : Path
    name : str or None

    Raises
    ------
    OsccError
        ``frontend.unknown`` for a name that is none, or where neither suffix nor content tells.
    """
    if name is None:
        suffix = path.suffix.lower()
        found = SUFFIXES.get(suffix)
        if found is None and begins_as_tensors(path):
            return CHECKPOINT
        if found is None and (found := (others := suffixes_of_others()).get(suffix)) is None:
            *most, last = FRONT_ENDS
            raise OsccError(
                "frontend.unknown",
                f"no checkpoint, and its name ends in none of {', '.join((*SUFFIXES, *others))}",
                where=str(path),
                hint=f"say what it is: --frontend {', '.join(most)} or {last}",
            )
        return found
    if name != CHECKPOINT and name not in FRONT_ENDS:
        near = did_you_mean(name, (CHECKPOINT, *FRONT_ENDS))
        raise OsccError("frontend.unknown", f"'{name}' is no front end{near}", where="--frontend")
    return name


def kept_problem_reader(folder: OutputFolder) -> ProblemReader | None:
    """Return what reads the problem that an output folder was compiled from; None where it was none.

    Parameters
    ----------
    folder : OutputFolder

    Raises
    ------
    OsccError
        ``frontend.unknown`` when the distribution of its front end is not installed any more.
    """
    name = (folder.manifest.get("inputs", {}).get("problem") or {}).get("frontend")
    if not isinstance(name, str):
        return None
    if name not in FRONT_ENDS:
        raise OsccError(
            "frontend.unknown",
            f"was read by front end '{name}', which is not installed",
            where=str(folder.path),
            hint="install what brought it",
        )
    reader = FRONT_ENDS[name]
    return reader if isinstance(reader, ProblemReader) else None


def read_kept_problem(folder: OutputFolder) -> IsingProblem:
    """Return the problem that an output folder was compiled from, as its copy there has it.

    Parameters
    ----------
    folder : OutputFolder
        For which `kept_problem_reader` has a reader.

    Raises
    ------
    OsccError
        ``problem.read``, ``problem.changed`` when the copy is no longer the file that was compiled, or what the reader
        raises.
    """
    kept = read_user_file(folder.problem, "problem.read")
    described = folder.manifest["inputs"]["problem"]
    if hashlib.sha256(kept.content).hexdigest() != described.get("sha256"):
        raise OsccError(
            "problem.changed",
            f"not the file that was compiled any more: its SHA-256 is not the one in {MANIFEST}",
            where=kept.where,
            hint=f"compile it again: oscc compile {folder.problem} --frontend {described['frontend']} ...",
        )
    return _problem(kept, described["frontend"], PROBLEM)


def source_problem(source: Source) -> IsingProblem | None:
    """Return the problem that a model was lowered from; None where it was none.

    Parameters
    ----------
    source : Source

    Raises
    ------
    OsccError
        What the reader raises.
    """
    if source.problem is None or source.lower is None:
        return None
    return _problem(UserFile(source.problem, str(source.path)), source.description["frontend"], PROBLEM)


def _problem(file: UserFile, front_end: str, name: str) -> IsingProblem:
    reader = FRONT_ENDS[front_end]
    assert isinstance(reader, ProblemReader)
    with FRONT_ENDS.blaming(front_end):
        return reader.parse(file.text("problem.read"), name=name, where=file.where)


def read_source(path: Path, name: str | None, core: CoreSpec) -> Source:
    """Return the model of a file, which is read once.

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
        As `front_end_of` and the readers raise it; ``problem.graph`` when the model is not well formed, ``path.kind``
        when something else is at the path, such as a folder or a core.
    """
    _check_model(path)
    front_end = front_end_of(path, name)
    if front_end == CHECKPOINT:
        return Source(path, ModelFile.read(path))
    return source_of_file(read_user_file(path, "problem.read"), front_end, path, core)


def source_of_file(file: UserFile, front_end: str, path: Path, core: CoreSpec) -> Source:
    """Return the model of a file that is no checkpoint, and that was read already.

    Parameters
    ----------
    file : UserFile
    front_end : str
        A name of `FRONT_ENDS`.
    path : Path
        What the file is called; the model's name follows from it.
    core : CoreSpec
        That a problem is lowered for.

    Raises
    ------
    OsccError
        As the readers raise it; ``problem.graph`` when the model is not well formed.
    """
    name, reader = one_line(path.stem).strip() or "model", FRONT_ENDS[front_end]
    lower: Lower | None = None
    if isinstance(reader, GraphReader):
        with FRONT_ENDS.blaming(front_end):
            graph, labels = reader.parse(file.content, name=name, where=file.where)
        # Its numbers stand in a file as they are meant: warnings about codes go by that.
        graph = well_formed(replace(graph, training={"graph": {"frontend": front_end}}), file.where)
    else:
        problem = _problem(file, front_end, name)
        graph, labels = _lowered(problem, file.where, core), distinct_texts(problem.labels)
        lower = partial(_lowered, problem, file.where)
    description = {
        "file": one_line(path.name),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "frontend": front_end,
    }
    return Source(path, ModelFile.of(graph, path), file.content, description, labels, lower)


def _check_model(path: Path) -> None:
    """Refuse a path that is plainly something else than a model, or that is not there while something like it is."""
    refuse_wrong_kind(path, "model")
    if kind_of(path).name != "missing":
        return
    hint = near_path(path, lambda near: kind_of(near).name in ("checkpoint", "problem"))
    if str(path) in preset_names():
        hint = f"a core has this name: --core {path}"
    if hint:
        raise OsccError("file.not-found", "no such file", where=str(path), hint=hint)


def _lowered(problem: IsingProblem, where: str, core: CoreSpec) -> CouplingGraph:
    return well_formed(lower_problem(problem, core), where)


def well_formed(graph: CouplingGraph, where: str) -> CouplingGraph:
    """Return a model as it is, which must be well formed.

    Parameters
    ----------
    graph : CouplingGraph
    where : str
        What it comes from, for the error.

    Raises
    ------
    OsccError
        ``problem.graph``, with the first finding.
    """
    finding: Finding
    for finding in diagnose_graph(graph):
        raise fault("graph", finding.message, where, finding.fix)
    return graph
