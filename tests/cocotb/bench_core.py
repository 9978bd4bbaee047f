"""What the benches share: a core with its clock, registers, streams and array, ready to be driven.

The folder in the environment variable OSCC_BENCH holds core.yaml, program.bin and expected.npy (codes of the first
samples of seed `SEED`, as engine ``array`` makes them); `test_benches.py` writes it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from oscc.core.instructions import Instruction, Operation
from oscc.core.program import Program
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.cocotb_bench import serve_array
from oscc.sim.engines.cocotb_bus import CLOCK_NS
from oscc.sim.engines.job import CosimJob
from oscc.sim.host.core_registers import CoreRegisters

FOLDER = "OSCC_BENCH"
SEED = 11
"""Key of the noise of the expected codes."""


def folder() -> Path:
    """The bench's folder."""
    return Path(os.environ[FOLDER])


def steps(*texts: str) -> list[Instruction]:
    """Instructions as they are listed: ``steps("load 0", "run 20", "repeat 0 1")``; repeat takes count and target."""
    made = []
    for text in texts:
        name, *operands = text.split()
        numbers = [int(operand) for operand in operands]
        if name == "repeat":
            made.append(Instruction(Operation.REPEAT, numbers[1], numbers[0]))
        else:
            made.append(Instruction(Operation[name.upper()], *numbers))
    return made


def repeated_endlessly(seed: int, share: float) -> Iterator[bool]:
    """True in a share of all cycles, at random, for ever; for cocotbext-axi's pause generators."""
    draw = random.Random(seed)
    while True:
        yield draw.random() < share


class BenchCore:
    """The core under test. Implements `oscc.sim.host.core_registers.RegisterBus`.

    Parameters
    ----------
    dut : cocotb handle
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.core: CoreSpec = load_core(folder() / "core.yaml")
        self.program: Program = read_program(folder() / "program.bin")
        self.expected: np.ndarray = np.load(folder() / "expected.npy")
        self.axi = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        self.registers = CoreRegisters(self)
        self.shim = dut.array_macro
        self.macro: ArrayMacro | None = None

    async def begin(self) -> None:
        """Start the clock and reset the core."""
        self.shim.ready_level.value = 1
        self.shim.tap_valid_level.value = 1
        if self.core.spi:
            self.dut.spi_cs_n.value, self.dut.spi_sclk.value, self.dut.spi_mosi.value = 1, 0, 0
        Clock(self.dut.clk, CLOCK_NS, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """Hold the reset for some cycles."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    def use_array(self) -> None:
        """Put the behavioural array behind the boundary; without it the taps are whatever `shim.frame` holds."""
        job = CosimJob(core=self.core, program=self.program)
        self.macro = ArrayMacro(self.core, job.make_array())
        cocotb.start_soon(serve_array(self.shim, self.macro, folder(), "the core of the benches"))

    # Registers

    async def read_any(self, address: int) -> tuple[int, int]:
        """Word and response of a read."""
        answer = await self.axi.read(address, 4)
        return int.from_bytes(answer.data, "little"), int(answer.resp)

    async def read(self, address: int) -> int:
        """A word that must exist."""
        word, response = await self.read_any(address)
        assert response == 0, f"read of 0x{address:03X}: response {response}"
        return word

    async def write_any(self, address: int, data: bytes) -> int:
        """Response of a write of a word."""
        answer = await self.axi.write(address, data)
        return int(answer.resp)

    async def write_bytes(self, address: int, word: int, strobes: int) -> int:
        """Response of a write under strobes, one per byte: the master has no call for an address below them."""
        writes = self.axi.write_if
        beats = (
            (writes.aw_channel, {"awaddr": address, "awprot": 0}),
            (writes.w_channel, {"wdata": word, "wstrb": strobes}),
        )
        for channel, fields in beats:
            beat = channel._transaction_obj()
            for name, value in fields.items():
                setattr(beat, name, value)
            await channel.send(beat)
        return int((await writes.b_channel.recv()).bresp)

    async def write(self, address: int, word: int) -> None:
        """Write a word that must be accepted."""
        response = await self.write_any(address, word.to_bytes(4, "little"))
        assert response == 0, f"write of 0x{address:03X}: response {response}"

    async def errors(self) -> set[str]:
        """Causes that are set in ERROR."""
        return {name for name, value in vars(await self.registers.read_error()).items() if value}

    async def interrupts(self) -> set[str]:
        """Causes that are set in IRQ_STATUS."""
        return {name for name, value in vars(await self.registers.read_irq_status()).items() if value}

    async def status(self) -> set[str]:
        """Bits that are set in STATUS, without ``array_ready``, which nearly always is."""
        status = {name for name, value in vars(await self.registers.read_status()).items() if value}
        return status - {"array_ready"}

    async def clear(self) -> None:
        """Clear all error and interrupt causes."""
        await self.write(0x028, 0xFFFF_FFFF)
        await self.write(0x030, 0xFFFF_FFFF)

    # Programs

    async def send(self, stream: bytes) -> None:
        """Send program beats, TLAST with the last one, and wait until they are taken."""
        await self.source.send(AxiStreamFrame(stream))
        await with_timeout(self.source.wait(), 20 * len(stream) * CLOCK_NS + 1000, "ns")
        await ClockCycles(self.dut.clk, 8)

    async def load(self, stream: bytes | None = None, crc: int | None = None) -> None:
        """Load the weights: the program's own unless others are given."""
        await self.registers.write_program_crc(self.program.stream_crc() if crc is None else crc)
        await self.registers.write_control(load=1)
        await self.send(self.program.stream() if stream is None else stream)

    async def write_schedule(self, schedule: Iterable[Instruction]) -> None:
        """Write a schedule and its length."""
        words = [step.encode() for step in schedule]
        for index, word in enumerate(words):
            await self.registers.write_schedule(index, word)
        await self.registers.write_schedule_length(len(words))

    async def start(self, schedule: Sequence[Instruction]) -> None:
        """Write a schedule and start it."""
        await self.write_schedule(schedule)
        await self.registers.write_control(start=1)

    async def until_idle(self, limit: int = 5000) -> None:
        """Wait until no schedule runs."""
        for _ in range(limit // 8):
            if "running" not in await self.status():
                return
        raise AssertionError(f"the schedule has not ended within {limit} cycles: {await self.status()}")

    async def stop(self) -> None:
        """End a schedule at once, and wait for the end."""
        await self.registers.write_control(abort=1)
        await self.registers.write_control(abort=1)
        await self.until_idle()

    # Images

    async def frame(self, limit: int = 20_000) -> AxiStreamFrame:
        """The next frame, every byte of it."""
        return await with_timeout(self.sink.recv(compact=False), limit * CLOCK_NS, "ns")

    def no_frame_waits(self) -> bool:
        """Whether no whole frame has arrived that nobody has asked for."""
        return bool(self.sink.empty())

    def codes_of(self, frame: AxiStreamFrame) -> np.ndarray:
        """Codes of a whole frame, after checking its marks and its unused bytes."""
        rows, cols = self.core.frame_shape
        lanes = self.core.codes_per_beat
        assert not is_marked(frame), "the frame is marked as not being an image"
        used = np.zeros((rows, self.core.row_beats * lanes), dtype=bool)
        used[:, :cols] = True
        assert frame.tkeep == used.reshape(-1).astype(int).tolist()
        data = np.frombuffer(bytes(frame.tdata), dtype=np.uint8).reshape(rows, -1)
        assert not data[:, cols:].any(), "unused bytes are not zero"
        return data[:, :cols]

    async def take_expected(self, samples: int = 2) -> None:
        """Load the program, take the first samples and compare them with those of engine ``array``."""
        await self.load()
        assert await self.errors() == set()
        await self.registers.write_seed(SEED)
        await self.registers.write_first_sample(0)
        await self.write_schedule(self.program.instructions())
        await self.registers.write_control(start=1)
        for number in range(samples):
            if number == samples - 1:
                await self.registers.write_control(abort=1)
            codes = self.codes_of(await self.frame())
            np.testing.assert_array_equal(codes, self.expected[number], err_msg=f"sample {number}")
        await self.until_idle()
        assert await self.errors() == set()

    # Weights

    def word(self, column: int, address: int) -> Any:
        """The handle of a data word in the bank of a column; writing it changes the memory."""
        bank, number = self._bank(column)
        return getattr(bank, f"memory_{number}").words[address]

    def _bank(self, column: int) -> tuple[Any, int]:
        group = getattr(self.dut.control.store.memory, f"group_{column // 8 * 8}")
        return getattr(group, f"bank_{column % 8 // 4 * 4}"), column % 4

    async def flip(self, column: int, address: int, *bits: int) -> None:
        """Flip bits of a data word, between clock edges."""
        await FallingEdge(self.dut.clk)
        word = self.word(column, address)
        changed = int(word.value)
        for bit in bits:
            changed ^= 1 << bit
        word.value = changed
        await RisingEdge(self.dut.clk)


def is_marked(frame: AxiStreamFrame) -> bool:
    """Whether a frame says, with TUSER on its last beat, that it is not an image."""
    return bool(frame.tuser[-1] if isinstance(frame.tuser, list) else frame.tuser)


def is_mark_alone(frame: AxiStreamFrame) -> bool:
    """Whether a frame is nothing but the mark: one byte, zero, in one beat."""
    kept = sum(frame.tkeep) if frame.tkeep is not None else len(frame.tdata)
    return is_marked(frame) and kept == 1 and not any(frame.tdata)
