"""`CodedGraph`: the DAC codes of a placed model, and what quantization did to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.findings import Finding, raise_first
from oscc.compiler.findings.of_levels import ILLEGAL_CODE, STRAY_CODE
from oscc.compiler.ir.timed import TimedGraph
from oscc.core.groups import GROUPS, Groups


@dataclass(frozen=True)
class GroupStatistics:
    """What quantization did to one DAC group, over all chunks and used units.

    Parameters
    ----------
    values : int
        Parameters that were quantized.
    rms_lsb, max_lsb : float
        Error of code x LSB against the parameter [LSB], clipping included.
    clipped : int
        Parameters beyond the top code.
    zeroed : int
        Non-zero parameters that became code 0.
    sign_changed : int
        Non-zero parameters whose code has the opposite sign (only forbidden codes can cause it).
    histogram : tuple of int
        Count of each code, from -top to +top.
    """

    values: int
    rms_lsb: float
    max_lsb: float
    clipped: int
    zeroed: int
    sign_changed: int
    histogram: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the statistics as JSON, the histogram left out."""
        return {
            "values": self.values,
            "rms_lsb": self.rms_lsb,
            "max_lsb": self.max_lsb,
            "clipped": self.clipped,
            "zeroed": self.zeroed,
            "sign_changed": self.sign_changed,
        }


@dataclass(frozen=True, eq=False)
class CodedGraph:
    """Codes of every DAC of the core, chunk by chunk. Arrays are read-only; unused units hold 0.

    Parameters
    ----------
    placed : TimedGraph
    codes : Groups of int8
        Signed codes: ``coupling`` [C, rows, cols, slots], the others [C, rows, cols].
    lsb : Groups of float64[C]
        Worth of one code step in each chunk [rad per unit of model time].
    statistics : Groups of GroupStatistics
    """

    placed: TimedGraph
    codes: Groups[NDArray[np.int8]]
    lsb: Groups[NDArray[np.float64]]
    statistics: Groups[GroupStatistics]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def chunks(self) -> int:
        """C, the chunks that the model uses."""
        return int(self.codes.coupling.shape[0])


def diagnose_codes(coded: CodedGraph) -> Iterator[Finding]:
    """Yield every code that the DACs do not take, and every unused unit that is not 0 (codes Q001, Q002).

    Parameters
    ----------
    coded : CodedGraph
    """
    core, route = coded.placed.core, coded.placed.route
    for group, codes in coded.codes.items():
        dac = core.dac(group)
        bad = np.argwhere(~np.isin(codes, dac.allowed_codes))
        if len(bad):
            where = bad[0].tolist()
            yield ILLEGAL_CODE.finding(
                f"{group}: code {int(codes[tuple(where)])} at {where} is no code of {dac.bits} bits, or is forbidden",
                "quantize again; codes saturate and avoid forbidden ones",
                {"group": group, "index": where, "count": len(bad)},
            )
    coupling = coded.codes.coupling
    used = np.zeros(coupling.shape[1:], dtype=bool)
    used[route.unit_cell[:, 0], route.unit_cell[:, 1], route.slot] = True
    stray = np.argwhere((coupling != 0) & ~used)
    if len(stray):
        chunk, row, col, slot = stray[0].tolist()
        yield STRAY_CODE.finding(
            f"cell ({row}, {col}) slot {slot} has no coupling but code {int(coupling[chunk, row, col, slot])} in "
            f"chunk {chunk}; {len(stray)} such codes",
            "unused units hold code 0",
            {"cell": [row, col], "slot": slot, "chunk": chunk, "count": len(stray)},
        )
    empty = coded.placed.node_map() < 0
    for group in GROUPS[1:]:
        codes = coded.codes[group]
        stray = np.argwhere((codes != 0) & empty)
        if len(stray):
            chunk, row, col = stray[0].tolist()
            yield STRAY_CODE.finding(
                f"cell ({row}, {col}) has no node but {group} code {int(codes[chunk, row, col])} in chunk {chunk}; "
                f"{len(stray)} such codes",
                "unused units hold code 0",
                {"cell": [row, col], "group": group, "chunk": chunk, "count": len(stray)},
            )


def verify_codes(coded: CodedGraph) -> None:
    """Raise the first finding of `diagnose_codes`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_codes(coded))
