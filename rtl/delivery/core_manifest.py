"""The manifest of a folder that holds what was made of a core, without a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oscc.base.manifest_writer import OutputEntry, write_manifest
from oscc.core.spec import CoreSpec
from oscc.rtl.top import array_module_name, core_module_name


def write_core_manifest(folder: Path, core: CoreSpec, outputs: Mapping[str, OutputEntry]) -> None:
    """Write the manifest of what was made of a core: its files, the top module and the module of the array.

    Parameters
    ----------
    folder : Path
    core : CoreSpec
    outputs : mapping
        As `oscc.base.manifest_writer.described_outputs` returns it.
    """
    inputs = {"core": {"name": core.name, "spec_hash": core.hash}}
    modules = {"top": core_module_name(core), "array_macro": array_module_name(core)}
    write_manifest(folder, inputs, outputs, modules)
