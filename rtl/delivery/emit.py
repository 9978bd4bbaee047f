"""Emission: a core as the files that a hardware team takes over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources

from amaranth.hdl import Fragment, Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery import register_exports
from oscc.rtl.delivery.fusesoc import fusesoc_core
from oscc.rtl.delivery.standalone import FOLDER as BENCH_FOLDER
from oscc.rtl.delivery.standalone import bench_sources
from oscc.rtl.delivery.system_rdl import system_rdl
from oscc.rtl.delivery.yosys import verilog_of
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.rtl.top import Core, array_module_name, core_module_name

WAIVERS = "oscc_waivers.vlt"


def emit_core(core: CoreSpec, bench: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return everything that is emitted for a core, byte-identical from run to run.

    Parameters
    ----------
    core : CoreSpec
    bench : mapping of str to str, optional
        Data files of the stand-alone test bench (`standalone_data.bench_data`), which it reads when it runs.

    Returns
    -------
    dict of str to str
        Content by relative path: the Verilog, a black-box stub of the array macro, file list, clock constraint, lint
        waivers, FuseSoC description, register files, firmware, stand-alone test bench, the core as YAML, and
        ``names.json``, which says how the signals of the generator are called in the Verilog.
    """
    top = core_module_name(core)
    text, names = core_verilog(core)
    files = {
        f"{top}.v": text,
        f"{array_module_name(core)}_stub.v": array_stub(core),
        f"{top}.f": f"{top}.v\n{array_module_name(core)}_stub.v\n",
        f"{top}.sdc": clock_constraint(core),
        WAIVERS: waivers(),
        "core.yaml": dump_core(core),
        "names.json": json.dumps(names, indent=1, sort_keys=True) + "\n",
        "registers/oscc_registers.h": register_exports.c_header(),
        "registers/oscc_registers.md": register_exports.markdown(),
        "registers/oscc_registers.py": register_exports.python_driver(),
        "registers/oscc_registers.rdl": system_rdl(core),
        **firmware_files(core),
        **bench_sources(core),
        **{f"{BENCH_FOLDER}/{name}": content for name, content in (bench or {}).items()},
    }
    # It lists the others.
    return files | {f"{top}.core": fusesoc_core(core, files)}


def core_verilog(core: CoreSpec) -> tuple[str, dict[str, str]]:
    """Return the Verilog of a core and the map of its names.

    Parameters
    ----------
    core : CoreSpec

    Returns
    -------
    text : str
    names : dict of str to str
        Name of each generator signal, by its hierarchical path in the Verilog.
    """
    component = Core(core)
    ports = {}
    for path, member, value in component.signature.flatten(component):
        ports["__".join(map(str, path))] = (value, _direction(member))
    fragment = Fragment.get(component, None)
    text, name_map = verilog_of(fragment, ports, core_module_name(core))
    return text, {".".join(path): signal.name for signal, path in name_map.items()}


def array_stub(core: CoreSpec) -> str:
    """Return a black box of the array macro, for lint and synthesis."""
    ports = ["  input wire clk"]
    for name, member in array_signature(core).members.items():
        direction = "input" if member.flow == wiring.Out else "output"
        ports.append(f"  {direction} wire [{Shape.cast(member.shape).width - 1}:0] {name}")
    return "\n".join(
        [
            "// Black box of the analog array; its timing contract is in docs/architecture.md.",
            "(* blackbox *)",
            f"module {array_module_name(core)} (",
            ",\n".join(ports),
            ");",
            "endmodule",
            "",
        ]
    )


def clock_constraint(core: CoreSpec) -> str:
    """Return the clock as SDC."""
    period_ns = 1e9 / core.clock_hz
    return (
        f"# Clock of {core.name}: {core.clock_hz / 1e6:g} MHz. Reset (rst) is synchronous to it.\n"
        f"create_clock -name clk -period {period_ns:.4f} [get_ports clk]\n"
    )


def waivers() -> str:
    """Return the lint waivers for generated Verilog, each with its reason."""
    return (resources.files("oscc.rtl.delivery") / WAIVERS).read_text()


def _direction(member: wiring.Member) -> object:
    """Return the direction of a port of the top module."""
    from amaranth.hdl._ir import PortDirection

    return PortDirection.Input if member.flow == wiring.In else PortDirection.Output
