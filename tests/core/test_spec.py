from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from oscc.core.groups import GROUPS
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]


def test_weight_memory_of_the_56x56_core() -> None:
    core = load_core("ais-56x56")
    assert core.cells == 3136
    assert core.slots == 24
    assert core.word_bits == 24 * 4 + 3 * 4 == 108
    assert core.check_bits == 8
    assert core.bank_depth == 4 * 56
    assert core.weight_bits == 1_354_752
    assert core.row_bits == 56 * 108


def test_program_stream_of_the_56x56_core() -> None:
    core = load_core("ais-56x56")
    assert core.word_beats == 2
    assert core.program_beats == 56 * 224 * 2 == 25_088
    assert core.program_bytes == 25_088 * 8


def test_timing_of_the_56x56_core() -> None:
    core = load_core("ais-56x56")
    # Two levels of bus registers, and five cycles in a bank.
    assert core.load_cycles == 56 + 2 + 5
    assert core.clock_s == pytest.approx(1e-8, rel=1e-12)


@pytest.mark.parametrize(("cols", "levels"), [(1, 1), (8, 1), (9, 2), (64, 2), (65, 3), (512, 3)])
def test_no_bus_register_drives_more_than_eight(cols: int, levels: int, make_core: MakeCore) -> None:
    core = make_core(grid=[4, cols], cycles_per_sample=2000)
    assert core.bus_levels == levels
    assert core.loader_latency == levels + 5
    # A tree of degree 8 with one register at its head and eight columns at each leaf reaches every column; one level
    # less would not.
    assert 8**levels >= cols
    assert levels == 1 or 8 ** (levels - 1) < cols


def test_readout_of_the_56x56_core() -> None:
    core = load_core("ais-56x56")
    assert core.frame_shape == (28, 28)
    assert core.readout.phase_steps == 64
    assert core.code_bits == 6
    assert core.readout.tap_bits == 32
    assert core.codes_per_beat == 8
    assert core.row_beats == 4
    assert core.frame_beats == 28 * 4
    assert core.row_tap_bits == 28 * 32


@pytest.mark.parametrize(
    ("grid", "origin", "step"), [((6, 7), (0, 0), (2, 3)), ((6, 7), (5, 6), (1, 1)), ((9, 4), (1, 0), (4, 9))]
)
def test_frame_counts_readable_cells(
    make_core: MakeCore, grid: tuple[int, int], origin: tuple[int, int], step: tuple[int, int]
) -> None:
    core = make_core(grid=grid, readout={"origin": origin, "step": step})
    rows = [row for row in range(grid[0]) if row >= origin[0] and (row - origin[0]) % step[0] == 0]
    cols = [col for col in range(grid[1]) if col >= origin[1] and (col - origin[1]) % step[1] == 0]
    assert core.frame_shape == (len(rows), len(cols))


@pytest.mark.parametrize(("data_bits", "check_bits"), [(8, 5), (16, 6), (32, 7), (64, 8), (108, 8), (128, 9)])
def test_check_bits_are_those_of_the_usual_secded_codes(make_core: MakeCore, data_bits: int, check_bits: int) -> None:
    # The smallest word: one 2-bit unit and three 2-bit node DACs; otherwise 4 bits each.
    width = 2 if data_bits == 8 else 4
    slots = data_bits // width - 3
    offsets = [[drow, dcol] for drow in range(1, 9) for dcol in range(-8, 9)][:slots]
    dacs = {f"{group}_dac": {"bits": width} for group in GROUPS}
    core = make_core(stencil=offsets, **dacs)
    assert core.word_bits == data_bits
    assert core.check_bits == check_bits
    assert make_core(stencil=offsets, protection="none", **dacs).check_bits == 0


@pytest.mark.parametrize(("data_bits", "check_bits"), [(57, 7), (58, 8), (120, 8), (121, 9)])
def test_check_bits_where_a_hamming_code_is_full(make_core: MakeCore, data_bits: int, check_bits: int) -> None:
    # 2^6 - 7 = 57 and 2^7 - 8 = 120 are the data bits of the perfect Hamming codes; parity makes one bit more.
    slots = (data_bits - 9) // 4
    offsets = [[drow, dcol] for drow in range(1, 9) for dcol in range(-8, 9)][:slots]
    rest = data_bits - 4 * slots
    widths = {"shil_dac": {"bits": 3}, "field_dac": {"bits": 3}, "detuning_dac": {"bits": rest - 6}}
    core = make_core(stencil=offsets, **widths)
    assert (core.word_bits, core.check_bits) == (data_bits, check_bits)


def test_groups_stand_in_a_word_in_the_documented_order(make_core: MakeCore) -> None:
    core = make_core(shil_dac={"bits": 2}, field_dac={"bits": 3}, detuning_dac={"bits": 5})
    assert GROUPS == ("coupling", "shil", "field", "detuning")
    assert [core.dac(group).bits for group in GROUPS] == [dac.bits for dac in core.dacs.values()] == [4, 2, 3, 5]
    assert core.word_bits == 24 * 4 + 2 + 3 + 5


@pytest.mark.parametrize(
    ("stencil", "couplings", "tracks"),
    [("box-2", "directed", 30), ("box-2", "reciprocal", 15), ("diamond-3", "directed", 28), ("king", "directed", 6)],
)
def test_tracks_default_to_what_the_full_stencil_needs(
    make_core: MakeCore, stencil: str, couplings: str, tracks: int
) -> None:
    assert make_core(stencil=stencil, couplings=couplings).tracks_per_boundary == tracks


def test_given_tracks_are_kept(make_core: MakeCore) -> None:
    assert make_core(tracks_per_boundary=7).tracks_per_boundary == 7
    assert make_core(tracks_per_boundary=0).tracks_per_boundary == 0


def test_reciprocal_core_has_half_the_units(make_core: MakeCore) -> None:
    core = make_core(couplings="reciprocal")
    assert core.slots == 12
    assert len(core.model_stencil) == 24
    assert set(core.unit_stencil.offsets) < set(core.model_stencil.offsets)


def test_hash_is_sha256_of_the_canonical_json(make_core: MakeCore) -> None:
    core = make_core()
    assert core.hash == hashlib.sha256(core.canonical_json().encode()).hexdigest()
    assert CoreSpec.model_validate(json.loads(core.canonical_json())) == core


def test_hash_ignores_what_is_only_written_differently() -> None:
    described = load_core("tiny-8x8").model_dump(mode="json", by_alias=True)
    short = {key: value for key, value in described.items() if key not in ("defects", "protection", "stream_width")}
    assert CoreSpec.model_validate(short).hash == CoreSpec.model_validate(described).hash


def test_cores_are_equal_by_what_they_are(make_core: MakeCore) -> None:
    gain = {"gain": [[2, 3, 0.9]]}
    one, other, third = make_core(defects=gain), make_core(defects=gain), make_core(defects={"gain": [[2, 3, 0.8]]})
    # What is computed when it is first asked for, arrays among it, is kept in a core.
    for core in (one, third):
        assert (core.unit_gain[2, 3], len(core.hash), len(core.unit_stencil)) == (core.defects.gain[0][2], 64, 24)
    assert one == other
    assert other == one
    assert one != third
    assert other != third
    assert {one, other, third} == {other, third}
    assert one != one.canonical_json()
    # A copy takes along what was kept; it is another core nevertheless.
    assert one.model_copy(update={"chunks": 3}) != one


@pytest.mark.parametrize(
    "change",
    [{"chunks": 3}, {"coupling_dac": {"forbidden": [5]}}, {"defects": {"cells": [[1, 1]]}}, {"init": {"cycles": 65}}],
)
def test_hash_changes_with_the_core(make_core: MakeCore, change: dict[str, Any]) -> None:
    assert make_core(**change).hash != make_core().hash


def test_spec_cannot_be_changed(make_core: MakeCore) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_core().chunks = 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": [-8, 8]}, "greater than or equal to 1"),
        ({"grid": [8]}, "grid"),
        ({"chunks": 0}, "greater than or equal to 1"),
        ({"coupling_dac": {"bits": 1}}, "greater than or equal to 2"),
        ({"coupling_dac": {"bits": 9}}, "less than or equal to 8"),
        ({"shil_dac": {"full_scale_rad_s": 0}}, "greater than 0"),
        ({"shil_dac": {"full_scale_rad_s": float("inf")}}, "finite"),
        ({"field_dac": {"forbidden": [8]}}, r"forbidden code 8 is no code of 4 bits \(-7..7\)"),
        ({"field_dac": {"forbidden": [-8]}}, "forbidden code -8 is no code of 4 bits"),
        ({"field_dac": {"forbidden": [0]}}, "code 0 cannot be forbidden"),
        ({"stencil": "box2"}, "did you mean 'box-2'"),
        ({"stencil": [[0, 1], [0, 1]]}, "stands in the list twice"),
        ({"couplings": "mutual"}, "'directed' or 'reciprocal'"),
        ({"couplings": "reciprocal", "stencil": [[0, 1]]}, "reciprocal couplings need a symmetric stencil"),
        ({"readout": {"origin": [8, 0]}}, r"readout.origin: \[8, 0\] lies outside the 8 x 8 grid"),
        ({"readout": {"origin": [-1, 0]}}, r"origin \[-1, 0\] lies outside the grid"),
        ({"readout": {"step": [0, 1]}}, "must be at least 1 in both directions"),
        ({"readout": {"taps": 6}}, "must be powers of two"),
        ({"readout": {"subphases": 3}}, "must be powers of two"),
        ({"defects": {"cells": [[8, 0]]}}, r"defects.cells: \[8, 0\] lies outside"),
        ({"defects": {"slots": [[0, 0, 24]]}}, r"defects.slots: \[0, 0, 24\] is no slot.*slots 0..23"),
        ({"cycles_per_sample": 75}, r"75 cannot hold init \(64\) and one run of at least a load"),
        ({"stream_width": 48}, "32, 64 or 128"),
        ({"name": "Tiny Core"}, "should match pattern"),
        ({"init": {"cycles": 2}}, r"init.cycles: 2 is shorter than the fetch of the run that follows \(3\)"),
        ({"chunks": 20}, "the schedule of more than 19 chunks does not fit the schedule memory"),
        ({"stencil": "box-8"}, "stencil: 288 coupling units per cell; register WORD can name at most 255"),
        ({"clock_hz": 1e31}, "1e.31 is not between 1e-30 and 1e30"),
        ({"tracks_per_boundary": -1}, "greater than or equal to 0"),
    ],
)
def test_nonsense_is_refused(make_core: MakeCore, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_core(**change)


def test_what_is_just_allowed(make_core: MakeCore) -> None:
    assert make_core(init={"cycles": 3}).init.cycles == 3
    assert make_core(chunks=19).chunks == 19
    # 288 offsets make 144 units when each serves both directions.
    assert make_core(stencil="box-8", couplings="reciprocal").slots == 144


def test_the_shortest_run_covers_a_load_and_a_fetch(make_core: MakeCore) -> None:
    # Three rows load in 9 cycles, but five instructions at two cycles and one of latency take 11.
    core = make_core(grid=[3, 8], cycles_per_sample=64 + 11)
    assert (core.load_cycles, core.least_run_cycles) == (9, 11)
    with pytest.raises(ValidationError, match=r"74 cannot hold init \(64\) and one run of at least a load or a fetch"):
        make_core(grid=[3, 8], cycles_per_sample=64 + 10)
    assert make_core().least_run_cycles == make_core().load_cycles == 8 + 6


def test_reciprocal_defect_slots_are_those_of_the_units(make_core: MakeCore) -> None:
    with pytest.raises(ValidationError, match=r"slots 0..11"):
        make_core(couplings="reciprocal", defects={"slots": [[0, 0, 12]]})


@pytest.mark.parametrize(("taps", "subphases", "bits"), [(2, 1, 2), (4, 1, 3), (8, 4, 6), (8, 16, 8)])
def test_code_bits_count_the_phase_steps(make_core: MakeCore, taps: int, subphases: int, bits: int) -> None:
    assert make_core(readout={"taps": taps, "subphases": subphases}).code_bits == bits


@pytest.mark.parametrize("bits", range(2, 9))
def test_coupling_dacs_of_another_width(make_core: MakeCore, bits: int) -> None:
    core = make_core(coupling_dac={"forbidden": [3]}, field_dac={"forbidden": [2]}, tracks_per_boundary=17)
    other = core.with_coupling_bits(bits)
    assert (other.coupling_dac.bits, other.coupling_dac.top_code) == (bits, 2 ** (bits - 1) - 1)
    assert other.coupling_dac.full_scale_rad_s == core.coupling_dac.full_scale_rad_s
    # The codes that silicon of the old width must not be given say nothing of the new one.
    assert other.coupling_dac.forbidden == ()
    assert other.field_dac == core.field_dac
    assert other.word_bits == core.word_bits + 24 * (bits - 4)
    described = [json.loads(each.canonical_json()) for each in (core, other)]
    for each in described:
        del each["coupling_dac"]
    assert described[0] == described[1]
    assert other != core
    assert core.coupling_dac.forbidden == (3,)


def test_the_same_width_is_the_same_core(make_core: MakeCore) -> None:
    assert make_core().with_coupling_bits(4) == make_core()
    assert make_core().with_coupling_bits(6).with_coupling_bits(4) == make_core()


@pytest.mark.parametrize(("bits", "message"), [(1, "greater than or equal to 2"), (9, "less than or equal to 8")])
def test_a_width_that_no_dac_has(make_core: MakeCore, bits: int, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_core().with_coupling_bits(bits)


def dead_couplings(core: CoreSpec) -> set[tuple[int, int, int, int]]:
    """(row, col, drow, dcol) of every coupling that lacks its unit, as the units of a core are described."""
    found = set()
    for row, col, slot in core.defects.slots:
        drow, dcol = core.unit_stencil.offsets[slot]
        found.add((row, col, drow, dcol))
        if core.couplings == "reciprocal":
            found.add((row + drow, col + dcol, -drow, -dcol))
    return found


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_dead_units_stay_where_they_are(couplings: str, make_core: MakeCore) -> None:
    slots = [[0, 5, 2], [3, 3, 0], [4, 2, 3]]
    core = make_core(stencil="king", couplings=couplings, defects={"slots": slots, "cells": [[1, 1]]})
    wider = core.changed(stencil="box-2")
    assert dead_couplings(wider) == dead_couplings(core)
    assert wider.defects.slots != core.defects.slots
    assert wider.defects.cells == ((1, 1),)
    assert wider.changed(stencil="king").defects == core.defects
    # What keeps its stencil keeps its slots.
    assert core.changed(grid=[9, 9]).defects == core.defects


def test_dead_units_of_one_direction(make_core: MakeCore) -> None:
    pairs = make_core(stencil="king", couplings="reciprocal", defects={"slots": [[3, 3, 0], [7, 7, 3]]})
    single = pairs.changed(couplings="directed")
    on_grid = {each for each in dead_couplings(pairs) if each[0] < 8 and each[1] < 8}
    assert dead_couplings(single) == on_grid
    assert len(on_grid) == 3, "the unit of (7, 7) reaches beyond the grid"
    # One dead direction is a dead pair.
    one = make_core(stencil="king", defects={"slots": [[3, 3, 0]]}).changed(couplings="reciprocal")
    assert one.model_stencil.offsets[0] == (-1, -1)
    assert dead_couplings(one) == {(3, 3, -1, -1), (2, 2, 1, 1)}


def test_dead_units_of_offsets_that_are_gone(make_core: MakeCore) -> None:
    core = make_core(stencil="box-2", defects={"slots": [[3, 3, 0], [3, 3, 6]]})
    assert core.unit_stencil.offsets[0] == (-2, -2)
    assert dead_couplings(core.changed(stencil="king")) == {(3, 3, -1, -1)}


def test_defects_that_are_given_are_taken(make_core: MakeCore) -> None:
    core = make_core(stencil="king", defects={"slots": [[3, 3, 0]]})
    changed = core.changed(stencil="box-2", defects={"slots": [[3, 3, 20]]})
    assert changed.defects.slots == ((3, 3, 20),)
    with pytest.raises(ValueError, match="no slot"):
        core.changed(defects={"slots": [[3, 3, 20]]})
