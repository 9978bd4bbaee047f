from __future__ import annotations

from oscc.compiler.feasibility.change_costs import cost_words


def test_costs_in_words() -> None:
    drop = {"couplings": 12, "share_of_couplings": 0.1621, "relative_norm": 0.4076, "largest_weight": 1.0531}
    assert cost_words(drop) == (
        "16.2% of the couplings, 0.41 of the norm of all weights, the largest 1.05 rad per unit of model time"
    )
    core = {"cells": 0, "units_per_cell": 4, "weight_bits": 200704, "tracks_per_boundary": -2}
    assert cost_words(core) == "+4 coupling units per cell, +200,704 bits of weights, -2 tracks per boundary"
    assert cost_words({"extra_cells_here": 7, "spare_cells": 0}) == "at least 7 extra cells, 0 cells to spare"


def test_nothing_and_what_has_no_words() -> None:
    assert cost_words({"cells": 0, "weight_bits": 0}) == "no more hardware"
    assert cost_words({"joules": 3, "relative_norm": None}) == "joules 3, relative_norm None"
