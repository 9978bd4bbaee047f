"""The adapters of buses as Verilog."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.simple_bus_top import adapter_module_name
from oscc.rtl.delivery.core_modules import module_files
from oscc.rtl.wrappers.apb_adapter import ApbAdapter
from oscc.rtl.wrappers.wishbone_adapter import WishboneAdapter

ADAPTERS: Mapping[str, Callable[[CoreSpec], wiring.Component]] = {"apb": ApbAdapter, "wishbone": WishboneAdapter}
"""Component of each bus that needs one."""


def adapter_modules(core: CoreSpec, kind: str, *, initial: bool = False) -> dict[str, str]:
    """Return the Verilog of an adapter and of all that it uses, by file name, the adapter itself last.

    Parameters
    ----------
    core : CoreSpec
    kind : str
        Of `ADAPTERS`.
    initial : bool
        Give registers the content with which an FPGA begins, by initial blocks.
    """
    return module_files(core, ADAPTERS[kind](core), adapter_module_name(core, kind), initial=initial)
