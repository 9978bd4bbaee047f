from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.core.spec import CoreSpec
from oscc.sim.array.array import OscillatorArray
from oscc.sim.array.macro import ArrayMacro, EdgeInputs, MacroContractError
from oscc.sim.array.phase_readout import readable_cells, tap_bits
from oscc.sim.engines.boundary import frame_word, take_event

NAMES = ("load_strobe", "commit", "init", "run", "sample", "noise_seed", "noise_index", "tap_row", "cycle")
LOW = dict.fromkeys(NAMES, 0)


class Recording:
    """Keeps the edges that a macro is given."""

    def __init__(self) -> None:
        self.edges: list[EdgeInputs] = []

    def edge(self, inputs: EdgeInputs) -> None:
        self.edges.append(inputs)


def taken(**seen: int) -> tuple[bool, EdgeInputs]:
    macro: Any = Recording()
    sampled = take_event(macro, lambda name: (LOW | seen)[name])
    (edge,) = macro.edges
    return sampled, edge


def test_a_row_write_is_taken_with_its_row() -> None:
    sampled, edge = taken(cycle=12, load_strobe=1, load_row=5, load_data=0xABC)
    assert not sampled
    assert edge == EdgeInputs(cycle=12, load_strobe=True, load_row=5, load_data=0xABC)


def test_the_row_bus_is_not_looked_at_without_its_strobe() -> None:
    # There is no load_row and no load_data: asking for them would raise a KeyError.
    assert taken(cycle=3, commit=1)[1] == EdgeInputs(cycle=3, commit=True)
    with pytest.raises(KeyError, match="load_row"):
        taken(cycle=3, load_strobe=1)


@pytest.mark.parametrize("level", ["init", "run"])
def test_levels_and_noise_are_taken(level: str) -> None:
    sampled, edge = taken(cycle=7, noise_seed=2**32 - 1, noise_index=4, **{level: 1})
    assert not sampled
    assert edge == EdgeInputs(cycle=7, noise_seed=2**32 - 1, noise_index=4, **{level: True})


def test_a_sample_is_told() -> None:
    sampled, edge = taken(cycle=9, run=1, sample=1, commit=1, tap_row=2)
    assert sampled
    assert edge == EdgeInputs(cycle=9, run=True, sample=True, commit=True, tap_row=2)


def test_the_macros_complaints_come_through(tiny_core: CoreSpec) -> None:
    macro = ArrayMacro(tiny_core, OscillatorArray(tiny_core))
    with pytest.raises(MacroContractError, match=r"^A001: init and run are never high together; broken in cycle 4$"):
        take_event(macro, lambda name: (LOW | {"cycle": 4, "init": 1, "run": 1})[name])


def test_the_frame_holds_the_rows_from_below(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[5, 4], readout={"origin": [1, 1], "step": [2, 2], "taps": 4, "subphases": 2})
    macro = ArrayMacro(core, OscillatorArray(core))
    for edge in (EdgeInputs(cycle=0, init=True, noise_seed=3), EdgeInputs(cycle=1, sample=True)):
        macro.edge(edge)
    word = frame_word(macro)
    bits = tap_bits(readable_cells(macro.record().sample_phases[0, ..., 0], core), core)
    assert bits.shape == (2, 2, 2, 4)
    for row, col, subphase, tap in np.ndindex(*bits.shape):
        place = row * core.row_tap_bits + col * 8 + subphase * 4 + tap
        assert bool(word >> place & 1) == bits[row, col, subphase, tap]
    assert word < 2 ** (2 * core.row_tap_bits)
