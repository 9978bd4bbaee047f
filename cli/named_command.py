"""Verbs whose help lists names from tables to which other packages add."""

from __future__ import annotations

from typing import Any

import typer
import typer.core


class NamedCommand(typer.core.TyperCommand):
    """A verb in whose help ``{placers}``, ``{frontends}`` and ``{engines}`` stand for the names of those tables.

    The tables, and what is installed, are looked at only when the help is printed.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help.

        Parameters
        ----------
        ctx, formatter
            As click has them.
        """
        for param in self.params:
            text = getattr(param, "help", None) or ""
            for key, names in _NAMES.items():
                if key in text:
                    text = text.replace(key, _listed(names()))
                    setattr(param, "help", text)  # noqa: B010 - typer's options have it, click's parameters do not
        super().format_help(ctx, formatter)


def _placers() -> tuple[str, ...]:
    from oscc.compiler.place.placers import AUTO, PLACERS

    return (AUTO, *PLACERS)


def _front_ends() -> tuple[str, ...]:
    from oscc.compiler.frontends.front_ends import CHECKPOINT, FRONT_ENDS

    return (CHECKPOINT, *FRONT_ENDS)


def _engines() -> tuple[str, ...]:
    from oscc.sim.engines.registry import ENGINES

    return tuple(ENGINES)


_NAMES = {"{placers}": _placers, "{frontends}": _front_ends, "{engines}": _engines}


def _listed(names: tuple[str, ...]) -> str:
    """Return names as a list in a sentence."""
    *most, last = names
    return f"{', '.join(most)} or {last}"
