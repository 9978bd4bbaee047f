"""The register bus: what a front end drives and the registers answer."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS
from oscc.rtl.signals.port import connect, port_of

REGISTER_BUS_MEMBERS = {
    "write_strobe": Out(1),
    "write_address": Out(ADDRESS_BITS - 2),
    "write_data": Out(32),
    "write_mask": Out(32),
    "write_response": In(2),
    "read_strobe": Out(1),
    "read_address": Out(ADDRESS_BITS - 2),
    "read_data": In(32),
    "read_response": In(2),
}
"""The register bus from the side of the master, the one who makes the accesses.

``write_strobe``, ``write_address``, ``write_data``, ``write_mask``
    A write in this cycle. The address counts words; bits outside the mask are to be left alone.
``write_response``
    Response to the present write, in the same cycle.
``read_strobe``, ``read_address``
    A read in this cycle.
``read_data``, ``read_response``
    One cycle after ``read_strobe``. They belong to the latest strobe before: a master that shares the bus takes them
    in that very cycle.

Responses are those of AXI: OKAY 0, SLVERR 2, DECERR 3.
"""


def register_bus_signature() -> wiring.Signature:
    """Return `REGISTER_BUS_MEMBERS` as one interface, seen from the master."""
    return wiring.Signature(REGISTER_BUS_MEMBERS)


def connect_register_bus(m: Module, master: Any, slave: Any) -> None:
    """Connect a master of the register bus to who answers it.

    Parameters
    ----------
    m : Module
        Gets the connections.
    master, slave : wiring.Component or wiring.Interface
        With the members of `REGISTER_BUS_MEMBERS` among their own.

    Raises
    ------
    AttributeError
        When one of them lacks a member.
    """
    bus = register_bus_signature()
    connect(m, port_of(master, bus), port_of(slave, bus.flip()))
