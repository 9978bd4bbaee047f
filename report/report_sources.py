"""Where a report's figures come from: an output folder, or a result that was written nowhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oscc.base.errors import OsccError
from oscc.base.manifest_writer import described_tool
from oscc.base.output_folder import PROGRAM, REPORTS, OutputFolder, read_any_output_folder
from oscc.compiler.compile import CompileResult
from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.output.compile_output import Receipt, described_inputs
from oscc.compiler.output.quantization_report import quantization_report
from oscc.compiler.output.routing_report import routing_report
from oscc.compiler.precision.code_use import GroupUse
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.report.listed_findings import ListedCause
from oscc.report.report_data import (
    FindingCount,
    Findings,
    Inputs,
    ProgramFile,
    Quantization,
    ReportData,
    Resource,
    Routing,
    Solve,
    WhatIf,
    Witnesses,
)

Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class Sources:
    """The reports that a report is made of; what is None was not reached, or not asked for.

    Parameters
    ----------
    manifest : mapping
        ``tool``, ``inputs``, ``outputs`` and ``summary``, as manifest.json has them.
    core : CoreSpec or None
        None where the folder holds none.
    routing, quantization, witnesses, what_if, solve : object
        Content of the files of these names in ``reports/``, checked by `report_of`.
    """

    manifest: Mapping[str, Any]
    core: CoreSpec | None = None
    routing: Any = None
    quantization: Any = None
    witnesses: Any = None
    what_if: Any = None
    solve: Any = None


def report_of_folder(path: str | Path) -> ReportData:
    """Return the report of an output folder of `oscc compile`, of a model that fits or of one that does not.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        What `read_any_output_folder` and `load_core` raise; ``report.no-compilation`` when nothing was compiled into
        the folder; ``report.changed`` when a file is no longer what the manifest says; ``report.input`` when one cannot
        be understood.
    """
    folder = read_any_output_folder(path)
    if "summary" not in folder.manifest:
        raise OsccError(
            "report.no-compilation",
            "nothing was compiled into it",
            where=str(path),
            hint="compile a model into it: oscc compile MODEL --core SPEC -o DIR",
        )
    changed = folder.changed_files()
    if changed:
        raise OsccError(
            "report.changed",
            f"changed since it was compiled, or missing: {', '.join(changed)}",
            where=str(path),
            hint="compile it again",
        )
    core = load_core(folder.core) if folder.core.name in folder.manifest["outputs"] else None
    return report_of(
        Sources(
            folder.manifest,
            core,
            routing=_read(folder, "routing"),
            quantization=_read(folder, "quantization"),
            witnesses=_read(folder, "witnesses"),
            what_if=_read(folder, "whatif"),
            solve=_read(folder, "solve"),
        ),
        where=str(path),
    )


def report_of_result(
    result: CompileResult, receipt: Receipt, *, what_if: Any = None, witnesses: Any = None
) -> ReportData:
    """Return the report of a result that no folder holds: what `oscc check` found.

    Parameters
    ----------
    result : CompileResult
    receipt : Receipt
        What was checked and how, as the manifest would record it.
    what_if, witnesses : object, optional
        Content that the files of these names in reports/ would have.
    """
    manifest = {
        "tool": described_tool(),
        "inputs": described_inputs(result.core, receipt),
        "outputs": {},
        "summary": result.summary(),
    }
    placed, coded = result.placed, result.coded
    return report_of(
        Sources(
            manifest,
            result.core,
            routing=None if placed is None else routing_report(placed, result.causes, result.findings),
            quantization=None if coded is None else quantization_report(coded),
            witnesses=witnesses,
            what_if=what_if,
        ),
        where=receipt.model.name,
    )


def report_of(sources: Sources, *, where: str) -> ReportData:
    """Return a report from its sources.

    Parameters
    ----------
    sources : Sources
    where : str
        What they are of, for messages.

    Raises
    ------
    OsccError
        ``report.input``, naming the file and the first key that is not as it should be.
    """
    summary, inputs = sources.manifest["summary"], sources.manifest["inputs"]
    routing = _parse(Routing, sources.routing, f"{where}: {REPORTS}/routing.json")
    core = sources.core
    cycles = summary.get("cycles_per_sample") if summary["feasible"] else None
    program = sources.manifest["outputs"].get(PROGRAM)
    tool = sources.manifest["tool"]
    return ReportData(
        schema="oscc.report/1",
        verdict="fits" if summary["feasible"] else "does not fit",
        model=summary["model"],
        family=summary["family"],
        core=summary["core"],
        nodes=summary["nodes"],
        couplings=summary["couplings"],
        chunks=summary["chunks"],
        weight_bits=summary["weight_bits"],
        cycles_per_sample=cycles,
        samples_per_second=core.clock_hz / cycles if core is not None and cycles else None,
        resources=tuple(_resources(summary, core, routing)),
        inputs=Inputs(
            model_file=inputs["model"]["file"],
            model_sha256=inputs["model"]["sha256"],
            core_sha256=inputs["core"]["sha256"],
            spec_hash=inputs["core"]["spec_hash"],
            options=dict(inputs["options"]),
            problem=inputs.get("problem"),
            changes=inputs.get("changes"),
            tool=f"{tool['name']} {tool['version']}",
        ),
        program=None if program is None else ProgramFile(program["sha256"], program["bytes"]),
        routing=routing,
        quantization=_parse(Quantization, sources.quantization, f"{where}: {REPORTS}/quantization.json"),
        code_use=_parse(dict[str, GroupUse], summary.get("code_use", {}).get("groups"), f"{where}: code_use"),
        warnings=_parse(tuple[CodeWarning, ...], summary.get("warnings", []), f"{where}: warnings") or (),
        findings=_findings(_parse(tuple[ListedCause, ...], summary["findings"], f"{where}: findings") or ()),
        witnesses=_parse(Witnesses, sources.witnesses, f"{where}: {REPORTS}/witnesses.json"),
        what_if=_parse(WhatIf, sources.what_if, f"{where}: {REPORTS}/whatif.json"),
        solve=_parse(Solve, sources.solve, f"{where}: {REPORTS}/solve.json"),
    )


def _resources(summary: Mapping[str, Any], core: CoreSpec | None, routing: Routing | None) -> list[Resource]:
    """Return what is used of what there is, as far as it is known."""
    found: list[Resource] = []
    offers = summary.get("offers")
    if offers is not None:
        found += [
            Resource("cells", summary["nodes"], offers["cells"], "living cells"),
            Resource("readable cells", summary["read_out"], offers["readable_cells"], "living cells that can be read"),
        ]
    if routing is not None:
        found += [
            Resource("coupling units", routing.slots.used, routing.slots.available, "units"),
            Resource("couplings into a node", summary["max_degree"], routing.degree.limit, "offsets of the stencil"),
            Resource("busiest boundary", routing.boundaries.peak, routing.boundaries.capacity, "tracks"),
        ]
    if offers is not None:
        found.append(Resource("chunks", summary["chunks"], offers["chunks"], "chunks of weight memory"))
    if core is not None and "cycles_per_sample" in summary:
        cycles = summary["cycles_per_sample"]
        found.append(Resource("cycles per sample", cycles, core.cycles_per_sample, "clock cycles"))
    return found


def _findings(causes: Sequence[ListedCause]) -> Findings:
    count: Counter[str] = sum((cause.totals() for cause in causes), Counter())
    unproven = {finding.code for cause in causes for finding in (cause, *cause.examples) if not finding.proof}
    return Findings(
        total=count.total(),
        by_code=tuple(FindingCount(code, number, code not in unproven) for code, number in sorted(count.items())),
        causes=tuple(causes),
    )


def _read(folder: OutputFolder, name: str) -> Any:
    """Read the content of a JSON file in ``reports/``; None where there is none."""
    path = folder.path / REPORTS / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise OsccError("report.input", "is no JSON", where=str(path)) from None


def _parse(kind: type[Part], content: Any, where: str) -> Part | None:
    """Return the part of a report that a file's content makes, None where there is no file."""
    if content is None:
        return None
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "the file"
        raise OsccError(
            "report.input", f"{key}: {fault['msg'].lower()}", where=where, hint="made by another version? compile again"
        ) from None
