from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib.memory import Memory
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.instructions import SCHEDULE_DEPTH
from oscc.core.registers import REGISTERS, register
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import AxiLiteHost, Pause, bus_read, bus_write, random_pauses, simulate, wait
from oscc.rtl.bench.spi_simulation import SpiHost, SpiTiming
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR, AxiLiteFrontEnd
from oscc.rtl.host.register_arbiter import RegisterArbiter
from oscc.rtl.host.register_block import RegisterBlock
from oscc.rtl.host.register_bus import connect_register_bus
from oscc.rtl.host.spi_slave import SpiSlave

SCHEDULE = register("SCHEDULE").address
HELD = {entry.address: sum(field.mask for field in entry.fields) for entry in REGISTERS if entry.access == "read-write"}
WORDS = [address for address in HELD if address != SCHEDULE] + [SCHEDULE + 4 * index for index in range(SCHEDULE_DEPTH)]
"""Every word that holds what was written to it."""

Answer = tuple[int, int]
Host = Callable[[Any], Awaitable[None]]


class Registers:
    """The registers in plain Python."""

    def __init__(self) -> None:
        self._words = {address: register_reset(address) for address in WORDS}
        self._constants = {register("ID").address: 0x4F53_4343, register("VERSION").address: 0x77}

    def write(self, address: int, word: int, mask: int = 0xFFFF_FFFF) -> int:
        if address % 4:
            return SLVERR
        if address in self._constants:
            return SLVERR
        if address not in self._words:
            return DECERR
        mask &= 0xFFFF_FFFF if address >= SCHEDULE else HELD[address]
        self._words[address] = (self._words[address] & ~mask) | (word & mask)
        return OKAY

    def read(self, address: int) -> Answer:
        if address % 4:
            return 0, SLVERR
        known = {**self._words, **self._constants}
        return (known[address], OKAY) if address in known else (0, DECERR)


def register_reset(address: int) -> int:
    return next((entry.reset for entry in REGISTERS if entry.address == address), 0)


def constants() -> dict[tuple[str, str], int]:
    given = {("ID", "value"): 0x4F53_4343, ("VERSION", "value"): 0x77}
    fields = [(entry.name, field.name) for entry in REGISTERS if entry.access == "constant" for field in entry.fields]
    return {name: given.get(name, 0) for name in fields}


class Bench:
    """Registers and schedule memory behind the arbiter, an AXI4-Lite front end, and SPI or the bare other port."""

    def __init__(self, spi: bool = False) -> None:
        self.module = m = Module()
        m.submodules.front = self.front = AxiLiteFrontEnd()
        m.submodules.arbiter = self.arbiter = arbiter = RegisterArbiter()
        m.submodules.registers = registers = RegisterBlock(constants())
        m.submodules.schedule = schedule = Memory(shape=32, depth=SCHEDULE_DEPTH, init=[])
        connect_register_bus(m, self.front, arbiter.axi)
        connect_register_bus(m, arbiter.registers, registers)
        m.d.comb += self.front.hold.eq(arbiter.hold)
        if spi:
            m.submodules.spi = self.spi = SpiSlave()
            connect_register_bus(m, self.spi, arbiter.spi)
            m.d.comb += arbiter.claim.eq(self.spi.claim)
        else:
            m.d.comb += arbiter.claim.eq(arbiter.spi.write_strobe | arbiter.spi.read_strobe)
        write, read = schedule.write_port(granularity=8), schedule.read_port()
        m.d.comb += [
            write.addr.eq(registers.array_address),
            write.data.eq(registers.write_data),
            write.en.eq(Cat(registers.write_mask[8 * byte] & registers.array_write for byte in range(4))),
            read.addr.eq(registers.array_read_address),
            read.en.eq(registers.read_strobe),
            registers.array_read_data.eq(read.data),
        ]
        seen = {"hold": arbiter.hold, "spi_write": arbiter.spi.write_strobe, "spi_read": arbiter.spi.read_strobe}
        if not spi:
            # SPI takes its time, and recording much of it would take longer.
            names = ("write_strobe", "write_address", "write_data", "write_mask", "read_strobe", "read_address")
            seen |= {"bvalid": self.front.bvalid, "rvalid": self.front.rvalid}
            seen |= {name: getattr(registers, name) for name in names}
        self.record = Recorder(**seen)

    def run(self, *hosts: Host) -> Recorder:
        simulate(self.module, *hosts, background=[self.record.watch], limit=60_000)
        return self.record

    def on_the_bus(self) -> dict[str, list[tuple[int, int, int]]]:
        """Byte address, word and mask of the writes, byte address of the reads, by master, in the order of the bus."""
        found: dict[str, list[tuple[int, int, int]]] = {"spi_write": [], "spi_read": [], "write": [], "read": []}
        for cycle in range(len(self.record)):
            now = self.record.at(cycle)
            spi = "spi_" if now["hold"] else ""
            if now["write_strobe"]:
                found[f"{spi}write"].append((4 * now["write_address"], now["write_data"], now["write_mask"]))
            if now["read_strobe"]:
                found[f"{spi}read"].append((4 * now["read_address"], 0, 0))
        return found

    def answers_of_the_bus(self) -> dict[str, list[Any]]:
        """What each master has to be told, by a model that sees the accesses in the order of the bus."""
        model = Registers()
        found: dict[str, list[Any]] = {"spi_write": [], "spi_read": [], "write": [], "read": []}
        for cycle in range(len(self.record)):
            now = self.record.at(cycle)
            # A read in the cycle of a write gives what was there before.
            if now["read_strobe"]:
                found["spi_read" if now["spi_read"] else "read"].append(model.read(4 * now["read_address"]))
            if now["write_strobe"]:
                response = model.write(4 * now["write_address"], now["write_data"], now["write_mask"])
                found["spi_write" if now["spi_write"] else "write"].append(response)
        return found


class Traffic:
    """What two masters ask for and are told."""

    def __init__(self, seed: int, accesses: int) -> None:
        self.asked: dict[str, list[tuple[int, int, int]]] = {"spi_write": [], "spi_read": [], "write": [], "read": []}
        self.told: dict[str, list[Any]] = {"spi_write": [], "spi_read": [], "write": [], "read": []}
        self._seed = seed
        self._accesses = accesses

    def address(self, generator: random.Random) -> int:
        """Few words, so that the masters meet; now and then one that answers with an error."""
        shared = [0x044, 0x048, SCHEDULE, SCHEDULE + 4, SCHEDULE + 252]
        return generator.choice([*shared, *shared, 0x000, 0x004, 0x3FC, 0x500, 0xFFC])

    def axi(self, bench: Bench) -> tuple[Host, Host]:
        async def writes(context: Any) -> None:
            generator = random.Random(self._seed)
            host = AxiLiteHost(context, bench.front, pause=random_pauses(self._seed + 1))
            for number in range(self._accesses):
                address, strobes = self.address(generator), generator.randrange(16)
                mask = sum(0xFF << (8 * byte) for byte in range(4) if (strobes >> byte) & 1)
                self.asked["write"].append((address, number, mask))
                self.told["write"].append(await host.write_with(address, number, strobes))

        async def reads(context: Any) -> None:
            generator = random.Random(self._seed + 2)
            host = AxiLiteHost(context, bench.front, pause=random_pauses(self._seed + 3))
            for _ in range(self._accesses):
                address = self.address(generator)
                self.asked["read"].append((address, 0, 0))
                self.told["read"].append(await host.read_with(address))

        return writes, reads

    def other(self, bench: Bench, pause: Pause) -> Host:
        """A master at the port of SPI that makes many more accesses than SPI can."""

        async def accesses(context: Any) -> None:
            generator = random.Random(self._seed + 4)
            for number in range(3 * self._accesses):
                await wait(context, pause())
                address, word = self.address(generator), 0x8000_0000 + number
                if generator.random() < 0.5:
                    self.asked["spi_write"].append((address, word, 0xFFFF_FFFF))
                    self.told["spi_write"].append(await bus_write(context, bench.arbiter.spi, address, word))
                else:
                    self.asked["spi_read"].append((address, 0, 0))
                    self.told["spi_read"].append(await bus_read(context, bench.arbiter.spi, address))

        return accesses

    def check(self, bench: Bench) -> None:
        """Nothing was lost, nothing doubled, and everyone was told what the order of the bus says."""
        assert bench.on_the_bus() == self.asked
        assert bench.answers_of_the_bus() == self.told


def test_spi_has_the_cycle_and_axi_waits_for_the_next() -> None:
    bench = Bench()
    seen: dict[str, Any] = {}

    async def axi_write(context: Any) -> None:
        host = AxiLiteHost(context, bench.front)
        seen["axi write"] = await host.write_with(0x044, 0xA, address_first=0)

    async def axi_read(context: Any) -> None:
        seen["axi read"] = await AxiLiteHost(context, bench.front).read_with(0x000)

    async def spi(context: Any) -> None:
        # Both accesses of AXI are due in cycle 1.
        await wait(context, 1)
        seen["spi write"] = await bus_write(context, bench.arbiter.spi, 0x048, 0xB)
        seen["spi read"] = await bus_read(context, bench.arbiter.spi, 0x044)

    record = bench.run(axi_write, axi_read, spi)
    assert record.cycles("hold") == record.cycles("spi_write") + record.cycles("spi_read") == [1, 2]
    assert record.cycles("write_strobe") == [1, 3]
    assert record.cycles("read_strobe") == [2, 3]
    # Two cycles late, both.
    assert record.cycles("bvalid")[0] == 4
    assert record.cycles("rvalid")[0] == 5
    assert seen == {"axi write": OKAY, "axi read": (0x4F53_4343, OKAY), "spi write": OKAY, "spi read": (0, OKAY)}


def test_without_an_access_of_spi_axi_is_as_fast_as_alone() -> None:
    bench = Bench()
    front = bench.front

    async def host(context: Any) -> None:
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            context.set(getattr(front, name), 1)
        await wait(context, 60)

    record = bench.run(host)
    assert record.cycles("bvalid") == list(range(2, 60, 3))
    assert record.cycles("rvalid") == list(range(3, 60, 4))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.6, 0.9]))
def test_crowded_accesses_are_each_made_once_and_answered_rightly(seed: int, chance: float) -> None:
    bench = Bench()
    traffic = Traffic(seed, 25)
    bench.run(*traffic.axi(bench), traffic.other(bench, random_pauses(seed + 5, chance)))
    traffic.check(bench)
    assert bench.record.cycles("hold")


def test_the_masters_do_meet_in_the_tests() -> None:
    """The property above is worth little if accesses never fall together."""
    bench = Bench()
    traffic = Traffic(7, 100)
    bench.run(*traffic.axi(bench), traffic.other(bench, random_pauses(8, 0.6)))
    traffic.check(bench)
    record = bench.record
    bvalid, rvalid, hold = (record.values(name) for name in ("bvalid", "rvalid", "hold"))
    read = record.cycles("read_strobe")
    # SPI reads in the cycle in which an answer for AXI is due, and AXI in that of one for SPI.
    behind = [(hold[cycle], hold[cycle + 1]) for cycle in read if cycle + 1 in read]
    assert {(0, 1), (1, 0)} <= set(behind)
    # Responses wait while SPI has the bus.
    assert any(bvalid[cycle] and hold[cycle] for cycle in range(len(record)))
    assert any(rvalid[cycle] and hold[cycle] for cycle in range(len(record)))


@pytest.mark.parametrize("seed", range(2))
def test_spi_and_axi_side_by_side(seed: int) -> None:
    """Each has registers and schedule words of its own, and a plain model knows what it must find there."""
    bench = Bench(spi=True)
    ended = []

    async def spi(context: Any) -> None:
        generator = random.Random(seed)
        host = SpiHost(context, bench.spi, timing=SpiTiming.jittering(seed, stretch=1.5))
        await host.idle()
        mine = Registers()
        # A burst in the upper half of the schedule memory, a register, and addresses that are refused.
        for address, count in (
            (SCHEDULE + 128, 4),
            (0x048, 1),
            (0x002, 1),
            (0x1048, 1),
            (SCHEDULE + 244, 4),
            (0xFFC, 1),
        ):
            words = [generator.getrandbits(32) for _ in range(count)]
            addresses = [address + 4 * index for index in range(count)]
            assert await host.write_words(address, words) == [
                mine.write(at, word) for at, word in zip(addresses, words, strict=True)
            ]
            assert await host.read_words(address, count) == [mine.read(at) for at in addresses]
        ended.append("spi")

    async def axi(context: Any) -> None:
        generator = random.Random(seed + 10)
        host = AxiLiteHost(context, bench.front, pause=random_pauses(seed + 20, chance=0.3))
        mine = Registers()
        number = 0
        while not ended:
            address = generator.choice([SCHEDULE + 4 * generator.randrange(32), 0x044, 0x038, 0x001, 0xFFC])
            word = generator.getrandbits(32)
            assert await host.write_with(address, word) == mine.write(address, word)
            assert await host.read_with(address) == mine.read(address)
            number += 1
        assert number > 500

    record = bench.run(spi, axi)
    # Words beyond the schedule memory and the last address reach the registers, which refuse them.
    assert len(record.cycles("spi_write")) == len(record.cycles("spi_read")) == 4 + 1 + 4 + 1
    assert len(record.cycles("hold")) == 20
    assert record.cycles("hold") == sorted(record.cycles("spi_write") + record.cycles("spi_read"))


def test_spi_and_axi_give_the_same_answers() -> None:
    bench = Bench(spi=True)
    # The registers, the edges of the schedule memory, the end, and addresses that are not aligned.
    runs = [range(0x000, 0x07C, 4), range(0x3FC, 0x404, 4), range(0x4FC, 0x504, 4), range(0xFFC, 0x1000, 4)]
    runs += [range(address, address + 1) for address in (0x001, 0x022, 0x403, 0xFFF)]

    async def hosts(context: Any) -> None:
        axi, spi = AxiLiteHost(context, bench.front), SpiHost(context, bench.spi)
        await spi.idle()
        for addresses in runs:
            responses = [await axi.write_with(address, 0xFFF0_0000 + address) for address in addresses]
            answers = [await axi.read_with(address) for address in addresses]
            assert await spi.read_words(addresses[0], len(addresses)) == answers
            words = [0x7654_0000 + address for address in addresses]
            assert await spi.write_words(addresses[0], words) == responses
            for address, word, (before, response) in zip(addresses, words, answers, strict=True):
                held = HELD.get(address, 0xFFFF_FFFF if 0x400 <= address < 0x500 and address % 4 == 0 else 0)
                assert await axi.read_with(address) == ((word & held) | (before & ~held), response)

    record = bench.run(hosts)
    assert len(record.cycles("spi_read")) == len(record.cycles("spi_write")) == 31 + 2 + 2 + 1
