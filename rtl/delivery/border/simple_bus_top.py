"""Wrappers ``apb`` and ``wishbone``: a core on a bus without streams, whose streams are a window of registers."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.top_module import Part, WrapperTop, core_part
from oscc.rtl.delivery.border.top_ports import (
    CLOCK_AND_RESET,
    INTERRUPT,
    TopPort,
    core_ports,
    members_as_ports,
    plain_ports,
)
from oscc.rtl.host.axi_lite import AXI_LITE_MEMBERS
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.top import core_module_name, module_prefix
from oscc.rtl.wrappers.apb_adapter import APB_MEMBERS
from oscc.rtl.wrappers.window_map import WRAPPED_ADDRESS_BITS
from oscc.rtl.wrappers.wishbone_adapter import WISHBONE_MEMBERS

WISHBONE_NAMES = {
    "adr": "wb_adr_i",
    "dat_w": "wb_dat_i",
    "dat_r": "wb_dat_o",
    "sel": "wb_sel_i",
    "cyc": "wb_cyc_i",
    "stb": "wb_stb_i",
    "we": "wb_we_i",
    "ack": "wb_ack_o",
    "err": "wb_err_o",
}
"""Names of Wishbone's signals at the border, by those of the adapter."""


def adapter_module_name(core: CoreSpec, kind: str) -> str:
    """Return the Verilog name of an adapter: ``ais_56x56_apb_adapter``.

    Parameters
    ----------
    core : CoreSpec
    kind : str
        ``apb`` or ``wishbone``.
    """
    return f"{module_prefix(core)}_{kind}_adapter"


def apb_top(core: CoreSpec) -> WrapperTop:
    """Return the wrapper ``<core>_apb``.

    Parameters
    ----------
    core : CoreSpec
    """
    ports = (
        TopPort("pclk", "input", 1, CLOCK_AND_RESET, "clock"),
        TopPort("presetn", "input", 1, CLOCK_AND_RESET, "reset"),
        *members_as_ports(APB_MEMBERS, "APB4"),
    )
    summary = (
        f"Core {core.name} on APB4: registers from 0x0000, the streams as registers from 0x1000.",
        "presetn is low for at least two edges of pclk, and released with one of them.",
    )
    return _top(core, "apb", summary, ports, {name: name for name in APB_MEMBERS})


def wishbone_top(core: CoreSpec) -> WrapperTop:
    """Return the wrapper ``<core>_wishbone``.

    Parameters
    ----------
    core : CoreSpec
    """
    bus = []
    for port in members_as_ports(WISHBONE_MEMBERS, "Wishbone B4, classic cycles"):
        # The address counts words, and says so by the numbers of its bits.
        low = WRAPPED_ADDRESS_BITS - port.width if port.name == "adr" else 0
        bus.append(TopPort(WISHBONE_NAMES[port.name], port.direction, port.width, port.group, low=low))
    ports = (
        TopPort("wb_clk_i", "input", 1, CLOCK_AND_RESET, "clock"),
        TopPort("wb_rst_i", "input", 1, CLOCK_AND_RESET, "reset"),
        *bus,
    )
    summary = (
        f"Core {core.name} on Wishbone B4: registers from 0x0000, the streams as registers from 0x1000.",
        "wb_rst_i is synchronous: high for at least two edges of wb_clk_i, and released with one of them.",
    )
    return _top(core, "wishbone", summary, ports, WISHBONE_NAMES)


def _top(
    core: CoreSpec, kind: str, summary: tuple[str, ...], ports: tuple[TopPort, ...], names: Mapping[str, str]
) -> WrapperTop:
    """Return a wrapper of the core and the adapter of a bus."""
    clock, reset = (next(port.name for port in ports if port.timing == timing) for timing in ("clock", "reset"))
    # By AMBA's rule a reset whose name ends with n is active low; Wishbone's is active high.
    inverted = reset.endswith("n")
    inner_reset = "rst" if inverted else reset
    outside = (*ports, TopPort("irq", "output", 1, INTERRUPT), *plain_ports(core))
    sides = {
        "axil": ("s_axil_", dict(AXI_LITE_MEMBERS)),
        "program": ("s_axis_t", dict(program_stream_signature(core).members)),
        "images": ("m_axis_t", dict(image_stream_signature(core).members)),
    }
    wires, core_side, adapter_side = [], {}, {}
    for side, (prefix, members) in sides.items():
        for member, declared in members.items():
            wires.append((_span(declared), f"{side}_{member}"))
            core_side[f"{prefix}{member}"] = f"{side}_{member}"
            adapter_side[f"{side}_{member}"] = f"{side}_{member}"
    core_order = [port.name for port in core_ports(core)]
    core_side |= {
        "clk": clock,
        "rst": inner_reset,
        "irq": "irq",
        **{port.name: port.name for port in plain_ports(core)},
    }
    return WrapperTop(
        name=f"{module_prefix(core)}_{kind}",
        core=core,
        summary=summary,
        ports=outside,
        attributes={},
        wires=((("", "rst"),) if inverted else ()) + tuple(wires),
        assigns=(f"assign rst = ~{reset};",) if inverted else (),
        parts=(
            Part(
                adapter_module_name(core, kind), "adapter", {"clk": clock, "rst": inner_reset, **names, **adapter_side}
            ),
            core_part(core_module_name(core), [(name, core_side[name]) for name in core_order]),
        ),
    )


def _span(member: wiring.Member) -> str:
    """Return the range of bits of a signal."""
    width = Shape.cast(member.shape).width
    return f"[{width - 1}:0]" if width > 1 else ""
