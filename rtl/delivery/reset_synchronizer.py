"""The reset synchroniser: an active-low reset from outside as the reset of a core."""

from __future__ import annotations

from oscc.core.spec import CoreSpec
from oscc.rtl.top import module_prefix


def reset_synchronizer_name(core: CoreSpec) -> str:
    """Return its name: ``ais_56x56_reset_synchronizer``.

    Parameters
    ----------
    core : CoreSpec
    """
    return f"{module_prefix(core)}_reset_synchronizer"


def reset_synchronizer(core: CoreSpec) -> str:
    """Return the Verilog of the reset synchroniser.

    It stands by itself: nothing instantiates it. Latency: ``rst`` falls with the second edge after ``reset_n`` has
    risen; it rises at once, or with the second edge as well where the parameter asks for that.

    Parameters
    ----------
    core : CoreSpec
        For its name; the module is the same for all.
    """
    return f"""\
// Reset from outside: active low at any time, to the reset of a core, active high and released with its clock.
// ASYNCHRONOUS = 1: rst rises at once, also without a clock; its flip-flops have an asynchronous reset.
// ASYNCHRONOUS = 0: rst rises with the second edge after reset_n has fallen; there is no asynchronous reset anywhere.
// Hold reset_n low for at least four edges of the clock: a core needs two with rst high.
module {reset_synchronizer_name(core)} #(
  parameter ASYNCHRONOUS = 1
) (
  input  wire clk,
  input  wire reset_n,
  output wire rst
);
  // Side by side, with nothing between them: the first may be metastable for a while.
  (* ASYNC_REG = "TRUE", keep = "true" *)
  reg stage0;
  (* ASYNC_REG = "TRUE", keep = "true" *)
  reg stage1;

  generate
    if (ASYNCHRONOUS != 0) begin : asserted_at_once
      always @(posedge clk or negedge reset_n)
        if (!reset_n) begin
          stage0 <= 1'b1;
          stage1 <= 1'b1;
        end else begin
          stage0 <= 1'b0;
          stage1 <= stage0;
        end
    end else begin : asserted_with_the_clock
      always @(posedge clk) begin
        stage0 <= !reset_n;
        stage1 <= stage0;
      end
    end
  endgenerate

  assign rst = stage1;
endmodule
"""
