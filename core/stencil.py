"""Stencils: the offsets from which a cell can receive a coupling, and the wires that they need."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import did_you_mean

Offset = tuple[int, int]
MAX_RADIUS = 8

WIDER = ("king", "diamond-2", "box-2", "diamond-3", "diamond-4", "box-3", "box-4")
"""Named stencils of which one is advised where a core's is too narrow, from the narrowest."""

MOST_ADVISED = 48
"""Offsets of a stencil that is offered, and tried, at most: box-3 has as many."""


@dataclass(frozen=True)
class Stencil:
    """A set of offsets (drow, dcol) = source - destination, ordered by (drow, dcol).

    Parameters
    ----------
    offsets : tuple of (int, int)
        Sorted and unique, without (0, 0). The position of an offset in it is its slot.
    """

    offsets: tuple[Offset, ...]

    def __post_init__(self) -> None:
        if not self.offsets:
            raise ValueError("a stencil needs at least one offset")
        if (0, 0) in self.offsets:
            raise ValueError("offset [0, 0] would couple a cell to itself")
        if list(self.offsets) != sorted(set(self.offsets)):
            raise ValueError("offsets are repeated or not in (drow, dcol) order")
        if self.radius > MAX_RADIUS:
            raise ValueError(f"an offset reaches {self.radius} cells; at most {MAX_RADIUS} are supported")

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def radius(self) -> int:
        """The largest absolute row or column offset, in cells."""
        return max(max(abs(dr), abs(dc)) for dr, dc in self.offsets)

    @property
    def is_symmetric(self) -> bool:
        """Whether the opposite of every offset is an offset too."""
        return all((-dr, -dc) in self.offsets for dr, dc in self.offsets)

    @cached_property
    def array(self) -> NDArray[np.int32]:
        """Offsets as int32[slots, 2]."""
        return np.array(self.offsets, dtype=np.int32)

    @cached_property
    def slot_of_displacement(self) -> NDArray[np.int32]:
        """Slot of each displacement, int32[2 radius + 1, 2 radius + 1]; -1 where there is none.

        Indexed by ``[drow + radius, dcol + radius]``.
        """
        radius = self.radius
        table = np.full((2 * radius + 1, 2 * radius + 1), -1, dtype=np.int32)
        for slot, (drow, dcol) in enumerate(self.offsets):
            table[drow + radius, dcol + radius] = slot
        return table

    def slots_of(self, drow: NDArray[np.integer], dcol: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the slots of many displacements.

        Parameters
        ----------
        drow, dcol : int[n]
            Source minus destination, in cells.

        Returns
        -------
        int32[n]
            The slot of each, -1 where the displacement is not in the stencil.
        """
        radius = self.radius
        inside = (np.abs(drow) <= radius) & (np.abs(dcol) <= radius)
        rows = np.where(inside, drow + radius, 0)
        cols = np.where(inside, dcol + radius, 0)
        return np.where(inside, self.slot_of_displacement[rows, cols], -1).astype(np.int32)

    def half(self) -> Stencil:
        """Return the offsets with drow > 0, or drow = 0 and dcol > 0: one of each opposite pair."""
        return Stencil(tuple(o for o in self.offsets if o > (0, 0)))

    def peak_wires(self) -> int:
        """Compute the wires over the busiest cell boundary when every cell of a large grid uses every offset.

        A wire runs along the source's row first, then along the destination's column. Far from the border every
        boundary between two columns is crossed by ``abs(dcol)`` wires per offset, and every boundary between two
        rows by ``abs(drow)``.
        """
        across_columns = sum(abs(dc) for _, dc in self.offsets)
        across_rows = sum(abs(dr) for dr, _ in self.offsets)
        return max(across_columns, across_rows)


def named_stencil(name: str) -> Stencil:
    """Return the stencil of a name: ``box-R``, ``diamond-R`` (R from 1 to 8) or ``king``.

    Raises
    ------
    ValueError
        When the name is not one of these; the message suggests the nearest.
    """
    if name == "king":
        name = "box-1"
    match = re.fullmatch(r"(box|diamond)-([1-8])", name)
    if match is None:
        known = ["king", *(f"{shape}-{radius}" for shape in ("box", "diamond") for radius in range(1, 9))]
        guess = did_you_mean(name, known)
        if "did you mean" not in guess:
            guess = "; accepted: box-R, diamond-R (R from 1 to 8), king, or a list of [drow, dcol]"
        raise ValueError(f"'{name}' is not a stencil{guess}")
    shape, radius = match[1], int(match[2])
    reach = range(-radius, radius + 1)
    cells = [(dr, dc) for dr in reach for dc in reach if (dr, dc) != (0, 0)]
    if shape == "diamond":
        cells = [(dr, dc) for dr, dc in cells if abs(dr) + abs(dc) <= radius]
    return Stencil(tuple(cells))


def narrowest_stencil(offsets: Collection[Offset]) -> str | None:
    """Return the name of the stencil with the fewest offsets that holds all of these; None where there is none.

    Parameters
    ----------
    offsets : collection of (int, int)
        Without (0, 0).
    """
    if not offsets:
        return None
    box = max(max(abs(row), abs(col)) for row, col in offsets)
    diamond = max(abs(row) + abs(col) for row, col in offsets)
    # 4 R (R + 1) offsets in a box, 2 R (R + 1) in a diamond.
    if diamond <= MAX_RADIUS and 2 * diamond * (diamond + 1) < 4 * box * (box + 1):
        return f"diamond-{diamond}"
    return None if box > MAX_RADIUS else "king" if box == 1 else f"box-{box}"


def listed_stencil(offsets: Sequence[Sequence[int]]) -> Stencil:
    """Return the stencil of an explicit list of [drow, dcol]; the order of the list does not matter.

    Raises
    ------
    ValueError
        When an entry is not a pair of integers, is [0, 0], or stands in the list twice.
    """
    pairs: list[Offset] = []
    for entry in offsets:
        if len(entry) != 2 or not all(type(part) is int for part in entry):
            raise ValueError(f"{list(entry)} is not an offset; an offset is [drow, dcol], two integers")
        pairs.append((entry[0], entry[1]))
    repeated = sorted({pair for pair in pairs if pairs.count(pair) > 1})
    if repeated:
        raise ValueError(f"offset {list(repeated[0])} stands in the list twice")
    return Stencil(tuple(sorted(pairs)))
