"""The shadow port: how rows of codes are written into the shadow latches of the array."""

from __future__ import annotations

from amaranth.lib.wiring import Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def shadow_port_signature(core: CoreSpec) -> PortSignature:
    """Return the port of the shadow latches, seen from who writes; ``load_*`` in Verilog, and of the array port.

    ``row``
        Number of the row.
    ``strobe``
        Write the row on the edge at the end of the cycle.
    ``data``
        Codes of all its cells, column 0 in the lowest ``word_bits``.

    Parameters
    ----------
    core : CoreSpec
    """
    return PortSignature(
        {"row": Out(index_shape(core.rows)), "strobe": Out(1), "data": Out(core.row_bits)}, prefix="load_"
    )
