"""Target ``asic``: cell area in a generic library, memories left out."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from oscc.base.file_output import write_text
from oscc.base.progress import Report
from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.harness import control_plane_module_name, control_plane_verilog
from oscc.rtl.synthesis.memories import MEMORIES_FILE, memory_script, read_memories, wildcarded
from oscc.rtl.synthesis.options import DEFAULT_OPTIONS, SynthesisOptions
from oscc.rtl.synthesis.report import Area, CellArea, ComponentArea, SynthesisResult
from oscc.rtl.synthesis.tools import YOSYS, find_tool

LIBRARY = "cells.lib"
"""The generic library: areas in NAND2 equivalents, of no process."""

LIBRARY_NAME = "oscc_generic cells, area in NAND2 equivalents, of no process"

CORE_FILE = "core.v"
FLAT_FILE = "flat.json"
TREE_FILE = "tree.json"


def asic_script(core: CoreSpec) -> list[str]:
    """Return the commands for Yosys: memories, cells of the flattened core, cells of each component by itself.

    Parameters
    ----------
    core : CoreSpec
    """
    top = control_plane_module_name(core)
    return [
        *memory_script(top, CORE_FILE),
        *_mapping_script(top, FLAT_FILE, flatten=True),
        "design -reset",
        *_mapping_script(top, TREE_FILE, flatten=False),
    ]


def library_text() -> str:
    """Return the generic library, as liberty."""
    return (resources.files("oscc.rtl.synthesis") / LIBRARY).read_text(encoding="utf-8")


def synthesise_asic(
    core: CoreSpec, folder: Path, options: SynthesisOptions = DEFAULT_OPTIONS, report: Report | None = None
) -> SynthesisResult:
    """Return the cell area of the control plane of a core. No harness is needed: its ports are pins of nothing.

    Parameters
    ----------
    core : CoreSpec
    folder : Path
        Where the tool works and leaves its log, ``yosys.log``.
    options : SynthesisOptions
        Of which the time limit counts.
    report : callable, optional

    Raises
    ------
    OsccError
        ``synthesis.missing``, ``synthesis.tool`` or ``synthesis.timeout``.
    """
    yosys = find_tool(YOSYS)
    write_text(folder / CORE_FILE, control_plane_verilog(core))
    write_text(folder / LIBRARY, library_text())
    write_text(folder / "synthesis.ys", "\n".join(asic_script(core)) + "\n")
    yosys.run(["-s", "synthesis.ys"], folder, "yosys.log", options.timeout_s, report)
    flat, tree = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (FLAT_FILE, TREE_FILE))
    area = read_area(flat, tree, control_plane_module_name(core), cell_areas(library_text()))
    return SynthesisResult(
        target="asic",
        device=LIBRARY_NAME,
        core=core,
        tools=(yosys.version(),),
        cells={cell.name: cell.count for cell in area.cells},
        memories=read_memories(folder / MEMORIES_FILE),
        area=area,
    )


def read_area(flat: dict[str, Any], tree: dict[str, Any], top: str, areas: dict[str, float]) -> Area:
    """Read area from ``stat -liberty -json`` of the flattened core and of the core with its hierarchy.

    Parameters
    ----------
    flat, tree : dict
    top : str
        Name of the core's module.
    areas : dict of str to float
        Area of each cell of the library.
    """
    design = flat["modules"][f"\\{top}"]
    counts = {name: count for name, count in sorted(design["num_cells_by_type"].items()) if name in areas}
    alike: dict[str, list[float]] = {}
    # A module that holds a memory and nothing else has no area.
    for module, entry in tree["modules"].items():
        if path := module.removeprefix(f"\\{top}").removeprefix("."):
            alike.setdefault(wildcarded(path), []).append(entry.get("area", 0.0))
    components = [ComponentArea(name, len(found), round(sum(found), 1)) for name, found in sorted(alike.items())]
    return Area(
        total=design["area"],
        sequential=design["sequential_area"],
        by_component_total=tree["modules"][f"\\{top}"]["area"],
        cells=tuple(CellArea(name, count, round(count * areas[name], 1)) for name, count in counts.items()),
        components=tuple(components),
    )


def cell_areas(liberty: str) -> dict[str, float]:
    """Read the area of each cell of a library in which ``area`` is the first attribute of a cell.

    Parameters
    ----------
    liberty : str
    """
    found = re.findall(r"cell\s*\((\w+)\)\s*\{\s*area\s*:\s*([0-9.]+)\s*;", liberty)
    return {name: float(area) for name, area in found}


def _mapping_script(top: str, result: str, *, flatten: bool) -> list[str]:
    """Return the commands that map a core to the cells of the library and count them."""
    return [
        f"read_verilog {CORE_FILE}",
        f"hierarchy -check -top {top}",
        "proc",
        # A module for each instance, called after where it is: components are counted by their place.
        # What they are copied from is removed: the tool cannot count it.
        *(["flatten"] if flatten else ["uniquify", f"hierarchy -top {top}"]),
        # Cells have no value at power-up: what needs one has a reset.
        "setattr -unset init w:*",
        "synth -run coarse:fine",
        "opt -fast -full",
        # Tables become logic; what is written stays a memory, which no later step touches.
        "memory_map -rom-only",
        "opt -undriven -fine",
        "techmap",
        "opt -fast",
        "dfflegalize -cell $_DFF_P_ x",
        "techmap",
        f"dfflibmap -liberty {LIBRARY}",
        "opt -fast",
        f"abc -liberty {LIBRARY}",
        "opt_clean",
        f"tee -q -o {result} stat -liberty {LIBRARY} -json -top {top}",
    ]
