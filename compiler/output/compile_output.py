"""What `oscc compile` leaves in its output folder; docs/formats.md lists it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oscc.base.errors import OsccError
from oscc.base.extensions import ExtensionTable
from oscc.base.file_output import write_bytes, write_text
from oscc.base.manifest_writer import described_outputs, write_manifest
from oscc.base.output_folder import (
    CORE,
    DIE,
    LABELS,
    MODEL,
    PROBLEM,
    PROGRAM,
    REPORTS,
    WIRES,
    replace_folder,
    write_json,
)
from oscc.compiler.compile import CompileResult
from oscc.compiler.frontends.front_ends import FRONT_ENDS
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.output.quantization_report import quantization_report, quantization_table
from oscc.compiler.output.routing_report import routing_report, routing_table
from oscc.compiler.output.schedule_report import schedule_report
from oscc.compiler.place.placers import AUTO, PLACERS
from oscc.compiler.route.route_checker import check_route
from oscc.compiler.route.tracks import assign_tracks
from oscc.compiler.route.wires_file import write_wires
from oscc.core.families import FAMILIES
from oscc.core.program_file import write_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

if TYPE_CHECKING:
    from oscc.base.text_file import UserFile
    from oscc.compiler.frontends.front_end import Source
    from oscc.compiler.frontends.model_file import ModelFile


@dataclass(frozen=True)
class Receipt:
    """What an output folder records of how it was made.

    Parameters
    ----------
    model : ModelFile
        What was compiled; its checkpoint is kept.
    options : mapping
        How it was compiled; values are JSON.
    source : Source or None
        Where the checkpoint was lowered from another file: its content is kept as ``problem``, what it calls the nodes
        as ``labels.json``.
    die : UserFile or None
        The die file that is part of the core; it is kept.
    changes : mapping or None
        What was changed of the model on the way; values are JSON.
    """

    model: ModelFile
    options: Mapping[str, Any]
    source: Source | None = None
    die: UserFile | None = None
    changes: Mapping[str, Any] | None = None


def write_output(
    path: str | Path,
    result: CompileResult,
    receipt: Receipt,
    *,
    dumps: Mapping[str, str] = MappingProxyType({}),
    reports: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the output folder of a result, or replace the one that is there.

    A result that fits gives the model, the core, the program, and reports; one that does not gives the findings in
    ``reports/`` and no program. Nothing in the folder depends on the time or on the machine.

    Parameters
    ----------
    path : str or Path
        The folder, as `check_target` allows it.
    result : CompileResult
    receipt : Receipt
    dumps : mapping of str to str, optional
        Text of levels, by the name of the pass, for ``ir/``.
    reports : mapping of str to JSON, optional
        Further files of ``reports/``, by their names without ``.json``.

    Raises
    ------
    OsccError
        What `replace_folder` raises; ``output.route`` when the independent check of the finished route has something to
        say.
    """
    with replace_folder(path) as folder:
        _write_reports(folder / REPORTS, result)
        for name, content in reports.items():
            write_json(folder / REPORTS / f"{name}.json", content)
        if dumps:
            (folder / "ir").mkdir()
            for name, text in dumps.items():
                write_text(folder / "ir" / f"{name}.txt", text)
        if result.program is not None and result.routed is not None:
            write_bytes(folder / MODEL, receipt.model.content)
            write_text(folder / CORE, dump_core(result.core))
            write_program(folder / PROGRAM, result.program)
            _write_wires(folder / WIRES, result.routed)
        source, die = receipt.source, receipt.die
        if source is not None and source.problem is not None:
            write_bytes(folder / PROBLEM, source.problem)
            write_json(folder / LABELS, list(source.labels))
        if die is not None:
            write_bytes(folder / DIE, die.content)
        names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        outputs = described_outputs(folder, names)
        write_manifest(folder, described_inputs(result.core, receipt), outputs, {"summary": result.summary()})


def described_inputs(core: CoreSpec, receipt: Receipt) -> dict[str, Any]:
    """Return what the manifest says of the inputs: ``model``, ``core``, ``options``, and what there is of the rest.

    Parameters
    ----------
    core : CoreSpec
    receipt : Receipt
    """
    model, problem = receipt.model, receipt.source.description if receipt.source else None
    return {
        "model": {"file": model.name, "sha256": model.graph.model_hash},
        "core": {
            "name": core.name,
            "sha256": hashlib.sha256(dump_core(core).encode()).hexdigest(),
            "spec_hash": core.hash,
        },
        "options": dict(receipt.options),
        **({"problem": dict(problem)} if problem else {}),
        **({"changes": dict(receipt.changes)} if receipt.changes else {}),
        **({"extensions": extensions} if (extensions := _extensions(receipt)) else {}),
    }


def _extensions(receipt: Receipt) -> dict[str, dict[str, str]]:
    """Return what other distributions had a part in it, by group and name; values are distributions with versions."""
    problem = receipt.source.description if receipt.source else {}
    used: tuple[tuple[ExtensionTable[Any], Any], ...] = (
        (PLACERS, receipt.options.get("placer")),
        (FRONT_ENDS, problem.get("frontend")),
        (FAMILIES, receipt.model.graph.family),
    )
    found: dict[str, dict[str, str]] = {}
    for table, name in used:
        if isinstance(name, str) and name != AUTO and (origin := table.origin(name)):
            found[table.group] = {name: origin}
    return found


def _write_wires(path: Path, routed: RoutedGraph) -> None:
    """Write wires and tracks, once a check that shares no code with the router has followed every one of them."""
    track = assign_tracks(routed.route.wires)
    for finding in check_route(routed, track):
        raise OsccError("output.route", f"{finding.code}: {finding.message}", where=routed.graph.name, hint=finding.fix)
    write_wires(path, routed.route.wires, track)


def _write_reports(folder: Path, result: CompileResult) -> None:
    folder.mkdir()
    if result.placed is not None:
        routing = routing_report(result.placed, result.causes, result.findings)
        write_json(folder / "routing.json", routing)
        write_text(folder / "routing.txt", routing_table(routing))
    else:
        write_json(folder / "findings.json", [cause.as_dict() for cause in result.causes])
    if result.coded is not None:
        quantization = quantization_report(result.coded)
        write_json(folder / "quantization.json", quantization)
        write_text(folder / "quantization.txt", quantization_table(quantization))
    if result.program is not None:
        write_text(folder / "schedule.txt", schedule_report(result.program, result.core))
