"""The wrappers that can be emitted, one table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from oscc.base.errors import OsccError, did_you_mean
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.adapter_modules import ADAPTERS, adapter_modules
from oscc.rtl.delivery.border.axi_top import axi_top
from oscc.rtl.delivery.border.simple_bus_top import apb_top, wishbone_top
from oscc.rtl.delivery.border.top_module import WrapperTop, verilog
from oscc.rtl.delivery.constraints import Border, constraint_files
from oscc.rtl.delivery.core_modules import SOURCES
from oscc.rtl.delivery.ip_xact import COMPONENT, ip_xact, need_peakrdl
from oscc.rtl.delivery.window_header import HEADER, window_header
from oscc.rtl.top import module_prefix

FOLDER = "wrappers"
"""Folder of what is emitted of them."""


@dataclass(frozen=True)
class Wrapper:
    """A wrapper that can be asked for.

    Parameters
    ----------
    summary : str
        What it is, in a few words.
    top : callable
        Its top module, of a core.
    """

    summary: str
    top: Callable[[CoreSpec], WrapperTop]


WRAPPERS: Mapping[str, Wrapper] = {
    "axi": Wrapper("AXI4-Lite and AXI4-Streams with attributes for Vivado, and IP-XACT", axi_top),
    "apb": Wrapper("APB4, with the streams as registers", apb_top),
    "wishbone": Wrapper("Wishbone B4 classic, with the streams as registers", wishbone_top),
}


def wrapper_module_name(core: CoreSpec, name: str) -> str:
    """Return the Verilog name of a wrapper: ``ais_56x56_wishbone``.

    Parameters
    ----------
    core : CoreSpec
    name : str
        Of `WRAPPERS`.
    """
    return f"{module_prefix(core)}_{name}"


def checked_wrappers(names: Iterable[str]) -> tuple[str, ...]:
    """Return which wrappers are asked for: each once, in the order of the table.

    Parameters
    ----------
    names : iterable of str

    Raises
    ------
    OsccError
        ``emit.wrapper`` for a name that is none of `WRAPPERS`; ``registers.missing`` when one needs PeakRDL, and that
        is not installed.
    """
    asked = list(names)
    for name in asked:
        if name not in WRAPPERS:
            raise OsccError(
                "emit.wrapper",
                f"'{name}' is no wrapper{did_you_mean(name, WRAPPERS)}",
                hint=f"there are {', '.join(WRAPPERS)}",
            )
    if "axi" in asked:
        need_peakrdl()
    return tuple(name for name in WRAPPERS if name in asked)


def wrapper_files(
    core: CoreSpec, names: Iterable[str], sources: Iterable[str], *, initial: bool = False
) -> dict[str, str]:
    """Return the files of wrappers.

    Parameters
    ----------
    core : CoreSpec
    names : iterable of str
        Of `WRAPPERS`.
    sources : iterable of str
        Paths of the Verilog of the core, the black box of the array among them.
    initial : bool
        Give registers the content with which an FPGA begins, by initial blocks.

    Returns
    -------
    dict of str to str
        Text by path: for each wrapper ``wrappers/<core>_<wrapper>.v``, the modules that it needs besides the core in
        ``wrappers/src/``, ``.f`` with all of its sources, and its constraints; ``component.xml`` for ``axi``;
        ``wrappers/oscc_window.h`` for those with a stream window.

    Raises
    ------
    OsccError
        As `checked_wrappers` raises it.
    """
    files: dict[str, str] = {}
    for name in checked_wrappers(names):
        top = WRAPPERS[name].top(core)
        modules = adapter_modules(core, name, initial=initial) if name in ADAPTERS else {}
        own = {f"{FOLDER}/{SOURCES}/{module}": text for module, text in modules.items()}
        own[f"{FOLDER}/{top.name}.v"] = verilog(top)
        border = Border(top.name, core, top.ports, "core/array_macro")
        listed = [*sources, *own]
        files |= own | constraint_files(border, f"{FOLDER}/")
        files[f"{FOLDER}/{top.name}.f"] = "".join(f"{path}\n" for path in listed)
        if name == "axi":
            files[COMPONENT] = ip_xact(top, listed, f"{FOLDER}/{top.name}.xdc")
        else:
            files[f"{FOLDER}/{HEADER}"] = window_header()
    return files
