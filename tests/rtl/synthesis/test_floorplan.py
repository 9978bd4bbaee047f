from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.rtl.synthesis.ecp5 import BLOCK_RAMS
from oscc.rtl.synthesis.floorplan import BlockRamSites, floorplan, places_of, with_places

SMALL = BlockRamSites("RAM", rows=(30, 10), columns=((1, "A"), (3, "B"), (5, "A"), (7, "B"), (20, "A")))


def names(banks: int, words: int, parts: int, first: int = 0) -> list[str]:
    """Block RAMs of banks of ``words`` columns, each of ``parts`` block RAMs, and one of check bits per bank."""
    found = []
    for bank in range(banks):
        column = first + 4 * bank
        path = f"core.store.memory.group_0.group_{column // 8 * 8}.bank_{column % 8}"
        found += [f"{path}.memory_{word}.words.0.{part}" for word in range(words) for part in range(parts)]
        found.append(f"{path}.check_memory.words.0.0")
    return found


def test_a_bank_stands_in_a_row_with_its_check_bits_in_the_middle() -> None:
    found = floorplan(names(1, 2, 2), SMALL)
    assert found == {
        "core.store.memory.group_0.group_0.bank_0.memory_0.words.0.0": "X1/Y30/A",
        "core.store.memory.group_0.group_0.bank_0.memory_0.words.0.1": "X3/Y30/B",
        "core.store.memory.group_0.group_0.bank_0.check_memory.words.0.0": "X5/Y30/A",
        "core.store.memory.group_0.group_0.bank_0.memory_1.words.0.0": "X7/Y30/B",
        "core.store.memory.group_0.group_0.bank_0.memory_1.words.0.1": "X20/Y30/A",
    }


def test_banks_that_follow_one_another_are_neighbours() -> None:
    sites = BlockRamSites("RAM", rows=(5, 9), columns=tuple((column, "R") for column in range(6)))
    # Four banks of three in two rows: to the right in the first, and back in the second.
    found = floorplan(names(4, 2, 1), sites)
    path = "core.store.memory.group_0"
    places = ("group_0.bank_0", "group_0.bank_4", "group_8.bank_0", "group_8.bank_4")
    checks = [found[f"{path}.{bank}.check_memory.words.0.0"] for bank in places]
    assert checks == ["X1/Y5/R", "X4/Y5/R", "X4/Y9/R", "X1/Y9/R"]


def test_few_banks_stand_in_the_middle() -> None:
    sites = BlockRamSites("RAM", rows=(0, 10, 20), columns=tuple((column, "R") for column in range(9)))
    assert set(floorplan(names(1, 2, 1), sites).values()) == {"X3/Y10/R", "X4/Y10/R", "X5/Y10/R"}


def test_the_numbers_of_block_rams_are_numbers() -> None:
    sites = BlockRamSites("RAM", rows=(0,), columns=tuple((column, "R") for column in range(13)))
    found = floorplan(names(1, 1, 12), sites)
    path = "core.store.memory.group_0.group_0.bank_0.memory_0.words.0"
    assert [found[f"{path}.{part}"] for part in (0, 1, 2, 10, 11)] == [f"X{x}/Y0/R" for x in (1, 2, 3, 11, 12)]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["core.readout.fifo.storage.0.0", "core.schedule.0.0"],
        names(3, 2, 2),  # three banks of five, two rows of five
        names(1, 3, 2),  # seven side by side, five in a row
    ],
)
def test_what_does_not_fit_is_left_to_the_placer(cells: list[str]) -> None:
    assert floorplan(cells, SMALL) == {}


def test_other_memories_are_left_to_the_placer() -> None:
    cells = [*names(1, 2, 2), "core.readout.fifo.storage.0.0", "core.bankrupt_0.memory"]
    assert set(floorplan(cells, SMALL)) == set(names(1, 2, 2))


@given(banks=st.integers(1, 16), words=st.integers(1, 4), parts=st.integers(1, 3))
def test_every_block_ram_has_a_site_of_its_own(banks: int, words: int, parts: int) -> None:
    cells = names(banks, words, parts)
    found = floorplan(reversed(cells), BLOCK_RAMS)
    sites = {BLOCK_RAMS.name(row, place) for row in BLOCK_RAMS.rows for place in range(len(BLOCK_RAMS.columns))}
    assert found == floorplan(cells, BLOCK_RAMS), "the order of the netlist does not matter"
    assert set(found) == set(cells)
    assert len(set(found.values())) == len(cells)
    assert set(found.values()) <= sites


def test_the_device_has_208_block_rams() -> None:
    # LFE5U-85F: 208 sysMEM blocks (ECP5 and ECP5-5G family data sheet, table 1.1).
    assert len(BLOCK_RAMS.rows) * len(BLOCK_RAMS.columns) == 208
    assert len(set(BLOCK_RAMS.columns)) == len(BLOCK_RAMS.columns)
    assert BLOCK_RAMS.name(22, 0) == "X4/Y22/EBR0"
    assert BLOCK_RAMS.name(82, 51) == "X120/Y82/EBR3"
    # Two more, that nextpnr had chosen itself.
    assert {"X49/Y46/EBR0", "X98/Y70/EBR1"} <= {BLOCK_RAMS.name(row, k) for row in (46, 70) for k in range(52)}


def test_a_netlist_gets_the_places() -> None:
    cells: dict[str, Any] = {
        name: {"type": "RAM", "attributes": {"src": "x"}, "connections": {}} for name in names(1, 2, 2)
    }
    cells["core.readout.fifo.storage.0.0"] = {"type": "RAM", "attributes": {}, "connections": {}}
    cells["core.bank_0.memory_0.0.0"] = {"type": "LUT", "attributes": {}, "connections": {}}
    netlist = {"creator": "y", "modules": {"top": {"ports": {}, "cells": cells}}}
    before = copy.deepcopy(netlist)
    places = places_of(netlist, SMALL)
    after = with_places(netlist, places)
    assert netlist == before, "what is given is not changed"
    placed = {name: cell["attributes"].get("BEL") for name, cell in after["modules"]["top"]["cells"].items()}
    others = {"core.readout.fifo.storage.0.0": None, "core.bank_0.memory_0.0.0": None}
    assert placed == places | others
    assert places == floorplan(names(1, 2, 2), SMALL)
    for cell in after["modules"]["top"]["cells"].values():
        cell["attributes"].pop("BEL", None)
    assert json.dumps(after) == json.dumps(before)
