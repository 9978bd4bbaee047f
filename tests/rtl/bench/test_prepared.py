from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import KEPT, BenchTimeoutError, Simulation, prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.rtl.host.axi_lite import AxiLiteFrontEnd
from oscc.rtl.weights.row_loader import RowLoader


class Counter(wiring.Component):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__({"count": Out(8), "odd": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        m.d.comb += self.odd.eq(self.count[0])
        return m


class Kept(wiring.Component):  # type: ignore[misc]
    """A memory of one word and a register, which both take what is given."""

    def __init__(self, init: int = 7) -> None:
        self.memory = Memory(shape=8, depth=1, init=[init])
        super().__init__({"given": In(8), "enable": In(1), "register": Out(8), "word": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = self.memory
        write, read = self.memory.write_port(), self.memory.read_port(domain="comb")
        m.d.comb += [write.data.eq(self.given), write.en.eq(self.enable), self.word.eq(read.data)]
        with m.If(self.enable):
            m.d.sync += self.register.eq(self.given)
        return m


def test_every_run_of_a_simulation_begins_as_the_first() -> None:
    kept = Kept()
    simulation = Simulation(kept)
    waves: list[list[list[int]]] = []

    async def bench(context: Any) -> None:
        await wait(context, 2)
        context.set(kept.given, 9)
        context.set(kept.enable, 1)
        await wait(context, 3)

    async def failing(context: Any) -> None:
        await bench(context)
        raise ArithmeticError("in the bench")

    for hosts in ([bench], [bench], [failing], [bench, bench], [bench]):
        # Another number of benches in every run: who is not there any more must not go on.
        recorder = Recorder(register=kept.register, word=kept.word, enable=kept.enable)
        watches = [recorder.watch] * (1 + len(waves) % 2)
        if failing in hosts:
            with pytest.raises(ArithmeticError, match="in the bench"):
                simulation.run(*hosts, background=watches)
        else:
            simulation.run(*hosts, background=watches[:1])
            waves.append([list(recorder.values(name)) for name in ("register", "word", "enable")])
    assert waves == [[[0, 0, 0, 9, 9], [7, 7, 7, 9, 9], [0, 0, 1, 1, 1]]] * 4


def test_a_simulation_keeps_its_limit_and_its_order() -> None:
    simulation = Simulation(Counter())
    order: list[str] = []

    def says(name: str, cycles: int) -> Any:
        async def bench(context: Any) -> None:
            for _ in range(cycles):
                order.append(name)
                await context.tick()

        return bench

    simulation.run(says("first", 2), says("second", 1), background=[says("behind", 9)])
    assert order == ["behind", "first", "second", "behind", "first", "behind"]
    with pytest.raises(BenchTimeoutError, match="the benches have not ended within 5 cycles"):
        simulation.run(says("first", 10), limit=5)
    simulation.run(says("first", 10), limit=11)


def test_what_is_prepared_is_made_once_for_the_same_parameters() -> None:
    tiny = load_core("tiny-8x8")
    design, simulation = prepared(Kept, 3)
    assert prepared(Kept, 3) == (design, simulation)
    assert prepared(Kept, 4)[0] is not design
    assert prepared(AxiLiteFrontEnd)[0] is not design
    # Specifications of cores that say the same are the same.
    loader, _ = prepared(RowLoader, tiny)
    assert prepared(RowLoader, CoreSpec.model_validate(tiny.model_dump(by_alias=True)))[0] is loader
    other = CoreSpec.model_validate(tiny.model_dump(by_alias=True) | {"grid": [8, 9]})
    assert prepared(RowLoader, other)[0] is not loader
    for number in range(KEPT):
        prepared(Kept, 100 + number)
    assert prepared(Kept, 3)[0] is not design
