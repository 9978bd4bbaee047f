"""Equivalence of what the generator says and what was written: each module of a core against its component.

One side is the component as Amaranth converts it, the other one the text of the module. Neither has its children
inside: what goes to a child is an output of the component here, what comes from it an input, and so are the ports of
memories. So each pair is small, and all pairs together, with the instances that they agree on, are the core. Names are
those of the Verilog on both sides: registers of one name are taken to be equal, and every bit of a register and of an
output is then proved equal to its counterpart in the next cycle, whatever the inputs and the registers are. Initial
contents play no part: the delivered files have none.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Fragment, Instance, ResetSignal
from amaranth.hdl._ir import PortDirection
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import wiring

from formal.netlist import Netlist
from formal.opened import open_up
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.core_modules import file_text
from oscc.rtl.synthesis.asic import LIBRARY
from oscc.rtl.synthesis.tools import YOSYS, find_tool
from oscc.rtl.top import Core, core_module_name, module_prefix
from oscc.rtl.verilog.hierarchy import Hierarchy, VerilogModule
from oscc.rtl.verilog.module import Body
from oscc.rtl.verilog.parts import Child, ports_of

SIDES = ("golden", "gate")
"""What is compared: names of files and modules."""


@dataclass(frozen=True)
class Pair:
    """A component and the module that was written from it.

    Parameters
    ----------
    name : str
        Of the module.
    component : str
        Class of the component, with its package.
    golden : str
        The component as RTLIL, its module being called ``golden``.
    verilog : str
        Text of the module.
    children : mapping of str to frozenset of str
        Outputs of each module that it uses, by the module's name.
    """

    name: str
    component: str
    golden: str
    verilog: str
    children: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Verdict:
    """What became of a pair.

    Parameters
    ----------
    name : str
    proved, open : int
        Bits of registers, nets and outputs that are proved equal, and those that are not.
    seconds : float
    why : str
        Why it failed; empty where everything is proved.
    """

    name: str
    proved: int
    open: int
    seconds: float
    why: str

    @property
    def passed(self) -> bool:
        """Whether everything is proved."""
        return not self.why


class _Recording(Hierarchy):
    """A hierarchy that remembers from which component each module was written."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix, initial=False)
        self.found: dict[str, list[tuple[Child, Body]]] = {}

    def _write(self, child: Child, name: str | None = None) -> tuple[str, Body]:
        chosen, body = super()._write(child, name)
        self.found.setdefault(chosen, []).append((child, body))
        return chosen, body


def core_pairs(core: CoreSpec) -> list[Pair]:
    """Return every module of a core with its component, those that are used before those that use them.

    Parameters
    ----------
    core : CoreSpec
    """
    return component_pairs(core, Core(core), core_module_name(core))


def component_pairs(core: CoreSpec, component: wiring.Component, top: str) -> list[Pair]:
    """Return a component and all that it uses, each with its module, the component itself last.

    Parameters
    ----------
    core : CoreSpec
    component : wiring.Component
    top : str
        Name of the component's module.

    Raises
    ------
    AssertionError
        When two components that are written as one module are not the same to the generator.
    """
    hierarchy = _Recording(module_prefix(core))
    modules: Mapping[str, VerilogModule] = hierarchy.written(component, top)
    pairs = []
    for name, module in modules.items():
        first, *others = hierarchy.found[name]
        golden = _golden(*first)
        for other in others:
            if _golden(*other) != golden:
                raise AssertionError(f"{name} was written from components that differ")
        children = {used.module: _outputs(used.ports) for _, used in first[1].used}
        children |= {box.type: _pins(box) for box in _boxes(first[0].fragment)}
        pairs.append(Pair(name, module.component, golden, file_text(core, module), children))
    return pairs


def _outputs(ports: Iterable[Any]) -> frozenset[str]:
    return frozenset(port.name for port in ports if port.output)


def _boxes(fragment: Fragment) -> list[Instance]:
    """Return the black boxes of a component."""
    return [inner for inner, _, _ in fragment.subfragments if isinstance(inner, Instance)]


def _pins(box: Instance) -> frozenset[str]:
    return frozenset(pin for pin, (_, kind) in box.ports.items() if kind == "o")


def _golden(child: Child, body: Body) -> str:
    """Return a component as RTLIL, its children black boxes, nets called as in Verilog."""
    for name, signal in body.nets:
        signal.name = name
    used = {id(one.child.fragment): (name, one) for name, one in body.used}
    flat = Fragment()
    _gather(child.fragment, "", flat, used)
    ports = {
        port.name: (port.signal, PortDirection.Output if port.output else PortDirection.Input)
        for port in ports_of(child.component)
    }
    text: str = rtlil.convert_fragment(flat, ports, "golden", emit_src=False)[0]
    return text


def _gather(fragment: Fragment, prefix: str, flat: Fragment, used: Mapping[int, tuple[str, Any]]) -> None:
    """Add what a component consists of, parts of libraries included, to one fragment without levels."""
    for domain, statements in fragment.statements.items():
        flat.add_statements(domain, statements)
    for inner, name, place in fragment.subfragments:
        if id(inner) in used:
            instance, one = used[id(inner)]
            flat.add_subfragment(_black_box(one), instance, src_loc=place)
        elif isinstance(inner, Instance | MemoryInstance):
            flat.add_subfragment(inner, f"{prefix}{name}", src_loc=place)
        else:
            _gather(inner, f"{prefix}{name}_", flat, used)


def _black_box(one: Any) -> Instance:
    """Return the instance of a child."""
    pins: dict[str, Any] = {f"{'o' if port.output else 'i'}_{port.name}": port.signal for port in one.ports}
    if one.clocked:
        pins["i_clk"] = ClockSignal()
    if one.resets:
        pins["i_rst"] = ResetSignal()
    return Instance(one.module, **pins)


# The proof


def prove(pair: Pair, folder: Path) -> Verdict:
    """Prove that the module of a pair does what its component does.

    Parameters
    ----------
    pair : Pair
    folder : Path
        Empty; designs and logs stay in it.

    Raises
    ------
    OsccError
        ``synthesis.missing`` or ``synthesis.tool``.
    """
    (folder / "golden.il").write_text(pair.golden, encoding="utf-8")
    (folder / "gate.v").write_text(pair.verilog, encoding="utf-8")
    golden = read_script("golden", ["read_rtlil golden.il"], "golden")
    gate = read_script("gate", ["read_verilog gate.v"], pair.name)
    return compare(pair, [*golden, "design -reset", *gate], folder)


def prove_netlist(pair: Pair, netlist: Netlist, folder: Path) -> Verdict:
    """Prove that the cells of a module do what its Verilog says.

    Parameters
    ----------
    pair : Pair
    netlist : Netlist
        Of its core.
    folder : Path
        Empty; designs and logs stay in it.

    Raises
    ------
    OsccError
        ``synthesis.missing`` or ``synthesis.tool``.
    """
    (folder / "golden.v").write_text(pair.verilog, encoding="utf-8")
    golden = read_script("golden", ["read_verilog golden.v"], pair.name)
    # The tool sees its own folder alone.
    shutil.copy(netlist.folder / f"{pair.name}.json", folder / "cells.json")
    shutil.copy(netlist.folder / LIBRARY, folder / LIBRARY)
    gate = read_script("gate", ["read_json cells.json", f"read_liberty {LIBRARY}", "flatten"], pair.name)
    return compare(pair, [*golden, "design -reset", *gate], folder)


def read_script(side: str, read: Sequence[str], module: str) -> list[str]:
    """Return the commands for Yosys that leave a side of a pair as a netlist, ``<side>.json``.

    Parameters
    ----------
    side : {"golden", "gate"}
    read : sequence of str
        Commands that read it.
    module : str
        Its name.
    """
    return [
        *read,
        f"hierarchy -top {module}",
        "proc",
        # Initial contents are not delivered; a memory's attribute would let Yosys choose what a collision gives.
        "setattr -unset init */w:*",
        "setattr -unset no_rw_check */m:*",
        # A read port has an enable where its register has one, and lanes are told by enables that are never high.
        "opt_dff",
        "opt_reduce",
        "opt_expr -fine",
        "opt_clean",
        "memory_dff",
        "memory_collect",
        "dffunmap",
        "memory_map -rom-only",
        # A parity as the tree of gates that it is in a netlist: another order of them is beyond a SAT solver.
        "simplemap t:$reduce_xor t:$reduce_xnor",
        "opt_clean",
        f"rename {module} {side}",
        f"write_json {side}.json",
    ]


def compare(pair: Pair, script: Sequence[str], folder: Path) -> Verdict:
    """Prove two modules equivalent.

    Parameters
    ----------
    pair : Pair
        Whose name and children they have.
    script : sequence of str
        Commands for Yosys that leave them as ``golden.json`` and ``gate.json``.
    folder : Path
    """
    begun = time.monotonic()
    yosys = find_tool(YOSYS)
    yosys.run(["-p", "; ".join(script)], folder, "read.log")
    sides = [json.loads((folder / f"{side}.json").read_text(encoding="utf-8")) for side in SIDES]
    golden, gate = (design["modules"][side] for side, design in zip(SIDES, sides, strict=True))
    if differing := open_up(golden, gate, pair.children):
        return Verdict(pair.name, 0, 0, time.monotonic() - begun, differing)
    for side, design in zip(SIDES, sides, strict=True):
        (folder / f"{side}.json").write_text(json.dumps(design), encoding="utf-8")
    proof = [
        "read_json golden.json",
        "read_json gate.json",
        "equiv_make golden gate equiv",
        "hierarchy -top equiv",
        "opt_clean",
        "equiv_simple -undef",
        "equiv_induct -undef",
        "equiv_status",
    ]
    status = yosys.attempt(["-p", "; ".join(proof)], folder, "equiv.log")
    log = (folder / "equiv.log").read_text(encoding="utf-8")
    if status:
        console = (folder / "equiv.log.console").read_text(encoding="utf-8")
        found = re.search(r"ERROR: (.*)", console + log)
        return Verdict(pair.name, 0, 0, time.monotonic() - begun, found[1] if found else f"Yosys ended with {status}")
    counts = re.search(r"(\d+) are proven and (\d+) are unproven", log)
    if counts is None:
        return Verdict(pair.name, 0, 0, time.monotonic() - begun, "Yosys does not say what it proved")
    proved, left = int(counts[1]), int(counts[2])
    first = re.search(r"Unproven \$equiv \S+: \\?(\S+?)(?:_gold)? ", log)
    why = f"{left} bits are not equal{f', such as {first[1]}' if first else ''}" if left else ""
    return Verdict(pair.name, proved, left, time.monotonic() - begun, why)
