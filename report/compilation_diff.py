"""What changed from one compilation to another."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.output_folder import read_output_folder
from oscc.compiler.passes.quantize import code_worth
from oscc.core.groups import GROUPS, Groups
from oscc.core.program_file import read_program
from oscc.core.spec_file import load_core
from oscc.report.report_data import ReportData
from oscc.report.report_sources import report_of_folder

Number = float | int


@dataclass(frozen=True)
class Measure:
    """A figure of both compilations; None where one does not have it."""

    name: str
    before: Number | None
    after: Number | None

    @property
    def change(self) -> Number | None:
        """``after`` less ``before``."""
        return None if self.before is None or self.after is None else self.after - self.before


SAME_WORTH = 1e-9
"""Relative difference up to which two codes are worth the same: far above rounding, far below a step of any DAC."""


@dataclass(frozen=True)
class CodeChanges:
    """Codes of one DAC group that differ in what they are worth.

    Parameters
    ----------
    group : str
    values : int
        Codes that are not 0 in both.
    changed : int
    by_chunk : tuple of int
    step_before, step_after : tuple of float
        Worth of one code step in each chunk that is used [rad per unit of model time]; cells may have a gain beside it.
    """

    group: str
    values: int
    changed: int
    by_chunk: tuple[int, ...]
    step_before: tuple[float, ...]
    step_after: tuple[float, ...]

    @property
    def same_steps(self) -> bool:
        """Whether a code step is worth as much in both, in the chunks that both use."""
        pairs = zip(self.step_before, self.step_after, strict=False)
        return all(math.isclose(one, other, rel_tol=SAME_WORTH) for one, other in pairs)


@dataclass(frozen=True)
class CompilationDiff:
    """What differs between two compilations.

    Parameters
    ----------
    before, after : ReportData
    measures : tuple of Measure
        The names are those of `oscc.report.thresholds.Thresholds`.
    codes : tuple of CodeChanges or None
        Cell by cell, of the units and DACs that either uses, by what codes are worth; None when one has no program, or
        the cores differ in grid, stencil or chunks.
    cells_moved : int or None
        Nodes that sit elsewhere; None when one has no placement, or another number of nodes.
    same_program : bool or None
        Whether the programs are the same, byte by byte; None when one has none.
    """

    before: ReportData
    after: ReportData
    measures: tuple[Measure, ...]
    codes: tuple[CodeChanges, ...] | None
    cells_moved: int | None
    same_program: bool | None

    @property
    def codes_changed_share(self) -> float | None:
        """Codes that differ, as a share of those that either uses; 0 where neither uses any."""
        if self.codes is None:
            return None
        return sum(group.changed for group in self.codes) / max(1, sum(group.values for group in self.codes))

    @property
    def cells_moved_share(self) -> float | None:
        """Nodes that sit elsewhere, as a share of all."""
        return None if self.cells_moved is None else self.cells_moved / max(1, self.before.nodes)

    def as_dict(self) -> dict[str, Any]:
        """Return the difference as JSON, schema ``oscc.diff/1``."""
        return {
            "schema": "oscc.diff/1",
            "verdict": {"before": self.before.verdict, "after": self.after.verdict},
            "model": {"before": self.before.inputs.model_sha256, "after": self.after.inputs.model_sha256},
            "core": {"before": self.before.inputs.core_sha256, "after": self.after.inputs.core_sha256},
            "findings": {side: dict(_counts(data)) for side, data in self._sides()},
            "warnings": {
                side: dict(sorted(Counter(each.code for each in data.warnings).items())) for side, data in self._sides()
            },
            "measures": {
                each.name: {"before": each.before, "after": each.after, "change": each.change} for each in self.measures
            },
            "codes": None
            if self.codes is None
            else {
                each.group: {
                    "values": each.values,
                    "changed": each.changed,
                    "by_chunk": list(each.by_chunk),
                    "step": {"before": list(each.step_before), "after": list(each.step_after)},
                }
                for each in self.codes
            },
            "codes_changed_share": self.codes_changed_share,
            "cells_moved": self.cells_moved,
            "cells_moved_share": self.cells_moved_share,
            "same_program": self.same_program,
        }

    def _sides(self) -> tuple[tuple[str, ReportData], tuple[str, ReportData]]:
        return ("before", self.before), ("after", self.after)


def diff_folders(before: str | Path, after: str | Path) -> CompilationDiff:
    """Compare two output folders of `oscc compile`.

    Parameters
    ----------
    before, after : str or Path

    Raises
    ------
    OsccError
        What `report_of_folder` raises.
    """
    one, other = report_of_folder(before), report_of_folder(after)
    both = one.program is not None and other.program is not None
    return CompilationDiff(
        one,
        other,
        measures=tuple(
            Measure(name, first, second)
            for (name, first), (_, second) in zip(_figures(one), _figures(other), strict=True)
        ),
        codes=_code_changes(before, after) if both else None,
        cells_moved=_cells_moved(one, other),
        same_program=one.program == other.program if both else None,
    )


def _figures(data: ReportData) -> list[tuple[str, Number | None]]:
    routing = data.routing
    scale = None if data.quantization is None else data.quantization.time_scale
    group = None if data.quantization is None else data.quantization.groups["coupling"]
    return [
        ("findings", data.findings.total),
        ("warnings", len(data.warnings)),
        ("nodes", data.nodes),
        ("couplings", data.couplings),
        ("coupling_units", None if routing is None else routing.slots.used),
        ("peak_demand", None if routing is None else routing.boundaries.peak),
        ("longest_wire", None if routing is None else routing.wires.longest),
        ("wire_length", None if routing is None else routing.wires.total),
        ("rms_lsb", None if group is None else group.rms_lsb),
        ("max_lsb", None if group is None else group.max_lsb),
        ("clipped", None if group is None else group.clipped),
        ("tau_s", None if scale is None else max(scale.tau_s)),
        ("cycles_per_sample", data.cycles_per_sample),
    ]


def _counts(data: ReportData) -> list[tuple[str, int]]:
    return [(each.code, each.count) for each in data.findings.by_code]


def _cells_moved(before: ReportData, after: ReportData) -> int | None:
    if before.routing is None or after.routing is None or before.nodes != after.nodes:
        return None
    places = [_cells_of(data.routing.cells.node) for data in (before, after) if data.routing is not None]
    return sum(places[0].get(node) != places[1].get(node) for node in range(before.nodes))


def _cells_of(rows: tuple[tuple[int, ...], ...]) -> dict[int, tuple[int, int]]:
    return {node: (row, col) for row, nodes in enumerate(rows) for col, node in enumerate(nodes) if node >= 0}


def _code_changes(before: str | Path, after: str | Path) -> tuple[CodeChanges, ...] | None:
    """Count the changes by group, of all codes that are not 0 in both."""
    one, other = _Delivered.of(before), _Delivered.of(after)
    # Slot for slot, codes mean the same only where slots have the same offsets.
    if one.codes.coupling.shape != other.codes.coupling.shape or one.offsets != other.offsets:
        return None
    return tuple(_changes(group, one, other) for group in GROUPS)


@dataclass(frozen=True, eq=False)
class _Delivered:
    """What the DACs of a compiled program deliver.

    Parameters
    ----------
    codes : Groups of int8
        ``coupling`` [C, rows, cols, slots], the others [C, rows, cols].
    step : Groups of float64[used chunks]
        Worth of a code step [rad per unit of model time]; the codes of further chunks are 0.
    gain : float64[rows, cols]
        Of the coupling units of each cell.
    offsets : tuple
        Of the coupling units, in slot order.
    """

    codes: Groups[NDArray[np.int8]]
    step: Groups[NDArray[np.float64]]
    gain: NDArray[np.float64]
    offsets: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, path: str | Path) -> _Delivered:
        folder = read_output_folder(path)
        core, program = load_core(folder.core), read_program(folder.program)
        step = code_worth(core, program.tau_s)
        return cls(program.codes(core), step, core.unit_gain, core.unit_stencil.offsets)

    def group(self, group: str) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Return the codes of a group, int8[C, rows, cols, ...], and what they are worth, float64 of that shape."""
        codes, used = self.codes[group], self.step[group]
        step = np.zeros(len(codes))
        step[: len(used)] = used
        worth = codes * step.reshape(-1, *(1,) * (codes.ndim - 1))
        return codes, worth * self.gain[..., None] if group == "coupling" else worth


def _changes(group: str, before: _Delivered, after: _Delivered) -> CodeChanges:
    (one, worth), (other, other_worth) = before.group(group), after.group(group)
    used = (one != 0) | (other != 0)
    different = ~np.isclose(worth, other_worth, rtol=SAME_WORTH, atol=0)
    by_chunk = different.reshape(len(different), -1).sum(axis=1)
    return CodeChanges(
        group,
        values=int(used.sum()),
        changed=int(different.sum()),
        by_chunk=tuple(by_chunk.tolist()),
        step_before=tuple(before.step[group].tolist()),
        step_after=tuple(after.step[group].tolist()),
    )
