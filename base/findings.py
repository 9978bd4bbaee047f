"""Findings: what a check has to say, with the numbers that anyone can re-check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_LISTED = 20
"""Findings of one cause that are listed one by one; the rest is counted."""


@dataclass(frozen=True)
class Finding:
    """One reason why the answer is no.

    Parameters
    ----------
    code : str
        Stable name of the kind of finding; docs/architecture.md lists them.
    message : str
        One line: what does not fit, with its coordinates. Numbers of nodes, and only they, follow the word "node",
        "nodes" or "nodes:", so that `oscc.compiler.diagnosis.finding_names` can put names in their place.
    fix : str
        One line: what would make it fit.
    witness : dict
        Numbers from which the finding can be re-checked, such as cells [row, col], couplings [src, dst], demand and
        capacity; values are JSON.
    proof : bool
        True when the finding proves that it cannot fit as it stands; False for "not found within the search".
    nodes : dict of str to str
        What the file of the model calls the nodes of the finding, by their numbers; empty where it calls them so.
    """

    code: str
    message: str
    fix: str
    witness: dict[str, Any] = field(default_factory=dict)
    proof: bool = True
    nodes: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON; ``nodes`` only where there are names."""
        return {
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "witness": self.witness,
            "proof": self.proof,
            **({"nodes": self.nodes} if self.nodes else {}),
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


class FindingsError(Exception):
    """Raised by a pass whose answer is no: every finding of its check.

    Parameters
    ----------
    findings : iterable of Finding
        At least one.
    about : object, optional
        The level that they are about, where that is not what the pass was given: a placement that was tried.
    """

    def __init__(self, findings: Iterable[Finding], about: Any = None) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        self.about = about
        if not self.findings:
            raise ValueError("a FindingsError needs a finding")
        first = self.findings[0]
        more = f" (and {len(self.findings) - 1} more findings)" if len(self.findings) > 1 else ""
        super().__init__(f"{first.code}: {first.message}{more}")


def raise_first(findings: Iterable[Finding]) -> None:
    """Raise the first finding, if there is one.

    Raises
    ------
    FindingError
    """
    for finding in findings:
        raise FindingError(finding)


def finding_codes(findings: Iterable[Finding]) -> str:
    """Return the codes among findings with their numbers, such as ``R001, R005 (3)``; ``none`` without any.

    Parameters
    ----------
    findings : iterable of Finding
    """
    count = Counter(finding.code for finding in findings)
    return ", ".join(code if number == 1 else f"{code} ({number})" for code, number in count.items()) or "none"


def is_empty(findings: Iterable[Finding]) -> bool:
    """Return whether a check found nothing."""
    return next(iter(findings), None) is None


def counted(count: int, what: str) -> str:
    """Return a number with its noun, such as ``1 node`` or ``2 nodes``.

    Parameters
    ----------
    count : int
    what : str
        The noun for one.
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
