"""The rules of a core's streams and of its register bus, declared once, and the signals that every rule is about.

They are those of AXI4-Stream and AXI4-Lite, with what a core adds to them: which beats make a frame. The monitors of
cocotb benches, the SystemVerilog assertions and the table in docs/cosimulation.md name the rules by the codes given
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class InterfaceRule:
    """Something that a core, or its host, promises to the other.

    Parameters
    ----------
    code : str
        Stable; messages begin with it.
    statement : str
        What always holds on every rising edge. No full stop.
    keeper : {"core", "host"}
        Who has to keep it.
    signals : tuple of str
        Ports of the core that it is about, as a message shows them.
    """

    code: str
    statement: str
    keeper: Literal["core", "host"]
    signals: tuple[str, ...]


_BEAT = ("m_axis_tdata", "m_axis_tkeep", "m_axis_tlast", "m_axis_tuser")

INTERFACE_CONTRACT = (
    InterfaceRule(
        "X001",
        "m_axis_tvalid is low on the edge after one with rst",
        "core",
        ("m_axis_tvalid",),
    ),
    InterfaceRule(
        "X002",
        "m_axis_tvalid, once high, stays high until m_axis_tready",
        "core",
        ("m_axis_tvalid", "m_axis_tready"),
    ),
    InterfaceRule(
        "X003",
        "m_axis_tdata, tkeep, tlast and tuser do not change while a beat waits for m_axis_tready",
        "core",
        _BEAT,
    ),
    InterfaceRule(
        "X004",
        "after reset, m_axis_tvalid and s_axis_tready are known, and so is a beat that is offered",
        "core",
        ("m_axis_tvalid", "s_axis_tready", *_BEAT),
    ),
    InterfaceRule(
        "X005",
        "m_axis_tkeep marks the codes of its beat: all lanes, in the last beat of a row those that are left, and "
        "lane 0 alone where a frame is cut short",
        "core",
        ("m_axis_tkeep", "m_axis_tuser"),
    ),
    InterfaceRule(
        "X006",
        "m_axis_tlast is high with the last beat of a frame, and with no other but one that m_axis_tuser marks",
        "core",
        ("m_axis_tlast", "m_axis_tuser"),
    ),
    InterfaceRule(
        "X007",
        "m_axis_tuser is high only with m_axis_tlast",
        "core",
        ("m_axis_tuser", "m_axis_tlast"),
    ),
    InterfaceRule(
        "X008",
        "a byte of m_axis_tdata that m_axis_tkeep marks is a code, and every other byte is 0",
        "core",
        ("m_axis_tdata", "m_axis_tkeep"),
    ),
    InterfaceRule(
        "X009",
        "s_axis_tvalid, once high, stays high until s_axis_tready",
        "host",
        ("s_axis_tvalid", "s_axis_tready"),
    ),
    InterfaceRule(
        "X010",
        "s_axis_tdata and s_axis_tlast do not change while a beat waits for s_axis_tready",
        "host",
        ("s_axis_tdata", "s_axis_tlast"),
    ),
    InterfaceRule(
        "H001",
        "s_axil_bvalid and s_axil_rvalid are low on the edge after one with rst",
        "core",
        ("s_axil_bvalid", "s_axil_rvalid"),
    ),
    InterfaceRule(
        "H002",
        "s_axil_bvalid, once high, stays high until s_axil_bready, with the same s_axil_bresp",
        "core",
        ("s_axil_bvalid", "s_axil_bready", "s_axil_bresp"),
    ),
    InterfaceRule(
        "H003",
        "s_axil_rvalid, once high, stays high until s_axil_rready, with the same s_axil_rdata and s_axil_rresp",
        "core",
        ("s_axil_rvalid", "s_axil_rready", "s_axil_rdata", "s_axil_rresp"),
    ),
    InterfaceRule(
        "H004",
        "s_axil_bvalid is high only while a write whose address and data were taken has no answer",
        "core",
        ("s_axil_bvalid",),
    ),
    InterfaceRule(
        "H005",
        "s_axil_rvalid is high only while a read whose address was taken has no answer",
        "core",
        ("s_axil_rvalid",),
    ),
    InterfaceRule(
        "H006",
        "s_axil_bresp and s_axil_rresp are OKAY, SLVERR or DECERR",
        "core",
        ("s_axil_bresp", "s_axil_rresp"),
    ),
    InterfaceRule(
        "H007",
        "after reset, all ready and valid signals and irq are known, and so is an answer that is offered",
        "core",
        (
            "s_axil_awready",
            "s_axil_wready",
            "s_axil_bvalid",
            "s_axil_bresp",
            "s_axil_arready",
            "s_axil_rvalid",
            "s_axil_rdata",
            "s_axil_rresp",
            "irq",
        ),
    ),
    InterfaceRule(
        "H008",
        "s_axil_awvalid, once high, stays high until s_axil_awready, with the same s_axil_awaddr",
        "host",
        ("s_axil_awvalid", "s_axil_awready", "s_axil_awaddr"),
    ),
    InterfaceRule(
        "H009",
        "s_axil_wvalid, once high, stays high until s_axil_wready, with the same s_axil_wdata and s_axil_wstrb",
        "host",
        ("s_axil_wvalid", "s_axil_wready", "s_axil_wdata", "s_axil_wstrb"),
    ),
    InterfaceRule(
        "H010",
        "s_axil_arvalid, once high, stays high until s_axil_arready, with the same s_axil_araddr",
        "host",
        ("s_axil_arvalid", "s_axil_arready", "s_axil_araddr"),
    ),
)
"""Every rule: of the streams, then of the register bus, by ascending code."""

MACRO_SIGNALS: dict[str, tuple[str, ...]] = {
    "A001": ("init", "run"),
    "A002": ("load_row",),
    "A003": ("load_row",),
    "A004": ("load_strobe", "commit"),
    "A005": ("commit",),
    "A006": ("commit", "sample"),
    "A007": ("run",),
    "A008": ("tap_row",),
    "A009": ("noise_seed", "noise_index"),
    "A010": ("init", "ready"),
    "A011": ("init", "run", "ready"),
    "A012": ("load_strobe", "commit", "init", "run", "sample"),
    "A013": ("load_row", "load_data", "noise_seed", "noise_index", "tap_row"),
}
"""Ports of the macro that each rule of `oscc.core.array_contract` is about, as a message shows them."""


def interface_rule(code: str) -> InterfaceRule:
    """Return the rule of a code.

    Raises
    ------
    KeyError
        When there is none.
    """
    for candidate in INTERFACE_CONTRACT:
        if candidate.code == code:
            return candidate
    raise KeyError(code)


def interface_table() -> str:
    """Return the rules as the Markdown table of docs/cosimulation.md."""
    lines = ["| rule | on every rising edge | kept by |", "|---|---|---|"]
    for each in INTERFACE_CONTRACT:
        lines.append(f"| {each.code} | {each.statement} | {each.keeper} |")
    return "\n".join(lines) + "\n"
