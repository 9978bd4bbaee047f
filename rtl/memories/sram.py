"""Sram1R1W: the memory of which all others are made, and the place where a foundry's macro goes in."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, MemoryData, MemoryInstance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.memories.memory_pins import MEMORY_PIN_MEMBERS
from oscc.rtl.signals.shapes import index_shape

UNSHARED = {"no_rw_check": 1}
"""Attributes of a memory of which no word is read and written in one cycle: what a read then gives does not matter."""

SIMULATED = object()
"""The platform for which a design is elaborated when Amaranth's simulator is to run it fast."""

IN_LOGIC = {"ram_style": "distributed"}
"""Attributes of a memory that FPGAs are to make of look-up tables."""


class Sram1R1W(wiring.Component):
    """Synchronous SRAM with a write port and a read port, on one clock.

    A module of its own for each shape: what stands in it is a model of the behaviour, which a foundry's macro replaces
    (docs/memories.md).

    Latency: ``read_data`` is the word one cycle after its address, and keeps it while nothing is read. A word that is
    written in cycle t is read with an address given in cycle t + 1 or later; what a read gives of the word that is
    written in the same cycle is undefined, and nothing in a core looks at it. Words are undefined until they are
    written. Throughput: a read and a write per cycle.

    Parameters
    ----------
    words : int
        At least 2.
    bits : int
        Of a word.
    lane_bits : int, optional
        Bits that are written under one bit of the mask, a divisor of ``bits``; by default a word is written as a whole.
    attributes : mapping of str to object
        For synthesis of the model, beside `UNSHARED`. Memories of one shape have the same.

    Members
    -------
    write_enable : In(1)
    write_mask : In(bits / lane_bits)
        Lanes that are written; only where ``lane_bits`` is given.
    write_address : In(range(words))
    write_data : In(bits)
    read_enable : In(1)
    read_address : In(range(words))
    read_data : Out(bits)
    <pin>
        Test and redundancy, as in `memory_pin_members`; the model looks at none of them and leads ``repair_in`` to
        ``repair_out``.

    Attributes
    ----------
    data : MemoryData
        What simulations see and change.

    Raises
    ------
    ValueError
        When there is no such memory.
    """

    def __init__(
        self, words: int, bits: int, lane_bits: int | None = None, attributes: Mapping[str, object] | None = None
    ) -> None:
        if words < 2 or bits < 1 or bits % (lane_bits or bits):
            raise ValueError(f"no memory has {words} words of {bits} bits in lanes of {lane_bits or bits}")
        self.words = words
        self.bits = bits
        self.lane_bits = lane_bits
        super().__init__(
            {
                "write_enable": In(1),
                **({} if lane_bits is None else {"write_mask": In(bits // lane_bits)}),
                "write_address": In(index_shape(words)),
                "write_data": In(bits),
                "read_enable": In(1),
                "read_address": In(index_shape(words)),
                "read_data": Out(bits),
                **MEMORY_PIN_MEMBERS,
            }
        )
        self.data = MemoryData(shape=bits, depth=words, init=[])
        self._attributes = {**UNSHARED, **(attributes or {})}

    @property
    def module_suffix(self) -> str:
        """Return what the module of this shape is called behind the name of the core."""
        lanes = "" if self.lane_bits is None else f"_lanes{self.lane_bits}"
        return f"sram_1r1w_{self.words}x{self.bits}{lanes}"

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.words = words = MemoryInstance(data=self.data, attrs=self._attributes)
        if platform is SIMULATED:
            self._write_on_request(m, words)
        else:
            enable: Value = self.write_enable
            if self.lane_bits is not None:
                enable = self.write_enable.replicate(len(self.write_mask)) & self.write_mask
            words.write_port(domain="sync", addr=self.write_address, data=self.write_data, en=enable)
        words.read_port(
            domain="sync", addr=self.read_address, data=self.read_data, en=self.read_enable, transparent_for=()
        )
        m.d.comb += self.repair_out.eq(self.repair_in)
        return m

    def _write_on_request(self, m: Module, words: MemoryInstance) -> None:
        """Write in Amaranth's simulator, which evaluates a write port bit by bit in every cycle of its clock.

        Each write is kept in a register of which one bit changes with it, and that bit clocks the write port: so the
        port is evaluated when there is a write, and what is written is the same, in the same cycle.
        """
        mask: Value = Const(1, 1) if self.lane_bits is None else self.write_mask
        request = Signal(1 + len(self.write_address) + self.bits + len(mask), reset_less=True)
        with m.If(self.write_enable):
            m.d.sync += request.eq(Cat(~request[0], self.write_address, self.write_data, mask))
        data_starts = 1 + len(self.write_address)
        mask_starts = data_starts + self.bits
        # Both edges count.
        for name, edge in (("rises", "pos"), ("falls", "neg")):
            m.domains += ClockDomain(name, clk_edge=edge, reset_less=True, local=True)
            m.d.comb += ClockSignal(name).eq(request[0])
            words.write_port(
                domain=name,
                addr=request[1:data_starts],
                data=request[data_starts:mask_starts],
                en=request[mask_starts:],
            )
