"""The SPI slave: the same registers by another way, beside AXI4-Lite and by itself."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from bench_core import SEED, BenchCore
from cocotb.triggers import ClockCycles, Timer

from oscc.core.registers import CORE_ID, REGISTERS, register
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.spi_slave import READ, STATUS, WRITE
from oscc.sim.engines.cocotb_bus import CLOCK_NS
from oscc.sim.host.core_registers import CoreRegisters

DIVIDER = 8.0


class SpiHost:
    """An SPI host, mode 0. Implements `oscc.sim.host.core_registers.RegisterBus`.

    Parameters
    ----------
    dut : cocotb handle
    divider : float
        Core clocks per bit; it need not be whole, so that edges fall anywhere.
    """

    def __init__(self, dut: Any, divider: float = DIVIDER) -> None:
        self._dut = dut
        self._half_ps = round(divider * CLOCK_NS * 1000 / 2)

    async def _half(self) -> None:
        await Timer(self._half_ps, "ps")

    async def transfer(self, sent: bytes, bits: int | None = None) -> bytes:
        """One frame; cs_n may rise after some of its bits only."""
        dut = self._dut
        dut.spi_cs_n.value = 0
        await self._half()
        received = 0
        count = 8 * len(sent) if bits is None else bits
        for number in range(count):
            dut.spi_mosi.value = sent[number // 8] >> (7 - number % 8) & 1
            await self._half()
            assert int(dut.spi_miso_enable.value)
            received = received << 1 | int(dut.spi_miso.value)
            dut.spi_sclk.value = 1
            await self._half()
            dut.spi_sclk.value = 0
        await self._half()
        dut.spi_cs_n.value = 1
        await self._half()
        await self._half()
        return (received << (8 * len(sent) - count)).to_bytes(len(sent), "big")

    async def write_with(self, address: int, *words: int) -> list[int]:
        """Write words to addresses 4 apart, in one frame; the responses."""
        sent = bytes([WRITE]) + address.to_bytes(2, "big")
        for word in words:
            sent += word.to_bytes(4, "big") + bytes(2)
        answer = await self.transfer(sent)
        return [self._response(answer[8 + 6 * number]) for number in range(len(words))]

    async def read_with(self, address: int, count: int = 1) -> list[tuple[int, int]]:
        """Words and responses of a read of addresses 4 apart, in one frame."""
        answer = await self.transfer(bytes([READ]) + address.to_bytes(2, "big") + bytes(6 * count))
        parts = [answer[4 + 6 * number : 9 + 6 * number] for number in range(count)]
        return [(int.from_bytes(part[1:], "big"), self._response(part[0])) for part in parts]

    @staticmethod
    def _response(status: int) -> int:
        assert status & ~3 == STATUS, f"0x{status:02X} is no status"
        return status & 3

    async def read(self, address: int) -> int:
        """A word that must exist."""
        ((word, response),) = await self.read_with(address)
        assert response == OKAY
        return word

    async def write(self, address: int, word: int) -> None:
        """Write a word that must be accepted."""
        assert await self.write_with(address, word) == [OKAY]


async def begun(dut: Any, divider: float = DIVIDER) -> tuple[BenchCore, SpiHost]:
    bench = BenchCore(dut)
    await bench.begin()
    await ClockCycles(dut.clk, 8)
    return bench, SpiHost(dut, divider)


@cocotb.test()
@cocotb.parametrize(divider=[8.0, 9.7, 23.3])
async def the_registers_are_the_same(dut: Any, divider: float) -> None:
    bench, spi = await begun(dut, divider)
    # All of them at the highest rate; at others, where the edges fall differently, a few.
    for entry in REGISTERS if divider == DIVIDER else REGISTERS[::9]:
        assert await spi.read(entry.address) == await bench.read(entry.address), entry.name
    await spi.write(register("SEED").address, 0x1234_5678)
    assert await bench.registers.read_seed() == 0x1234_5678
    await bench.registers.write_first_sample(0xDEAD_BEEF)
    assert await spi.read(register("FIRST_SAMPLE").address) == 0xDEAD_BEEF


@cocotb.test()
async def a_frame_goes_on_over_several_registers(dut: Any) -> None:
    bench, spi = await begun(dut)
    draw = random.Random(2)
    words = [draw.getrandbits(32) for _ in range(9)]
    first = register("SCHEDULE").address
    assert await spi.write_with(first, *words) == [OKAY] * len(words)
    assert [await bench.read(first + 4 * index) for index in range(len(words))] == words
    assert await spi.read_with(first, len(words)) == [(word, OKAY) for word in words]


@cocotb.test()
async def refusals_are_those_of_the_registers(dut: Any) -> None:
    _, spi = await begun(dut)
    for address, response in ((0x01C, DECERR), (0xFFC, DECERR), (0x1000, DECERR), (0x045, SLVERR)):
        assert await spi.read_with(address) == [(0, response)], f"0x{address:04X}"
        assert await spi.write_with(address, 0xFFFF_FFFF) == [response], f"0x{address:04X}"
    assert await spi.write_with(register("ID").address, 0) == [SLVERR]
    assert await spi.read(register("ID").address) == CORE_ID


@cocotb.test()
async def what_is_no_access_changes_nothing(dut: Any) -> None:
    bench, spi = await begun(dut)
    await bench.registers.write_seed(7)
    address = register("SEED").address.to_bytes(2, "big")
    # An unknown command is ignored: MISO is released, which a frame of the host's would find out.
    dut.spi_cs_n.value = 0
    await ClockCycles(dut.clk, 8)
    for bit in f"{0x55:08b}":
        dut.spi_mosi.value = int(bit)
        await ClockCycles(dut.clk, 4)
        dut.spi_sclk.value = 1
        await ClockCycles(dut.clk, 4)
        dut.spi_sclk.value = 0
    await ClockCycles(dut.clk, 8)
    assert not int(dut.spi_miso_enable.value)
    dut.spi_cs_n.value = 1
    await ClockCycles(dut.clk, 8)
    # A frame that ends before its turnaround writes nothing.
    for bits in (1, 8, 24, 55, 56):
        await spi.transfer(bytes([WRITE]) + address + b"\xff" * 6, bits)
        assert await bench.registers.read_seed() == 7, bits
    await spi.transfer(bytes([WRITE]) + address + b"\xff" * 6, 57)
    assert await bench.registers.read_seed() == 0xFFFF_FFFF


@cocotb.test()
async def both_ways_at_once(dut: Any) -> None:
    bench, spi = await begun(dut)
    first = register("SCHEDULE").address
    stopped = False

    async def by_axi() -> None:
        number = 0
        while not stopped:
            await bench.write(first + 4 * (32 + number % 32), number)
            assert await bench.read(first + 4 * (32 + number % 32)) == number
            number += 1

    background = cocotb.start_soon(by_axi())
    draw = random.Random(6)
    for _ in range(12):
        index, word = draw.randrange(32), draw.getrandbits(32)
        await spi.write(first + 4 * index, word)
        assert await spi.read(first + 4 * index) == word
    stopped = True
    await background


@cocotb.test()
async def a_sample_without_axi(dut: Any) -> None:
    bench, spi = await begun(dut)
    bench.use_array()
    registers = CoreRegisters(spi)
    await registers.write_program_crc(bench.program.stream_crc())
    await registers.write_control(load=1)
    await bench.send(bench.program.stream())
    words = [step.encode() for step in bench.program.instructions()]
    assert await spi.write_with(register("SCHEDULE").address, *words) == [OKAY] * len(words)
    await registers.write_schedule_length(len(words))
    await registers.write_seed(SEED)
    await registers.write_control(start=1, abort=1)
    assert (bench.codes_of(await bench.frame()) == bench.expected[0]).all()
    assert await registers.read_samples() == 1


@cocotb.test()
async def a_reset_during_a_frame_ends_it(dut: Any) -> None:
    bench, spi = await begun(dut)
    frame = cocotb.start_soon(spi.transfer(bytes([WRITE]) + bytes([0, 0x44]) + b"\xff" * 6))
    await ClockCycles(dut.clk, 200)
    frame.cancel()
    await bench.reset()
    assert not int(dut.spi_miso_enable.value)
    dut.spi_sclk.value = 0
    dut.spi_cs_n.value = 1
    await ClockCycles(dut.clk, 8)
    assert await spi.read(register("SEED").address) == 0
