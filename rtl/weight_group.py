"""Weight group: a register of the bus, and the banks or the further groups that it drives."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import BUS_FANOUT, CoreSpec
from oscc.rtl.check_memory import CheckMemory
from oscc.rtl.weight_bank import WeightBank
from oscc.rtl.weight_bus import CHECK_COLUMNS, TWIN, weight_bus_signature


class WeightGroup(wiring.Component):
    """A node of the tree of the bus. With one level left it drives up to `BUS_FANOUT` banks, else as many groups.

    The register takes a word only when it is for one of the group's banks, so that the others do not toggle.

    Latency: ``levels`` cycles on the bus, then those of `WeightBank`. Throughput: as `WeightBank`.

    Parameters
    ----------
    core : CoreSpec
    first : int
        The first column.
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
    """

    def __init__(self, core: CoreSpec, first: int, columns: int, levels: int = 1) -> None:
        self._core = core
        self._first = first
        super().__init__(
            {
                "bus": In(weight_bus_signature(core, columns)),
                "row_data": Out(columns * core.word_bits),
                "corrected": Out(columns),
                "uncorrectable": Out(columns),
                "mismatch": Out(columns),
            }
        )
        self.banks: dict[int, WeightBank] = {}
        """The banks that this group drives itself, by column."""
        self.check_memories: dict[int, CheckMemory] = {}
        """Their check memories, by the first column of each."""
        self.groups = weight_groups(core, first, columns, levels - 1) if levels > 1 else {}
        """The groups that this group drives, by the first column of each."""
        if levels == 1:
            last = first + columns
            self.banks = {column: WeightBank(core) for column in range(first, last)}
            if core.check_bits:
                self.check_memories = {
                    column: CheckMemory(core, min(CHECK_COLUMNS, last - column))
                    for column in range(first, last, CHECK_COLUMNS)
                }

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        bus = self.bus
        enable, every, repair, stages, compare, write_address, read_address, word = (
            Signal.like(getattr(bus, name), name=name, attrs=TWIN)
            for name in (
                "write_enable",
                "write_all",
                "repair",
                "read_stages",
                "compare",
                "write_address",
                "read_address",
                "write_word",
            )
        )
        written = bus.write_enable.any() | bus.write_all
        m.d.sync += [
            enable.eq(bus.write_enable),
            every.eq(bus.write_all),
            repair.eq(bus.repair),
            stages.eq(bus.read_stages),
            compare.eq(bus.compare),
        ]
        with m.If(written | bus.repair):
            m.d.sync += write_address.eq(bus.write_address)
        with m.If(written | bus.compare[0]):
            m.d.sync += word.eq(bus.write_word)
        with m.If(bus.read_stages[0]):
            m.d.sync += read_address.eq(bus.read_address)

        shared = {
            "write_all": every,
            "repair": repair,
            "write_address": write_address,
            "read_address": read_address,
            "read_stages": stages,
            "compare": compare,
        }
        data_bits, check_bits = self._core.word_bits, self._core.check_bits
        for column, bank in self.banks.items():
            m.submodules[f"bank_{column}"] = bank
            lane = word[data_bits + column % CHECK_COLUMNS * check_bits :][:check_bits]
            m.d.comb += [
                bank.write_enable.eq(enable[column - self._first]),
                bank.write_word.eq(Cat(word[:data_bits], lane)),
            ]
            m.d.comb += [getattr(bank, name).eq(value) for name, value in shared.items()]
        self._connect_checks(m, write_address, read_address, stages)
        for first, group in self.groups.items():
            m.submodules[f"group_{first}"] = group
            m.d.comb += [
                group.bus.write_enable.eq(enable[first - self._first :][: len(group.corrected)]),
                group.bus.write_word.eq(word),
            ]
            m.d.comb += [getattr(group.bus, name).eq(value) for name, value in shared.items()]

        parts = [*self.banks.values(), *self.groups.values()]
        m.d.comb += [
            self.row_data.eq(Cat(part.row_data if isinstance(part, WeightGroup) else part.read_data for part in parts)),
            self.corrected.eq(Cat(part.corrected for part in parts)),
            self.uncorrectable.eq(Cat(part.uncorrectable for part in parts)),
            self.mismatch.eq(Cat(part.mismatch for part in parts)),
        ]
        return m

    def _connect_checks(self, m: Module, write_address: Signal, read_address: Signal, stages: Signal) -> None:
        bits = self._core.check_bits
        for first, checks in self.check_memories.items():
            m.submodules[f"checks_{first}"] = checks
            banks = [self.banks[column] for column in range(first, first + len(checks.write_enable))]
            m.d.comb += [
                checks.write_enable.eq(Cat(bank.check_enable for bank in banks)),
                checks.write_address.eq(write_address),
                checks.write_checks.eq(Cat(bank.write_checks for bank in banks)),
                checks.read_address.eq(read_address),
                checks.read_stages.eq(stages[:2]),
            ]
            for number, bank in enumerate(banks):
                m.d.comb += bank.read_checks.eq(checks.read_checks[number * bits : (number + 1) * bits])


def weight_groups(core: CoreSpec, first: int, columns: int, levels: int) -> dict[int, WeightGroup]:
    """The groups of some columns, each with ``levels`` registers to a bank, by the first column of each."""
    span, last = BUS_FANOUT**levels, first + columns
    return {start: WeightGroup(core, start, min(span, last - start), levels) for start in range(first, last, span)}
