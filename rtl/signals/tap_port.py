"""The tap port: how the latched taps of the array are read."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def tap_port_signature(core: CoreSpec) -> PortSignature:
    """Return the port to the latched taps, seen from the read-out; ``tap_*`` in Verilog, and of the array port.

    ``data``
        Taps of the row selected two cycles before.
    ``valid``
        ``data`` is stable; looked at from two cycles after a row was selected on.
    ``row``
        Row to select.

    Parameters
    ----------
    core : CoreSpec
    """
    return PortSignature(
        {"data": In(core.row_tap_bits), "valid": In(1), "row": Out(index_shape(core.frame_shape[0]))}, prefix="tap_"
    )
