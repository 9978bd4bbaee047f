"""Findings: what a check has to say, with the numbers that anyone can re-check; and their kinds, each declared once."""

from __future__ import annotations

import dataclasses
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Self, TypeVar

from oscc.base.node_labels import printable

MAX_LISTED = 20
"""Findings of one cause that are listed one by one; the rest is counted."""

Witness = TypeVar("Witness", bound=Mapping[str, object])


class Node(NamedTuple):
    """A node that a message names: by its number, or as the file of the model calls it."""

    number: int


Words = tuple[str | Node, ...]
"""A message in parts: text as it is, and the nodes that it names."""


def listed_nodes(nodes: Iterable[int]) -> Words:
    """Return nodes as parts of a message, with commas between them.

    Parameters
    ----------
    nodes : iterable of int
    """
    words: list[str | Node] = []
    for node in nodes:
        words += [", ", Node(node)]
    return tuple(words[1:])


@dataclass(frozen=True, eq=False)
class FindingKind(Generic[Witness]):
    """What all findings of one code have in common. Each is declared once, and two are the same if they are one object.

    Parameters
    ----------
    code : str
        Stable name, such as ``R001``.
    title : str
        What is so, in a few words.
    place : str
        Module that yields such findings.
    witness : tuple of type
        What their witnesses hold: a typed dict for each form that they have.
    proof : bool
        Whether such a finding proves that it cannot fit as it stands; False for "not found within the search".
    of_placement : bool
        Whether it is about a placement as it stands, so that another placement may be rid of it.
    check : str
        Function that re-computes a witness and shares no code with what made it, as ``module:function``; empty where
        there is none.
    count : str
        Function that counts anew how many such findings a placement has; empty where there is none.
    unchecked : str
        Why there is no such check; empty where there is one.

    Raises
    ------
    ValueError
        When there is neither a check nor a reason, or both.
    """

    code: str
    title: str
    place: str
    witness: tuple[type[Witness], ...]
    proof: bool = True
    of_placement: bool = False
    check: str = ""
    count: str = ""
    unchecked: str = ""

    def __post_init__(self) -> None:
        if bool(self.check) == bool(self.unchecked):
            raise ValueError(f"{self.code}: either an independent check, or why there is none")

    def finding(self, message: str | Sequence[str | Node], fix: str | Sequence[str], witness: Witness) -> Finding:
        """Return a finding of this kind.

        Parameters
        ----------
        message : str or sequence of (str or Node)
            One line: what does not fit, with its coordinates. Nodes stand in it as `Node`, so that a file's names for
            them can take the place of their numbers.
        fix : str or sequence of str
            One line: what would make it fit; or several ways, each of which would.
        witness : dict
            Numbers from which the finding can be re-checked, such as cells [row, col], couplings [src, dst], demand and
            capacity; values are JSON.
        """
        words = (message,) if isinstance(message, str) else tuple(message)
        return Finding(self, words, (fix,) if isinstance(fix, str) else tuple(fix), dict(witness))


@dataclass(frozen=True)
class Finding:
    """One reason why the answer is no.

    Parameters
    ----------
    kind : FindingKind
        Which makes it: `FindingKind.finding`.
    words : tuple of (str or Node)
        The message in parts.
    fixes : tuple of str
        What would make it fit, each by itself.
    witness : dict
        As `FindingKind.finding` takes it.
    nodes : dict of str to str
        What the file of the model calls the nodes of the message, by their numbers; empty where it calls them so.
    """

    kind: FindingKind[Any]
    words: Words
    fixes: tuple[str, ...]
    witness: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Stable name of the kind of finding."""
        return self.kind.code

    @property
    def proof(self) -> bool:
        """Whether the finding proves that it cannot fit as it stands."""
        return self.kind.proof

    @property
    def message(self) -> str:
        """One line: what does not fit, with its coordinates, nodes called as the file of the model calls them."""
        return "".join(word if isinstance(word, str) else self._called(word) for word in self.words)

    @property
    def fix(self) -> str:
        """One line: what would make it fit."""
        return ", or ".join(self.fixes)

    def _called(self, node: Node) -> str:
        label = self.nodes.get(str(node.number))
        return str(node.number) if label is None else printable(label)

    def named(self, labels: Sequence[str]) -> Self:
        """Return the finding with the names that a file gives to its nodes; of a coupling, its message names both ends.

        Parameters
        ----------
        labels : sequence of str
            Of all nodes; nodes beyond them keep their numbers. With none, the finding stays as it is.
        """
        if not labels:
            return self
        words = self.words
        if "src" in self.witness and "dst" in self.witness:
            words += (" (from node ", Node(self.witness["src"]), " into node ", Node(self.witness["dst"]), ")")
        numbers = sorted({word.number for word in words if isinstance(word, Node)})
        nodes = {str(node): labels[node] for node in numbers if node < len(labels)}
        return dataclasses.replace(self, words=words, nodes=nodes)

    def without_fix(self, fix: str) -> Self:
        """Return the finding without one of its fixes.

        Parameters
        ----------
        fix : str
        """
        return dataclasses.replace(self, fixes=tuple(each for each in self.fixes if each != fix))

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


def kinds_table(kinds: Iterable[FindingKind[Any]]) -> str:
    """Return a table of kinds of findings in Markdown, as the manual has it, and why some are not re-computed.

    Parameters
    ----------
    kinds : iterable of FindingKind
    """
    lines = ["| code | what it says | proof | re-computed |", "|---|---|---|---|"]
    reasons: dict[str, list[str]] = {}
    for kind in kinds:
        checked = "no" if kind.unchecked else "yes, and counted" if kind.count else "yes"
        lines.append(f"| {kind.code} | {kind.title} | {'yes' if kind.proof else 'no'} | {checked} |")
        if kind.unchecked:
            reasons.setdefault(kind.unchecked, []).append(kind.code)
    lines += ["", "Not re-computed, and why:", ""]
    for reason, codes in reasons.items():
        lines += textwrap.wrap(f"- {', '.join(codes)}: {reason}", 100, subsequent_indent="  ")
    return "\n".join(lines) + "\n"
