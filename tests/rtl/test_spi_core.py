"""The whole control plane through its SPI pins."""

from __future__ import annotations

import random
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.registers import CORE_ID, MAP_VERSION, register
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import AxiLiteHost, StreamPort, frame_beats, get_beats, put_beats, random_pauses, wait
from oscc.rtl.bench.spi_simulation import SpiHost, SpiRefusedError, SpiTiming
from oscc.rtl.control_plane import ControlPlane, host_members
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.sim.host.core_registers import CoreRegisters

# A quarter of the cells of tiny-8x8: its program loads in a moment.
QUARTER = CoreSpec.model_validate(
    load_core("tiny-8x8").model_dump(by_alias=True) | {"name": "quarter-spi", "grid": [4, 4], "spi": True}
)
SCHEDULE = register("SCHEDULE").address
ONE_SAMPLE = [
    Instruction(Operation.LOAD, 0),
    Instruction(Operation.COMMIT),
    Instruction(Operation.INIT, 9),
    Instruction(Operation.RUN, 30),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.STOP),
]


class Bench:
    """A control plane with hosts at SPI and AXI4-Lite, and an array that always answers at once."""

    def __init__(self) -> None:
        self.plane, self.simulation = prepared(ControlPlane, QUARTER)
        plane = self.plane
        self.program = StreamPort.of(plane, "s_axis_t")
        self.images = StreamPort.of(plane, "m_axis_t")
        self.record = Recorder(irq=plane.irq, init=plane.array.init, sample=plane.array.sample)
        self.spi: SpiHost
        self.axi: AxiLiteHost
        self.registers: CoreRegisters

    def run(self, host: Callable[[Any], Awaitable[None]], limit: int = 40_000) -> Recorder:
        async def whole(context: Any) -> None:
            context.set(self.plane.array.ready, 1)
            context.set(self.plane.array.tap_valid, 1)
            self.axi = AxiLiteHost(context, self.plane, "s_axil_", random_pauses(1))
            self.spi = SpiHost(context, self.plane, "spi_", SpiTiming.jittering(1, stretch=1.3))
            self.registers = CoreRegisters(self.spi)
            await self.spi.idle()
            await host(context)

        self.simulation.run(whole, background=[self.record.watch], limit=limit)
        return self.record

    async def set_bits(self, name: str) -> set[str]:
        """Names of the fields of STATUS, ERROR or IRQ_STATUS that are set."""
        fields = await getattr(self.registers, f"read_{name}")()
        return {field for field, value in vars(fields).items() if value}


def test_the_pins_are_there_when_the_specification_says_so() -> None:
    without = QUARTER.model_copy(update={"spi": False})
    with_spi = set(host_members(QUARTER)) - set(host_members(without))
    assert with_spi == {"spi_sclk", "spi_cs_n", "spi_mosi", "spi_miso", "spi_miso_enable"}
    assert set(host_members(without)) < set(host_members(QUARTER))


def test_the_identity_is_that_of_the_core() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        identity = await bench.spi.read_words(0x000, 7)
        assert identity == [(await bench.axi.read(0x000 + 4 * index), OKAY) for index in range(7)]
        assert identity[0][0] == await bench.registers.read_id() == CORE_ID
        assert identity[1][0] == MAP_VERSION
        grid = await bench.registers.read_grid()
        assert (grid.rows, grid.cols) == (4, 4)

    bench.run(host)


def test_a_schedule_is_loaded_while_axi_polls() -> None:
    bench = Bench()
    words = encode_schedule(ONE_SAMPLE).tolist()
    ended: list[int] = []

    async def poll(context: Any) -> None:
        axi = AxiLiteHost(context, bench.plane, "s_axil_", random_pauses(5))
        while not ended:
            assert await axi.read_with(0x000) == (CORE_ID, OKAY)
            assert await axi.write_with(0x048, 77) == OKAY
            assert await axi.read_with(0x048) == (77, OKAY)

    async def load(context: Any) -> None:
        spi = SpiHost(context, bench.plane, "spi_")
        await spi.idle()
        assert await spi.write_words(SCHEDULE, words) == [OKAY] * len(words)
        assert await spi.read_words(SCHEDULE, len(words)) == [(word, OKAY) for word in words]
        ended.append(1)

    bench.simulation.run(load, poll)


def test_what_is_refused_changes_nothing() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        with pytest.raises(SpiRefusedError, match=r"^write of 0x0000: response 2$") as refused:
            await bench.spi.write(0x000, 1)
        assert refused.value.response == SLVERR
        with pytest.raises(SpiRefusedError, match=r"^read of 0x0FFC: response 3$") as refused:
            await bench.spi.read(0xFFC)
        assert refused.value.response == DECERR
        # A start of which the last bit of the data came, but not the turnaround byte.
        await bench.spi.transfer([0x02, 0x00, 0x20, 0, 0, 0, 1], 56)
        await wait(context, 5)
        assert await bench.set_bits("error") == set()
        assert await bench.registers.read_id() == CORE_ID

    bench.run(host)


def test_start_without_a_program_is_refused() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.registers.write_irq_enable(error=1)
        await bench.registers.write_control(start=1)
        await wait(context, 5)
        assert await bench.set_bits("error") == {"unprogrammed"}
        assert await bench.set_bits("irq_status") == {"error"}
        assert context.get(bench.plane.irq)
        await bench.registers.write_error(unprogrammed=1)
        await bench.registers.write_irq_status(error=1)
        await wait(context, 3)
        assert not context.get(bench.plane.irq)
        assert await bench.set_bits("error") == set()

    assert bench.run(host).cycles("init") == []


def test_a_core_is_run_by_spi_alone() -> None:
    """But for the program and the image, which have streams of their own."""
    bench = Bench()
    generator = random.Random(3)
    width = QUARTER.stream_width
    # Padding bits are 0.
    image = [
        (word >> (width * beat)) % 2**width
        for word in (
            generator.getrandbits(QUARTER.word_bits) for _ in range(QUARTER.grid[0] * QUARTER.grid[1] * QUARTER.chunks)
        )
        for beat in range(-(-QUARTER.word_bits // width))
    ]

    async def host(context: Any) -> None:
        registers = bench.registers
        await registers.write_program_crc(zlib.crc32(b"".join(beat.to_bytes(width // 8, "little") for beat in image)))
        await registers.write_control(load=1)
        await put_beats(context, bench.program, frame_beats(image))
        assert "programmed" in await bench.set_bits("status")
        words = [*encode_schedule(ONE_SAMPLE).tolist()]
        assert await bench.spi.write_words(SCHEDULE, words) == [OKAY] * len(words)
        await registers.write_schedule_length(len(words))
        await registers.write_control(start=1)
        assert len(await get_beats(context, bench.images)) == QUARTER.frame_beats
        assert await registers.read_samples() == 1
        assert await bench.set_bits("error") == set()
        assert {"sample", "stopped", "programmed"} <= await bench.set_bits("irq_status")

    assert len(bench.run(host).cycles("sample")) == 1
