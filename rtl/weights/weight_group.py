"""Weight group: a register of the bus, and the banks or the further groups that it drives."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.latencies import BUS_FANOUT
from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.weights.weight_bank import WeightBank
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS, TWIN, weight_bus_signature

UNRESET = ("write_address", "write_word", "read_address")
"""Members of the bus whose registers need no reset."""


class WeightGroup(wiring.Component):
    """A node of the tree of the bus. At the last level it drives the banks of `BUS_FANOUT` columns, else groups.

    The register takes a word or an address only when it is for one of its columns, so that the others do not toggle.

    Latency: ``levels`` cycles on the bus, then those of `WeightBank`. Throughput: as `WeightBank`.

    Parameters
    ----------
    core : CoreSpec
    columns : int
        At most `BUS_FANOUT` to the power of ``levels``.
    levels : int
        Registers from here to a bank, this one included.

    Members
    -------
    bus : In(weight_bus_signature(core, columns))
    row_data : Out(columns x word_bits)
        The first column in the lowest bits.
    corrected, uncorrectable, mismatch : Out(columns)
        As in `WeightBank`.
    <pin>
        As in `memory_pin_members`, in the order of the columns.
    """

    def __init__(self, core: CoreSpec, columns: int, levels: int = 1) -> None:
        super().__init__(
            {
                "bus": In(weight_bus_signature(core, columns)),
                "row_data": Out(columns * core.word_bits),
                "corrected": Out(columns),
                "uncorrectable": Out(columns),
                "mismatch": Out(columns),
                **memory_pin_members(core),
            }
        )
        self.parts: dict[int, WeightBank | WeightGroup]
        """What this group drives, by the first column of each, counted from the group's own first one."""
        if levels == 1:
            self.parts = {
                start: WeightBank(core, min(CHECK_COLUMNS, columns - start))
                for start in range(0, columns, CHECK_COLUMNS)
            }
        else:
            self.parts = dict(weight_groups(core, columns, levels - 1))

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        bus = self.bus
        # Addresses and words mean nothing without their enables, which alone are reset.
        register = {
            name: Signal.like(getattr(bus, name), name=name, attrs=TWIN, reset_less=name in UNRESET)
            for name in bus.signature.members
        }
        written = Signal()
        m.d.comb += written.eq(bus.write_enable.any() | bus.write_all)
        taken_with = {
            "write_address": written | bus.repair,
            "write_word": written | bus.compare[0],
            "read_address": bus.read_stages[0],
        }
        for name, signal in register.items():
            if name not in taken_with:
                m.d.sync += signal.eq(getattr(bus, name))
                continue
            with m.If(taken_with[name]):
                m.d.sync += signal.eq(getattr(bus, name))
        connect_parts(m, self, self.parts, register)
        return m


def connect_parts(
    m: Module, owner: wiring.Component, parts: Mapping[int, WeightBank | WeightGroup], bus: Mapping[str, Value]
) -> None:
    """Put neighbouring parts into a module: all on one bus, and what they give side by side as the owner's members.

    Parameters
    ----------
    m : Module
    owner : wiring.Component
        With the members ``row_data``, ``corrected``, ``uncorrectable`` and ``mismatch`` of `WeightGroup`, and its pins.
    parts : mapping of int to WeightBank or WeightGroup
        By the first column of each, ascending.
    bus : mapping of str to Value
        Members of `weight_bus_signature`.
    """
    start = 0
    for first, part in parts.items():
        m.submodules[f"{'bank' if isinstance(part, WeightBank) else 'group'}_{first}"] = part
        columns = len(part.bus.write_enable)
        m.d.comb += part.bus.write_enable.eq(bus["write_enable"][start : start + columns])
        m.d.comb += [getattr(part.bus, name).eq(value) for name, value in bus.items() if name != "write_enable"]
        start += columns
    for name in ("row_data", "corrected", "uncorrectable", "mismatch"):
        m.d.comb += getattr(owner, name).eq(Cat(getattr(part, name) for part in parts.values()))
    chain_pins(m, owner, parts.values())


def weight_groups(core: CoreSpec, columns: int, levels: int) -> dict[int, WeightGroup]:
    """Make the groups of some columns, each with ``levels`` registers to a bank, by the first column of each."""
    span = BUS_FANOUT**levels
    return {start: WeightGroup(core, min(span, columns - start), levels) for start in range(0, columns, span)}
