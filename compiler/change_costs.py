"""What a set of changes costs, in words."""

from __future__ import annotations

from collections.abc import Mapping

WORDS = {
    "share_of_couplings": "{:.1%} of the couplings",
    "relative_norm": "{:.2g} of the norm of all weights",
    "largest_weight": "the largest {:.3g} rad per unit of model time",
    "cells": "{:+,} cells",
    "units_per_cell": "{:+,} coupling units per cell",
    "weight_bits": "{:+,} bits of weights",
    "tracks_per_boundary": "{:+,} tracks per boundary",
    "extra_cells_here": "at least {:,} extra cells",
    "spare_cells": "{:,} cells to spare",
}
"""By the names that `oscc.compiler.what_if` gives them; what is not here is said as it stands."""

SAID = ("couplings",)
"""What the line of the change itself says."""


def cost_words(cost: Mapping[str, float | int | str | None]) -> str:
    """Costs in one line, those left out that are 0.

    Parameters
    ----------
    cost : mapping
        As entries of reports/whatif.json have it.
    """
    found = [
        WORDS[name].format(value) if name in WORDS and isinstance(value, int | float) else f"{name} {value}"
        for name, value in cost.items()
        if name not in SAID and (value != 0 or name == "spare_cells")
    ]
    return ", ".join(found) or "no more hardware"
