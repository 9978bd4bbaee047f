"""Kinds of findings about a schedule (codes T)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.core.schedule_proof"
MODEL = "oscc.core.sequencer_model"
UNCHECKED = "the model of the sequencer is the proof; benches hold the gateware to it"


class ScheduleLength(TypedDict):
    """Instructions of a schedule, and how many the memory holds."""

    instructions: int
    depth: int


class WrongOperand(TypedDict):
    """An instruction whose operand is not below a limit."""

    instruction: int
    operand: int
    limit: int


class AtInstruction(TypedDict):
    """Address of an instruction."""

    instruction: int


class UntimedCount(TypedDict):
    """An instruction that is one too many without duration."""

    instruction: int
    count: int
    limit: int


class SampleWithout(AtInstruction):
    """A sample, and what it lacks."""

    missing: str


class Wait(TypedDict):
    """An instruction that waits, how long, and for what."""

    instruction: int
    missing_cycles: int
    cause: str


class SampleCycles(TypedDict):
    """Cycles of a sample, and the budget."""

    cycles: int
    cycles_per_sample: int


class GroupCount(TypedDict):
    """Groups of instructions that were followed."""

    groups: int


class Followed(TypedDict):
    """Instructions of a schedule, and groups of them that were followed."""

    instructions: int
    groups: int


ILLEGAL_OPERAND: FindingKind[ScheduleLength | WrongOperand] = FindingKind(
    "T001",
    "an operand that does not exist, or more instructions than the memory holds",
    PLACE,
    (ScheduleLength, WrongOperand),
    unchecked=UNCHECKED,
)
NO_END = FindingKind(
    "T002", "the last instruction is neither stop nor an endless repeat", PLACE, (AtInstruction,), unchecked=UNCHECKED
)
CROWDED_INSTRUCTIONS = FindingKind(
    "T003", "too many instructions without duration in a row", MODEL, (UntimedCount,), unchecked=UNCHECKED
)
COMMIT_WITHOUT_LOAD = FindingKind("T004", "a commit without a load", MODEL, (AtInstruction,), unchecked=UNCHECKED)
SAMPLE_WITHOUT_RUN = FindingKind(
    "T005", "a sample without an init and a run", MODEL, (SampleWithout,), unchecked=UNCHECKED
)
LATE_COMMIT = FindingKind("T006", "a commit waits for its load", PLACE, (Wait,), unchecked=UNCHECKED)
LATE_INSTRUCTION = FindingKind(
    "T007", "a load, a sample or a fetch waits in steady state", PLACE, (Wait,), unchecked=UNCHECKED
)
OVER_BUDGET = FindingKind(
    "T008", "a sample takes more cycles than the core's budget", PLACE, (SampleCycles,), unchecked=UNCHECKED
)
ENDLESS_LOOP = FindingKind(
    "T009", "an endless loop without an init or a run", MODEL, (AtInstruction,), unchecked=UNCHECKED
)
RUN_WITHOUT_COMMIT = FindingKind("T010", "a run before any commit", MODEL, (AtInstruction,), unchecked=UNCHECKED)
NO_STEADY_STATE = FindingKind(
    "T011",
    "neither an end nor a steady state was found",
    PLACE,
    (GroupCount,),
    proof=False,
    unchecked="a search that found nothing has nothing to re-compute",
)
NO_SAMPLE = FindingKind("T012", "the schedule never samples", PLACE, (Followed,), unchecked=UNCHECKED)
KINDS = (
    ILLEGAL_OPERAND,
    NO_END,
    CROWDED_INSTRUCTIONS,
    COMMIT_WITHOUT_LOAD,
    SAMPLE_WITHOUT_RUN,
    LATE_COMMIT,
    LATE_INSTRUCTION,
    OVER_BUDGET,
    ENDLESS_LOOP,
    RUN_WITHOUT_COMMIT,
    NO_STEADY_STATE,
    NO_SAMPLE,
)
"""All of them."""
