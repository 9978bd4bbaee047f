"""`oscc compile`: from a checkpoint to a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import EXIT_NO, CoreOption, JsonOption, ModelArgument, print_findings, print_json
from oscc.cli.place_options import (
    FrontEndOption,
    PlacerOption,
    SeedOption,
    TimeoutOption,
    parse_place_options,
    recorded_place_options,
)
from oscc.cli.progress import progress_bar
from oscc.cli.scale_options import ClipOption, TauOption, TauSecondsOption, parse_scale_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("compile")(compile_verb)


def compile_verb(
    model: ModelArgument,
    core: CoreOption,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to write; replaced if oscc made it.")
    ],
    tau: TauOption = "common",
    tau_s: TauSecondsOption = None,
    clip: ClipOption = None,
    placer: PlacerOption = "auto",
    seed: SeedOption = 0,
    timeout: TimeoutOption = None,
    frontend: FrontEndOption = None,
    dump_ir: Annotated[
        list[str] | None,
        typer.Option("--dump-ir", metavar="after:PASS", help="Write a level as text to DIR/ir/PASS.txt; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compile a model, a coupling graph or an Ising problem for a core: placement, codes, program and reports.

    Exit status 0 when DIR holds a program, 3 when the model does not fit: DIR then holds the findings and no program.
    """
    from oscc.cli.summary import print_summary
    from oscc.compiler.compile import compile_model, pass_names
    from oscc.compiler.compile_output import write_output
    from oscc.compiler.dump import dump_level
    from oscc.compiler.findings import shorten_findings
    from oscc.compiler.frontends.front_end import opened_source
    from oscc.compiler.output_folder import PROGRAM, check_target
    from oscc.compiler.pass_manager import parse_dump_requests
    from oscc.compiler.spec_file import load_core
    from oscc.compiler.store import Level

    options = parse_scale_options(tau, tau_s, clip)
    wanted = parse_dump_requests(dump_ir or (), pass_names())
    check_target(output)
    dumps: dict[str, str] = {}

    def dump(name: str, level: Level) -> None:
        if name in wanted:
            dumps[name] = dump_level(level)

    target = load_core(core)
    with opened_source(model, frontend, target) as source:
        with progress_bar() as report:
            placing = parse_place_options(placer, seed, timeout, report)
            result = compile_model(source.checkpoint, target, options, placing=placing, after=dump)
        recorded = {"tau": tau, "tau_s": tau_s, "clip": list(options.clip), **recorded_place_options(placing)}
        write_output(
            output,
            result,
            source.checkpoint,
            options=recorded,
            dumps=dumps,
            problem=source.problem,
            described=source.description,
        )

    summary = result.summary()
    program = output / PROGRAM
    if as_json:
        written = {"program": str(program), "program_bits": program.stat().st_size * 8} if result.feasible else {}
        print_json({**summary, **written, "passes": [record.as_dict() for record in result.records]})
    else:
        seconds = sum(record.seconds for record in result.records)
        more = {"program": f"{program}, {program.stat().st_size} bytes"} if result.feasible else {}
        print_summary(summary, {**more, "output": str(output), "passes": f"{seconds:.2f} s"})
        print_findings(shorten_findings(result.findings))
    if not result.feasible:
        raise typer.Exit(EXIT_NO)
