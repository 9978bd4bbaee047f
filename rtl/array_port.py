"""The boundary between the control plane and the analog array macro."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape


def array_signature(core: CoreSpec) -> wiring.Signature:
    """Return the ports of the macro, seen from the control plane. All but ``ready`` is synchronous to the one clock.

    ``load_row``, ``load_data``, ``load_strobe``
        Row, codes of all its cells (column 0 in the lowest ``word_bits``) and write strobe of the shadow latches.
    ``commit``
        Shadow to active, on the edge at the end of the cycle.
    ``init``
        The array is held in noise. ``noise_seed`` and ``noise_index`` are for simulation: key and sample number of
        the noise; both are stable while ``init`` is high.
    ``run``
        The array evolves with the active codes. When neither ``init`` nor ``run`` is high, it keeps its phases.
    ``sample``
        Latch the taps of every readable oscillator on the edge at the end of the cycle.
    ``tap_row``, ``tap_data``, ``tap_valid``
        Row of the latches to put on the tap bus, that bus, and whether it is stable. ``tap_valid`` is looked at from
        two cycles after ``sample`` or a new ``tap_row`` on, and the bus is captured on the first edge with it; an array
        that is always stable by then ties it high. Readable column j has bits j x taps x subphases upwards; in them,
        tap k of sub-phase s is bit s x taps + k.
    ``ready``
        The array can work: bias and reference have settled. An init waits for it; when it falls during an init or a
        run, the schedule is ended. May change at any time: it is synchronised in the control plane. An array without
        such a signal ties it high.

    On an edge on which several of them are high, the last step of the run comes first, then ``sample``, then
    ``commit``, then the write of a row.

    Parameters
    ----------
    core : CoreSpec
    """
    return wiring.Signature(
        {
            "load_row": Out(index_shape(core.rows)),
            "load_data": Out(core.row_bits),
            "load_strobe": Out(1),
            "commit": Out(1),
            "init": Out(1),
            "run": Out(1),
            "sample": Out(1),
            "noise_seed": Out(32),
            "noise_index": Out(32),
            "tap_row": Out(index_shape(core.frame_shape[0])),
            "tap_data": In(core.row_tap_bits),
            "tap_valid": In(1),
            "ready": In(1),
        }
    )
