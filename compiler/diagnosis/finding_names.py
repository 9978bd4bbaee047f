"""Findings with the names that the file of a model gives to its nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from oscc.base.findings import Finding
from oscc.base.node_labels import node_label
from oscc.compiler.diagnosis.causes import Cause

Named = TypeVar("Named", bound=Finding)

NODES = re.compile(r"\b(?:(node )(\d+)|(nodes:? )(\d+(?:(?:, | and )\d+)*))\b")
"""Where a message names nodes by their numbers: one behind "node", several behind "nodes"."""


def name_nodes(finding: Named, labels: Sequence[str]) -> Named:
    """Return a finding whose message and examples name nodes as a file does, with ``nodes`` filled in.

    Parameters
    ----------
    finding : Finding
        A cause's examples are named, too.
    labels : sequence of str
        Of all nodes, as `oscc.base.node_labels.node_label` takes them; with none, the finding stays as it is.
    """
    if not labels:
        return finding
    message, witness = finding.message, finding.witness
    if "src" in witness and "dst" in witness:
        message += f" (from node {witness['src']} into node {witness['dst']})"
    found = {int(number) for part in NODES.finditer(message) for number in re.findall(r"\d+", part[2] or part[4])}
    known = {str(node): labels[node] for node in sorted(found) if node < len(labels)}

    def named(part: re.Match[str]) -> str:
        return (part[1] or part[3]) + re.sub(
            r"\d+",
            lambda number: node_label(labels, int(number[0])) if number[0] in known else number[0],
            part[2] or part[4],
        )

    changed = replace(finding, message=NODES.sub(named, message), nodes=known)
    if isinstance(changed, Cause):
        return replace(changed, examples=tuple(name_nodes(example, labels) for example in changed.examples))
    return changed
