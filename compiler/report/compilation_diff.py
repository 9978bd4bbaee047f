"""What changed from one compilation to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.output_folder import read_output_folder
from oscc.compiler.program_file import read_program
from oscc.compiler.report.report_data import ReportData
from oscc.compiler.report.report_sources import report_of_folder
from oscc.compiler.spec import GROUPS
from oscc.compiler.spec_file import load_core

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


@dataclass(frozen=True)
class CodeChanges:
    """Codes of one DAC group that differ: of how many, and by chunk."""

    group: str
    values: int
    changed: int
    by_chunk: tuple[int, ...]


@dataclass(frozen=True)
class CompilationDiff:
    """What differs between two compilations.

    Parameters
    ----------
    before, after : ReportData
    measures : tuple of Measure
        The names are those of `oscc.compiler.report.thresholds.Thresholds`.
    codes : tuple of CodeChanges or None
        Cell by cell, of the units and DACs that either uses; None when one has no program, or the cores differ in grid,
        stencil or chunks.
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
        """The difference as JSON, schema ``oscc.diff/1``."""
        return {
            "schema": "oscc.diff/1",
            "verdict": {"before": self.before.verdict, "after": self.after.verdict},
            "model": {"before": self.before.inputs.model_sha256, "after": self.after.inputs.model_sha256},
            "core": {"before": self.before.inputs.core_sha256, "after": self.after.inputs.core_sha256},
            "findings": {side: dict(_counts(data)) for side, data in self._sides()},
            "measures": {
                each.name: {"before": each.before, "after": each.after, "change": each.change} for each in self.measures
            },
            "codes": None
            if self.codes is None
            else {
                each.group: {"values": each.values, "changed": each.changed, "by_chunk": list(each.by_chunk)}
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
    """What differs between two output folders of `oscc compile`.

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
    """Changes by group, of all codes that are not 0 in both."""
    codes, slots, stencils = [], [], []
    for path in (before, after):
        folder = read_output_folder(path)
        core = load_core(folder.core)
        codes.append(read_program(folder.program).codes(core))
        slots.append(core.slots)
        stencils.append(core.unit_stencil.offsets)
    one, other = codes
    # Slot for slot, codes mean the same only where slots have the same offsets.
    if one.shape != other.shape or stencils[0] != stencils[1]:
        return None
    groups = [slice(0, slots[0]), *(slice(slots[0] + index, slots[0] + index + 1) for index in range(3))]
    return tuple(_changes(name, one[..., part], other[..., part]) for name, part in zip(GROUPS, groups, strict=True))


def _changes(group: str, one: NDArray[np.int8], other: NDArray[np.int8]) -> CodeChanges:
    used, different = (one != 0) | (other != 0), one != other
    by_chunk = different.reshape(len(different), -1).sum(axis=1)
    return CodeChanges(group, int(used.sum()), int(different.sum()), tuple(by_chunk.tolist()))
