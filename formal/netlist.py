"""A core as a netlist of generic cells: synthesis of its Verilog module by module, memories left as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.core_modules import core_modules
from oscc.rtl.delivery.emit import array_stub
from oscc.rtl.synthesis.asic import LIBRARY, library_text
from oscc.rtl.synthesis.tools import YOSYS, find_tool
from oscc.rtl.top import core_module_name

MEMORIES = "_sram_"
"""What stands in the name of a module that a memory macro takes the place of."""

GATES = {"$_NOT_": "INV", "$_AND_": "AND2", "$_OR_": "OR2", "$_XOR_": "XOR2", "$_XNOR_": "XNOR2", "$_MUX_": "MUX2"}
"""Cell of the library that takes the place of each kind of gate of Yosys."""

NETLIST, MODELS, CELLS = "netlist.v", "cells.v", "netlist.json"


@dataclass(frozen=True)
class Netlist:
    """A synthesised core.

    Parameters
    ----------
    folder : Path
        Holds `NETLIST`, its cells as Verilog (`MODELS`), each module of it as JSON and the modules of memories.
    memories : tuple of str
        File names of the modules that stayed as they are.
    cells : mapping of str to int
        Cells of each module that was synthesised, those of its children not counted.
    """

    folder: Path
    memories: tuple[str, ...]
    cells: Mapping[str, int]


def synthesise(core: CoreSpec, folder: Path) -> Netlist:
    """Synthesise the Verilog of a core to the project's generic cells.

    Each module stays one, so that each can be compared with what it was made from.

    Parameters
    ----------
    core : CoreSpec
    folder : Path
        Empty.

    Raises
    ------
    OsccError
        ``synthesis.missing`` or ``synthesis.tool``.
    """
    modules = core_modules(core)
    memories = tuple(name for name in modules if MEMORIES in name)
    for name, text in {**modules, "array.v": array_stub(core), LIBRARY: library_text(), "gates.v": gates()}.items():
        (folder / name).write_text(text, encoding="utf-8")
    top = core_module_name(core)
    script = [
        "read_verilog -lib array.v",
        *(f"read_verilog -lib {name}" for name in memories),
        *(f"read_verilog {name}" for name in modules if name not in memories),
        f"hierarchy -check -top {top}",
        # States of machines keep their codes, so that registers can be compared.
        f"synth -top {top} -noabc -nofsm",
        # Gates stay as they are: what ABC makes of parities is beyond a SAT solver.
        f"dfflibmap -liberty {LIBRARY}",
        "simplemap",
        "techmap -map gates.v",
        "opt_clean",
        f"read_liberty -lib {LIBRARY}",
        "check -assert",
        f"write_json {CELLS}",
        f"write_verilog -noattr -noexpr {NETLIST}",
        "design -reset",
        f"read_liberty {LIBRARY}",
        f"write_verilog -noattr {MODELS}",
    ]
    find_tool(YOSYS).run(["-p", "; ".join(script)], folder, "synthesis.log")
    found = json.loads((folder / CELLS).read_text(encoding="utf-8"))["modules"]
    ours = {name.removesuffix(".v") for name in modules if name not in memories}
    kinds = ours | {name.removesuffix(".v") for name in memories}
    for name in ours:
        (folder / f"{name}.json").write_text(json.dumps({"modules": {name: found[name]}}), encoding="utf-8")
    cells = {
        name: sum(cell["type"] not in kinds for cell in module["cells"].values())
        for name, module in found.items()
        if name in ours
    }
    return Netlist(folder, memories, cells)


def gates() -> str:
    """Return how the gates of Yosys become cells of the library, as Verilog for its pass ``techmap``."""
    text = []
    for gate, cell in GATES.items():
        inputs = {"INV": "A", "MUX2": "A, B, S"}.get(cell, "A, B")
        pins = ", ".join(f".{pin}({pin})" for pin in [*inputs.split(", "), "Y"])
        text.append(f"module \\{gate} (input {inputs}, output Y);\n  {cell} _TECHMAP_REPLACE_ ({pins});\nendmodule\n")
    return "".join(text)
