"""The program stream: a program image on its way into a core."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature


def program_stream_signature(core: CoreSpec) -> PortSignature:
    """Return the stream of program images, seen from who sends; ``stream_*`` in Verilog.

    A beat is transferred on an edge with ``valid`` and ``ready``. Until then ``valid`` stays, and so do ``data`` and
    ``last``. The handshake is that of `amaranth.lib.stream`, whose payload is one signal: here each part of it is a
    port of its own, as at the border of the core.

    ``data``
        A beat, its first byte in the lowest bits.
    ``last``
        The last beat of an image.

    Parameters
    ----------
    core : CoreSpec
    """
    members = {"valid": Out(1), "data": Out(core.stream_width), "last": Out(1), "ready": In(1)}
    return PortSignature(members, prefix="stream_")
