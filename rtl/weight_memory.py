"""Weight memory: all banks side by side, read a whole row at a time."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import CoreSpec
from oscc.rtl.shapes import index_shape
from oscc.rtl.weight_bank import READ_LATENCY, WeightBank


class WeightMemory(wiring.Component):
    """One `WeightBank` per column.

    Latency and throughput are those of a bank; one address reads the codes of a whole row of cells.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write_enable : In(cols)
        One bit per bank.
    write_address, write_word, read_address, read_stages : In
        As in `WeightBank`, the same for all banks.
    row_data : Out(row_bits)
        Column 0 in the lowest bits.
    corrected, uncorrectable : Out(cols)
        One bit per bank, with ``row_data``.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "write_enable": In(core.cols),
                "write_address": In(index_shape(core.bank_depth)),
                "write_word": In(core.word_bits + core.check_bits),
                "read_address": In(index_shape(core.bank_depth)),
                "read_stages": In(READ_LATENCY),
                "row_data": Out(core.row_bits),
                "corrected": Out(core.cols),
                "uncorrectable": Out(core.cols),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        word_bits = self._core.word_bits
        for column in range(self._core.cols):
            m.submodules[f"bank_{column}"] = bank = WeightBank(self._core)
            m.d.comb += [
                bank.write_enable.eq(self.write_enable[column]),
                bank.write_address.eq(self.write_address),
                bank.write_word.eq(self.write_word),
                bank.read_address.eq(self.read_address),
                bank.read_stages.eq(self.read_stages),
                self.row_data[column * word_bits : (column + 1) * word_bits].eq(bank.read_data),
                self.corrected[column].eq(bank.corrected),
                self.uncorrectable[column].eq(bank.uncorrectable),
            ]
        return m
