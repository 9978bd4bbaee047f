"""Weight memory: all banks side by side, read a whole row at a time."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import memory_pin_members
from oscc.rtl.weights.weight_bank import WeightBank
from oscc.rtl.weights.weight_bus import weight_bus_signature
from oscc.rtl.weights.weight_group import WeightGroup, connect_parts, weight_groups


class WeightMemory(wiring.Component):
    """All `WeightBank` of a core, behind a tree of registers; one address reads the codes of a whole row of cells.

    Latency: what is on the bus reaches the banks ``bus_levels`` cycles later, so that a row appears
    ``loader_latency`` = ``bus_levels`` + ``READ_LATENCY`` cycles after its address, and a word that was written in
    cycle t can be read with an address given in cycle t or later. Throughput: a write and a read per cycle. What drives
    the bus drives one register, and no register of the tree more than `BUS_FANOUT` others or the banks of as many
    columns, however many columns there are.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    bus : In(weight_bus_signature(core, cols))
    row_data : Out(row_bits)
        Column 0 in the lowest bits.
    corrected, uncorrectable, mismatch : Out(cols)
        One bit per bank, with ``row_data``.
    <pin>
        As in `memory_pin_members`, in the order of the columns.
    """

    def __init__(self, core: CoreSpec) -> None:
        super().__init__(
            {
                "bus": In(weight_bus_signature(core, core.cols)),
                "row_data": Out(core.row_bits),
                "corrected": Out(core.cols),
                "uncorrectable": Out(core.cols),
                "mismatch": Out(core.cols),
                **memory_pin_members(core),
            }
        )
        self.groups: dict[int, WeightBank | WeightGroup] = dict(weight_groups(core, core.cols, core.bus_levels))
        """The group at the head of the tree, the only one, by its first column."""

    def bank(self, column: int) -> tuple[WeightBank, int]:
        """Find the bank that holds a column, and the number of the column in it."""
        parts = self.groups
        while True:
            first = max(start for start in parts if start <= column)
            part, column = parts[first], column - first
            if isinstance(part, WeightBank):
                return part, column
            parts = part.parts

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        connect_parts(m, self, self.groups, {name: getattr(self.bus, name) for name in self.bus.signature.members})
        return m
