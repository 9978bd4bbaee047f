"""Models brought onto cores: read, checked, compiled."""

from __future__ import annotations

import math
import numbers
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from oscc.base.errors import OsccError
from oscc.base.text_file import UserFile
from oscc.compiler.compile import LOADED, CompileResult
from oscc.compiler.copies.copied_graph import STRENGTH
from oscc.compiler.copies.splitting import CopyOptions
from oscc.compiler.diagnosis.causes import Cause
from oscc.compiler.feasibility.changes import ChangeOptions
from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.frontends.front_end import Source
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compilation import Compilation, CompileOptions, check_source, compile_source
from oscc.compiler.pass_manager import PassRecord
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.die import parse_die, read_die_file, with_die
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.given import (
    Core,
    Model,
    core_of,
    finding_error,
    names_of,
    only_oscc_errors,
    option_of,
    path_of,
    refuse_unknown,
    source_of,
    whole_number,
)


class CompileKeywords(TypedDict, total=False):
    """How a model is brought onto a core; what is left out is as the command has it.

    Parameters
    ----------
    tau : {"common", "per-chunk"}
        One time scale for all chunks, or one for each.
    tau_s : float or None
        Seconds per unit of model time, in place of the model's own or of the smallest possible.
    clip : sequence of str
        DAC groups that may exceed their full scale and saturate.
    placer : str
        ``auto``, or the name of a placer.
    seed : int
        Of the placer's search.
    timeout_s : float or None
        Longest search for a placement and for chains, together.
    frontend : str or None
        How a file is read; by its suffix where it is None.
    prune : int or None
        Of a model that does not fit, drop the couplings of this entry of its what-if table.
    copies : bool
        Split nodes into coupled copies where nothing else places them.
    chain_strength : float
        Coupling between copies, in units of what pulls on one.
    die : str, path or None
        What the test of the die found: YAML.
    progress : callable or None
        Called with what is being done, and how far it is, 0 to 1.
    """

    tau: Literal["common", "per-chunk"]
    tau_s: float | None
    clip: Sequence[str]
    placer: str
    seed: int
    timeout_s: float | None
    frontend: str | None
    prune: int | None
    copies: bool
    chain_strength: float
    die: str | os.PathLike[str] | None
    progress: Callable[[str, float], None] | None


@dataclass(frozen=True, eq=False, repr=False)
class Checked:
    """A model that was brought onto a core, or what is in the way.

    Parameters
    ----------
    compilation : Compilation
        Everything that came out: levels, findings, what would make it fit.
    """

    compilation: Compilation

    @property
    def result(self) -> CompileResult:
        """What the passes came to, with the levels that were reached."""
        return self.compilation.result

    @property
    def core(self) -> CoreSpec:
        """The core, with the defects of the die."""
        return self.result.core

    @property
    def model(self) -> CouplingGraph:
        """The model as it was brought onto the core."""
        return self.result.graph

    @property
    def feasible(self) -> bool:
        """Whether it fits."""
        return self.result.feasible

    @property
    def findings(self) -> tuple[Cause, ...]:
        """Why it does not fit, the most fundamental first; empty when it does."""
        return self.result.causes

    @property
    def warnings(self) -> tuple[CodeWarning, ...]:
        """Why codes may not be the model any more, though it fits."""
        return self.result.warnings

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as the command prints it with ``--json``."""
        return self.compilation.to_dict()

    def __repr__(self) -> str:
        verdict = "fits" if self.feasible else f"does not fit: {self.findings[0].message}"
        return f"<{type(self).__name__}: {self.model.name} on {self.core.name} {verdict}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import compilation_html

        return compilation_html(self.compilation)


@dataclass(frozen=True, eq=False, repr=False)
class Compiled(Checked):
    """A model that was compiled for a core, or what is in the way."""

    @property
    def program(self) -> Program:
        """The program.

        Raises
        ------
        OsccError
            ``compile.infeasible`` where the model does not fit.
        """
        if self.result.program is None:
            cause = self.findings[0]
            raise finding_error(cause.message, cause.fix)
        return self.result.program

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc compile --json`` prints it, but for where the program is."""
        from oscc.core.program_file import encode_program

        program = self.result.program
        return self.compilation.to_dict({} if program is None else {"program_bits": 8 * len(encode_program(program))})

    def save(self, folder: str | os.PathLike[str], *, dump_ir: Sequence[str] = ()) -> Path:
        """Write the output folder that ``oscc compile`` writes, and return its path.

        Parameters
        ----------
        folder : str or path
            New, empty, or one that oscc made, whose files are replaced.
        dump_ir : sequence of str
            Passes after which the level is written as text, each ``after:PASS``.

        Raises
        ------
        OsccError
            When the folder must not or cannot be written.
        """
        from oscc.compiler.compile import pass_names
        from oscc.compiler.dump import dump_level
        from oscc.compiler.pass_manager import parse_dump_requests

        wanted = parse_dump_requests(names_of("dump_ir", dump_ir), pass_names())
        dumps = {name: dump_level(level) for name, level in self.result.levels().items() if name in wanted}
        path = path_of("folder", folder, "the folder to write")
        self.compilation.write(path, dumps)
        return path


def load_core(core: Core, *, die: str | os.PathLike[str] | None = None) -> CoreSpec:
    """Return a core.

    Parameters
    ----------
    core : str, path or CoreSpec
        The name of a preset, or the path of a YAML file.
    die : str, path or None
        What the test of a die found (YAML): its defects become the core's.

    Raises
    ------
    OsccError
        When there is no such core, or the file is malformed.
    """
    found = core_of(core)
    return found if die is None else _on_die(found, read_die_file(Path(die)))


@only_oscc_errors
def read_model(model: Model, *, core: Core | None = None, frontend: str | None = None) -> CouplingGraph:
    """Return a model as a graph of couplings.

    Parameters
    ----------
    model : path, CouplingGraph, networkx graph, dimod BQM, or torch module of oscc
    core : str, path, CoreSpec or None
        An Ising problem is lowered for a core, and needs one.
    frontend : str or None
        How a file is read; by its suffix where it is None.

    Raises
    ------
    OsccError
        When the model is malformed; ``model.core`` for a problem without a core.
    """
    found = source_of(model, core_of("tiny-8x8" if core is None else core), frontend)
    if core is None and found.lower is not None:
        raise OsccError("model.core", "a problem becomes a model for a core", hint="give one: core=...")
    return found.model.graph


@only_oscc_errors
def check(model: Model, core: Core, **options: Unpack[CompileKeywords]) -> Checked:
    """Check whether a model fits a core.

    Parameters
    ----------
    model : path, CouplingGraph, networkx graph, dimod BQM, or torch module of oscc
    core : str, path or CoreSpec
    **options
        As `CompileKeywords` lists them.

    Returns
    -------
    Checked
        With every finding, and what would make the model fit, where it does not.

    Raises
    ------
    OsccError
        When something is wrong with what was given.
    """
    given = _Given.of("check", model, core, options)
    return Checked(check_source(given.source, given.core, given.options, (given.loaded,)))


@only_oscc_errors
def compile(model: Model, core: Core, **options: Unpack[CompileKeywords]) -> Compiled:
    """Compile a model for a core.

    Parameters
    ----------
    model : path, CouplingGraph, networkx graph, dimod BQM, or torch module of oscc
    core : str, path or CoreSpec
    **options
        As `CompileKeywords` lists them.

    Returns
    -------
    Compiled
        With the program, or with every finding where the model does not fit.

    Raises
    ------
    OsccError
        When something is wrong with what was given.
    """
    given = _Given.of("compile", model, core, options)
    compilation = compile_source(given.source, given.core, given.options, (given.loaded,), given.die)
    if compilation.changed.copies is not None:
        from oscc.sim.copy_spread import with_copy_spread

        compilation = with_copy_spread(compilation, given.options.placing.report)
    return Compiled(compilation)


@dataclass(frozen=True, eq=False)
class _Given:
    """What was given, read."""

    source: Source
    core: CoreSpec
    options: CompileOptions
    die: UserFile | None
    loaded: PassRecord

    @classmethod
    def of(cls, function: str, model: Model, core: Core, keywords: Mapping[str, Any]) -> _Given:
        refuse_unknown(function, keywords, CompileKeywords)
        options = _options(keywords)
        target = core_of(core)
        path = keywords.get("die")
        die = None if path is None else read_die_file(path_of("die", path, "what the test of the die found: YAML"))
        if die is not None:
            target = _on_die(target, die)
        begun = time.perf_counter()
        frontend = option_of(
            "frontend", keywords.get("frontend"), (str, type(None)), "the name of a front end, or None"
        )
        source = source_of(model, target, frontend)
        return cls(source, target, options, die, PassRecord(LOADED, time.perf_counter() - begun))


def _options(given: Mapping[str, Any]) -> CompileOptions:
    tau, clip = given.get("tau", "common"), given.get("clip", ())
    if tau not in ("common", "per-chunk"):
        raise OsccError("compile.tau", f"'{tau}' is not one of common, per-chunk", where="tau")
    nothing = type(None)
    tau_s = option_of("tau_s", given.get("tau_s"), (numbers.Real, nothing), "a number of seconds, or None")
    scaling = ScaleOptions(tau == "per-chunk", tuple(dict.fromkeys(names_of("clip", clip))), tau_s)
    timeout_s = given.get("timeout_s")
    is_number = isinstance(timeout_s, numbers.Real)
    if timeout_s is not None and not (is_number and timeout_s >= 0.0):
        raise OsccError("argument.value", f"{timeout_s!r} is no number of seconds from 0", where="timeout_s")
    limit_s = None if timeout_s is not None and math.isinf(timeout_s) else timeout_s
    seed = whole_number("seed", given.get("seed", 0))
    placer = option_of("placer", given.get("placer", "auto"), (str,), "the name of a placer")
    progress = option_of("progress", given.get("progress"), (Callable, nothing), "a function, or None")  # type: ignore[arg-type]
    placing = PlaceOptions(placer, seed, limit_s, progress)
    copies = None
    if option_of("copies", given.get("copies", False), (bool,), "True or False"):
        strength = option_of("chain_strength", given.get("chain_strength", STRENGTH), (numbers.Real,), "a number")
        if not 0.01 <= strength <= 100.0:
            raise OsccError("argument.value", f"{strength!r} is no number from 0.01 to 100", where="chain_strength")
        copies = CopyOptions(strength)
    elif "chain_strength" in given:
        raise OsccError("copies.strength", "there are no chains without copies=True", where="chain_strength")
    prune = given.get("prune")
    changes = ChangeOptions(
        None if prune is None else whole_number("prune", prune, 1), copies, given.get("die") is not None
    )
    return CompileOptions(scaling, placing, changes)


def _on_die(core: CoreSpec, die: UserFile) -> CoreSpec:
    return with_die(core, parse_die(die, core), die.where)
