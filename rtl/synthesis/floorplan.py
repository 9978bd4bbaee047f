"""Floorplan: the weight banks' block RAMs, side by side on the device."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BANK = re.compile(r"\b((?:group_\d+\.)*bank_\d+)\.(\w+)\.words((?:\.\d+)+)$")
"""Name of a block RAM of a weight bank: where the bank is, the memory, and which of its block RAMs."""

CHECKS = "check"
"""What the name of the memory of check bits begins with: it stands in the middle, since all columns need it."""


@dataclass(frozen=True)
class BlockRamSites:
    """Where the block RAMs of a device are.

    Parameters
    ----------
    cell : str
        Their type in a netlist.
    rows : tuple of int
        Tile row of each row of block RAMs.
    columns : tuple of (int, str)
        Tile column and name of each block RAM in a row, from left to right.
    """

    cell: str
    rows: tuple[int, ...]
    columns: tuple[tuple[int, str], ...]

    def name(self, row: int, place: int) -> str:
        """Return what nextpnr calls a block RAM.

        Parameters
        ----------
        row : int
            Tile row.
        place : int
            Its number in the row.
        """
        column, bel = self.columns[place]
        return f"X{column}/Y{row}/{bel}"


def floorplan(cells: Iterable[str], sites: BlockRamSites) -> dict[str, str]:
    """Choose a site for every block RAM of the weight banks.

    All of a bank stand next to each other in a row, its check bits in the middle, and banks that follow one another are
    neighbours. Left to itself the placer scatters them over the device where most block RAMs are used, and the wires
    from an address register to its memories take longer than a clock period.

    Parameters
    ----------
    cells : iterable of str
        Names of all block RAMs of a design; those of other memories are left to the placer.
    sites : BlockRamSites

    Returns
    -------
    dict of str to str
        Site by cell; empty when the banks do not fit so.
    """
    banks = _banks(cells)
    widest = max((len(bank) for bank in banks), default=0)
    if not widest or widest > len(sites.columns):
        return {}
    starts = _starts(sites, widest)
    if len(banks) > len(starts):
        return {}
    chosen = sorted(starts, key=lambda start: _from_the_middle(sites, start, widest))[: len(banks)]
    return {
        cell: sites.name(row, place + offset)
        for bank, (row, place) in zip(banks, _in_turns(chosen, sites.rows), strict=True)
        for offset, cell in enumerate(bank)
    }


def places_of(netlist: Mapping[str, Any], sites: BlockRamSites) -> dict[str, str]:
    """Choose a site for every block RAM of the weight banks of a netlist: `floorplan`.

    Parameters
    ----------
    netlist : mapping
        As ``write_json`` of Yosys writes it, flattened: one module has all block RAMs.
    sites : BlockRamSites

    Returns
    -------
    dict of str to str
        Site by cell; empty when the banks do not fit so.
    """
    modules = netlist["modules"].values()
    return floorplan(
        (name for module in modules for name, cell in module["cells"].items() if cell["type"] == sites.cell), sites
    )


def with_places(netlist: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """Return a netlist whose cells have places of their own.

    Parameters
    ----------
    netlist : mapping
        As ``write_json`` of Yosys writes it.
    places : mapping of str to str
        Site by cell.
    """
    modules = {
        name: {
            **module,
            "cells": {cell: _placed(content, places.get(cell)) for cell, content in module["cells"].items()},
        }
        for name, module in netlist["modules"].items()
    }
    return {**netlist, "modules": modules}


def _placed(cell: dict[str, Any], site: str | None) -> dict[str, Any]:
    """Return a cell of a netlist with a site, if it is given one."""
    return cell if site is None else {**cell, "attributes": {**cell["attributes"], "BEL": site}}


def _banks(cells: Iterable[str]) -> list[list[str]]:
    """Return the block RAMs of each bank, in the order in which they are to stand."""
    memories: dict[int, dict[str, list[tuple[list[int], str]]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        found = BANK.search(cell)
        if found:
            part = [int(number) for number in found[3].split(".")[1:]]
            # Each number is the first column of a group or bank, counted from that of the group around it.
            column = sum(map(int, re.findall(r"\d+", found[1])))
            memories[column][found[2]].append((part, cell))
    banks = []
    for _, of_bank in sorted(memories.items()):
        words = [name for name in sorted(of_bank) if not name.startswith(CHECKS)]
        checks = [name for name in sorted(of_bank) if name.startswith(CHECKS)]
        order = [*words[: len(words) // 2], *checks, *words[len(words) // 2 :]]
        banks.append([cell for name in order for _, cell in sorted(of_bank[name])])
    return banks


def _starts(sites: BlockRamSites, width: int) -> list[tuple[int, int]]:
    """Return row and place of every stretch of a width, the left-over at the ends of the rows."""
    count = len(sites.columns) // width
    first = (len(sites.columns) - count * width) // 2
    return [(row, first + number * width) for row in sites.rows for number in range(count)]


def _from_the_middle(sites: BlockRamSites, start: tuple[int, int], width: int) -> float:
    """Return the distance of a stretch from the middle of the device [tiles]."""
    left, right = sites.columns[start[1]][0], sites.columns[start[1] + width - 1][0]
    across = (left + right) / 2 - (sites.columns[0][0] + sites.columns[-1][0]) / 2
    return math.hypot(across, start[0] - (min(sites.rows) + max(sites.rows)) / 2)


def _in_turns(chosen: Sequence[tuple[int, int]], rows: Sequence[int]) -> list[tuple[int, int]]:
    """Order stretches row by row, to the right and back again, so that neighbours follow one another."""
    ordered = []
    for turn, row in enumerate(sorted(rows)):
        ordered += sorted((start for start in chosen if start[0] == row), reverse=bool(turn % 2))
    return ordered
