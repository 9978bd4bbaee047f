"""`ReportData`: every figure of a report, and its JSON under a published schema.

The parts are as the compiler's own reports have them (`routing_report`, `quantization_report`), so that a figure is
computed once. `report.schema.json` beside this file is the schema of what `report_json` writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.precision.code_use import GroupUse
from oscc.report.listed_findings import ListedCause, ListedFinding

SCHEMA = "oscc.report/1"
"""Content of key ``schema`` of the JSON."""

Rows = tuple[tuple[int, ...], ...]
"""A number for every cell or boundary, row by row."""

Counts = tuple[tuple[int, int], ...]
"""A histogram: rows [value, how many]."""


@dataclass(frozen=True)
class Degree:
    """Couplings into the nodes: the most, what the stencil allows, and rows [couplings, nodes]."""

    maximum: int
    limit: int
    histogram: Counts


@dataclass(frozen=True)
class Slots:
    """Coupling units: how many there are and are used, and rows [drow, dcol, units used]."""

    available: int
    used: int
    by_slot: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Direction:
    """Wires over the boundaries between columns or rows; ``at`` are the cells at the first of the busiest."""

    peak: int
    mean: float
    at: tuple[tuple[int, int], tuple[int, int]] | None
    demand: Rows


@dataclass(frozen=True)
class Boundaries:
    """Wires over all boundaries, and the tracks of one (``capacity``)."""

    capacity: int
    peak: int
    across_columns: Direction
    across_rows: Direction

    @property
    def over(self) -> int:
        """Boundaries with more wires than tracks."""
        directions = (self.across_columns, self.across_rows)
        return sum(wires > self.capacity for each in directions for row in each.demand for wires in row)


@dataclass(frozen=True)
class Wires:
    """Wires: how many, the longest and the sum of all [boundaries], rows [boundaries, wires], rounds of negotiation."""

    count: int
    longest: int
    total: int
    lengths: Counts
    rounds: int


@dataclass(frozen=True)
class Cells:
    """The cells of the grid: node (-1 for none), couplings into it (-1), units used, findings that name it."""

    grid: tuple[int, int]
    node: Rows
    degree: Rows
    units: Rows
    findings: Rows | None = None


@dataclass(frozen=True)
class Defects:
    """What is dead, rows [row, col] and rows [row, col, slot]; cells of another gain, rows [row, col, gain]."""

    cells: tuple[tuple[int, int], ...]
    slots: tuple[tuple[int, int, int], ...]
    gain: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True)
class Routing:
    """The placement and its wires, as in reports/routing.json; ``displacements`` are [drow, dcol, slot, couplings]."""

    transform: str
    degree: Degree
    displacements: tuple[tuple[int, int, int | None, int], ...]
    slots: Slots
    boundaries: Boundaries
    wires: Wires
    cells: Cells
    defects: Defects


@dataclass(frozen=True)
class TimeScale:
    """Seconds per unit of model time and clock cycles of each chunk, and what decided them."""

    tau_s: tuple[float, ...]
    run_cycles: tuple[int, ...]
    active_by_chunk: tuple[str, ...]
    active: str
    bounds_s: dict[str, float]


@dataclass(frozen=True)
class Group:
    """What quantization did to a group of DACs; errors in LSB, ``histogram`` rows [code, how many]."""

    bits: int
    full_scale_rad_s: float
    forbidden: tuple[int, ...]
    lsb: tuple[float, ...]
    values: int
    rms_lsb: float
    max_lsb: float
    clipped: int
    zeroed: int
    sign_changed: int
    histogram: Counts


@dataclass(frozen=True)
class Quantization:
    """Time scale and codes, as reports/quantization.json has them."""

    time_scale: TimeScale
    groups: dict[str, Group]


@dataclass(frozen=True)
class Resource:
    """How much of something a compilation takes: ``used`` and ``available`` in ``unit``."""

    name: str
    used: int
    available: int
    unit: str


@dataclass(frozen=True)
class FindingCount:
    """How many findings of a code there are, and whether they are proofs."""

    code: str
    count: int
    proof: bool


@dataclass(frozen=True)
class Findings:
    """What does not fit: its ``causes``, the most fundamental first, and how many findings they stand for."""

    total: int
    by_code: tuple[FindingCount, ...]
    causes: tuple[ListedCause, ...]

    @property
    def listed(self) -> tuple[ListedFinding, ...]:
        """Each cause, and behind it its examples."""
        return tuple(finding for cause in self.causes for finding in (cause, *cause.examples))


@dataclass(frozen=True)
class Witnesses:
    """How many findings an independent check re-computed, codes that there is none for, and where it disagrees."""

    checked: int
    findings: int
    without_check: tuple[str, ...]
    disagreeing: tuple[str, ...]


@dataclass(frozen=True)
class WhatIfEntry:
    """A change that would make the model fit, and what it costs."""

    kind: str
    change: str
    cost: dict[str, float | int | str | None]


@dataclass(frozen=True)
class WhatIf:
    """Entries of reports/whatif.json, in its order."""

    entries: tuple[WhatIfEntry, ...]


@dataclass(frozen=True)
class Histogram:
    """Counts, and the edges of their bins."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class SolveValues:
    """Values of the samples of a problem."""

    best: float
    mean: float
    spread: float
    quartiles: tuple[float, float, float]
    times_best: int
    histogram: Histogram


@dataclass(frozen=True)
class Solve:
    """What `oscc solve` found, as reports/solve.json has it."""

    problem: str
    quantity: str
    spins: int
    samples: int
    seed: int
    best_sample: int
    values: SolveValues


@dataclass(frozen=True)
class Inputs:
    """What was compiled, how, and what was changed first; hashes are SHA-256 in hexadecimal."""

    model_file: str
    model_sha256: str
    core_sha256: str
    spec_hash: str
    options: dict[str, Any]
    problem: dict[str, Any] | None
    changes: dict[str, Any] | None
    tool: str


@dataclass(frozen=True)
class ProgramFile:
    """The program that came out."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class ReportData:
    """Every figure of a report.

    Parameters
    ----------
    schema : str
        `SCHEMA`.
    verdict : {"fits", "does not fit"}
    model, family, core : str
        Names.
    nodes, couplings, chunks, weight_bits : int
        Of the model; ``weight_bits`` of all codes that the core holds.
    cycles_per_sample : int or None
    samples_per_second : float or None
        In steady state; None when the model does not fit.
    resources : tuple of Resource
        What is used of what there is.
    inputs : Inputs
    program : ProgramFile or None
    routing : Routing or None
        None when there is not even a placement to show.
    quantization : Quantization or None
        None when the model does not fit, or was only checked.
    code_use : dict of str to GroupUse, or None
        How the codes serve the parameters, by DAC group; None as for ``quantization``.
    warnings : tuple of CodeWarning
        Why a model that fits may not do what it was made for.
    findings : Findings
    witnesses : Witnesses or None
    what_if : WhatIf or None
    solve : Solve or None
    """

    schema: Literal["oscc.report/1"]
    verdict: Literal["fits", "does not fit"]
    model: str
    family: str
    core: str
    nodes: int
    couplings: int
    chunks: int
    weight_bits: int
    cycles_per_sample: int | None
    samples_per_second: float | None
    resources: tuple[Resource, ...]
    inputs: Inputs
    program: ProgramFile | None
    routing: Routing | None
    quantization: Quantization | None
    code_use: dict[str, GroupUse] | None
    warnings: tuple[CodeWarning, ...]
    findings: Findings
    witnesses: Witnesses | None
    what_if: WhatIf | None
    solve: Solve | None

    @property
    def fits(self) -> bool:
        """Whether the model fits."""
        return self.verdict == "fits"


def report_json(data: ReportData) -> str:
    """Return a report as JSON, one line: keys sorted, the same for the same data.

    Parameters
    ----------
    data : ReportData
    """
    content = TypeAdapter(ReportData).dump_python(data, mode="json")
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def report_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of what `report_json` writes; report.schema.json holds it."""
    schema = TypeAdapter(ReportData).json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        part["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:oscc:report:1", **schema}
