"""What synthesis found, as data, JSON and Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oscc.base.findings import Finding
from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.findings import TOO_LARGE
from oscc.rtl.synthesis.memories import MemoryMacro
from oscc.rtl.synthesis.result_files import SCHEMA
from oscc.rtl.synthesis.timing import Timing, TimingPath


@dataclass(frozen=True)
class Resource:
    """How much of something a core takes.

    Parameters
    ----------
    name : str
    bel : str
        What nextpnr calls it.
    used : int
        By the core, without the harness.
    harness : int
    available : int
    """

    name: str
    bel: str
    used: int
    harness: int
    available: int

    @property
    def total(self) -> int:
        """Return what was placed: core and harness."""
        return self.used + self.harness


@dataclass(frozen=True)
class CellArea:
    """Cells of one type; ``area`` of all of them in NAND2 equivalents."""

    name: str
    count: int
    area: float


@dataclass(frozen=True)
class ComponentArea:
    """Components of one name, ``*`` standing for numbers; ``area`` of all of them, with what is inside them."""

    name: str
    count: int
    area: float


@dataclass(frozen=True)
class Area:
    """Cell area in NAND2 equivalents, without memories.

    Parameters
    ----------
    total, sequential : float
        Of the core optimised as a whole; the second is the flip-flops' part.
    by_component_total : float
        Of the core when each component is optimised by itself, which the areas of ``components`` refer to.
    cells : tuple of CellArea
    components : tuple of ComponentArea
    """

    total: float
    sequential: float
    by_component_total: float
    cells: tuple[CellArea, ...]
    components: tuple[ComponentArea, ...]


@dataclass(frozen=True)
class SynthesisResult:
    """What one target has to say about a core.

    Parameters
    ----------
    target : {"ecp5", "ice40", "asic"}
    device : str
    core : CoreSpec
    tools : tuple of str
        Tools with their versions.
    cells : dict of str to int
        Cells of the core by type, as Yosys mapped it.
    memories : tuple of MemoryMacro
    seed : int or None
        Of the placement.
    harness_cells : dict of str to int
        Cells of the harness by type; they are in no other figure.
    resources : tuple of Resource
    floorplanned : int
        Block RAMs of the weight banks that were given places before the placer ran; 0 when the device has no floorplan
        or the banks do not fit it.
    timing : Timing or None
        None for an ASIC, and when the core does not fit.
    area : Area or None
        For an ASIC.
    findings : tuple of Finding
        Y001 does not fit, Y002 slower than the target.
    """

    target: str
    device: str
    core: CoreSpec
    tools: tuple[str, ...]
    cells: Mapping[str, int]
    memories: tuple[MemoryMacro, ...]
    seed: int | None = None
    harness_cells: Mapping[str, int] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    floorplanned: int = 0
    timing: Timing | None = None
    area: Area | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def fits(self) -> bool:
        """Return whether the device holds the core."""
        return all(finding.kind is not TOO_LARGE for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON; the same inputs and tools give the same bytes."""
        timing = None
        if self.timing is not None:
            timing = dataclasses.asdict(self.timing) | {"met": self.timing.met}
        return {
            "schema": SCHEMA,
            "target": self.target,
            "device": self.device,
            "core": {
                "name": self.core.name,
                "spec_hash": self.core.hash,
                "grid": list(self.core.grid),
                "chunks": self.core.chunks,
                "word_bits": self.core.word_bits,
                "check_bits": self.core.check_bits,
            },
            "tools": list(self.tools),
            "seed": self.seed,
            "fits": self.fits,
            "resources": [dataclasses.asdict(resource) for resource in self.resources],
            "floorplanned": self.floorplanned,
            "cells": dict(self.cells),
            "harness_cells": dict(self.harness_cells),
            "memories": [dataclasses.asdict(memory) | {"bits": memory.bits} for memory in self.memories],
            "timing": timing,
            "area": None if self.area is None else dataclasses.asdict(self.area),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def markdown(result: SynthesisResult) -> str:
    """Return the whole result as Markdown.

    Parameters
    ----------
    result : SynthesisResult
    """
    parts = [f"# {result.core.name}: target {result.target}", f"{result.device}. {', '.join(result.tools)}."]
    parts += [f"**{finding.code}** {finding.message}. {finding.fix}." for finding in result.findings]
    if result.resources:
        rows = [(r.name, r.used, r.harness, r.available) for r in result.resources]
        parts.append(markdown_table(("resource", "core", "harness, not in it", "device"), rows))
    if result.floorplanned:
        parts.append(f"{result.floorplanned} block RAMs of the weight banks have places of the floorplan.")
    if result.timing is not None:
        timing = result.timing
        target = f"target {timing.target_mhz:g} MHz {'reached' if timing.met else 'missed'}, seed {result.seed}"
        parts.append(f"{timing.achieved_mhz:g} MHz after placement and routing, {target}.")
        parts.append("## Critical path")
        parts.append(_path_table(timing.critical_path))
        parts.append("## Latest arrivals")
        parts.append(
            markdown_table(("register", "ns"), [(end.name, f"{end.delay_ns:.2f}") for end in timing.endpoints])
        )
        if timing.reset_path is not None:
            parts.append("## Reset, from its pin (not in the figure above)")
            parts.append(_path_table(timing.reset_path))
    if result.area is not None:
        parts += _area_parts(result.area)
    parts.append("## Memories")
    columns = ("memory", "kind", "words", "bits per word", "read ports", "write ports", "instances", "bits in all")
    memories = [
        (m.name, m.kind, m.depth, m.width, m.read_ports, m.write_ports, m.count, m.bits) for m in result.memories
    ]
    parts.append(markdown_table(columns, memories))
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)


def _area_parts(area: Area) -> list[str]:
    """Return the paragraphs about area."""
    return [
        f"{area.total:g} NAND2 equivalents, {area.sequential:g} of them flip-flops; memories are not included.",
        markdown_table(("cell", "number", "area"), [(cell.name, cell.count, f"{cell.area:g}") for cell in area.cells]),
        f"## Components, each with what is inside it, optimised by itself ({area.by_component_total:g} in all)",
        markdown_table(
            ("component", "instances", "area of all"), [(c.name, c.count, f"{c.area:g}") for c in area.components]
        ),
    ]


def _path_table(path: TimingPath) -> str:
    """Return a path as a table, a row per hop."""
    rows = [(hop.kind, f"{hop.delay_ns:.2f}", f"{hop.cell}.{hop.port}") for hop in path.hops]
    rows.append(("sum", f"{path.delay_ns:.2f}", f"{path.logic_levels} cells, {path.routing_ns:.2f} ns of wires"))
    return markdown_table(("step", "ns", "to"), rows)
