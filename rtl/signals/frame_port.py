"""The frame port: how the sequencer and the read-out share the latches of the taps."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.rtl.signals.port import PortSignature


def frame_port_signature(
    prefix: str = "readout_", discard: str = "discarded", *, driven: bool = False
) -> PortSignature:
    """Return the port that orders frames, seen from the sequencer.

    Every sample that begins comes to exactly one of ``start`` and ``discard``, or to none where the schedule itself
    stops.

    ``start``
        The array latches with the edge after the next one (the registered ``sample``). Ignored while ``busy``.
    ``discard``
        A sample that had begun will not be latched: deliver one beat in its place, behind the frame before it. High
        for one cycle.
    ``busy``
        The latches are still needed.
    ``room``
        The latched frame, or the next one when none is latched, has room in the output.
    ``quiet``
        With ``start``: the codes of this sample go to the frame memory alone. Only where ``driven``, as the rest.
    ``look``
        Latch likewise, and walk the watched rows. Not while ``busy``, and only while ``looking``.
    ``looking``
        A settle is under way. A look whose walk is not over when it falls is abandoned; its latches are free at once.
    ``unsettled``
        With ``start``: a settle ran out of cycles since the last init.

    Parameters
    ----------
    prefix : str
        Of the names in Verilog.
    discard : str
        Name of ``discard`` in Verilog.
    driven : bool
        Of a driven core.
    """
    members = {"start": Out(1), "discard": Out(1), "busy": In(1), "room": In(1)}
    if driven:
        members |= dict.fromkeys(("quiet", "look", "looking", "unsettled"), Out(1))
    return PortSignature(members, prefix=prefix, names={"discard": discard})
