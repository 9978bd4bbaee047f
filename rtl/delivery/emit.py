"""Emission: a core as the files that a hardware team takes over."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery import register_exports
from oscc.rtl.delivery.assertions import assertion_files
from oscc.rtl.delivery.cocotb_bench import cocotb_files
from oscc.rtl.delivery.constraints import constraint_files, core_border
from oscc.rtl.delivery.core_modules import (
    SOURCES,
    file_text,
    hierarchy_listing,
    names_map,
)
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.fusesoc import fusesoc_core
from oscc.rtl.delivery.litex_module import litex_files
from oscc.rtl.delivery.reset_synchronizer import reset_synchronizer, reset_synchronizer_name
from oscc.rtl.delivery.standalone import FOLDER as BENCH_FOLDER
from oscc.rtl.delivery.standalone import bench_sources
from oscc.rtl.delivery.system_rdl import system_rdl
from oscc.rtl.delivery.wrappers import wrapper_files
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.rtl.top import Core, array_module_name, core_module_name, module_prefix
from oscc.rtl.verilog.hierarchy import verilog_modules

WAIVERS = "oscc_waivers.vlt"

DEFAULT = EmitOptions()
"""The core alone, without initial values."""


def emit_core(core: CoreSpec, bench: Mapping[str, str] | None = None, options: EmitOptions = DEFAULT) -> dict[str, str]:
    """Return everything that is emitted for a core, byte-identical from run to run.

    Parameters
    ----------
    core : CoreSpec
    bench : mapping of str to str, optional
        Data files of the stand-alone test bench (`standalone_data.bench_data`), which it reads when it runs.
    options : EmitOptions

    Returns
    -------
    dict of str to str
        Content by relative path: the Verilog, a file for each module in ``src/``, a black-box stub of the array macro,
        file list, constraints, reset synchroniser, lint waivers, FuseSoC description, LiteX module, register files,
        firmware, stand-alone test bench, cocotb tests, assertions, the core as YAML, the tree of instances, and
        ``names.json``, which says which component each module comes from and how its nets are called in the generator.

    Raises
    ------
    OsccError
        ``emit.wrapper`` for a wrapper that does not exist, ``registers.missing`` for one that needs PeakRDL.
    """
    top = core_module_name(core)
    modules = verilog_modules(Core(core), module_prefix(core), top, initial=options.initial_values)
    sources = {f"{SOURCES}/{name}.v": file_text(core, module) for name, module in modules.items()}
    stub = f"{array_module_name(core)}_stub.v"
    files = {
        **sources,
        stub: array_stub(core),
        f"{top}.f": "".join(f"{name}\n" for name in [*sources, stub]),
        f"{top}_hierarchy.txt": hierarchy_listing(modules, top),
        **constraint_files(core_border(core)),
        f"{reset_synchronizer_name(core)}.v": reset_synchronizer(core),
        **litex_files(core),
        WAIVERS: waivers(),
        "core.yaml": dump_core(core),
        "names.json": names_map(modules, top),
        "registers/oscc_registers.h": register_exports.c_header(),
        "registers/oscc_registers.md": register_exports.markdown(),
        "registers/oscc_registers.py": register_exports.python_driver(),
        "registers/oscc_registers.rdl": system_rdl(core),
        **firmware_files(core),
        **bench_sources(core, list(sources)),
        **assertion_files(core),
        **cocotb_files(core),
        **{f"{BENCH_FOLDER}/{name}": content for name, content in (bench or {}).items()},
    }
    files |= wrapper_files(core, options.wrappers, [*sources, stub], initial=options.initial_values)
    # It lists the others.
    return files | {f"{top}.core": fusesoc_core(core, files)}


def array_stub(core: CoreSpec) -> str:
    """Return a black box of the array macro, for lint and synthesis."""
    ports = ["  input wire clk"]
    for name, member in array_signature(core).members.items():
        direction = "input" if member.flow == wiring.Out else "output"
        ports.append(f"  {direction} wire [{Shape.cast(member.shape).width - 1}:0] {name}")
    return "\n".join(
        [
            "// Black box of the analog array; its timing contract is in docs/macro.md.",
            "(* blackbox *)",
            f"module {array_module_name(core)} (",
            ",\n".join(ports),
            ");",
            "endmodule",
            "",
        ]
    )


def waivers() -> str:
    """Return the lint waivers for generated Verilog, each with its reason."""
    return (resources.files("oscc.rtl.delivery") / WAIVERS).read_text()
