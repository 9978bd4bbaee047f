"""The beat port: the codes of a walk of the read-out, as the frame memory takes them."""

from __future__ import annotations

from amaranth.lib.wiring import Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def beat_port_signature(core: CoreSpec) -> PortSignature:
    """Return the port that tells of every beat of codes, seen from the read-out; ``beat_*`` in Verilog.

    ``valid``
        A beat of a walk has been decoded.
    ``address``
        Its number in the frame.
    ``look``
        It is of a look of a settle that is still under way.
    ``last``
        It is the last one of its walk.
    ``codes``
        Lane 0 in the lowest bits; lanes behind the end of a row are 0.

    Parameters
    ----------
    core : CoreSpec
    """
    return PortSignature(
        {
            "valid": Out(1),
            "address": Out(index_shape(core.frame_beats)),
            "look": Out(1),
            "last": Out(1),
            "codes": Out(core.codes_per_beat * core.code_bits),
        },
        prefix="beat_",
    )
