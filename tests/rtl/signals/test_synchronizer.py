from __future__ import annotations

from typing import Any

from amaranth.hdl import Fragment, Signal

from oscc.rtl.bench.simulation import simulate
from oscc.rtl.signals.synchronizer import STAGES, Synchronizer


def test_a_change_is_seen_two_cycles_later() -> None:
    synchronizer = Synchronizer()
    seen = []

    async def bench(context: Any) -> None:
        for level in (0, 1, 1, 1, 0, 1, 0, 0, 0):
            context.set(synchronizer.asynchronous, level)
            seen.append(context.get(synchronizer.synchronous))
            await context.tick()

    simulate(synchronizer, bench)
    assert seen == [0, 0, 0, 1, 1, 1, 0, 1, 0]


def test_the_flip_flops_are_marked_for_tools_and_reset() -> None:
    fragment = Fragment.get(Synchronizer(), None)
    flops = [signal for signal in fragment.statements["sync"]._lhs_signals() if isinstance(signal, Signal)]
    assert [flop.attrs for flop in flops] == [{"ASYNC_REG": "TRUE"}] * STAGES
    assert not any(flop.reset_less for flop in flops)
