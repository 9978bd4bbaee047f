"""A model brought onto a core, from what was given to what is reported, printed and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from oscc.base.text_file import UserFile
from oscc.compiler.compile import LOADED, CompileResult, check_model, compile_model
from oscc.compiler.feasibility.changes import Changed, ChangeOptions, compile_with_changes
from oscc.compiler.frontends.front_end import Source
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.store import Level
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.compiler.pass_manager import PassRecord
from oscc.compiler.passes.place import AUTOMATIC, PlaceOptions
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.core.spec import CoreSpec

UNCHANGED = ChangeOptions()


@dataclass(frozen=True)
class CompileOptions:
    """How a model is brought onto a core.

    Parameters
    ----------
    scaling : ScaleOptions
    placing : PlaceOptions
    changes : ChangeOptions
        Which changes of the model are allowed.
    """

    scaling: ScaleOptions = SMALLEST_TAU
    placing: PlaceOptions = AUTOMATIC
    changes: ChangeOptions = UNCHANGED


@dataclass(frozen=True, eq=False)
class Compilation:
    """A model that was checked or compiled, with what there is to say of it.

    Parameters
    ----------
    source : Source
        What was given.
    options : CompileOptions
    changed : Changed
        What came out; its ``result`` is that of the model as it was changed in the end.
    records : tuple of PassRecord
        Of everything that was run, in order.
    die : UserFile or None
        The die file that is part of the core.
    spread : mapping or None
        As `oscc.sim.copy_spread.copy_spread` returns it; None where no node has copies.
    """

    source: Source
    options: CompileOptions
    changed: Changed
    records: tuple[PassRecord, ...]
    die: UserFile | None = None
    spread: Mapping[str, Any] | None = None

    @property
    def result(self) -> CompileResult:
        """What the passes came to."""
        return self.changed.result

    def to_dict(self, written: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """Return what ``oscc check --json`` and ``oscc compile --json`` print.

        Parameters
        ----------
        written : mapping of str to JSON, optional
            Where the program is.
        """
        what_if, witnesses = self.changed.what_if, self.changed.witnesses
        parts = {
            "changes": self.changed.changes or None,
            "copies": self.spread,
            "what_if": None if what_if is None else what_if.as_dict(self.result.graph)["entries"],
            "witnesses": None if witnesses is None else witnesses.as_dict(),
        }
        more = {name: part for name, part in parts.items() if part is not None}
        return {**self.result.summary(), **written, **more, "passes": [each.as_dict() for each in self.records]}

    def levels(self) -> dict[str, Level]:
        """Return what each pass returned, by its name; `LOADED` is the model as it was read.

        Also where it fits only without its idle couplings.
        """
        return {**self.result.levels(), LOADED: self.changed.model.graph}

    def reports(self) -> dict[str, Any]:
        """Return what ``reports/`` holds besides what every compilation has, by name; values are JSON."""
        changed = self.changed
        found: dict[str, Any] = {}
        if changed.what_if is not None:
            found["whatif"] = changed.what_if.as_dict(self.result.graph)
        if changed.witnesses is not None:
            found["witnesses"] = changed.witnesses.as_dict()
        if changed.copies is not None and self.spread is not None:
            found["copies"] = {**changed.copies.summary(), **self.spread}
        return found

    def receipt(self) -> Receipt:
        """Return what an output folder records of how it was made."""
        scaling, placing = self.options.scaling, self.changed.placing
        recorded = {
            "tau": "per-chunk" if scaling.per_chunk else "common",
            "tau_s": scaling.tau_s,
            "clip": list(scaling.clip),
            "placer": placing.placer,
            "place_seed": placing.seed,
            "place_timeout_s": placing.timeout_s,
        }
        return Receipt(self.changed.model, recorded, self.source, self.die, self.changed.changes)

    def write(self, path: Path, dumps: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write the output folder, or replace the one that is there.

        Parameters
        ----------
        path : Path
        dumps : mapping of str to str, optional
            Text of levels, by the name of the pass, for ``ir/``.

        Raises
        ------
        OsccError
            As `write_output` raises it.
        """
        write_output(path, self.result, self.receipt(), dumps=dumps, reports=self.reports())


def check_source(
    source: Source, core: CoreSpec, options: CompileOptions, records: tuple[PassRecord, ...] = ()
) -> Compilation:
    """Check whether a model fits a core, as it is or with the changes that are allowed.

    Parameters
    ----------
    source : Source
    core : CoreSpec
    options : CompileOptions
    records : tuple of PassRecord
        Of what was done before.

    Raises
    ------
    OsccError
        As `compile_with_changes` raises it.
    """

    def check(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return check_model(graph, core, options.scaling, placing=placing)

    changed = compile_with_changes(source, core, options.scaling, options.placing, options.changes, check)
    return Compilation(source, options, changed, (*records, *changed.result.records))


def compile_source(
    source: Source,
    core: CoreSpec,
    options: CompileOptions,
    records: tuple[PassRecord, ...] = (),
    die: UserFile | None = None,
) -> Compilation:
    """Compile a model for a core, as it is or with the changes that are allowed.

    Parameters
    ----------
    source : Source
    core : CoreSpec
        With the defects of the die, where there is one.
    options : CompileOptions
    records : tuple of PassRecord
        Of what was done before.
    die : UserFile or None

    Raises
    ------
    OsccError
        As `compile_with_changes` raises it.
    """

    def compile_it(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return compile_model(graph, core, options.scaling, placing=placing)

    changed = compile_with_changes(source, core, options.scaling, options.placing, options.changes, compile_it)
    return Compilation(source, options, changed, (*records, *changed.result.records), die)
