from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait


class Counter(wiring.Component):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__({"count": Out(8), "odd": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        m.d.comb += self.odd.eq(self.count[0])
        return m


def test_recorder_notes_every_cycle_from_the_first() -> None:
    counter = Counter()
    recorder = Recorder(count=counter.count, odd=counter.odd)

    async def bench(context: Any) -> None:
        await wait(context, 6)

    simulate(counter, bench, background=[recorder.watch])
    assert len(recorder) == 6
    assert recorder.values("count") == [0, 1, 2, 3, 4, 5]
    assert recorder.cycles("odd") == [1, 3, 5]
    assert recorder.at(3) == {"count": 3, "odd": 1}
