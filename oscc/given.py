"""What the functions of the interface are given: models and cores, as objects or as paths."""

from __future__ import annotations

import functools
import json
import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar

from oscc.base.errors import OsccError, one_line
from oscc.base.findings import FindingError, FindingsError
from oscc.base.text_file import UserFile
from oscc.compiler.frontends.front_end import Source, read_source, source_of_file, well_formed
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

if TYPE_CHECKING:
    import networkx as nx

    from oscc.models.dynamics.reference import AISModel
    from oscc.models.training.generator import Generator

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class QuadraticModel(Protocol):
    """A binary quadratic model as dimod has it; dimod itself is not needed."""

    def to_serializable(self) -> dict[str, Any]:
        """Return the model as JSON values."""


Model: TypeAlias = "str | os.PathLike[str] | CouplingGraph | nx.Graph[Any] | QuadraticModel | AISModel | Generator"
"""A file of any front end, or a model in memory."""

Core: TypeAlias = str | os.PathLike[str] | CoreSpec
"""The name of a preset, the path of a YAML file, or a core."""

ACCEPTED = "a model is a path, a CouplingGraph, a networkx graph, a dimod BQM, or a torch module of oscc"
ACCEPTED_CORE = "a core is the name of a preset, the path of a YAML file, or a CoreSpec"
ACCEPTED_COMPILATION = "what oscc.compile returned, or the path of an output folder"


def only_oscc_errors(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that raises findings, and what a core refuses, as an `OsccError`, as all else that is wrong.

    Parameters
    ----------
    function : callable
    """

    @functools.wraps(function)
    def called(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except FindingsError as error:
            raise finding_error(error.findings[0].message, error.findings[0].fix) from error
        except FindingError as error:
            raise finding_error(error.finding.message, error.finding.fix) from error
        except Exception as error:
            if not _is_refusal(error):
                raise
            raise OsccError("run.refused", str(error), hint="see docs/registers.md, ERROR") from error

    return called


def _is_refusal(error: Exception) -> bool:
    """Return whether a core refused a program, or broke the contract of the array; what says so is loaded if it can."""
    host, macro = sys.modules.get("oscc.sim.host.host"), sys.modules.get("oscc.sim.array.macro")
    refused = host is not None and isinstance(error, host.HostError)
    return refused or (macro is not None and isinstance(error, macro.MacroContractError))


def finding_error(message: str, fix: str) -> OsccError:
    """Return the error for a model that does not fit.

    Parameters
    ----------
    message, fix : str
        Of the most fundamental finding.
    """
    return OsccError("compile.infeasible", f"the model does not fit: {message}", hint=fix)


MOST_SAMPLES = 100_000
"""Samples that one call draws at most: as many as `oscc sample` and `oscc solve` draw."""


def refuse_unknown(function: str, given: Mapping[str, Any], accepted: type[Any]) -> None:
    """Refuse a keyword that a function does not have, as Python does.

    Parameters
    ----------
    function : str
    given : mapping
    accepted : type
        A TypedDict of the keywords.

    Raises
    ------
    TypeError
    """
    if unknown := sorted(given.keys() - accepted.__annotations__.keys()):
        raise TypeError(f"{function}() got an unexpected keyword argument '{unknown[0]}'")


def whole_number(name: str, value: object, least: int = 0, most: int | None = None) -> int:
    """Return a number that was given, which must be a whole one.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
    least : int
    most : int or None

    Raises
    ------
    OsccError
        ``argument.value``.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least or (most is not None and number > most):
        up_to = "" if most is None else f" to {most}"
        raise OsccError("argument.value", f"{value!r} is no whole number from {least}{up_to}", where=name)
    return number


def names_of(name: str, value: object) -> tuple[str, ...]:
    """Return names that were given: one, or several.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object

    Raises
    ------
    OsccError
        ``argument.value`` for what is neither a string nor a sequence of strings.
    """
    given = (value,) if isinstance(value, str) else value
    if isinstance(given, Sequence) and all(isinstance(each, str) for each in given):
        return tuple(given)
    raise OsccError("argument.value", f"{value!r} is no name, and no sequence of names", where=name)


def option_of(name: str, value: object, kinds: tuple[type, ...], accepted: str) -> Any:
    """Return the value of an option, if it is of one of some types.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
    kinds : tuple of type
        A truth value counts as a number only where ``bool`` is among them.
    accepted : str
        What the parameter takes.

    Raises
    ------
    OsccError
        ``argument.value`` for any other.
    """
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    raise OsccError("argument.value", f"{value!r} is not {accepted}", where=name)


def path_of(name: str, value: object, accepted: str) -> Path:
    """Return a path that was given.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
    accepted : str
        What the parameter takes.

    Raises
    ------
    OsccError
        ``argument.value`` for what is neither a string nor a path.
    """
    if isinstance(value, str | os.PathLike) and isinstance(path := os.fspath(value), str):
        return Path(path)
    raise OsccError("argument.value", f"a {_kind(value)} is no path", where=name, hint=accepted)


def core_of(core: Core) -> CoreSpec:
    """Return the core that was given.

    Parameters
    ----------
    core : str, path or CoreSpec

    Raises
    ------
    OsccError
        ``core.kind`` for anything else, and as `oscc.core.spec_file.load_core` raises it.
    """
    if isinstance(core, CoreSpec):
        return core
    if not isinstance(core, str | os.PathLike) or not isinstance(path := os.fspath(core), str):
        raise OsccError("core.kind", f"a {_kind(core)} is no core", hint=ACCEPTED_CORE)
    return load_core(path)


def source_of(model: Model, core: CoreSpec, frontend: str | None = None) -> Source:
    """Return the model that was given, as front ends return it.

    Parameters
    ----------
    model : path, CouplingGraph, networkx graph, dimod BQM, or torch module of oscc
    core : CoreSpec
        That a problem is lowered for.
    frontend : str or None
        How a file is read; by its suffix where it is None.

    Raises
    ------
    OsccError
        As the readers raise it; ``model.kind`` for anything else, ``model.frontend`` where a front end is named for
        what is no file.
    """
    if isinstance(model, str | os.PathLike):
        return read_source(Path(model), frontend, core)
    if frontend is not None:
        raise OsccError("model.frontend", f"a {_kind(model)} is read by no front end", where=frontend)
    if not isinstance(model, type) and (serialized := getattr(model, "to_serializable", None)) is not None:
        content = json.dumps(serialized(), default=_plain).encode()
        return source_of_file(UserFile(content, "bqm"), "bqm", Path("bqm.json"), core)
    labels: tuple[str, ...] = ()
    if isinstance(model, CouplingGraph):
        graph = model
    elif (networkx := sys.modules.get("networkx")) is not None and isinstance(model, networkx.Graph):
        graph, labels = _of_networkx(model)
    else:
        graph = _of_module(model)
    path = Path(one_line(graph.name).replace("/", "-").strip() or "model")
    return Source(path, ModelFile.of(well_formed(graph, graph.name or "model"), path), labels=labels)


def _of_networkx(graph: nx.Graph[Any]) -> tuple[CouplingGraph, tuple[str, ...]]:
    """Return the model of a graph: as `CouplingGraph.to_networkx` writes it, or with the attributes of GraphML."""
    name = str(graph.graph.get("name") or "graph")
    if "chunk_duration" in graph.graph and graph.is_directed():
        try:
            return CouplingGraph.from_networkx(graph), ()  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            message = f"not as CouplingGraph.to_networkx writes it: {type(error).__name__}: {error}"
            raise OsccError("model.networkx", message, where=name) from None
    used = {key for _, data in graph.nodes(data=True) for key in data}
    used |= {key for _, _, data in graph.edges(data=True) for key in data}
    if ising := sorted(used & {"J", "h"}):
        raise OsccError(
            "model.networkx",
            f"attribute {', '.join(ising)}: a graph is read as couplings K (weight), not as an Ising problem",
            where=name,
            hint="give a problem as dimod.BinaryQuadraticModel.from_ising(h, J)",
        )
    return graph_model(graph, name=name, where=name), tuple(map(str, graph.nodes))


def _of_module(model: object) -> CouplingGraph:
    """Return the model of a torch module of oscc, whose module is loaded if there is one."""
    reference = sys.modules.get("oscc.models.dynamics.reference")
    if reference is not None and isinstance(model, reference.AISModel):
        graph: CouplingGraph = model.to_graph()
        return graph
    generator = sys.modules.get("oscc.models.training.generator")
    if generator is not None and isinstance(model, generator.Generator):
        trained: CouplingGraph = model.to_graph({})
        return trained
    raise OsccError("model.kind", f"a {_kind(model)} is no model", hint=ACCEPTED)


def _kind(model: object) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}".removeprefix("builtins.")


def _plain(value: Any) -> Any:
    """Return a number or an array of numpy as JSON has it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
