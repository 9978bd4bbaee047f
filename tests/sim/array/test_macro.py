from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.groups import Groups
from oscc.core.spec import CoreSpec
from oscc.sim.array.array import Integration, OscillatorArray
from oscc.sim.array.macro import ArrayMacro, EdgeInputs, EventKind, MacroContractError, MacroRecord
from oscc.sim.array.noise import initial_phases_batch

SHIL, FIELD, DETUNING = -3, -2, -1
"""Places of the node codes among those of a cell; the couplings stand before them."""


@pytest.fixture(scope="module")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """3 x 2 cells with 8 couplings and codes of four bits."""
    return make_core(grid=[3, 2], stencil="king", chunks=2, readout={"origin": [1, 0], "step": [2, 1]})


def make_macro(core: CoreSpec, batch: int = 1) -> ArrayMacro:
    """One that says nothing of its contract: most edges here are shorter than what a control plane does."""
    return ArrayMacro(core, OscillatorArray(core, batch=batch, integration=Integration(step_cycles=1)), contract=False)


def nibble(code: int) -> int:
    """Sign and magnitude in four bits."""
    return abs(code) | (8 if code < 0 else 0)


def row_word(codes: np.ndarray) -> int:
    """What the row bus holds for codes int[cols, 11] of four bits: column 0 and slot 0 in the lowest bits."""
    return sum(nibble(code) << (4 * place) for place, code in enumerate(codes.ravel().tolist()))


def random_codes(core: CoreSpec, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-7, 8, (core.rows, core.cols, 11))


def detuned(core: CoreSpec, code: int) -> np.ndarray:
    """Codes with which every cell turns at its own frequency only."""
    codes = np.zeros((core.rows, core.cols, 11), dtype=int)
    codes[..., DETUNING] = code
    return codes


def by_group(codes: np.ndarray) -> Groups[np.ndarray]:
    """The codes of cells, int[..., 11], by group, as an array takes them."""
    small = codes.astype(np.int8)
    return Groups(small[..., :SHIL], small[..., SHIL], small[..., FIELD], small[..., DETUNING])


def active_codes(array: OscillatorArray) -> list[list[list[int]]]:
    """The codes of each cell of each row, those of the node DACs last."""
    assert array.codes is not None
    coupling, *nodes = array.codes.values()
    return [
        [[*slots, *(int(node[row, col]) for node in nodes)] for col, slots in enumerate(cells)]
        for row, cells in enumerate(coupling.tolist())
    ]


def write_rows(macro: ArrayMacro, codes: np.ndarray, cycle: int) -> None:
    for row, cells in enumerate(codes):
        macro.edge(EdgeInputs(cycle=cycle + row, load_strobe=True, load_row=row, load_data=row_word(cells)))


def feed(macro: ArrayMacro, edges: Iterable[EdgeInputs]) -> MacroRecord:
    for edge in edges:
        macro.edge(edge)
    return macro.record()


def run_of(start: int, stop: int, **last: Any) -> list[EdgeInputs]:
    """Edges with ``run`` high, the last one with more on it, and the edge after it."""
    edges = [EdgeInputs(cycle=cycle, run=True) for cycle in range(start, stop - 1)]
    return [*edges, EdgeInputs(cycle=stop - 1, run=True, **last), EdgeInputs(cycle=stop)]


def turned(core: CoreSpec, code: int, cycles: int) -> float:
    """Radians by which a detuning code turns an oscillator."""
    return code / 7 * core.detuning_dac.full_scale_rad_s * cycles / core.clock_hz


def test_rows_act_with_the_commit_only(core: CoreSpec) -> None:
    array = OscillatorArray(core)
    macro = ArrayMacro(core, array)
    codes = random_codes(core, 0)
    write_rows(macro, codes, 0)
    assert not np.any(active_codes(array))
    macro.edge(EdgeInputs(cycle=5, commit=True))
    assert active_codes(array) == codes.tolist()


def test_rows_that_are_not_written_keep_their_codes(core: CoreSpec) -> None:
    array = OscillatorArray(core)
    macro = ArrayMacro(core, array, contract=False)
    first, second = random_codes(core, 0), random_codes(core, 1)
    write_rows(macro, first, 0)
    macro.edge(EdgeInputs(cycle=3, commit=True))
    macro.edge(EdgeInputs(cycle=4, load_strobe=True, load_row=1, load_data=row_word(second[1])))
    macro.edge(EdgeInputs(cycle=5, commit=True))
    assert active_codes(array) == [first[0].tolist(), second[1].tolist(), first[2].tolist()]


def test_effects_of_one_edge_come_in_order(core: CoreSpec) -> None:
    macro = make_macro(core)
    write_rows(macro, detuned(core, 5), -9)
    macro.edge(EdgeInputs(cycle=-6, commit=True))
    write_rows(macro, detuned(core, -3), -5)
    macro.edge(EdgeInputs(cycle=0, init=True, noise_seed=4))
    # The tenth and last edge of the run also samples, commits -3 and overwrites row 0 of the shadow with 2.
    late = {"load_strobe": True, "load_row": 0, "load_data": row_word(detuned(core, 2)[0])}
    feed(macro, run_of(1, 11, sample=True, commit=True, **late))
    feed(macro, run_of(20, 25))
    macro.edge(EdgeInputs(cycle=30, commit=True))
    record = feed(macro, run_of(31, 35))
    kinds = [EventKind(kind).name for time, kind, _ in record.events.tolist() if time in (1, 11)]
    assert kinds == ["RUN", "SAMPLE", "COMMIT", "ROW"]
    start = initial_phases_batch(core, 4, [0])
    np.testing.assert_allclose(record.sample_phases[0], start + turned(core, 5, 10), rtol=0, atol=1e-12)
    after = start + turned(core, 5, 10) + turned(core, -3, 5)
    np.testing.assert_allclose(record.boundary_phases[1], after, rtol=0, atol=1e-12)
    last = record.boundary_phases[2] - after
    np.testing.assert_allclose(last[0], turned(core, 2, 4), rtol=0, atol=1e-12)
    np.testing.assert_allclose(last[1:], turned(core, -3, 4), rtol=0, atol=1e-12)


def test_phases_are_those_of_an_array_driven_by_hand(core: CoreSpec) -> None:
    macro, array = make_macro(core, batch=3), OscillatorArray(core, batch=3, integration=Integration(step_cycles=1))
    first, second = random_codes(core, 2), random_codes(core, 3)
    write_rows(macro, first, 0)
    macro.edge(EdgeInputs(cycle=3, commit=True))
    write_rows(macro, second, 4)
    feed(macro, (EdgeInputs(cycle=cycle, init=True, noise_seed=9, noise_index=6) for cycle in range(7, 12)))
    feed(macro, run_of(12, 52, commit=True)[:-1])
    record = feed(macro, run_of(52, 82, sample=True))

    start = initial_phases_batch(core, 9, [6, 7, 8])
    array.set_phases(start)
    array.set_codes(by_group(first))
    array.advance(40)
    middle = array.phases()
    array.set_codes(by_group(second))
    array.advance(30)
    np.testing.assert_array_equal(record.initial_phases, [start])
    np.testing.assert_array_equal(record.boundary_phases, [middle, array.phases()])
    np.testing.assert_array_equal(record.sample_phases, [array.phases()])
    assert record.boundary_times.tolist() == [45, 75]
    assert record.sample_times.tolist() == [75]


def test_events_have_times_since_the_first_init(core: CoreSpec) -> None:
    macro = make_macro(core)
    write_rows(macro, random_codes(core, 0), 100)
    macro.edge(EdgeInputs(cycle=103, commit=True))
    feed(macro, (EdgeInputs(cycle=cycle, init=True) for cycle in range(110, 120)))
    # A commit in the middle divides the run in two.
    macro.edge(EdgeInputs(cycle=120, run=True))
    macro.edge(EdgeInputs(cycle=127, run=True, commit=True))
    macro.edge(EdgeInputs(cycle=139, run=True, sample=True))
    macro.edge(EdgeInputs(cycle=140))
    record = macro.record()
    assert record.events.tolist() == [
        [-9, EventKind.ROW, 0],
        [-8, EventKind.ROW, 1],
        [-7, EventKind.ROW, 2],
        [-6, EventKind.COMMIT, 0],
        [0, EventKind.INIT, 10],
        [10, EventKind.RUN, 8],
        [18, EventKind.COMMIT, 0],
        [18, EventKind.RUN, 12],
        [30, EventKind.SAMPLE, 0],
    ]
    assert record.boundary_times.tolist() == [18, 30]
    assert record.times_of(EventKind.COMMIT).tolist() == [-6, 18]
    assert record.times_of(EventKind.ROW).tolist() == [-9, -8, -7]


def test_what_comes_before_the_first_init_is_counted_from_it_too(core: CoreSpec) -> None:
    macro = make_macro(core)
    feed(macro, run_of(10, 15, sample=True))
    record = feed(macro, [EdgeInputs(cycle=40, init=True), EdgeInputs(cycle=41)])
    assert record.events.tolist() == [[-30, EventKind.RUN, 5], [-25, EventKind.SAMPLE, 0], [0, EventKind.INIT, 1]]
    assert record.boundary_times.tolist() == record.sample_times.tolist() == [-25]


@st.composite
def schedules(draw: st.DrawFn) -> list[EdgeInputs]:
    """Every edge of a stretch of time: levels that last, and strobes here and there."""
    edges: list[EdgeInputs] = []
    for number in range(draw(st.integers(1, 6))):
        level = draw(st.sampled_from(["init", "run", "hold"]))
        for _ in range(draw(st.integers(1, 5))):
            strobe = draw(st.sampled_from(["", "", "", "commit", "sample", "load_strobe"]))
            inputs: dict[str, Any] = {"init": level == "init", "run": level == "run"}
            if strobe:
                inputs[strobe] = True
            row, data = draw(st.integers(0, 2)), draw(st.integers(0, 2**88 - 1))
            edges.append(EdgeInputs(len(edges), load_row=row, load_data=data, noise_index=number, **inputs))
    return [*edges, EdgeInputs(cycle=len(edges))]


@settings(max_examples=60, deadline=None)
@given(edges=schedules())
def test_levels_are_kept_between_calls(core: CoreSpec, edges: list[EdgeInputs]) -> None:
    before, needed = (False, False), []
    for edge in edges:
        if edge.load_strobe or edge.commit or edge.sample or (edge.init, edge.run) != before:
            needed.append(edge)
        before = (edge.init, edge.run)
    every, some = feed(make_macro(core), edges), feed(make_macro(core), needed)
    for name in MacroRecord.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(every, name), getattr(some, name), err_msg=name)


def test_patterns_are_recorded_as_they_came(core: CoreSpec) -> None:
    array = OscillatorArray(core)
    macro = ArrayMacro(core, array, contract=False)
    # Minus zero is illegal: the record shows it, the array takes it for zero.
    macro.edge(EdgeInputs(cycle=0, load_strobe=True, load_row=2, load_data=0x8 << 4 | 0xD))
    macro.edge(EdgeInputs(cycle=1, commit=True))
    patterns = macro.record().commit_patterns
    assert patterns.shape == (1, 3, 2, 11)
    assert patterns[0, 2, 0, :3].tolist() == [0xD, 0x8, 0x0]
    assert patterns.sum() == 0xD + 0x8
    assert active_codes(array)[2][0][:2] == [-5, 0]


def test_taps_are_those_of_the_readable_cells(core: CoreSpec) -> None:
    macro = make_macro(core, batch=2)
    feed(macro, [EdgeInputs(cycle=0, init=True, noise_seed=1), EdgeInputs(cycle=1, sample=True)])
    taps = macro.latched_taps()
    assert taps.shape == (1, 2, 2, 4, 8)
    theta = macro.record().sample_phases[0]
    for col in range(2):
        for sample in range(2):
            for subphase in range(4):
                for tap in range(8):
                    angle = theta[1, col, sample] + math.pi * tap / 8 + math.pi * subphase / 32
                    assert taps[0, col, sample, subphase, tap] == (math.cos(angle) >= 0)


def test_taps_are_latched(core: CoreSpec) -> None:
    macro = make_macro(core)
    feed(macro, [EdgeInputs(cycle=0, init=True, noise_seed=1), EdgeInputs(cycle=1, sample=True)])
    before = macro.latched_taps()
    feed(macro, [EdgeInputs(cycle=2, init=True, noise_seed=2), EdgeInputs(cycle=3)])
    np.testing.assert_array_equal(macro.latched_taps(), before)
    macro.edge(EdgeInputs(cycle=4, sample=True))
    assert not np.array_equal(macro.latched_taps(), before)


def test_the_taps_of_nothing_cannot_be_read(core: CoreSpec) -> None:
    with pytest.raises(MacroContractError, match=r"^the taps were read before anything was sampled$"):
        make_macro(core).latched_taps()


def test_the_contract_is_checked_unless_that_is_not_wanted(core: CoreSpec) -> None:
    early = EdgeInputs(cycle=17, commit=True)
    with pytest.raises(MacroContractError, match=r"^A005: .*; broken in cycle 17: 0 of 3 rows$"):
        ArrayMacro(core, OscillatorArray(core)).edge(early)
    macro = make_macro(core)
    macro.edge(early)
    assert len(macro.record().commit_patterns) == 1


def test_an_edge_that_breaks_the_contract_leaves_no_trace(core: CoreSpec) -> None:
    macro = ArrayMacro(core, OscillatorArray(core))
    macro.edge(EdgeInputs(cycle=6, load_strobe=True, load_row=0))
    with pytest.raises(MacroContractError, match=r"^A002: .*; broken in cycle 7: row 3 of 3$"):
        macro.edge(EdgeInputs(cycle=7, load_strobe=True, load_row=3))
    assert macro.record().events.tolist() == [[7, EventKind.ROW, 0]]


def test_an_empty_record_has_shapes(core: CoreSpec) -> None:
    record = make_macro(core, batch=4).record()
    assert record.events.shape == (0, 3)
    assert record.commit_patterns.shape == (0, 3, 2, 11)
    assert record.sample_phases.shape == record.boundary_phases.shape == record.initial_phases.shape == (0, 3, 2, 4)
    assert record.times_of(EventKind.SAMPLE).tolist() == []
