"""The bus that brings addresses, words and enables to the banks of the weight memory."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape

TWIN = {"keep": 1}
"""Attributes of registers that have twins: merged by synthesis, one would drive the loads of all."""

READ_STAGES = (0, 1, 3, 4)
"""When the stages of a read are enabled, in cycles after its address: address register, memory, syndrome, correction.

Between memory and syndrome a register takes every word: it is all that there is time for behind a block RAM.
"""

COMPARE_STAGES = (3, 4)
"""When the stages of a comparison are enabled, in cycles after the address: parts of the word, whole word."""

CHECK_COLUMNS = 4
"""Neighbouring columns whose check bits share a memory."""


def bus_word_bits(core: CoreSpec) -> int:
    """Count the bits of the word on the write bus: data, then check bits of each of `CHECK_COLUMNS` columns.

    The check bits of a program's word stand there `CHECK_COLUMNS` times; in the self-test they differ, so that the bits
    of a check memory can be told from each other.
    """
    return core.word_bits + CHECK_COLUMNS * core.check_bits


def weight_bus_signature(core: CoreSpec, columns: int) -> wiring.Signature:
    """Return the bus of some columns, seen from who drives it.

    ``write_enable``
        One bit per column: write ``write_word`` to ``write_address``.
    ``write_all``
        All columns do.
    ``repair``
        All columns that have just corrected a word write it back, to ``write_address``; ``READ_LATENCY`` cycles after
        the read. Never together with the other two.
    ``write_address``, ``write_word``
        The word has `bus_word_bits`: data in the low bits, then a lane of check bits for each of `CHECK_COLUMNS`
        columns; column c takes lane c modulo `CHECK_COLUMNS`.
    ``read_address``
        Of a word in every column.
    ``read_stages``
        Enables of the stages of a read, at the times of `READ_STAGES`. A stage that is not enabled keeps its content,
        so that an idle bank does not toggle.
    ``compare``
        Enables of the two stages that compare the word from the memory, as it is, with ``write_word``, at the times of
        `COMPARE_STAGES`; with the first of them, the word that is expected is on the bus.

    Parameters
    ----------
    core : CoreSpec
    columns : int
    """
    return wiring.Signature(
        {
            "write_enable": Out(columns),
            "write_all": Out(1),
            "repair": Out(1),
            "write_address": Out(index_shape(core.bank_depth)),
            "write_word": Out(bus_word_bits(core)),
            "read_address": Out(index_shape(core.bank_depth)),
            "read_stages": Out(len(READ_STAGES)),
            "compare": Out(len(COMPARE_STAGES)),
        }
    )
