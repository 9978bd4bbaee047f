"""Johnson decoder: from the latched taps of one oscillator to its phase code."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
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
    taps : In(taps x subphases)
        Tap k of sub-phase s in bit s x taps + k.
    code : Out(code_bits)
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({"taps": In(core.readout.tap_bits), "code": Out(core.code_bits)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        taps, subphases = self._core.readout.taps, self._core.readout.subphases
        step_bits = (2 * taps).bit_length() - 1
        steps = []
        for subphase in range(subphases):
            table = Memory(shape=step_bits, depth=2**taps, init=johnson_table(taps))
            m.submodules[f"table_{subphase}"] = table
            port = table.read_port()
            m.d.comb += [port.en.eq(1), port.addr.eq(self.taps[subphase * taps : (subphase + 1) * taps])]
            steps.append(port.data)

        # code = S c_0 + sum_s ((c_s - c_0 + T) mod 2T - T): each term is a difference of step_bits bits, taken as
        # signed.
        width = self._core.code_bits
        total = steps[0] << (subphases.bit_length() - 1)
        for step in steps[1:]:
            difference = Signal(step_bits)
            m.d.comb += difference.eq(step - steps[0])
            total = total + difference.as_signed()
        whole = Signal(width)
        m.d.comb += whole.eq(Cat(total)[:width])
        m.d.sync += self.code.eq(whole)
        return m
