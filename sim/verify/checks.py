"""Lines of a verification: what was checked, what was measured, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Status(Enum):
    """Outcome of a check."""

    PASS = "PASS"
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class CheckLine:
    """One line of a verification.

    Parameters
    ----------
    name : str
        What was checked; stable, tests and scripts refer to it.
    subject : str
        The engine, or ``program`` for what concerns no engine.
    status : Status
    measured : str
        What was found, with units.
    limit : str
        What is accepted.
    detail : str
        On failure: where, and what was expected. On a skip: why, and what to do about it.
    """

    name: str
    subject: str
    status: Status
    measured: str = ""
    limit: str = ""
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the line as JSON."""
        return {
            "check": self.name,
            "subject": self.subject,
            "status": self.status.value,
            "measured": self.measured,
            "limit": self.limit,
            "detail": self.detail,
        }


def judge(name: str, subject: str, good: bool, measured: str, limit: str, detail: str = "") -> CheckLine:
    """Return a line that passes or fails; the detail is kept only when it fails."""
    status = Status.PASS if good else Status.FAIL
    return CheckLine(name, subject, status, measured, limit, "" if good else detail)


def skipped(name: str, subject: str, why: str) -> CheckLine:
    """Return a line of a check that was not run."""
    return CheckLine(name, subject, Status.SKIPPED, detail=why)


@dataclass(frozen=True)
class Verdict:
    """All lines of a verification.

    Parameters
    ----------
    lines : tuple of CheckLine
    """

    lines: tuple[CheckLine, ...]

    def count(self, status: Status) -> int:
        """Return how many lines have a status."""
        return sum(line.status is status for line in self.lines)

    @property
    def passed(self) -> bool:
        """Whether nothing failed; skipped lines are not failures, but see `complete`."""
        return not self.count(Status.FAIL)

    @property
    def complete(self) -> bool:
        """Whether every check was run."""
        return not self.count(Status.SKIPPED)

    def red(self) -> tuple[str, ...]:
        """Return names of the lines that failed, in order, without repetition."""
        return tuple(dict.fromkeys(line.name for line in self.lines if line.status is Status.FAIL))

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        return {
            "passed": self.passed,
            "complete": self.complete,
            "counts": {status.value: self.count(status) for status in Status},
            "checks": [line.as_dict() for line in self.lines],
        }


def verdict_table(lines: Sequence[CheckLine]) -> str:
    """Return the lines as plain text, details below the line that they belong to."""
    head = ("status", "subject", "check", "measured", "limit")
    rows = [(line.status.value, line.subject, line.name, line.measured, line.limit) for line in lines]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def text(row: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

    printed = [text(head), text(["-" * width for width in widths])]
    for line, row in zip(lines, rows, strict=True):
        printed.append(text(row))
        if line.detail:
            printed.append(f"{' ' * (widths[0] + 2)}{line.detail}")
    return "\n".join(printed) + "\n"
