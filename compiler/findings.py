"""Findings: what a check has to say, with the numbers that anyone can re-check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One reason why the answer is no.

    Parameters
    ----------
    code : str
        Stable name of the kind of finding; docs/architecture.md lists them.
    message : str
        One line: what does not fit, with its coordinates.
    fix : str
        One line: what would make it fit.
    witness : dict
        Numbers from which the finding can be re-checked, such as cells [row, col], couplings [src, dst], demand and
        capacity; values are JSON.
    proof : bool
        True when the finding proves that it cannot fit as it stands; False for "not found within the search".
    """

    code: str
    message: str
    fix: str
    witness: dict[str, Any] = field(default_factory=dict)
    proof: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "witness": self.witness,
            "proof": self.proof,
        }


class FindingError(Exception):
    """Raised by every ``verify_X``: the first finding of the check.

    Parameters
    ----------
    finding : Finding
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.code}: {finding.message}")
        self.finding = finding


def raise_first(findings: Iterable[Finding]) -> None:
    """Raise the first finding, if there is one.

    Raises
    ------
    FindingError
    """
    for finding in findings:
        raise FindingError(finding)


def is_empty(findings: Iterable[Finding]) -> bool:
    """Whether a check has nothing to say."""
    return next(iter(findings), None) is None
