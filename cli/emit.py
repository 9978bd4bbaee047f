"""`oscc emit`: the Verilog of a core, with everything that a hardware team takes over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.common import CoreOption, JsonOption, print_json, print_table
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.compiler.spec import CoreSpec

RTL_FOLDER = "rtl"
"""Sub-folder of the output that holds what was emitted."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("emit")(emit_verb)


def emit_verb(
    core: CoreOption,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder that gets a sub-folder rtl/; replaced if oscc made it."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Emit a core: Verilog, file list, stub of the array macro, clock constraint, lint waivers, register files.

    DIR may be an output folder of `oscc compile` for the same core, or a new one.
    """
    from oscc.compiler.errors import OsccError
    from oscc.compiler.output_folder import (
        REPORTS,
        check_target,
        read_output_folder,
        replace_folder,
        replace_subfolder,
    )
    from oscc.compiler.spec_file import load_core
    from oscc.rtl.emit import emit_core

    spec = load_core(core)
    check_target(output)
    # In the folder of a compilation, its files stay; one that did not fit holds no core to emit.
    compiled = read_output_folder(output) if (output / REPORTS).is_dir() else None
    if compiled is not None and (theirs := load_core(compiled.core)).hash != spec.hash:
        raise OsccError(
            "emit.other-core",
            f"holds a program for another core ({theirs.name}, {theirs.hash[:8]}) than {spec.name} ({spec.hash[:8]})",
            where=str(output),
            hint="emit into a folder of its own",
        )
    with progress_bar() as progress:
        if progress:
            progress(f"emitting {spec.name}", 0.0)
        files = emit_core(spec)
    if compiled is not None:
        with replace_subfolder(output, RTL_FOLDER) as folder:
            _write(folder, files, spec)
    else:
        with replace_folder(output) as folder:
            _write(folder / RTL_FOLDER, files, spec)
            # A manifest of its own makes it a folder that oscc may replace.
            _write_manifest(folder, {f"{RTL_FOLDER}/{name}": text for name, text in files.items()}, spec)
    names = sorted(f"{RTL_FOLDER}/{name}" for name in files)
    size = sum(len(text) for text in files.values())
    if as_json:
        print_json({"core": spec.name, "output": str(output), "files": names, "bytes": size})
    else:
        rows = [("core", spec.name), ("output", str(output)), ("files", ", ".join(names)), ("size", f"{size} bytes")]
        print_table("emitted", rows)


def _write(folder: Path, files: Mapping[str, str], core: CoreSpec) -> None:
    """Write emitted files and a manifest of their hashes into an empty or new folder."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _write_manifest(folder, files, core)


def _write_manifest(folder: Path, files: Mapping[str, str], core: CoreSpec) -> None:
    """Write what was emitted, with hashes, as the manifest of a folder."""
    import hashlib
    from importlib.metadata import version

    from oscc.compiler.output_folder import MANIFEST, SCHEMA, write_json
    from oscc.rtl.top import array_module_name, core_module_name

    manifest = {
        "schema": SCHEMA,
        "tool": {"name": "oscc", "version": version("oscc")},
        "inputs": {"core": {"name": core.name, "spec_hash": core.hash}},
        "outputs": {
            name: {"sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text.encode())}
            for name, text in sorted(files.items())
        },
        "top": core_module_name(core),
        "array_macro": array_module_name(core),
    }
    write_json(folder / MANIFEST, manifest)
