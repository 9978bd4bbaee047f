"""Findings as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from oscc.base.findings import Finding
from oscc.compiler.diagnosis.causes import Cause

EXAMPLES = 3
"""Examples of a cause that are told; its JSON has more."""


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Return findings as lines: what does not fit, then, indented, what would make it fit and what follows from it.

    Parameters
    ----------
    findings : sequence of Finding
        Causes among them are told with their consequences and the first examples. Findings of one code that have the
        same fix and follow each other are followed by it once.
    """
    for place, finding in enumerate(findings):
        proof = "" if finding.proof else " (not a proof)"
        yield f"{finding.code}{proof}: {finding.message}"
        following = findings[place + 1] if place + 1 < len(findings) else None
        if following is None or (following.code, following.fix) != (finding.code, finding.fix):
            yield f"    {finding.fix}"
        if isinstance(finding, Cause):
            yield from _more_lines(finding)


def _more_lines(cause: Cause) -> Iterator[str]:
    same = [example for example in cause.examples if cause.count > 1 and example.code == cause.code]
    told = [example for example in cause.examples if example not in same]
    for example in same[:EXAMPLES]:
        yield f"    such as: {example.message}"
    counts = Counter(cause.consequences)
    counts.subtract(example.code for example in told)
    follow = [f"{count:,} of {code}" for code, count in counts.items() if count > 0]
    if follow:
        yield f"    from it follow {', '.join(follow)}"
    for example in told:
        proof = "" if example.proof else " (not a proof)"
        yield f"    {example.code}{proof}: {example.message}"
