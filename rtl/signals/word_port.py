"""The word port: how the words of a program are written into the weight memory."""

from __future__ import annotations

from amaranth.lib.wiring import Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.port import PortSignature
from oscc.rtl.signals.shapes import index_shape


def word_port_signature(core: CoreSpec) -> PortSignature:
    """Return the port through which a program is written, seen from who writes; ``write_*`` in Verilog.

    ``enable``
        One bit per bank, at most one of them high.
    ``address``
        chunk x rows + row.
    ``word``
        Codes of a cell in the low ``word_bits``, check bits above.

    Parameters
    ----------
    core : CoreSpec
    """
    return PortSignature(
        {
            "enable": Out(core.cols),
            "address": Out(index_shape(core.bank_depth)),
            "word": Out(core.word_bits + core.check_bits),
        },
        prefix="write_",
    )
