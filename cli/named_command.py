"""Verbs whose help lists names from tables to which other packages add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
import typer.core


class NamedCommand(typer.core.TyperCommand):
    """A verb in whose help ``{placers}`` and the like stand for the names of a table: see `with_names`.

    The tables, and what is installed, are looked at only when the help is printed.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help.

        Parameters
        ----------
        ctx, formatter
            As click has them.
        """
        self._fill_in()
        super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a shell completes a word from; some show the help of options beside them.

        Parameters
        ----------
        ctx, incomplete
            As click has them.
        """
        self._fill_in()
        return super().shell_complete(ctx, incomplete)

    def _fill_in(self) -> None:
        """Put the names into the help of the options."""
        for param in self.params:
            if text := getattr(param, "help", None):
                setattr(param, "help", with_names(text))  # noqa: B010 - not all parameters of click have it


def with_names(text: str) -> str:
    """Return a help text with the names of the tables that it refers to.

    These are ``{placers}``, ``{frontends}``, ``{engines}`` and ``{wrappers}``.

    Parameters
    ----------
    text : str
    """
    for key, names in _NAMES.items():
        if key in text:
            text = text.replace(key, _listed(names()))
    return text


def _names_of(kind: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        from oscc.cli.choice_names import KINDS

        return KINDS[kind][1]()

    return names


_NAMES = {f"{{{kind}}}": _names_of(kind) for kind in ("placers", "frontends", "engines", "wrappers")}


def _listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    *most, last = names
    return f"{', '.join(most)} or {last}"
