"""Comments over a module: what its component promises, from the docstring."""

from __future__ import annotations

import inspect
import re
import textwrap

from oscc.rtl.verilog.layout import LINE


def description(component: object) -> list[str]:
    """Return what the docstring of a component says of it, as lines of a comment: text and ports.

    Parameters
    ----------
    component : object
        Its docstring follows numpydoc.
    """
    text = inspect.getdoc(type(component)) or ""
    sections = re.split(r"^(\w+)\n-+\n", text, flags=re.MULTILINE)
    lines = _paragraphs(sections[0])
    named = dict(zip(sections[1::2], sections[2::2], strict=False))
    if "Members" in named:
        lines += ["", "Ports:", *_members(named["Members"])]
    return [f"// {line}".rstrip() for line in lines]


def _paragraphs(text: str) -> list[str]:
    """Return paragraphs as lines, tables as they stand."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        shown = _plain(paragraph)
        table = any(line.startswith("==") for line in shown.splitlines())
        lines += ["", *(shown.splitlines() if table else _wrapped(" ".join(shown.split())))]
    return lines[1:]


def _members(text: str) -> list[str]:
    """Return the ports and what is said of them."""
    lines = []
    for line in textwrap.dedent(text).strip("\n").splitlines():
        if line and not line[0].isspace():
            lines.append(f"  {_plain(line.split(' : ')[0])}")
        elif line.strip():
            lines.append(f"      {_plain(line.strip())}")
    return lines


def _wrapped(text: str) -> list[str]:
    """Return text in lines that fit behind the slashes."""
    return textwrap.wrap(text, LINE - 3, break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """Return text without the marks of reStructuredText; of a reference, its last name."""
    text = re.sub(r"``([^`]+)``", r"\1", text)
    return re.sub(r"`([^`]+)`", lambda match: match[1].split(".")[-1] if "(" not in match[1] else match[1], text)
