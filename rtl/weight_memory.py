"""Weight memory: all banks side by side, read a whole row at a time."""

from __future__ import annotations

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import CoreSpec
from oscc.rtl.check_memory import CheckMemory
from oscc.rtl.weight_bank import WeightBank
from oscc.rtl.weight_bus import weight_bus_signature
from oscc.rtl.weight_group import WeightGroup, weight_groups


class WeightMemory(wiring.Component):
    """One `WeightBank` per column, behind a tree of registers; one address reads the codes of a whole row of cells.

    Latency: what is on the bus reaches the banks ``bus_levels`` cycles later, so that a row appears
    ``loader_latency`` = ``bus_levels`` + ``READ_LATENCY`` cycles after its address, and a word that was written in
    cycle t can be read with an address given in cycle t or later. Throughput: a write and a read per cycle. No register
    of the tree drives more than `BUS_FANOUT` others or banks, however many columns there are.

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
    """

    def __init__(self, core: CoreSpec) -> None:
        super().__init__(
            {
                "bus": In(weight_bus_signature(core, core.cols)),
                "row_data": Out(core.row_bits),
                "corrected": Out(core.cols),
                "uncorrectable": Out(core.cols),
                "mismatch": Out(core.cols),
            }
        )
        self.groups: dict[int, WeightGroup] = weight_groups(core, 0, core.cols, core.bus_levels)
        """The groups at the head of the tree, by the first column of each."""

    def bank(self, column: int) -> WeightBank:
        """The bank of a column."""
        return self._leaf(column).banks[column]

    def checks(self, column: int) -> CheckMemory:
        """The memory that holds a column's check bits; there is one with protection only."""
        leaf = self._leaf(column)
        return leaf.check_memories[max(first for first in leaf.check_memories if first <= column)]

    def _leaf(self, column: int) -> WeightGroup:
        groups, group = self.groups, None
        while groups:
            group = groups[max(first for first in groups if first <= column)]
            groups = group.groups
        assert group is not None
        return group

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        groups = list(self.groups.values())
        names = ("write_all", "repair", "write_address", "write_word", "read_address", "read_stages", "compare")
        for first, group in self.groups.items():
            m.submodules[f"group_{first}"] = group
            m.d.comb += group.bus.write_enable.eq(self.bus.write_enable[first : first + len(group.corrected)])
            m.d.comb += [getattr(group.bus, name).eq(getattr(self.bus, name)) for name in names]
        m.d.comb += [
            self.row_data.eq(Cat(group.row_data for group in groups)),
            self.corrected.eq(Cat(group.corrected for group in groups)),
            self.uncorrectable.eq(Cat(group.uncorrectable for group in groups)),
            self.mismatch.eq(Cat(group.mismatch for group in groups)),
        ]
        return m
