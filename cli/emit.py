"""`oscc emit`: the Verilog of a core, with everything that a hardware team takes over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.choice_names import completing
from oscc.cli.common import JsonOption, folded, print_json, print_table, refuse_ignored, samples_option
from oscc.cli.named_command import NamedCommand
from oscc.cli.option_record import with_options
from oscc.cli.output import SeedOption
from oscc.cli.progress import progress_bar


@dataclass(frozen=True)
class EmitVerbOptions:
    """The options of the verb."""

    compiled: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help="Output folder of oscc compile; its core goes into DIR/rtl.", show_default=False
        ),
    ] = None
    core: Annotated[
        str | None,
        typer.Option("--core", metavar="SPEC", help="Preset name or YAML file, without DIR.", show_default=False),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder that gets a sub-folder rtl/; replaced if oscc made it.",
            show_default=False,
        ),
    ] = None
    samples: Annotated[int, samples_option("Samples of the test benches.", most=1000)] = 2
    seed: SeedOption = 0
    wrapper: Annotated[
        list[str] | None,
        typer.Option(
            "--wrapper",
            autocompletion=completing("wrappers"),
            metavar="WRAPPER",
            help="{wrappers}: a top module around the core for another bus; repeatable.",
            show_default=False,
        ),
    ] = None
    initial_values: Annotated[
        bool, typer.Option("--initial-values", help="Initial values of registers and memories, as FPGAs have them.")
    ] = False
    register_pages: Annotated[
        bool, typer.Option("--register-pages", help="HTML pages and UVM model of the registers, too (needs PeakRDL).")
    ] = False
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("emit", cls=NamedCommand)(emit_verb)


@with_options(EmitVerbOptions)
def emit_verb(context: typer.Context, given: EmitVerbOptions) -> None:
    """Emit a core: Verilog, constraints, black box of the array, register files, firmware, test benches, assertions.

    Of a compilation: oscc emit DIR. The test bench then gets the program, and initial phases and expected codes of
    some samples. Of any core: oscc emit --core SPEC -o DIR; where DIR is a compilation for the same core, that is the
    same.
    """
    from oscc.base.output_folder import check_target, read_output_folder
    from oscc.base.progress import tell_stage
    from oscc.core.program_folder import read_program_of
    from oscc.core.spec_file import load_core
    from oscc.rtl.delivery.emit_options import EmitOptions
    from oscc.rtl.delivery.wrappers import checked_wrappers
    from oscc.sim.emission import RTL_FOLDER, BenchOptions, compiled_core, emit_files, refuse_other_core, write_emitted

    if given.compiled is not None and given.output is not None:
        raise typer.BadParameter(f"{given.compiled} is written into already; leave out one of the two", param_hint="-o")
    if given.compiled is None and (given.core is None or given.output is None):
        raise typer.BadParameter("give the folder of a compilation, or --core SPEC and -o DIR", param_hint="DIR")
    target = given.compiled if given.compiled is not None else given.output
    assert target is not None
    options = EmitOptions(tuple(checked_wrappers(given.wrapper or ())), given.initial_values)
    asked = None if given.core is None else load_core(given.core)
    if given.compiled is not None:
        # What it is comes before whether it could be written.
        read_output_folder(given.compiled)
    check_target(target)
    theirs = load_core(read_output_folder(given.compiled).core) if given.compiled is not None else compiled_core(target)
    if theirs is None:
        ignored = {"samples": "-n", "seed": "--seed"}
        refuse_ignored(context, ignored, f"{target} holds no program, whose samples the test bench would have")
    spec = theirs if theirs is not None else asked
    assert spec is not None
    if asked is not None:
        refuse_other_core(
            spec, asked, target, "emit into a folder of its own" if given.compiled is None else "leave out --core"
        )
    with progress_bar(f"emitting {spec.name}") as report:
        bench = None if theirs is None else BenchOptions(read_program_of(target)[1], given.samples, given.seed)
        files = emit_files(spec, bench, report, options)
        tell_stage(report, f"writing {target / RTL_FOLDER}")
        hashes = write_emitted(target, spec, files, compiled=theirs is not None, register_pages=given.register_pages)
    names = [f"{RTL_FOLDER}/{name}" for name in hashes]
    size = sum(entry["bytes"] for entry in hashes.values())
    if given.as_json:
        print_json({"core": spec.name, "output": str(target), "files": names, "bytes": size})
    else:
        rows = [("core", spec.name), ("output", str(target)), ("files", folded(names)), ("size", f"{size} bytes")]
        print_table("emitted", rows)
