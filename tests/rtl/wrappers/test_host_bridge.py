from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.wrappers.host_bridge import HostBridge
from oscc.rtl.wrappers.window_map import STREAM_STATUS
from tests.rtl.control_plane_bench import TINY

CORE = CoreSpec.model_validate(TINY.model_dump(by_alias=True) | {"grid": [2, 2], "stencil": "king", "chunks": 1})


@dataclass(frozen=True)
class Access:
    """What a core saw: a word is None in a read."""

    address: int
    word: int | None
    strobes: int = 0


def answer_to(address: int, word: int | None) -> tuple[int, int]:
    """What the slave answers: word and response."""
    return (address * 0x1_0001 ^ 0x5A5A) % 2**32 if word is None else 0, (0, 2, 3, 0)[address // 4 % 4]


class Slave:
    """An AXI4-Lite slave that takes and answers after any number of cycles, and holds its master to the rules."""

    def __init__(self, bridge: HostBridge, seed: int) -> None:
        self._port = bridge.axil
        self._random = random.Random(seed)
        self.seen: list[Access] = []

    async def channel(self, context: Any, name: str, *payload: str) -> tuple[int, ...]:
        """Take one transfer, after a pause in which the master must not change its mind."""
        port = self._port
        valid = getattr(port, f"{name}valid")
        signals = [getattr(port, each) for each in payload]
        while True:
            *_, seen = await context.tick().sample(valid)
            if seen:
                break
        before = [context.get(signal) for signal in signals]
        await wait(context, self._random.choice((0, 0, 1, 3)))
        context.set(getattr(port, f"{name}ready"), 1)
        _, _, still, *values = await context.tick().sample(valid, *signals)
        context.set(getattr(port, f"{name}ready"), 0)
        assert still, f"{name}valid was taken back"
        assert list(map(int, values)) == before, f"{name} changed while it waited"
        return tuple(map(int, values))

    async def answer(self, context: Any, name: str, **values: int) -> None:
        await wait(context, self._random.choice((0, 0, 2, 5)))
        for each, value in values.items():
            context.set(getattr(self._port, each), value)
        context.set(getattr(self._port, f"{name}valid"), 1)
        *_, ready = await context.tick().sample(getattr(self._port, f"{name}ready"))
        assert ready, "the bridge waits for nothing"
        context.set(getattr(self._port, f"{name}valid"), 0)

    async def writes(self, context: Any) -> None:
        while True:
            # Some slaves take the data first; here the address is, which may come as much earlier as it likes.
            (address,) = await self.channel(context, "aw", "awaddr")
            word, strobes = await self.channel(context, "w", "wdata", "wstrb")
            self.seen.append(Access(address, word, strobes))
            await self.answer(context, "b", bresp=answer_to(address, word)[1])

    async def reads(self, context: Any) -> None:
        while True:
            (address,) = await self.channel(context, "ar", "araddr")
            self.seen.append(Access(address, None))
            word, response = answer_to(address, None)
            await self.answer(context, "r", rdata=word, rresp=response)


@pytest.mark.parametrize("seed", range(4))
def test_every_access_is_made_once_and_only_its_own_answer_is_given(seed: int) -> None:
    bridge = HostBridge(CORE)
    slave = Slave(bridge, seed)
    chance = random.Random(100 + seed)
    asked: list[Access] = []
    answered = given_up = 0

    async def master(context: Any) -> None:
        nonlocal answered, given_up
        port = bridge.access
        for _ in range(150):
            address, word = 4 * chance.randrange(1024), chance.choice((None, chance.getrandbits(32)))
            strobes = chance.randrange(16)
            in_window = chance.random() < 0.2
            if in_window:
                address, word = STREAM_STATUS.address, None
            for signal, value in ((port.address, address), (port.write, word is not None), (port.data, word or 0)):
                context.set(signal, value)
            context.set(port.strobes, strobes)
            context.set(port.request, 1)
            # Long enough for the longest answer, or given up after any number of cycles.
            patience = 100 if chance.random() < 0.7 else chance.randint(1, 12)
            for _ in range(patience):
                *_, done, error, read = await context.tick().sample(port.done, port.error, port.word)
                if done:
                    break
            if done:
                answered += 1
                expected, response = (0, 0) if in_window else answer_to(address, word)
                assert bool(error) == (response >= 2)
                assert word is not None or read == expected
                asked.append(Access(address, word, strobes if word is not None else 0)) if not in_window else None
            else:
                given_up += 1
                assert patience < 100, "no answer came"
                if not in_window:
                    asked.append(Access(address, word, strobes if word is not None else 0))
            if not done or chance.random() < 0.3:
                context.set(port.request, 0)
                # What belongs to a request may change as soon as there is none.
                context.set(port.address, chance.getrandbits(13))
                context.set(port.data, chance.getrandbits(32))
                for _ in range(chance.choice((1, 1, 2, 9))):
                    *_, late = await context.tick().sample(port.done)
                    assert not late, "an access that was given up is answered"
        context.set(port.request, 0)
        await wait(context, 60)

    simulate(bridge, master, background=[slave.writes, slave.reads], limit=20_000)
    assert answered > 80
    assert given_up > 5
    # One that is given up while the one before, given up too, is still under way never begins.
    remaining = iter(asked)
    assert all(any(access == each for each in remaining) for access in slave.seen)
    assert len(asked) - len(slave.seen) < given_up
