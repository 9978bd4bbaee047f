"""The emitted files as a FuseSoC core description (CAPI2), so that a project names the core and gets its files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

import yaml

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.assertions import assertions_module_name
from oscc.rtl.delivery.cocotb_bench import FOLDER as COCOTB_FOLDER
from oscc.rtl.delivery.core_modules import SOURCES
from oscc.rtl.delivery.reset_synchronizer import reset_synchronizer_name
from oscc.rtl.delivery.standalone import FOLDER as BENCH_FOLDER
from oscc.rtl.delivery.wrappers import FOLDER as WRAPPERS_FOLDER
from oscc.rtl.delivery.wrappers import WRAPPERS, wrapper_module_name
from oscc.rtl.top import array_module_name, core_module_name

_FILE_TYPES = {
    ".v": "verilogSource-2005",
    ".sv": "systemVerilogSource",
    ".svh": "systemVerilogSource",
    ".vlt": "vlt",
    ".sdc": "SDC",
    ".xdc": "xdc",
    ".c": "cSource",
    ".h": "cSource",
    ".rdl": "systemRDLSource",
}
_INCLUDED = (".svh", ".h")

_PLUSARGS: Mapping[str, tuple[str, str]] = {
    "data": ("str", "folder of program.hex, schedule.hex and settings.hex"),
    "samples": ("int", "samples to take"),
    "bus": ("str", "bus of the registers: axi, or spi where the core has SPI pins"),
    "stall": ("int", "percentage of the cycles in which the image stream is not ready"),
}
"""Arguments of the stand-alone bench that FuseSoC offers: type and meaning."""


def fusesoc_name(core: CoreSpec) -> str:
    """Return the name by which FuseSoC knows a core, with its version: ``oscc:cores:ais_56x56_core:0.1.0``.

    Parameters
    ----------
    core : CoreSpec
    """
    # FuseSoC reads what stands behind a hyphen as a revision, and compares numbers only.
    release = re.match(r"\d+(\.\d+)*", version("oscc"))
    return f"oscc:cores:{core_module_name(core)}:{release.group() if release else '0'}"


def fusesoc_core(core: CoreSpec, files: Collection[str]) -> str:
    """Return the core description of an emitted folder, which stands above the Verilog as ``<core>_core.core``.

    Targets: ``default``, what another core gets that depends on this one (the Verilog; the array macro is its own to
    bring); ``lint``, Verilator with the waivers and the black box; ``synth``, with black box and constraints, for a
    tool of the caller's choice; ``asic``, the same with what only tools with a cell library read; ``reset``, the
    reset synchroniser; ``firmware``, driver and register files; ``assertions``, the core with its assertions; a target
    for each wrapper that is among the files, under its name; and, where the benches are among the files, ``sim`` and
    ``sim_cocotb``, which run the stand-alone one and the tests under cocotb in Icarus Verilog.

    Parameters
    ----------
    core : CoreSpec
    files : collection of str
        Paths of what is emitted, relative to the folder, with forward slashes. Those that FuseSoC has no use for (the
        file list, YAML and JSON) are left out.

    Returns
    -------
    str
        Byte-identical for the same core, files and version of oscc.
    """
    top = core_module_name(core)
    stub = f"{array_module_name(core)}_stub.v"
    assertions = f"{BENCH_FOLDER}/{assertions_module_name(core)}.sv"
    chosen: dict[str, list[str]] = {
        "rtl": _below(SOURCES, files, (".v",)),
        "stub": [stub],
        "waivers": [name for name in sorted(files) if name.endswith(".vlt")],
        "constraints": [f"{top}.sdc"],
        "constraints_asic": [f"{top}_asic.sdc"],
        "constraints_vivado": [f"{top}.xdc"],
        "reset": [f"{reset_synchronizer_name(core)}.v"],
        "wrappers": _below(WRAPPERS_FOLDER, files, (".v",)),
        **{f"wrapper_{name}": _wrapper_constraints(core, name, files) for name in WRAPPERS},
        "bench": [name for name in _below(BENCH_FOLDER, files, (".sv", ".svh")) if name != assertions],
        "data": _below(BENCH_FOLDER, files, (".hex",)),
        "cocotb": [*_below(COCOTB_FOLDER, files, (".v", ".py")), "core.yaml", f"{top}.f"],
        "assertions": [assertions],
        "firmware": _below("firmware", files, (".c", ".h"))
        + _below("registers", files, (".h", ".rdl"))
        + _below(WRAPPERS_FOLDER, files, (".h",)),
    }
    filesets = {
        name: {"files": [_entry(path) for path in paths if path in files]}
        for name, paths in chosen.items()
        if any(path in files for path in paths) and (name != "cocotb" or _below(COCOTB_FOLDER, files, (".py",)))
    }
    targets = _targets(core, filesets)
    description: dict[str, Any] = {
        "name": fusesoc_name(core),
        "description": f"Control plane of the oscillator core {core.name}, {core.rows} x {core.cols} cells",
        "filesets": filesets,
        "targets": targets,
    }
    if "sim" in targets:
        description["parameters"] = {
            name: {"datatype": datatype, "paramtype": "plusarg", "description": meaning}
            for name, (datatype, meaning) in _PLUSARGS.items()
        }
    if "sim_cocotb" in targets:
        # Edalize starts simulators without some variables that cocotb 2.1 wants, and does not look at its results.
        description["scripts"] = {"cocotb": {"cmd": ["python", "-m", "oscc.cocotb", "fusesoc"]}}
    # The first line tells FuseSoC what the file is.
    return "CAPI=2:\n" + yaml.safe_dump(description, sort_keys=False, width=120)


def _targets(core: CoreSpec, filesets: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the targets for which there are files."""
    top = core_module_name(core)
    # Hex files are there where a compilation was emitted.
    data = ["data"] if "data" in filesets else []
    targets: dict[str, dict[str, Any]] = {
        "default": {"filesets": ["rtl"], "toplevel": top},
        "lint": {
            "description": "Verilator's lint, clean with the waivers",
            "filesets": ["waivers", "rtl", "stub"],
            "toplevel": top,
            "flow": "lint",
            "flow_options": {"tool": "verilator", "verilator_options": ["-Wall"]},
        },
        "synth": {
            "description": "Synthesis with the array macro as a black box",
            "filesets": ["rtl", "stub", "constraints", "tool_vivado ? (constraints_vivado)"],
            "toplevel": top,
        },
        "asic": {
            "description": "Synthesis by a tool that has a cell library, with the array macro as a black box",
            "filesets": ["rtl", "stub", "constraints", "constraints_asic"],
            "toplevel": top,
        },
        "reset": {
            "description": "The reset synchroniser",
            "filesets": ["reset"],
            "toplevel": reset_synchronizer_name(core),
        },
        **{name: _wrapper_target(core, name) for name in WRAPPERS},
        "firmware": {"description": "C driver and register files", "filesets": ["firmware"], "toplevel": top},
        "sim": {
            "description": "Stand-alone bench with the behavioural array",
            "filesets": ["rtl", "bench", *data],
            "toplevel": f"{top}_tb",
            "flow": "sim",
            "flow_options": {"tool": "icarus", "iverilog_options": ["-g2005"]},
            "parameters": list(_PLUSARGS),
        },
        "sim_cocotb": {
            "description": "Tests under cocotb, with the behavioural array of oscc.cocotb",
            "filesets": ["rtl", "cocotb", *data],
            "toplevel": top,
            "flow": "sim",
            "flow_options": {"tool": "icarus", "iverilog_options": ["-g2005"]},
            "hooks": {"pre_run": ["cocotb"]},
        },
        "assertions": {
            "description": "The core with its assertions bound to it, for a tool of the caller's choice",
            "filesets": ["rtl", "assertions"],
            "toplevel": top,
        },
    }
    needed = {"asic": "constraints_asic", "reset": "reset", **{name: f"wrapper_{name}" for name in WRAPPERS}}
    needed |= {"sim": "bench", "sim_cocotb": "cocotb", "assertions": "assertions", "firmware": "firmware"}
    return {name: target for name, target in targets.items() if needed.get(name, "rtl") in filesets}


def _wrapper_target(core: CoreSpec, wrapper: str) -> dict[str, Any]:
    """Return the target of a wrapper."""
    return {
        "description": f"The core in its wrapper {wrapper}, with the array macro as a black box",
        "filesets": ["rtl", "stub", "wrappers", f"wrapper_{wrapper}"],
        "toplevel": wrapper_module_name(core, wrapper),
    }


def _wrapper_constraints(core: CoreSpec, wrapper: str, files: Collection[str]) -> list[str]:
    """Return the constraints of a wrapper that is among the files."""
    return _below(WRAPPERS_FOLDER, files, (f"/{wrapper_module_name(core, wrapper)}.sdc",))


def _below(folder: str, files: Collection[str], suffixes: tuple[str, ...]) -> list[str]:
    """Return files of a folder in an order in which what is included, and the array, come before the bench."""
    return sorted(name for name in files if name.startswith(f"{folder}/") and name.endswith(suffixes))


def _entry(path: str) -> dict[str, dict[str, Any]]:
    """Return a file as FuseSoC lists it."""
    suffix = PurePosixPath(path).suffix
    properties: dict[str, Any] = {"file_type": _FILE_TYPES.get(suffix, "user")}
    if suffix in _INCLUDED:
        properties["is_include_file"] = True
    if suffix == ".hex":
        # The bench reads its data by their paths from the folder in which it runs.
        properties["copyto"] = path
    return {path: properties}
