"""Findings as a report lists them: what the manifest of a folder, or a result, says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ListedFinding:
    """One reason why a model does not fit, as `oscc.base.findings.Finding.as_dict` has it."""

    code: str
    message: str
    fix: str
    witness: dict[str, Any] = field(default_factory=dict)
    proof: bool = True
    nodes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedCause(ListedFinding):
    """A finding that stands for others, as `oscc.compiler.diagnosis.causes.Cause.as_dict` has it."""

    count: int = 1
    consequences: dict[str, int] = field(default_factory=dict)
    examples: tuple[ListedFinding, ...] = ()

    def totals(self) -> Counter[str]:
        """Return how many findings of each code the cause stands for."""
        return Counter({self.code: self.count}) + Counter(self.consequences)
