"""Waves of engine ``pysim``: values that its testbench sees on every clock edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from oscc.rtl.bench.prepared import Bench, Simulation
from oscc.sim.waves.signals import CONTROL, MACRO, WaveSignal, group_of, plain_name
from oscc.sim.waves.wave_file import Waves, WaveWriter

_RENAMED = {"plane": CONTROL, "shim": MACRO}
"""Instances of the simulated design, and those of the core."""


def traced_signals(simulation: Simulation, top: str) -> list[tuple[WaveSignal, Any]]:
    """Return the signals that are kept in a wave file, under the names that they have in the Verilog of the core.

    Parameters
    ----------
    simulation : Simulation
        Of a module with the control plane as ``plane`` and the array as ``shim``.
    top : str
        Name of the core's module.

    Returns
    -------
    list of (WaveSignal, amaranth.hdl.Signal)
    """
    found: dict[str, tuple[WaveSignal, Any]] = {}
    for scope, name, signal in simulation.signals():
        inner = tuple(_RENAMED.get(each, each) for each in scope[1:])
        plain = plain_name(name)
        # The border of the core is that of its control plane here.
        if inner == (CONTROL,):
            inner = ()
        if inner == (MACRO,):
            plain = plain.removeprefix("array_")
        group = group_of((top, *inner), plain) if not (inner == () and plain in ("clk", "rst")) else None
        if group is not None:
            kept = WaveSignal((top, *inner), plain, len(signal), group)
            found.setdefault(kept.path, (kept, signal))
    # The top first, as the simulators write it.
    return sorted(found.values(), key=lambda each: len(each[0].scope))


class PysimWaves:
    """Writes the waves of one run.

    Parameters
    ----------
    simulation : Simulation
    top : str
        Name of the core's module.
    waves : Waves
    file : text file
    """

    def __init__(self, simulation: Simulation, top: str, waves: Waves, file: IO[str]) -> None:
        traced = traced_signals(simulation, top)
        clock = WaveSignal((top,), "clk", 1, "host")
        self._waves = waves
        self._sampled: Sequence[Any] = [signal for _, signal in traced]
        self._writer = WaveWriter(file, waves, [clock, *(signal for signal, _ in traced)])

    @property
    def signals(self) -> list[WaveSignal]:
        """What is in the file."""
        return self._writer.signals

    def bench(self) -> Bench:
        """Return the bench that writes, to be run in the background."""

        async def watch(context: Any) -> None:
            before: Sequence[int | None] = [None] * len(self._sampled)
            # What is sampled on an edge is what came of the edge before.
            edge = -1
            async for _, _, *values in context.tick().sample(*self._sampled):
                if edge >= 0 and self._waves.holds(edge):
                    changed = [
                        (place, int(value))
                        for place, (value, old) in enumerate(zip(values, before, strict=True), start=1)
                        if value != old
                    ]
                    self._writer.write(edge, [(0, 1), *changed])
                    self._writer.write(edge + 0.5, [(0, 0)])
                    before = values
                edge += 1

        return watch

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
