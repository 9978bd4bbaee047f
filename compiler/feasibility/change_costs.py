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
    "readable_cells": "{:+,} cells that can be read",
    "cycles_per_sample": "{:+,} cycles per sample",
    "coupling_full_scale": "couplings of {:.3g} times the full scale",
    "shil_full_scale": "SHIL of {:.3g} times the full scale",
    "field_full_scale": "fields of {:.3g} times the full scale",
    "detuning_full_scale": "detunings of {:.3g} times the full scale",
    "cycles": "{:,} cycles per sample",
    "of_cycles": "of {:,} in the core's budget",
    "tau_ratio": "{:.3g} times the time scale of the model",
    "coupling_clipped": "{}",
    "coupling_error": "{}",
    "shil_clipped": "{}",
    "shil_error": "{}",
    "field_clipped": "{}",
    "field_error": "{}",
    "detuning_clipped": "{}",
    "detuning_error": "{}",
    "nodes_moved": "{}",
    "extra_cells": "{:,} extra cells",
    "longest_chain": "at most {:,} copies of a node",
    "extra_cells_here": "at least {:,} extra cells",
    "spare_cells": "{:,} cells to spare",
    "chain_strength": "chains of strength {:.3g}",
}
"""By the names that `oscc.compiler.feasibility.what_if` gives them; what is not here is said as it stands."""

SAID = ("couplings",)
"""What the line of the change itself says."""


def cost_words(cost: Mapping[str, float | int | str | None]) -> str:
    """Return costs in one line, those left out that are 0.

    Parameters
    ----------
    cost : mapping
        As entries of reports/whatif.json have it.
    """
    found = [
        WORDS[name].format(value) if name in WORDS and value is not None else f"{name} {value}"
        for name, value in cost.items()
        if name not in SAID and (value != 0 or name == "spare_cells")
    ]
    return ", ".join(found) or "no more hardware"
