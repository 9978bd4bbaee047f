"""What signals were in every clock cycle of a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any


class Recorder:
    """Notes the values of signals in every clock cycle, as they stand at its end.

    Give `watch` to `simulate` as a background bench. Cycle 0 is the first one of the simulation.

    Parameters
    ----------
    **signals : Value
        What to note, by the name under which it is asked for.
    """

    def __init__(self, **signals: Any) -> None:
        self._signals = signals
        self._columns: dict[str, list[int]] = {name: [] for name in signals}
        self._cycles = 0

    @classmethod
    def of(cls, owner: Any, *names: str, **more: Any) -> Recorder:
        """Return a recorder of members of a component.

        Parameters
        ----------
        owner : wiring.Component or wiring.Interface
        *names : str
            Members; one of a port is called ``port.member``.
        **more : Value
            Further signals, by the name under which they are asked for.
        """
        return cls(**{name: attrgetter(name)(owner) for name in names}, **more)

    async def watch(self, context: Any) -> None:
        """Note the values of each cycle: a background bench."""
        columns = list(self._columns.values())
        async for _, _, *values in context.tick().sample(*self._signals.values()):
            self._cycles += 1
            for column, value in zip(columns, values, strict=True):
                column.append(int(value))

    def __len__(self) -> int:
        return self._cycles

    def values(self, name: str) -> Sequence[int]:
        """Return the value of a signal in each cycle."""
        return self._columns[name]

    def cycles(self, name: str) -> list[int]:
        """Return the cycles in which a signal was not zero."""
        return [cycle for cycle, value in enumerate(self._columns[name]) if value]

    def at(self, cycle: int) -> dict[str, int]:
        """Return the values of all signals in a cycle."""
        return {name: column[cycle] for name, column in self._columns.items()}
