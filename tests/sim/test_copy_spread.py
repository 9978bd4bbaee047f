from __future__ import annotations

import numpy as np
import pytest

from oscc.sim.copy_spread import copy_spread, largest_differences
from oscc.sim.engines.job import Draws


def test_differences_are_on_the_circle() -> None:
    owner = np.array([0, 1, 2, 0, 1, 0], np.int32)
    phases = np.array([[0.1, 3.0], [1.0, 1.0], [9.0, 9.0], [-0.2, -3.0], [1.5, 1.0], [0.3, 3.1]])
    found = largest_differences(phases, owner)
    # Node 0: 0.3 and -0.2 are farthest apart; then 3.0 and -3.0, over the far side, against 3.1.
    assert found[0] == pytest.approx([0.5, 2 * np.pi - 6.0])
    assert found[1] == pytest.approx([0.5, 0.0])
    assert found.shape == (2, 2)


def test_no_copies() -> None:
    assert largest_differences(np.zeros((3, 4)), np.arange(3, dtype=np.int32)).shape == (0, 4)


def test_the_array_is_run(tiny_result) -> None:
    cell = tiny_result.placed.cell
    owner = np.concatenate([np.arange(62), [0, 1]]).astype(np.int32)
    found = copy_spread(tiny_result.core, tiny_result.program, cell, owner, Draws(5, seed=2))
    assert (found["samples"], found["seed"], found["figures_are"]) == (5, 2, "simulated")
    quantiles = list(found["difference_rad"].values())
    assert quantiles == sorted(quantiles)
    # Nodes that are no copies of each other differ by anything up to half a turn.
    assert 0.1 < quantiles[-1] <= np.pi + 1e-3
    assert found == copy_spread(tiny_result.core, tiny_result.program, cell, owner, Draws(5, seed=2))
