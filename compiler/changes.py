"""Compiling a model that may have to be changed first: couplings dropped, nodes split into copies."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.compiler.changed_model import changed_model
from oscc.compiler.compile import CompileResult
from oscc.compiler.copies.copied_graph import CopyMap
from oscc.compiler.copies.splitting import CopyOptions, split_nodes
from oscc.compiler.errors import OsccError
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.scale import ScaleOptions
from oscc.compiler.spec import CoreSpec
from oscc.compiler.what_if import WhatIf, explore_changes, pruned_graph

Compile = Callable[[Path, PlaceOptions], CompileResult]
"""`compile_model` or `check_model` with all but the model and the placer."""


@dataclass(frozen=True)
class ChangeOptions:
    """Which changes may be made.

    Parameters
    ----------
    prune : int or None
        Entry of `explore_changes` whose couplings are dropped, from 1.
    copies : CopyOptions or None
        Whether, and how, nodes may be split.
    """

    prune: int | None = None
    copies: CopyOptions | None = None


@dataclass(frozen=True, eq=False)
class Changed:
    """What came out.

    Parameters
    ----------
    result : CompileResult
    model : Path
        The checkpoint that was compiled, for as long as the block runs that it was made in.
    placing : PlaceOptions
        With which the same checkpoint gives the same result.
    changes : dict
        For the manifest: ``original`` (file, sha256), and ``pruned`` and ``copies`` as far as made; empty for none.
    copies : CopyMap or None
    what_if : WhatIf or None
        Of a model that does not fit.
    """

    result: CompileResult
    model: Path
    placing: PlaceOptions
    changes: dict[str, Any]
    copies: CopyMap | None
    what_if: WhatIf | None


@contextmanager
def compiled_with_changes(
    model: Path, core: CoreSpec, scaling: ScaleOptions, placing: PlaceOptions, wanted: ChangeOptions, compile: Compile
) -> Iterator[Changed]:
    """A model compiled as it is, or where that does not fit, with the changes that are allowed.

    Parameters
    ----------
    model : Path
        A checkpoint.
    core : CoreSpec
    scaling : ScaleOptions
    placing : PlaceOptions
    wanted : ChangeOptions
    compile : callable

    Raises
    ------
    OsccError
        ``prune.entry`` or ``prune.fits``, and what ``compile`` raises.
    """
    with ExitStack() as stack:
        result = compile(model, placing)
        changes: dict[str, Any] = {}
        copies = None

        def use(graph: CouplingGraph) -> Path:
            return stack.enter_context(changed_model(graph, model))

        original = {"file": model.name, "sha256": hashlib.sha256(model.read_bytes()).hexdigest()}
        if wanted.prune is not None:
            if result.feasible:
                raise OsccError("prune.fits", "the model fits as it is; there is nothing to drop", where="--prune")
            graph, changes["pruned"] = pruned_graph(_explored(result, core, scaling), wanted.prune)
            model = use(graph)
            placing = dataclasses.replace(placing, placer="symmetry")
            result = compile(model, placing)
        if wanted.copies is not None and "place" not in result.levels:
            split = split_nodes(result.graph, core, wanted.copies)
            if split.graph is None or split.copies is None:
                result = dataclasses.replace(result, findings=(*split.findings, *result.findings))
            else:
                copies = split.copies
                changes["copies"] = {**copies.summary(), "strength_factor": wanted.copies.strength}
                model = use(split.graph)
                placing = dataclasses.replace(placing, placer="identity")
                result = compile(model, placing)
        if changes:
            changes = {"original": original, **changes}
        what_if = None if result.feasible else _explored(result, core, scaling)
        yield Changed(result, model, placing, changes, copies, what_if)


def _explored(result: CompileResult, core: CoreSpec, scaling: ScaleOptions) -> WhatIf:
    return explore_changes(result.graph, core, result.placed, scaling)
