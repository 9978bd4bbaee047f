"""The load port: how a chunk is brought from the weight memory into the shadow latches of the array."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def load_port_signature(core: CoreSpec, prefix: str = "load_") -> PortSignature:
    """Return the port that orders loads, seen from the sequencer.

    ``start``
        Load a chunk; ignored while ``busy``.
    ``chunk``
        Number of the chunk, with ``start``.
    ``taken``
        The shadow is committed with the edge after the next one: it no longer holds a chunk of its own.
    ``busy``
        From the cycle after ``start`` until ``complete``.
    ``complete``
        Every row has been written since the last ``start``, and not been ``taken``.

    Parameters
    ----------
    core : CoreSpec
    prefix : str
        Of the names in Verilog; ``chunk`` has none.
    """
    return PortSignature(
        {"start": Out(1), "chunk": Out(index_shape(core.chunks)), "taken": Out(1), "busy": In(1), "complete": In(1)},
        prefix=prefix,
        names={"chunk": "chunk"},
    )
