"""Where a bit of the weight memory is kept: for campaigns that flip bits, in Amaranth's simulator and in Verilog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oscc.core.latencies import BUS_FANOUT
from oscc.core.spec import CoreSpec
from oscc.rtl.weights.weight_bank import lane_bits
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS
from oscc.rtl.weights.weight_store import WeightStore

STORE_PATH = ("control", "store")
"""Instances from the module of a core down to its weight store."""


@dataclass(frozen=True)
class StoredBit:
    """A bit of a memory in the Verilog of a core.

    Parameters
    ----------
    path : tuple of str
        Instances from the module of the core down to the memory, and the name of the array in it.
    row : int
        Index into the memory.
    bit : int
        In that row.
    """

    path: tuple[str, ...]
    row: int
    bit: int

    @property
    def verilog(self) -> str:
        """Return the name of the row below the core: ``control.store.memory.group_0.bank_4.memory_1.words[17]``."""
        return f"{'.'.join(self.path)}[{self.row}]"


def stored_bit(core: CoreSpec, column: int, address: int, bit: int) -> StoredBit:
    """Find where the Verilog of a core keeps a bit of a protected weight word.

    Parameters
    ----------
    core : CoreSpec
    column : int
    address : int
        chunk x rows + row.
    bit : int
        In the word: below ``word_bits`` the data, from there on the check bits.

    Raises
    ------
    ValueError
        When the core has no such bit.
    """
    for name, value, count in (
        ("column", column, core.cols),
        ("address", address, core.bank_depth),
        ("bit", bit, core.word_bits + core.check_bits),
    ):
        if not 0 <= value < count:
            raise ValueError(f"{name} {value}: {core.name} has 0 to {count - 1}")
    # Each name says the first column, counted from that of the group around it.
    groups, within = [], column
    for level in range(core.bus_levels, 0, -1):
        groups.append(f"group_{within - within % BUS_FANOUT**level}")
        within %= BUS_FANOUT**level
    number = within % CHECK_COLUMNS
    path = (*STORE_PATH, "memory", *groups, f"bank_{within - number}")
    if bit < core.word_bits:
        return StoredBit((*path, f"memory_{number}", "words"), address, bit)
    return StoredBit((*path, "check_memory", "words"), address, number * lane_bits(core) + bit - core.word_bits)


def flip_bit(context: Any, store: WeightStore, core: CoreSpec, column: int, address: int, bit: int) -> None:
    """Flip a bit of a protected weight word in Amaranth's simulator, as an upset would.

    Parameters
    ----------
    context : simulator context
    store : WeightStore
        That is being simulated.
    core : CoreSpec
        Of the store.
    column, address, bit : int
        As for `stored_bit`.

    Raises
    ------
    ValueError
        When the core has no such bit.
    """
    where = stored_bit(core, column, address, bit)
    bank, number = store.memory.bank(column)
    memory = bank.memories[number] if bit < core.word_bits else bank.checks
    assert memory is not None
    row = memory.data[where.row]
    context.set(row, context.get(row) ^ (1 << where.bit))
