"""Johnson decoder: from the latched taps of one oscillator to its phase code."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.johnson import johnson_table
from oscc.core.spec import CoreSpec

DECODE_LATENCY = 2
"""Cycles from taps to code: table, combination of the sub-phases."""


class JohnsonDecoder(wiring.Component):
    """Decodes the tap words of all sub-phases of one oscillator.

    Each tap word is looked up in `oscc.core.johnson.johnson_table`, which restores single bubbles; the steps are
    combined as `oscc.core.johnson.combine_subphases` specifies. Latency: `DECODE_LATENCY` cycles. Throughput: an
    oscillator per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    look_up, combine : In(1)
        Enables of the two stages, so that nothing toggles while nothing is read out: ``look_up`` with the taps,
        ``combine`` one cycle later.
    taps : In(taps x subphases)
        Tap k of sub-phase s in bit s x taps + k.
    code : Out(code_bits)
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {"look_up": In(1), "combine": In(1), "taps": In(core.readout.tap_bits), "code": Out(core.code_bits)}
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        taps, subphases = self._core.readout.taps, self._core.readout.subphases
        step_bits = (2 * taps).bit_length() - 1
        # The steps of all tap words, one after another: logic, not a memory, which would have to hold it from the
        # beginning.
        content = johnson_table(taps)
        packed = sum(step << (step_bits * word) for word, step in enumerate(content))
        table = Signal(step_bits * len(content))
        m.d.comb += table.eq(Const(packed, len(table)))
        steps = [Signal(step_bits, name=f"step_{subphase}") for subphase in range(subphases)]
        with m.If(self.look_up):
            for subphase, step in enumerate(steps):
                m.d.sync += step.eq(table.word_select(self.taps[subphase * taps : (subphase + 1) * taps], step_bits))

        # code = S c_0 + sum_s ((c_s - c_0 + T) mod 2T - T), modulo 2 T S.
        width = self._core.code_bits
        code = Signal(width)
        total = (steps[0] << (subphases.bit_length() - 1)) + Const(-taps * (subphases - 1), width)
        for subphase, step in enumerate(steps[1:], 1):
            ahead = Signal(step_bits, name=f"ahead_{subphase}")
            m.d.comb += ahead.eq(step - steps[0] + taps)
            total = total + ahead
        m.d.comb += code.eq(total)
        with m.If(self.combine):
            m.d.sync += self.code.eq(code)
        return m
