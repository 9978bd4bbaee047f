"""Designs made ready to be simulated again and again, once in a process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from typing import Any

from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from oscc.rtl.memories.sram import SIMULATED

CLOCK_S = 1e-8
"""Clock period of a bench [s]."""

KEPT = 16
"""Designs that `prepared` keeps, each with some tens of megabytes at most."""

Bench = Callable[[Any], Awaitable[None]]
"""A test bench: takes the simulator's context."""


class BenchTimeoutError(Exception):
    """The hardware did not answer within a limit; the message says what was awaited."""


class Simulation:
    """A design, made ready to be simulated again and again: what takes longest, making it ready, is done once.

    Parameters
    ----------
    design : Elaboratable
        With a ``sync`` domain.
    period_s : float
        Of the clock [s].
    """

    def __init__(self, design: Any, period_s: float = CLOCK_S) -> None:
        self._simulator = Simulator(Fragment.get(design, SIMULATED))
        self._simulator.add_clock(period_s)
        self._period_s = period_s
        self._benches: list[tuple[Bench, bool]] = []
        self._places = 0

    def signals(self) -> Iterator[tuple[tuple[str, ...], str, Any]]:
        """Yield all signals of the design: names of the instances above it, name, and the signal itself.

        Amaranth tells of them in no other way than in a wave file of all of them.
        """
        design = self._simulator._design
        for part in design.fragments.values():
            for signal, name in part.signal_names.items():
                yield part.name, name, signal

    def run(self, *benches: Bench, background: Sequence[Bench] = (), limit: int | None = 20_000) -> None:
        """Run until every bench has ended; all registers and memories begin with their initial values.

        Parameters
        ----------
        *benches : Bench
        background : sequence of Bench
            Run along for as long as the benches do.
        limit : int, optional
            Clock cycles that the benches may take together; None for as many as they like.

        Raises
        ------
        BenchTimeoutError
            When a bench has not ended within the limit.
        """

        async def watchdog(context: Any) -> None:
            """End the run when the limit has passed."""
            if limit is not None:
                await context.delay(limit * self._period_s)
                raise BenchTimeoutError(f"the benches have not ended within {limit} cycles")

        self._simulator.reset()
        self._benches = [(bench, False) for bench in (*background, watchdog)] + [(bench, True) for bench in benches]
        for place in range(self._places, len(self._benches)):
            self._simulator.add_testbench(self._bench_at(place), background=True)
        self._places = max(self._places, len(self._benches))
        self._simulator.run()

    def _bench_at(self, place: int) -> Bench:
        """Return a bench that runs what stands in a place of the list: Amaranth keeps the benches that it was given."""

        async def bench(context: Any) -> None:
            """Run the bench that stands in this place now, or nothing where there is none."""
            if place >= len(self._benches):
                return
            chosen, awaited = self._benches[place]
            if awaited:
                with context.critical():
                    await chosen(context)
            else:
                await chosen(context)

        return bench


_PREPARED: dict[tuple[Hashable, ...], tuple[Any, Simulation]] = {}


def prepared(kind: Callable[..., Any], *parameters: Hashable) -> tuple[Any, Simulation]:
    """Return a design and its `Simulation`, both made once in this process for the same parameters.

    The last `KEPT` of them are kept.

    Parameters
    ----------
    kind : callable
        Makes the design, an elaboratable with a ``sync`` domain.
    *parameters
        Of it: specifications of cores, numbers, texts.
    """
    key = (kind, *parameters)
    if key in _PREPARED:
        made = _PREPARED.pop(key)
    else:
        design = kind(*parameters)
        made = design, Simulation(design)
    _PREPARED[key] = made
    while len(_PREPARED) > KEPT:
        del _PREPARED[next(iter(_PREPARED))]
    return made
