"""The macro's stand-in in Verilog simulators: it watches the boundary, and Python does the rest."""

from __future__ import annotations

from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.top import array_module_name

COPIED = (
    "load_row",
    "load_data",
    "load_strobe",
    "commit",
    "init",
    "run",
    "sample",
    "noise_seed",
    "noise_index",
    "tap_row",
)
"""Signals of the boundary that the shim copies on the edge of an event."""


def shim_verilog(core: CoreSpec) -> str:
    """Return a shim under the macro's name and with the macro's ports; the behavioural array itself stays in Python.

    On every edge with a strobe, and on the first edge on which ``init`` or ``run`` has a new level, it copies the
    boundary and flips ``seen_event``. `oscc.sim.engines.array_shim.ArrayShim` is the same for Amaranth's simulator.
    Amaranth would optimise away a signal that nothing but a simulator's Python drives, so it is written as text.
    Python reads ``seen_*`` and writes ``frame``, ``ready_level`` and ``tap_valid_level`` inside the instance.

    Parameters
    ----------
    core : CoreSpec
    """
    members = array_signature(core).members

    def span(width: int) -> str:
        return f"[{width - 1}:0]"

    widths = {name: Shape.cast(member.shape).width for name, member in members.items()}
    ports = ["  input wire clk"]
    for name, member in members.items():
        direction = "input" if member.flow == wiring.Out else "output"
        ports.append(f"  {direction} wire {span(widths[name])} {name}")
    taps = widths["tap_data"]
    lines = [
        f"module {array_module_name(core)} (",
        ",\n".join(ports),
        ");",
        "  reg seen_event = 1'b0;",
        "  reg [31:0] cycle = 32'd0;",
        "  reg [31:0] seen_cycle = 32'd0;",
        "  reg [1:0] levels = 2'd0;",
        f"  reg {span(core.frame_shape[0] * taps)} frame = 0;",
        *(f"  reg {span(widths[name])} seen_{name} = 0;" for name in COPIED),
        "  reg ready_level = 1'b1;",
        "  reg tap_valid_level = 1'b1;",
        "  assign ready = ready_level;",
        "  assign tap_valid = tap_valid_level;",
        f"  assign tap_data = frame[tap_row * {taps} +: {taps}];",
        "  always @(posedge clk) begin",
        "    cycle <= cycle + 32'd1;",
        "    levels <= {run, init};",
        "    if (load_strobe | commit | sample | ({run, init} != levels)) begin",
        "      seen_cycle <= cycle;",
        *(f"      seen_{name} <= {name};" for name in COPIED),
        # Last: Icarus wakes Python in the middle of these assignments, which take effect in their order.
        "      seen_event <= ~seen_event;",
        "    end",
        "  end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"
