"""`oscc compile`: from a checkpoint to a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.code_lines import print_warnings
from oscc.cli.common import EXIT_NO, print_findings, print_json
from oscc.cli.model_options import ModelOptions, timed_source, with_model_options
from oscc.cli.named_command import NamedCommand
from oscc.cli.place_options import load_target, open_die
from oscc.cli.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("compile", cls=NamedCommand)(compile_verb)


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
    from oscc.cli.summary import change_rows, print_summary, print_what_if
    from oscc.compiler.compile import pass_names
    from oscc.compiler.dump import dump_level
    from oscc.compiler.output.compilation import compile_source
    from oscc.compiler.pass_manager import parse_dump_requests

    given.scaling()
    wanted = parse_dump_requests(dump_ir or (), pass_names())
    check_target(output)
    die = open_die(given.die)
    target = load_target(given.core, die)
    source, loaded = timed_source(given, target)
    with progress_bar("placing and routing") as report:
        compiled = compile_source(source, target, given.compiling(report), (loaded,), die)
        if compiled.changed.copies is not None:
            from oscc.sim.copy_spread import with_copy_spread

            compiled = with_copy_spread(compiled, report)
        result = compiled.result
        dumps = {name: dump_level(level) for name, level in compiled.levels().items() if name in wanted}
        tell_stage(report, f"writing {output}")
        compiled.write(output, dumps)

    program = output / PROGRAM
    size = program.stat().st_size if result.feasible else 0
    if given.as_json:
        print_json(compiled.to_dict({"program": str(program), "program_bits": 8 * size} if result.feasible else {}))
    else:
        seconds = sum(record.seconds for record in compiled.records)
        more = {"program": f"{program}, {size} bytes"} if result.feasible else {}
        more |= change_rows(compiled.changed, compiled.spread)
        print_summary(result.summary(), {**more, "output": str(output), "passes": f"{seconds:.2f} s"})
        print_what_if(compiled.changed.what_if)
        print_findings(result.causes)
        print_warnings(result.warnings)
    if not result.feasible or (given.strict and result.warnings):
        raise typer.Exit(EXIT_NO)
