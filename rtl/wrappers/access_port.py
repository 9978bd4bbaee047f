"""The access port: one word access at a time, as simple buses make it."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.rtl.signals.port import PortSignature
from oscc.rtl.wrappers.window_map import WRAPPED_ADDRESS_BITS


def access_port_signature() -> PortSignature:
    """Return the port of word accesses, seen from the bus that makes them; ``access_*`` in Verilog.

    ``request``
        An access is wanted. It stays, and so does what belongs to it, until ``done``; a bus that gives up before
        lowers it for at least one cycle.
    ``write``, ``address``, ``data``, ``strobes``
        Direction, byte address, word to write and one bit per byte of it.
    ``done``
        High for one cycle, and never without ``request``: the access that has been requested without a break is
        complete.
    ``error``, ``word``
        With ``done``: it was refused; the word that was read.
    """
    members = {
        "request": Out(1),
        "write": Out(1),
        "address": Out(WRAPPED_ADDRESS_BITS),
        "data": Out(32),
        "strobes": Out(4),
        "done": In(1),
        "error": In(1),
        "word": In(32),
    }
    return PortSignature(members, prefix="access_")
