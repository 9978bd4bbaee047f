from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from amaranth.hdl import Module
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import AxiLiteHost, random_pauses, simulate, wait
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR, AxiLiteFrontEnd

WRITE = ("awvalid", "awready", "wvalid", "wready", "bvalid", "bready", "bresp")
READ = ("arvalid", "arready", "rvalid", "rready", "rresp", "rdata")
BUS = ("write_strobe", "write_address", "write_data", "write_mask", "read_strobe", "read_address", "hold")


class Bench:
    """The front end before registers that answer with the lowest bits of the word address, and read its square.

    In a cycle of ``hold`` the bus is another master's: a write is answered with 1, and what can be read in the next
    cycle is the other's.
    """

    def __init__(self) -> None:
        self.front = front = AxiLiteFrontEnd()
        self.module = module = Module()
        module.submodules.front = front
        module.d.comb += front.write_response.eq(front.write_address[:2])
        with module.If(front.read_strobe):
            module.d.sync += front.read_data.eq(front.read_address * front.read_address)
            module.d.sync += front.read_response.eq(front.read_address[:2])
        with module.If(front.hold):
            module.d.comb += front.write_response.eq(1)
            module.d.sync += [front.read_data.eq(0x5555_5555), front.read_response.eq(1)]
        self.record = Recorder(**{name: getattr(front, name) for name in (*WRITE, *READ, *BUS)})

    def run(self, *benches: Any, hold: Callable[[int], bool] | None = None) -> Recorder:
        """Run benches; ``hold`` says in which cycles the bus is held."""

        async def other_master(context: Any) -> None:
            for cycle in count():
                context.set(self.front.hold, hold is not None and hold(cycle))
                await context.tick()

        background = [self.record.watch, *([other_master] if hold else [])]
        simulate(self.module, *benches, background=background)
        check_handshakes(self.record)
        assert not set(self.record.cycles("hold")) & {
            *self.record.cycles("write_strobe"),
            *self.record.cycles("read_strobe"),
        }
        return self.record

    def writes(self) -> list[tuple[int, int, int]]:
        """(word address, data, mask) of every write that reached the registers."""
        seen = (self.record.at(cycle) for cycle in self.record.cycles("write_strobe"))
        return [(now["write_address"], now["write_data"], now["write_mask"]) for now in seen]


def check_handshakes(record: Recorder) -> None:
    """What was offered by the front end stays until it is taken."""
    for valid, ready, payload in (("bvalid", "bready", ("bresp",)), ("rvalid", "rready", ("rresp", "rdata"))):
        for cycle in range(1, len(record)):
            before, now = record.at(cycle - 1), record.at(cycle)
            if before[valid] and not before[ready]:
                assert now[valid], f"{valid} was taken back in cycle {cycle}"
                assert all(now[name] == before[name] for name in payload), f"an answer changed in cycle {cycle}"


def taken(record: Recorder, channel: str) -> list[int]:
    """Cycles of a channel's transfers."""
    valid, ready = record.values(f"{channel}valid"), record.values(f"{channel}ready")
    return [cycle for cycle in range(len(record)) if valid[cycle] and ready[cycle]]


@pytest.mark.parametrize("address_first", [-5, -2, -1, 0, 1, 2, 5])
def test_a_write_is_answered_two_cycles_after_the_later_of_address_and_data(address_first: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        axi = AxiLiteHost(context, bench.front)
        await wait(context, 2)
        await axi.write_with(0x40, 0x1111_2222, address_first=address_first)
        await axi.write_with(0x44, 0x3333_4444, address_first=-address_first)

    record = bench.run(host)
    addresses, words = taken(record, "aw"), taken(record, "w")
    assert [word - address for address, word in zip(addresses, words, strict=True)] == [address_first, -address_first]
    later = [max(pair) for pair in zip(addresses, words, strict=True)]
    assert record.cycles("bvalid") == [cycle + 2 for cycle in later]
    assert record.cycles("write_strobe") == [cycle + 1 for cycle in later]
    assert bench.writes() == [(0x10, 0x1111_2222, 0xFFFF_FFFF), (0x11, 0x3333_4444, 0xFFFF_FFFF)]


def test_a_read_is_answered_after_three_cycles() -> None:
    bench = Bench()
    seen = []

    async def host(context: Any) -> None:
        await wait(context, 2)
        seen.append(await AxiLiteHost(context, bench.front).read_with(0x1C))

    record = bench.run(host)
    assert taken(record, "ar") == [2]
    assert record.cycles("read_strobe") == [3]
    assert record.cycles("rvalid") == [5]
    assert seen == [(49, DECERR)]


def test_a_write_per_three_and_a_read_per_four_cycles_side_by_side() -> None:
    bench = Bench()
    front = bench.front

    async def host(context: Any) -> None:
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            context.set(getattr(front, name), 1)
        await wait(context, 60)

    record = bench.run(host)
    assert taken(record, "aw") == taken(record, "w") == list(range(0, 60, 3))
    assert taken(record, "b") == list(range(2, 60, 3))
    assert taken(record, "ar") == list(range(0, 60, 4))
    assert taken(record, "r") == list(range(3, 60, 4))


@pytest.mark.parametrize("strobes", range(16))
def test_strobes_become_a_mask(strobes: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await AxiLiteHost(context, bench.front).write_with(0, 0xFFFF_FFFF, strobes)

    bench.run(host)
    expected = int("".join("FF" if (strobes >> byte) & 1 else "00" for byte in (3, 2, 1, 0)), 16)
    assert bench.writes() == [(0, 0xFFFF_FFFF, expected)]


@pytest.mark.parametrize("response", [OKAY, SLVERR, DECERR])
def test_responses_of_the_registers_are_handed_on(response: int) -> None:
    bench = Bench()
    seen: list[Any] = []

    async def host(context: Any) -> None:
        axi = AxiLiteHost(context, bench.front)
        for address in (0x100 + 4 * response, 0x200 + 4 * response):
            seen.append(await axi.write_with(address, 1))
            seen.append(await axi.read_with(address))

    bench.run(host)
    words = [0x40 + response, 0x80 + response]
    assert seen == [response, (words[0] ** 2, response), response, (words[1] ** 2, response)]


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_unaligned_accesses_do_not_reach_the_registers(offset: int) -> None:
    bench = Bench()
    seen: list[Any] = []

    async def host(context: Any) -> None:
        axi = AxiLiteHost(context, bench.front)
        # Word 0x20 would answer OKAY; behind an aligned read, its data must not show.
        seen.append(await axi.read_with(0x80))
        seen.append(await axi.write_with(0x80 + offset, 5))
        seen.append(await axi.read_with(0x80 + offset))

    record = bench.run(host)
    assert seen == [(0x400, OKAY), SLVERR, (0, SLVERR)]
    assert record.cycles("write_strobe") == []
    assert len(record.cycles("read_strobe")) == 1


def test_half_a_write_waits_for_the_other_half() -> None:
    bench = Bench()

    async def address_only(context: Any) -> None:
        context.set(bench.front.bready, 1)
        context.set(bench.front.awaddr, 0x30)
        context.set(bench.front.awvalid, 1)
        await wait(context, 1)
        # A second address is not taken before the first write is answered.
        context.set(bench.front.awaddr, 0x34)
        await wait(context, 10)
        context.set(bench.front.wdata, 77)
        context.set(bench.front.wstrb, 0xF)
        context.set(bench.front.wvalid, 1)
        await wait(context, 1)
        context.set(bench.front.wdata, 88)
        await wait(context, 10)

    record = bench.run(address_only)
    assert bench.writes()[:2] == [(0xC, 77, 0xFFFF_FFFF), (0xD, 88, 0xFFFF_FFFF)]
    assert taken(record, "aw")[:2] == [0, 14]
    assert record.cycles("bvalid")[0] == 13


def test_an_answer_waits_for_the_host_and_holds_up_the_next_access() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        front = bench.front
        for name in ("awvalid", "wvalid", "arvalid"):
            context.set(getattr(front, name), 1)
        await wait(context, 20)
        assert context.get(front.bvalid & front.rvalid)
        context.set(front.bready, 1)
        context.set(front.rready, 1)
        await wait(context, 1)
        assert not context.get(front.bvalid | front.rvalid)

    record = bench.run(host)
    assert taken(record, "aw") == taken(record, "w") == taken(record, "ar") == [0]


@pytest.mark.parametrize("held", [1, 2, 7])
def test_a_held_write_waits_in_front_of_the_registers(held: int) -> None:
    bench = Bench()
    seen = []

    async def host(context: Any) -> None:
        await wait(context, 2)
        seen.append(await AxiLiteHost(context, bench.front).write_with(0x48, 0x1111_2222, address_first=0))

    # Taken in cycle 2, due in cycle 3; the hold before and behind it is none of its business.
    record = bench.run(host, hold=lambda cycle: cycle < 3 + held or cycle == 4 + held)
    assert taken(record, "w") == [2]
    assert record.cycles("write_strobe") == [3 + held]
    assert record.cycles("bvalid") == [4 + held]
    assert bench.writes() == [(0x12, 0x1111_2222, 0xFFFF_FFFF)]
    assert seen == [SLVERR]


@pytest.mark.parametrize("held", [1, 2, 7])
def test_a_held_read_waits_and_its_answer_stays_its_own(held: int) -> None:
    bench = Bench()
    seen = []

    async def host(context: Any) -> None:
        await wait(context, 2)
        seen.append(await AxiLiteHost(context, bench.front).read_with(0x18))

    # Held again in the cycle in which the registers answer.
    record = bench.run(host, hold=lambda cycle: cycle < 3 + held or cycle > 3 + held)
    assert record.cycles("read_strobe") == [3 + held]
    assert record.cycles("rvalid") == [5 + held]
    assert seen == [(36, SLVERR)]


def test_a_hold_that_lasts_stops_both_channels_and_loses_nothing() -> None:
    bench = Bench()
    front = bench.front

    async def host(context: Any) -> None:
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            context.set(getattr(front, name), 1)
        await wait(context, 60)

    record = bench.run(host, hold=lambda cycle: cycle < 40)
    assert taken(record, "aw") == taken(record, "w") == [0, *range(42, 60, 3)]
    assert taken(record, "ar") == [0, *range(43, 60, 4)]


@pytest.mark.parametrize("seed", range(6))
def test_random_accesses_side_by_side(seed: int) -> None:
    random_accesses(seed, 60, None)


@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 1000))
def test_random_accesses_with_any_pattern_of_holds(pattern: list[bool], seed: int) -> None:
    random_accesses(seed, 12, lambda cycle: [*pattern, False][cycle % (len(pattern) + 1)])


def random_accesses(seed: int, number: int, hold: Callable[[int], bool] | None) -> None:
    """Each is answered once, with its own answer, and each aligned one reaches the registers once."""
    bench = Bench()
    generator = random.Random(seed)
    expected: list[tuple[int, int, int]] = []
    read: list[int] = []

    async def writes(context: Any) -> None:
        axi = AxiLiteHost(context, bench.front, pause=random_pauses(seed, longest=6))
        for _ in range(number):
            address = generator.randrange(4096) & generator.choice([~0, ~3])
            word, strobes = generator.getrandbits(32), generator.randrange(16)
            response = await axi.write_with(address, word, strobes)
            if address % 4:
                assert response == SLVERR
            else:
                mask = sum(0xFF << (8 * byte) for byte in range(4) if (strobes >> byte) & 1)
                expected.append((address // 4, word, mask))
                assert response == address // 4 % 4

    async def reads(context: Any) -> None:
        addresses = random.Random(seed + 50)
        axi = AxiLiteHost(context, bench.front, pause=random_pauses(seed + 100, longest=6))
        for _ in range(number):
            address = addresses.randrange(4096) & addresses.choice([~0, ~3])
            word = address // 4
            if address % 4 == 0:
                read.append(word)
            assert await axi.read_with(address) == ((0, SLVERR) if address % 4 else (word * word, word % 4))

    record = bench.run(writes, reads, hold=hold)
    assert bench.writes() == expected
    assert [record.at(cycle)["read_address"] for cycle in record.cycles("read_strobe")] == read
    assert len(expected) > number // 20
