"""The image stream: frames of codes on their way out of a core."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature


def image_stream_signature(core: CoreSpec) -> PortSignature:
    """Return the stream of frames, seen from the read-out; ``stream_*`` in Verilog.

    The handshake is that of `oscc.rtl.signals.program_stream.program_stream_signature`.

    ``data``
        A byte per code, the first one in the lowest bits.
    ``keep``
        One bit per byte: it holds a code.
    ``last``
        The last beat of a frame.
    ``user``
        With ``last``: bit 0, the frame is not an image, it was cut short or discarded. On driven cores bit 1: a settle
        ran out of cycles since the init before it.

    Parameters
    ----------
    core : CoreSpec
    """
    return PortSignature(
        {
            "valid": Out(1),
            "data": Out(core.stream_width),
            "keep": Out(core.codes_per_beat),
            "last": Out(1),
            "user": Out(user_bits(core)),
            "ready": In(1),
        },
        prefix="stream_",
    )


def user_bits(core: CoreSpec) -> int:
    """Return the width of ``user``: 2 on driven cores.

    Parameters
    ----------
    core : CoreSpec
    """
    return 2 if core.driven else 1
