"""The drive port: what makes the array evolve."""

from __future__ import annotations

from amaranth.lib.wiring import Out

from oscc.rtl.signals.port import PortSignature


def drive_port_signature() -> PortSignature:
    """Return the strobes that drive the array, seen from the sequencer; called alike in Verilog and in the array port.

    ``init``, ``run``
        The array is held in noise, or evolves, until the edge at the end of the cycle; never both.
    ``sample``, ``commit``
        Latch the taps, make the shadow active, on that edge and in this order.
    """
    return PortSignature({"init": Out(1), "run": Out(1), "sample": Out(1), "commit": Out(1)})
