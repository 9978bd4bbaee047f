from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.delivery.reset_synchronizer import reset_synchronizer, reset_synchronizer_name

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")

BENCH = """
module bench;
  reg clk = 0, reset_n = 0, ticking = 0;
  wire rst;
  always #5 if (ticking) clk = !clk;
  tiny_8x8_reset_synchronizer #(.ASYNCHRONOUS(MODE)) dut (.clk(clk), .reset_n(reset_n), .rst(rst));
  integer edges;
  // Edges, counted from a change of reset_n, up to which rst keeps its value.
  task count;
    input from;
    begin
      edges = 0;
      #1;
      while (rst === from && edges < 9) begin
        @(posedge clk);
        #1 edges = edges + 1;
      end
    end
  endtask
  initial begin
    #23 $display("without a clock %b", rst);
    ticking = 1;
    repeat (4) @(posedge clk);
    @(negedge clk) reset_n = 1; count(1'b1); $display("released after %0d", edges);
    repeat (3) @(posedge clk);
    #3 reset_n = 0; count(1'b0); $display("asserted after %0d", edges);
    repeat (3) @(posedge clk);
    #7 reset_n = 1; count(1'b1); $display("released after %0d", edges);
    // Shorter than a period, between two edges.
    repeat (3) @(posedge clk);
    #2 reset_n = 0; #2 $display("in a glitch %b", rst); #2 reset_n = 1; count(1'b1); $display("after it %0d", edges);
    $finish;
  end
endmodule
"""


def run(folder: Path, generation: str, asynchronous: int) -> list[str]:
    (folder / "dut.v").write_text(reset_synchronizer(load_core("tiny-8x8")))
    (folder / "bench.v").write_text(BENCH.replace("MODE", str(asynchronous)))
    subprocess.run(
        ["iverilog", generation, "-Wall", "-o", "bench.vvp", "dut.v", "bench.v"], cwd=folder, check=True, text=True
    )
    done = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


@needs_icarus
@pytest.mark.parametrize("generation", ["-g2005", "-g2012"])
def test_asserted_at_once_and_released_with_the_second_edge(tmp_path: Path, generation: str) -> None:
    said = run(tmp_path, generation, 1)
    # No edge of the clock or of reset_n has come before: nothing is known of flip-flops.
    assert said[0] in ("without a clock x", "without a clock 1")
    assert said[1:] == [
        "released after 2",
        "asserted after 0",
        "released after 2",
        "in a glitch 1",
        "after it 2",
    ]


@needs_icarus
def test_without_asynchronous_resets_everything_waits_for_the_clock(tmp_path: Path) -> None:
    assert run(tmp_path, "-g2005", 0) == [
        "without a clock x",
        "released after 2",
        "asserted after 2",
        "released after 2",
        "in a glitch 0",
        # Nobody has seen it.
        "after it 0",
    ]


def test_its_flip_flops_are_marked() -> None:
    text = reset_synchronizer(load_core("tiny-8x8"))
    for register in ("stage0", "stage1"):
        assert f'  (* ASYNC_REG = "TRUE", keep = "true" *)\n  reg {register};\n' in text
    assert reset_synchronizer_name(load_core("ais-56x56")) == "ais_56x56_reset_synchronizer"
