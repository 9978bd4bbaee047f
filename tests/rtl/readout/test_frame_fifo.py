# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from oscc.rtl.bench.simulation import simulate
from oscc.rtl.readout.frame_fifo import FrameFifo


@pytest.mark.parametrize(("depth", "rate"), [(4, 0.5), (6, 0.9), (6, 0.2), (9, 0.5)])
def test_beats_come_out_once_and_in_order(depth: int, rate: float) -> None:
    fifo, generator = FrameFifo(8, depth), random.Random(depth)
    held: deque[int] = deque()
    fullest = 0

    async def bench(context: Any) -> None:
        nonlocal fullest
        last = 0
        for number in range(400):
            writes, reads = generator.random() < rate, generator.random() < 0.5
            context.set(fifo.write_enable, writes)
            context.set(fifo.write_data, number % 255 + 1)
            context.set(fifo.read_ready, reads)
            assert context.get(fifo.level) == len(held)
            assert context.get(fifo.write_ready) or len(held) >= depth - 2
            valid, beat = context.get(fifo.read_valid), context.get(fifo.read_data)
            last = held[0] if valid else last
            assert beat == last
            memory = fifo.memory
            if context.get(memory.read_enable) and context.get(memory.write_enable):
                # What that reads is undefined.
                assert context.get(memory.read_address) != context.get(memory.write_address)
            if writes and context.get(fifo.write_ready):
                held.append(number % 255 + 1)
            if reads and valid:
                held.popleft()
            fullest = max(fullest, len(held))
            await context.tick()

    simulate(fifo, bench)
    assert fullest >= (depth if rate > 0.5 else 2)


def test_a_beat_is_offered_three_cycles_later() -> None:
    fifo = FrameFifo(8, 4)

    async def bench(context: Any) -> None:
        context.set(fifo.write_enable, 1)
        context.set(fifo.write_data, 5)
        offered = []
        for _ in range(4):
            offered.append(context.get(fifo.read_valid))
            await context.tick()
            context.set(fifo.write_enable, 0)
        assert offered == [0, 0, 0, 1]
        assert context.get(fifo.read_data) == 5

    simulate(fifo, bench)


def test_a_fifo_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="a frame FIFO of 3 beats has no memory"):
        FrameFifo(8, 3)
