"""Other memories in place of the modelled ones, as a foundry's would be, in a core in Icarus Verilog."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.delivery.core_modules import core_modules

OUTSIDER = Path(__file__).parents[1] / "delivery" / "outsider"
"""A bench and an array macro that were written from the manual."""

SRAM_FILE = re.compile(r"(?P<module>\w+_sram_1r1w_(?P<words>\d+)x(?P<bits>\d+)(_lanes(?P<lanes>\d+))?)\.v")

MEMORIES = 14
"""Of ``tiny-8x8``: a memory per column, one of check bits per four, two for the schedule, loop counters, frame FIFO."""

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def macro(file: str) -> str:
    """A wrapper of the same ports around a macro whose enables are low when active, with a mask for each bit.

    The macro gives X for a word that is written in the same cycle. Its repair register is one bit, which says where it
    is when it becomes 1.
    """
    shape = SRAM_FILE.fullmatch(file)
    assert shape is not None
    words, bits = int(shape["words"]), int(shape["bits"])
    last = (words - 1).bit_length() - 1
    lanes = shape["lanes"] and bits // int(shape["lanes"])
    port = f"input wire [{lanes - 1}:0] write_mask," if lanes else ""
    mask = (
        " ".join(
            ["{", ", ".join(f"{{{shape['lanes']}{{write_mask[{lane}]}}}}" for lane in reversed(range(lanes))), "}"]
        )
        if lanes
        else f"{{{bits}{{1'b1}}}}"
    )
    return f"""
module {shape["module"]} (
    input wire clk, input wire write_enable, {port}
    input wire [{last}:0] write_address, input wire [{bits - 1}:0] write_data,
    input wire read_enable, input wire [{last}:0] read_address, output wire [{bits - 1}:0] read_data,
    input wire [7:0] test, input wire repair_shift, input wire repair_in, output wire repair_out
);
  foundry_ram #(.WORDS({words}), .BITS({bits}), .LAST({last})) ram (
      .CLK(clk), .WEB(~write_enable), .WA(write_address), .D(write_data), .BWEB(~({mask})),
      .REB(~read_enable), .RA(read_address), .Q(read_data),
      .RSE(repair_shift), .RSI(repair_in), .RSO(repair_out));
endmodule
"""


FOUNDRY_RAM = """
module foundry_ram #(parameter WORDS = 2, parameter BITS = 1, parameter LAST = 0) (
    input wire CLK, input wire WEB, input wire [LAST:0] WA, input wire [BITS-1:0] D, input wire [BITS-1:0] BWEB,
    input wire REB, input wire [LAST:0] RA, output reg [BITS-1:0] Q,
    input wire RSE, input wire RSI, output reg RSO
);
  reg [BITS-1:0] array [0:WORDS-1];
  initial RSO = 0;
  always @(posedge CLK) begin
    if (!REB) Q <= (!WEB && WA == RA) ? {BITS{1'bx}} : array[RA];
    if (!WEB) array[WA] <= (D & ~BWEB) | (array[WA] & BWEB);
    if (RSE) begin
      RSO <= RSI;
      if (RSI) $display("%m");
    end
  end
endmodule
"""


def built(folder: Path, ram: str, *, pins: bool = False) -> list[Path]:
    """Files of ``tiny-8x8`` with every memory replaced."""
    modules = core_modules(load_core("tiny-8x8").changed(memory_pins=pins))
    memories = [name for name in modules if SRAM_FILE.fullmatch(name)]
    assert len(memories) == 5
    texts = {name: macro(name) if name in memories else text for name, text in modules.items()} | {"ram.v": ram}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def simulated(folder: Path, sources: list[Path], top: str) -> list[str]:
    """Lines that a bench prints."""
    command = ["iverilog", "-g2005", "-s", top, "-o", str(folder / "tb.vvp"), *map(str, sources)]
    subprocess.run(command, check=True)
    done = subprocess.run(["vvp", "-n", "tb.vvp"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_a_core_with_other_memories_gives_the_same_frames(tmp_path: Path) -> None:
    sources = [OUTSIDER / "tb.v", OUTSIDER / "array.v", *built(tmp_path, FOUNDRY_RAM)]
    assert simulated(tmp_path, sources, "tb") == ["PASS"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(array[WA] & BWEB)", "0"),
        ("array[RA];", "array[0];"),
    ],
    ids=["without lanes", "always the first word"],
)
def test_memories_that_do_something_else_are_told(tmp_path: Path, right: str, wrong: str) -> None:
    assert FOUNDRY_RAM.count(right) == 1
    sources = [OUTSIDER / "tb.v", OUTSIDER / "array.v", *built(tmp_path, FOUNDRY_RAM.replace(right, wrong))]
    assert simulated(tmp_path, sources, "tb")[-1] != "PASS"


CHAIN_TB = """
module tb;
  reg clk = 0;
  reg shift = 0;
  reg in = 0;
  wire out;
  integer cycles;
  always #5 clk = ~clk;
  tiny_8x8_core core (.clk(clk), .rst(1'b1), .sram_test(8'd0),
      .sram_repair_shift(shift), .sram_repair_in(in), .sram_repair_out(out));
  initial begin
    @(negedge clk) shift = 1; in = 1;
    @(negedge clk) in = 0;
    for (cycles = 1; out !== 1 && cycles < 100; cycles = cycles + 1) @(negedge clk);
    $display("%0d", cycles);
    $finish;
  end
endmodule
module tiny_8x8_array (input wire clk);
endmodule
"""


def test_the_repair_chain_leads_through_all_memories_in_the_documented_order(tmp_path: Path) -> None:
    sources = built(tmp_path, FOUNDRY_RAM, pins=True)
    array = re.sub(r"input wire clk", _array_ports(tmp_path), CHAIN_TB)
    (tmp_path / "tb.v").write_text(array, encoding="utf-8")
    *places, cycles = simulated(tmp_path, [tmp_path / "tb.v", *sources], "tb")
    assert int(cycles) == MEMORIES
    bank = [
        f"group_0.bank_{first}.{name}"
        for first in (0, 4)
        for name in (*map("memory_{}".format, range(4)), "check_memory")
    ]
    weights = [f"store.memory.{place}" for place in bank]
    others = ["schedule.host_memory", "schedule.fetch_memory", "sequencer.fetch.counters", "readout.fifo.memory"]
    assert [re.sub(r"^tb\.core\.control\.|\.ram$", "", place) for place in places] == [*weights, *others]


def _array_ports(folder: Path) -> str:
    """Ports of an array macro that does nothing, as the core connects them."""
    text = (folder / "tiny_8x8_core.v").read_text(encoding="utf-8")
    connected = text[text.index("tiny_8x8_array") :]
    return ", ".join(f"input wire {name}" for name in re.findall(r"\.(\w+)\(", connected))
