from __future__ import annotations

import dataclasses
import json
from typing import Any

from oscc.base.findings import Finding
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.findings import TOO_LARGE, TOO_SLOW
from oscc.rtl.synthesis.memories import MemoryMacro
from oscc.rtl.synthesis.report import (
    Area,
    CellArea,
    ComponentArea,
    Resource,
    SynthesisResult,
    markdown,
    markdown_table,
)
from oscc.rtl.synthesis.timing import read_timing

MEMORIES = (MemoryMacro("bank_*", "ram", 108, 224, 1, 1, 2), MemoryMacro("table", "rom", 4, 256, 1, 0, 1))
LARGE = Finding(TOO_LARGE, ("226 of 208 block RAMs",), ("use fewer",), {"needed": 226})


def fpga_result(sample: dict[str, Any]) -> SynthesisResult:
    return SynthesisResult(
        target="ecp5",
        device="a device",
        core=load_core("tiny-8x8"),
        tools=("Yosys 1", "nextpnr-2"),
        cells={"LUT4": 100},
        memories=MEMORIES,
        seed=3,
        harness_cells={"LUT4": 10},
        resources=(Resource("LUT4", "TRELLIS_COMB", 100, 10, 400), Resource("block RAMs", "DP16KD", 3, 0, 0)),
        timing=read_timing(sample["report"]()),
    )


def asic_result() -> SynthesisResult:
    return SynthesisResult(
        target="asic",
        device="generic cells",
        core=load_core("tiny-8x8"),
        tools=("Yosys 1",),
        cells={"DFF": 2},
        memories=MEMORIES,
        area=Area(20.5, 12.0, 22.5, (CellArea("DFF", 2, 12.0),), (ComponentArea("bank_*", 2, 5.5),)),
    )


def test_the_json_holds_every_figure(sample: dict[str, Any]) -> None:
    content = json.loads(json.dumps(fpga_result(sample).as_dict(), allow_nan=False))
    core = load_core("tiny-8x8")
    assert content["schema"] == "oscc.synthesis/1"
    assert content["core"] == {
        "name": "tiny-8x8",
        "spec_hash": core.hash,
        "grid": [8, 8],
        "chunks": 4,
        "word_bits": 108,
        "check_bits": 8,
    }
    assert content["resources"][0] == {
        "name": "LUT4",
        "bel": "TRELLIS_COMB",
        "used": 100,
        "harness": 10,
        "available": 400,
    }
    assert content["memories"][0]["bits"] == 108 * 224 * 2
    assert content["timing"]["met"] is False
    assert content["timing"]["critical_path"]["hops"][0] == {
        "kind": "clk-to-q",
        "delay_ns": 5.83,
        "cell": "schedule.0.0",
        "port": "DOB16",
    }
    assert (content["area"], content["fits"], content["seed"]) == (None, True, 3)


def test_an_asic_has_area_and_no_timing() -> None:
    content = asic_result().as_dict()
    assert (content["timing"], content["resources"], content["seed"]) == (None, [], None)
    assert content["area"]["total"] == 20.5
    assert content["area"]["components"] == ({"name": "bank_*", "count": 2, "area": 5.5},)


def test_only_a_device_that_is_too_small_does_not_fit(sample: dict[str, Any]) -> None:
    result = fpga_result(sample)
    slow = Finding(TOO_SLOW, ("slow",), ("see",))
    assert dataclasses.replace(result, findings=(slow,)).fits
    assert not dataclasses.replace(result, findings=(slow, LARGE)).fits


def test_the_markdown_has_the_path_hop_by_hop(sample: dict[str, Any]) -> None:
    text = markdown(fpga_result(sample))
    lines = text.splitlines()
    assert lines[0] == "# tiny-8x8: target ecp5"
    assert "| LUT4 | 100 | 10 | 400 |" in lines
    assert "target 100 MHz missed, seed 3" in text
    start = lines.index("## Critical path")
    assert lines[start + 2 : start + 6] == [
        "| step | ns | to |",
        "| --- | --- | --- |",
        "| clk-to-q | 5.83 | schedule.0.0.DOB16 |",
        "| routing | 0.97 | schedule.0.0.D |",
    ]
    assert "| sum | 8.66 | 2 cells, 2.35 ns of wires |" in lines
    assert "| memory.bank_*.decoder.odd | 14.91 |" in lines
    assert "| bank_* | ram | 224 | 108 | 1 | 1 | 2 | 48384 |" in lines
    assert text.endswith("|\n")


def test_the_markdown_of_an_asic() -> None:
    lines = markdown(asic_result()).splitlines()
    assert "20.5 NAND2 equivalents, 12 of them flip-flops; memories are not included." in lines
    assert "| DFF | 2 | 12 |" in lines
    assert "| bank_* | 2 | 5.5 |" in lines


def test_findings_come_first(sample: dict[str, Any]) -> None:
    lines = markdown(dataclasses.replace(fpga_result(sample), findings=(LARGE,), timing=None)).splitlines()
    assert lines[4] == "**Y001** 226 of 208 block RAMs. use fewer."
    assert "## Critical path" not in lines


def test_a_bar_does_not_break_a_table() -> None:
    assert markdown_table(("a", "b"), [("x|y", 1)]) == "| a | b |\n| --- | --- |\n| x&#124;y | 1 |"
