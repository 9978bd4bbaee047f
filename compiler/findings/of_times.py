"""Kinds of findings about the time scale of a model (codes S), and about the length of its schedule (P)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.compiler.passes.time_scale_check"
CHECKS = "oscc.compiler.feasibility.witnesses.of_times"


class Timing(TypedDict):
    """Cycles of runs, tau [s] of each chunk, the bounds [s] of tau, and the one that decided."""

    run_cycles: list[int]
    init_cycles: int
    cycles: int
    tau_s: list[float]
    bounds_s: dict[str, float]
    active: str


class OverBudget(Timing):
    """Against the budget of the core."""

    cycles_per_sample: int


class ShortRun(Timing):
    """The first of several runs, against a load or a fetch."""

    chunk: int
    least_run_cycles: int


class ShortSample(Timing):
    """Against the cycles of a read-out."""

    readout_cycles: int


class BeyondFullScale(Timing):
    """Parameters of a DAC group that are beyond full scale, and the tau [s] that they need."""

    given: bool
    group: str
    count: int
    values: int
    needed_tau_s: float


class LongRun(TypedDict):
    """The first of several runs, against the cycles that an instruction holds."""

    chunk: int
    count: int
    most_cycles: int
    bounds_s: dict[str, float]
    active: str
    chunk_duration: list[float]
    clock_hz: float


class Instructions(TypedDict):
    """Chunks, the instructions that they take, and how many the memory holds."""

    chunks: int
    instructions: int
    depth: int


TOO_MANY_CYCLES = FindingKind(
    "S001", "a sample takes more cycles than the budget", PLACE, (OverBudget,), check=f"{CHECKS}:over_budget"
)
SHORT_RUN = FindingKind(
    "S002", "a run is shorter than a load or a fetch", PLACE, (ShortRun,), check=f"{CHECKS}:short_run"
)
SHORT_SAMPLE = FindingKind(
    "S003", "a sample is shorter than a read-out", PLACE, (ShortSample,), check=f"{CHECKS}:short_sample"
)
BEYOND_FULL_SCALE = FindingKind(
    "S004",
    "parameters are beyond full scale in a group that may not clip",
    PLACE,
    (BeyondFullScale,),
    check=f"{CHECKS}:beyond_full_scale",
)
LONG_RUN = FindingKind(
    "S005", "a run is longer than the 24 bits of its instruction hold", PLACE, (LongRun,), check=f"{CHECKS}:too_long"
)
TIMES = (TOO_MANY_CYCLES, SHORT_RUN, SHORT_SAMPLE, BEYOND_FULL_SCALE, LONG_RUN)
"""All that are about a time scale."""

LONG_SCHEDULE = FindingKind(
    "P001",
    "the schedule does not fit the schedule memory",
    "oscc.compiler.passes.schedule",
    (Instructions,),
    unchecked="it counts a list",
)
