"""The modules of a core: a file for each, with the list of the files and the map of their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version

from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.top import Core, core_module_name, module_prefix
from oscc.rtl.verilog.hierarchy import VerilogModule, verilog_modules

SOURCES = "src"
"""Folder of the modules among what is emitted."""

LICENSE = "Apache-2.0"
"""Of what is emitted, as SPDX names it: that of the gateware it is written from."""


def core_modules(core: CoreSpec, *, initial: bool = False) -> dict[str, str]:
    """Return the Verilog of a core, a file for each module, those that are used before those that use them.

    Parameters
    ----------
    core : CoreSpec
    initial : bool
        Give registers and memories the content with which an FPGA begins, by initial blocks. Without it they are X
        until the reset, or until they are written.

    Returns
    -------
    dict of str to str
        Content by file name, the top module last.
    """
    return module_files(core, Core(core), core_module_name(core), initial=initial)


def module_files(core: CoreSpec, component: wiring.Component, top: str, *, initial: bool = False) -> dict[str, str]:
    """Return a component of a core and all that it uses, a file for each module, the component itself last.

    Parameters
    ----------
    core : CoreSpec
    component : wiring.Component
    top : str
        Name of the component's module.
    initial : bool
        As in `core_modules`.
    """
    modules = verilog_modules(component, module_prefix(core), top, initial=initial)
    return {f"{name}.v": file_text(core, module) for name, module in modules.items()}


def file_text(core: CoreSpec, module: VerilogModule) -> str:
    """Return the file of a module: where it comes from, then the module.

    Parameters
    ----------
    core : CoreSpec
    module : VerilogModule
    """
    return "\n".join(
        [
            f"// SPDX-License-Identifier: {LICENSE}",
            f"// {module.name}: {module.component}, written by oscc {version('oscc')}",
            f"// for the core {core.name}, specification {core.hash[:16]}.",
            "`default_nettype none",
            "",
            module.text,
            "`default_nettype wire",
            "",
        ]
    )


def hierarchy_listing(modules: Mapping[str, VerilogModule], top: str) -> str:
    """Return the tree of instances as text, a line for each: its name, its module and how often that is used.

    Below the second and further instances of a module nothing is repeated.

    Parameters
    ----------
    modules : mapping of str to VerilogModule
    top : str
    """
    uses = _uses(modules, top)
    lines = [f"{top}"]
    shown: set[str] = set()

    def list_below(name: str, depth: int) -> None:
        if name in shown:
            return
        shown.add(name)
        for instance, module in modules[name].instances:
            again = ", as above" if module in shown and modules[module].instances else ""
            lines.append(f"{'  ' * depth}{instance}: {module} ({uses[module]} in all{again})")
            list_below(module, depth + 1)

    list_below(top, 1)
    return "\n".join([*lines, ""])


def _uses(modules: Mapping[str, VerilogModule], top: str) -> dict[str, int]:
    """Count the instances of each module in the whole tree."""
    counted = dict.fromkeys(modules, 0)
    counted[top] = 1
    # Those that use others come after them.
    for name in reversed(list(modules)):
        for _, module in modules[name].instances:
            counted[module] += counted[name]
    return counted


def names_map(modules: Mapping[str, VerilogModule], top: str) -> str:
    """Return as JSON which component each module comes from, and what its nets are called in the generator.

    Parameters
    ----------
    modules : mapping of str to VerilogModule
    top : str
    """
    described = {
        name: {
            "component": module.component,
            "instances": dict(module.instances),
            "signals": dict(module.signals),
        }
        for name, module in modules.items()
    }
    return json.dumps({"top": top, "modules": described}, indent=1) + "\n"
