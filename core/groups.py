"""The DAC groups of a core, and one record of something for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

GROUPS = ("coupling", "shil", "field", "detuning")
"""Names of the groups, in the order in which their codes stand in a weight word, from bit 0 up."""

Of = TypeVar("Of")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Groups(Generic[Of]):
    """One thing for each DAC group: DACs, codes, code steps, rates, statistics.

    What holds it freezes its arrays (`oscc.base.arrays.freeze`).

    Parameters
    ----------
    coupling
        Of the coupling units of all cells.
    shil, field, detuning
        Of the node DACs: S, h and w.
    """

    coupling: Of
    shil: Of
    field: Of
    detuning: Of

    @classmethod
    def of(cls, make: Callable[[str], Of]) -> Groups[Of]:
        """Return what a function makes of the name of each group.

        Parameters
        ----------
        make : callable
        """
        return cls(*(make(group) for group in GROUPS))

    def __getitem__(self, group: str) -> Of:
        """Return what a group has.

        Raises
        ------
        KeyError
            When it is not one of `GROUPS`.
        """
        if group not in GROUPS:
            raise KeyError(group)
        value: Of = getattr(self, group)
        return value

    def items(self) -> Iterator[tuple[str, Of]]:
        """Yield the name of each group and what it has, in the order of `GROUPS`."""
        yield from ((group, self[group]) for group in GROUPS)

    def values(self) -> tuple[Of, Of, Of, Of]:
        """Return what the groups have, in the order of `GROUPS`."""
        return self.coupling, self.shil, self.field, self.detuning

    def nodes(self) -> tuple[Of, Of, Of]:
        """Return what the groups of the node DACs have: SHIL, field, detuning."""
        return self.shil, self.field, self.detuning

    def map(self, change: Callable[[Of], Other]) -> Groups[Other]:
        """Return what a function makes of each.

        Parameters
        ----------
        change : callable
        """
        return Groups(*map(change, self.values()))
