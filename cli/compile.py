"""`oscc compile`: from a checkpoint to a program."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.code_lines import print_warnings
from oscc.cli.common import EXIT_NO, print_findings, print_json
from oscc.cli.model_options import ModelOptions, timed_source, with_model_options
from oscc.cli.place_options import load_target, open_die, recorded_place_options
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from oscc.compiler.compile import CompileResult
    from oscc.compiler.feasibility.changes import Changed
    from oscc.compiler.ir.graph import CouplingGraph
    from oscc.compiler.passes.place import PlaceOptions

COPY_SAMPLES = 16
"""Samples of the array over which the agreement of copies is measured."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("compile")(compile_verb)


@with_model_options
def compile_verb(
    given: ModelOptions,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to write; replaced if oscc made it.")
    ],
    dump_ir: Annotated[
        list[str] | None,
        typer.Option("--dump-ir", metavar="after:PASS", help="Write a level as text to DIR/ir/PASS.txt; repeatable."),
    ] = None,
) -> None:
    """Compile a model, a coupling graph or an Ising problem for a core: placement, codes, program and reports.

    Exit status 0 when DIR holds a program, 3 when the model does not fit: DIR then holds the findings and no program.
    With --strict 3 also when there are warnings, beside the program.
    """
    from oscc.base.output_folder import PROGRAM, check_target
    from oscc.base.progress import tell_stage
    from oscc.cli.summary import change_json, change_rows, print_summary, print_what_if
    from oscc.compiler.compile import LOADED, compile_model, pass_names
    from oscc.compiler.dump import dump_level
    from oscc.compiler.feasibility.changes import compile_with_changes
    from oscc.compiler.output.compile_output import Receipt, write_output
    from oscc.compiler.pass_manager import PassRecord, parse_dump_requests

    options = given.scaling()
    wanted = parse_dump_requests(dump_ir or (), pass_names())
    check_target(output)
    die = open_die(given.die)
    target = load_target(given.core, die)
    source, loaded = timed_source(given, target)

    def compile_graph(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return compile_model(graph, target, options, placing=placing)

    with progress_bar("placing and routing") as report:
        placing = given.placing(report)
        compiled = compile_with_changes(source, target, options, placing, given.changes(), compile_graph)
        result = compiled.result
        begun = time.perf_counter()
        spread = _copy_spread(compiled, report)
        records = (loaded, *result.records)
        if spread is not None:
            records += (PassRecord("copy-spread", time.perf_counter() - begun),)
        reports: dict[str, Any] = {}
        if compiled.what_if is not None:
            reports["whatif"] = compiled.what_if.as_dict(result.graph)
        if compiled.witnesses is not None:
            reports["witnesses"] = compiled.witnesses.as_dict()
        if compiled.copies is not None and spread is not None:
            reports["copies"] = {**compiled.copies.summary(), **spread}
        recorded = {"tau": given.tau, "tau_s": given.tau_s, "clip": list(options.clip)}
        recorded |= recorded_place_options(compiled.placing)
        receipt = Receipt(compiled.model, recorded, source, die, compiled.changes)
        # The model as it was read, also where it fits only without its idle couplings.
        levels = {**result.levels(), LOADED: compiled.model.graph}
        dumps = {name: dump_level(level) for name, level in levels.items() if name in wanted}
        tell_stage(report, f"writing {output}")
        write_output(output, result, receipt, dumps=dumps, reports=reports)

    summary = result.summary()
    program = output / PROGRAM
    if given.as_json:
        written = {"program": str(program), "program_bits": program.stat().st_size * 8} if result.feasible else {}
        passes = [record.as_dict() for record in records]
        print_json({**summary, **written, **change_json(compiled, spread), "passes": passes})
    else:
        seconds = sum(record.seconds for record in records)
        more = {"program": f"{program}, {program.stat().st_size} bytes"} if result.feasible else {}
        more |= change_rows(compiled, spread)
        print_summary(summary, {**more, "output": str(output), "passes": f"{seconds:.2f} s"})
        print_what_if(compiled.what_if)
        print_findings(result.causes)
        print_warnings(result.warnings)
    if not result.feasible or (given.strict and result.warnings):
        raise typer.Exit(EXIT_NO)


def _copy_spread(compiled: Changed, report: Callable[[str, float], None] | None) -> dict[str, Any] | None:
    """How far copies are apart at the end of runs of the array; None where there are none, or no program."""
    result = compiled.result
    if compiled.copies is None or result.program is None or result.placed is None:
        return None
    from oscc.sim.copy_spread import copy_spread

    owner = compiled.copies.owner
    return copy_spread(result.core, result.program, result.placed.cell, owner, COPY_SAMPLES, progress=report)
