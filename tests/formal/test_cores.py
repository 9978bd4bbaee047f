from __future__ import annotations

from formal.cores import small_core


def test_the_small_core_is_small() -> None:
    core = small_core()
    # One coupling unit and three more DACs of 2 bits: one beat; 8 data bits take 5 check bits.
    assert (core.word_bits, core.check_bits, core.word_beats) == (8, 5, 1)
    assert (core.rows, core.cols, core.bank_depth, core.program_beats) == (3, 2, 6, 12)


def test_what_is_asked_for_is_changed() -> None:
    core = small_core(grid=[5, 4], chunks=3)
    assert (core.rows, core.cols, core.bank_depth) == (5, 4, 15)
