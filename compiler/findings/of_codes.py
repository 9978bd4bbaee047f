"""Kinds of warnings: a model that fits, and yet will not work, or not as it was meant (codes W)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar

PLACE = "oscc.compiler.precision.code_warning_texts"

Numbers = TypeVar("Numbers")


@dataclass(frozen=True)
class CodeWarning:
    """One reason why a model that fits may not do what it was made for.

    Parameters
    ----------
    code : str
        Stable name of the kind of warning; docs/architecture.md lists them.
    message : str
        One line: what is lost, with its numbers.
    advice : str
        One line: what would keep it, or that nothing in the core's reach does.
    numbers : dict
        From which it can be re-checked; values are JSON.
    """

    code: str
    message: str
    advice: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the warning as JSON."""
        return {"code": self.code, "message": self.message, "advice": self.advice, "numbers": self.numbers}


@dataclass(frozen=True, eq=False)
class WarningKind(Generic[Numbers]):
    """What all warnings of one code have in common. Each is declared once.

    Parameters
    ----------
    code : str
        Stable name, such as ``W001``.
    title : str
        What became of the parameters, in a word or two.
    place : str
        Module that gives such warnings.
    numbers : type
        What their numbers are, as a typed dict.
    """

    code: str
    title: str
    place: str
    numbers: type[Numbers]

    def warning(self, message: str, advice: str, numbers: dict[str, Any]) -> CodeWarning:
        """Return a warning of this kind.

        Parameters
        ----------
        message, advice : str
        numbers : dict
        """
        return CodeWarning(self.code, message, advice, numbers)


class EnergyNumbers(TypedDict, total=False):
    """What the codes make of the energy of a problem; only of problems."""

    largest_error: float
    field_error: float
    coupling_error: float
    correlation: float


class DeadNumbers(TypedDict):
    """Parameters of a group, those that are not 0, and their codes; what ends the warning."""

    group: str
    parameters: int
    not_zero: int
    codes_not_zero: int
    share: float
    bits: int
    code_step: float
    remedies: list[dict[str, Any]]


class RoughNumbers(EnergyNumbers):
    """Chunks in which rounding takes much of a group, and how much in the worst of them."""

    group: str
    chunks: list[int]
    error: float
    zeroed: int
    not_zero: int
    codes_used: int
    codes_available: int
    remedies: list[dict[str, Any]]


class MergedNumbers(EnergyNumbers):
    """How many parameters of a group share a code, and from where to where they range."""

    group: str
    count: int
    values: int
    merged: float
    crowd: int
    least: float
    most: float
    code_step: float
    remedies: list[dict[str, Any]]


class WithoutClip(EnergyNumbers, total=False):
    """What would end that parameters saturate: a tau [s], or so many cycles; and the energy then."""

    needed_tau_s: float
    cycles_without_clip: int
    largest_error_without_clip: float


class SaturatedNumbers(WithoutClip):
    """Parameters of a group that saturate, and what would end that."""

    group: str
    saturated: int
    parameters: int
    times_full_scale: float
    error: float


class VanishedNumbers(EnergyNumbers):
    """Parameters of a group that became 0 or changed their sign, and from where to where all of them range."""

    group: str
    zeroed: int
    sign_changed: int
    not_zero: int
    least: float
    most: float
    code_step: float
    remedies: list[dict[str, Any]]


class EndNumbers(TypedDict):
    """Codes of the largest magnitude, and how many times as often they come as the others."""

    group: str
    at_ends: int
    codes_not_zero: int
    ratio: float


DEAD_CODES = WarningKind("W001", "dead", PLACE, DeadNumbers)
ROUGH_CODES = WarningKind("W002", "rough", PLACE, RoughNumbers)
MERGED_CODES = WarningKind("W003", "merged", PLACE, MergedNumbers)
SATURATED_CODES = WarningKind("W004", "saturated", PLACE, SaturatedNumbers)
VANISHED_CODES = WarningKind("W005", "vanished", PLACE, VanishedNumbers)
END_CODES = WarningKind("W006", "at the ends", PLACE, EndNumbers)
