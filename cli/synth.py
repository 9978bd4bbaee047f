"""`oscc synth`: what a core takes of an FPGA or of silicon, and how fast it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.choice_names import completing
from oscc.cli.common import (
    EXIT_NO,
    CoreOption,
    JsonOption,
    print_findings,
    print_json,
    print_table,
    seed_option,
)
from oscc.cli.option_record import with_options
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.core.spec import CoreSpec
    from oscc.rtl.synthesis.report import SynthesisResult

SYNTHESIS_FOLDER = "synthesis"
"""Sub-folder of the output that holds the results, one JSON and one Markdown file per target."""

LOGS = "logs"
"""Folder in it for the tools' logs; they hold times, and nothing is promised about them."""


@dataclass(frozen=True)
class SynthVerbOptions:
    """The options of the verb."""

    core: CoreOption
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="ecp5, ice40 or asic.",
            show_default=False,
            autocompletion=completing("targets"),
        ),
    ]
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder that gets a sub-folder synthesis/; replaced if oscc made it."
        ),
    ]
    columns: Annotated[
        int | None, typer.Option("--columns", min=1, help="Only so many columns of the core.", show_default=False)
    ] = None
    chunks: Annotated[
        int | None, typer.Option("--chunks", min=1, help="Room for only so many chunks.", show_default=False)
    ] = None
    fit: Annotated[bool, typer.Option("--fit", help="If the core does not fit, as many of its chunks as do.")] = False
    freq: Annotated[
        float | None,
        typer.Option("--freq", min=1.0, max=2000.0, metavar="MHZ", help="Clock to reach; the core's if left out."),
    ] = None
    seed: Annotated[int, seed_option("the placement in the FPGA", least=1, most=2**31 - 1)] = 1
    timeout: Annotated[float, typer.Option("--timeout", min=1.0, help="Seconds that a tool may take.")] = 3600.0
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("synth")(synth_verb)


@with_options(SynthVerbOptions)
def synth_verb(given: SynthVerbOptions) -> None:
    """Synthesise the control plane of a core; for an FPGA, place and route it too.

    An FPGA has too few pins for the macro's signals: a harness of registers stands around the core, and its cost is
    subtracted. Writes DIR/synthesis/TARGET.json and TARGET.md, beside the results of other targets of the same core.
    The exit status is 3 when the core does not fit, or misses its clock.
    """
    from oscc.base.output_folder import check_target
    from oscc.core.spec_file import load_core
    from oscc.rtl.synthesis.findings import TOO_SLOW
    from oscc.rtl.synthesis.options import SynthesisOptions
    from oscc.rtl.synthesis.result_files import result_rows
    from oscc.rtl.synthesis.targets import check_target_name, synthesise, synthesise_largest
    from oscc.rtl.synthesis.tools import tool_folder
    from oscc.rtl.synthesis.variants import cut_core

    check_target_name(given.target)
    asked = cut_core(load_core(given.core), columns=given.columns, chunks=given.chunks)
    check_target(given.output)
    compiled = _check_same_core(given.output, asked)
    run = synthesise_largest if given.fit else synthesise
    with progress_bar(f"writing the Verilog of {asked.name}") as report, tool_folder() as scratch:
        result = run(asked, given.target, scratch, SynthesisOptions(given.freq, given.seed, given.timeout), report)
        _write(given.output, result, scratch, compiled)
    missed = any(finding.kind is TOO_SLOW for finding in result.findings)
    if given.as_json:
        print_json(result.as_dict() | {"output": str(given.output / SYNTHESIS_FOLDER)})
    else:
        rows = [*result_rows(result.as_dict()), ("output", str(given.output / SYNTHESIS_FOLDER))]
        print_table(f"{result.core.name} for {given.target}", rows)
        print_findings(result.findings)
    if missed or not result.fits:
        raise typer.Exit(EXIT_NO)


def _check_same_core(output: Path, core: CoreSpec) -> bool:
    """Return whether the output is a folder of `oscc compile`, which must then be for this core."""
    from oscc.base.errors import OsccError
    from oscc.base.output_folder import REPORTS, read_output_folder
    from oscc.core.spec_file import load_core

    if not (output / REPORTS).is_dir():
        return False
    theirs = load_core(read_output_folder(output).core)
    if theirs != core:
        raise OsccError(
            "synthesis.other-core",
            f"holds a program for another core ({theirs.name}, {theirs.hash[:8]}) than {core.name} ({core.hash[:8]})",
            where=str(output),
            hint="synthesise into a folder of its own",
        )
    return True


def _write(output: Path, result: SynthesisResult, scratch: Path, compiled: bool) -> None:
    """Write the results into their sub-folder: of a compiled folder, or of one that holds nothing else."""
    from oscc.base.file_output import write_bytes
    from oscc.base.output_folder import own_files, replace_folder, replace_subfolder

    kept = {
        path.name: path.read_bytes()
        for path in sorted((output / SYNTHESIS_FOLDER).glob("*.*"))
        if path.is_file() and path.stem != result.target and _is_of(path.with_suffix(".json"), result.core)
    }
    logs = output / SYNTHESIS_FOLDER / LOGS
    if compiled:
        with replace_subfolder(output, SYNTHESIS_FOLDER) as folder:
            _fill(folder, result, scratch, kept, logs)
        return
    with replace_folder(output) as folder:
        # What `oscc emit` left stays, when it is this core's.
        emitted = (name for name in sorted(own_files(output)) if name.startswith("rtl/"))
        for name in emitted if _manifest_hash(output) == result.core.hash else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(folder / name, (output / name).read_bytes())
        (folder / SYNTHESIS_FOLDER).mkdir()
        _fill(folder / SYNTHESIS_FOLDER, result, scratch, kept, logs)
        _write_manifest(folder, result.core)


def _fill(folder: Path, result: SynthesisResult, scratch: Path, kept: dict[str, bytes], logs: Path) -> None:
    from oscc.base.file_output import write_bytes, write_text
    from oscc.base.output_folder import write_json
    from oscc.rtl.synthesis.report import markdown

    for name, content in kept.items():
        write_bytes(folder / name, content)
    write_json(folder / f"{result.target}.json", result.as_dict())
    write_text(folder / f"{result.target}.md", markdown(result))
    (folder / LOGS).mkdir()
    others = {Path(name).stem for name in kept}
    for log in sorted(logs.glob("*.log")):
        if log.name.partition("-")[0] in others:
            write_bytes(folder / LOGS / log.name, log.read_bytes())
    for log in sorted(scratch.glob("*.log")):
        write_bytes(folder / LOGS / f"{result.target}-{log.name}", log.read_bytes())


def _is_of(path: Path, core: CoreSpec) -> bool:
    """Return whether a file is a result about a core."""
    import json

    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return bool(content["core"]["spec_hash"] == core.hash)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _manifest_hash(output: Path) -> str:
    """Hash of the core that the manifest of a folder names; empty when it names none."""
    import json

    from oscc.base.output_folder import MANIFEST

    try:
        content: Any = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
        return str(content["inputs"]["core"]["spec_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write_manifest(folder: Path, core: CoreSpec) -> None:
    """Write the manifest of a folder, with the hash of everything in it but the logs."""
    from oscc.base.manifest_writer import described_outputs
    from oscc.rtl.delivery.core_manifest import write_core_manifest

    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != LOGS)
    write_core_manifest(
        folder, core, described_outputs(folder, (path.relative_to(folder).as_posix() for path in files))
    )
