"""The fetch port: how the schedule memory is read."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def fetch_port_signature(depth: int) -> PortSignature:
    """Return the port to the schedule memory, seen from the reader; ``fetch_*`` in Verilog.

    ``address``
        Of the word that is wanted, in every cycle.
    ``word``
        Content of ``address`` of the cycle before: a word per cycle, one cycle late.

    Parameters
    ----------
    depth : int
        Words of the memory.
    """
    return PortSignature({"address": Out(index_shape(depth)), "word": In(32)}, prefix="fetch_")
