"""The cocotb side of the Verilog engines: runs inside the simulator's process.

It reads a job folder (`oscc.sim.engines.verilog` writes it), drives the core with cocotbext-axi through the generated
driver and leaves ``record.npz``; or ``error.txt`` when the core refused, or ``contract.txt`` when it broke the contract
of the array macro.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer, ValueChange, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from oscc.base.file_output import write_text
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.sim.array.macro import ArrayMacro, MacroContractError
from oscc.sim.engines.boundary import frame_word, take_event
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.pauses import LONGEST_SHORT, SLACK, bursts
from oscc.sim.engines.record_file import write_record
from oscc.sim.engines.verilog import CONTRACT, CYCLES, JOB_FOLDER, RECORD, REFUSAL
from oscc.sim.host.host import DiscardedFrameError, Host, HostError

CLOCK_NS = 10
"""Simulated clock period; only the count of cycles matters."""

TELL_EVERY = 256
"""Clock cycles after which the bench leaves word how far it is."""


class CocotbBus:
    """`oscc.sim.host.host.CoreBus` on a Verilog core, made of cocotbext-axi's models.

    Parameters
    ----------
    dut : cocotb handle
        The core.
    core : CoreSpec
    pauses : int, optional
        Seed of random pauses on every channel.
    longest_pause : int
        Of the image stream [clock cycles].
    """

    def __init__(self, dut: Any, core: CoreSpec, pauses: int | None = None, longest_pause: int = LONGEST_SHORT) -> None:
        self._dut = dut
        self._core = core
        self._slack = 1 if pauses is None else SLACK
        self._registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self._source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self._sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        if pauses is not None:
            reads, writes = self._registers.read_if, self._registers.write_if
            channels = {
                "ar": reads.ar_channel,
                "r": reads.r_channel,
                "aw": writes.aw_channel,
                "w": writes.w_channel,
                "b": writes.b_channel,
                "program": self._source,
                "images": self._sink,
            }
            for name, channel in channels.items():
                longest = longest_pause if name == "images" else LONGEST_SHORT
                cocotb.start_soon(_pause_now_and_then(channel, bursts(pauses, name, longest)))

    async def wait(self, cycles: int) -> None:
        """Let clock cycles pass."""
        await ClockCycles(self._dut.clk, cycles)

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        answer = await self._registers.read(address, 4)
        if answer.resp:
            raise HostError(f"read of 0x{address:03X}: response {int(answer.resp)}")
        return int.from_bytes(answer.data, "little")

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address."""
        answer = await self._registers.write(address, word.to_bytes(4, "little"))
        if answer.resp:
            raise HostError(f"write of 0x{address:03X}: response {int(answer.resp)}")

    async def send(self, stream: bytes) -> None:
        """Send a program image, TLAST with its last beat."""
        await self._source.send(AxiStreamFrame(stream))
        limit = self._slack * (2 * self._core.program_beats + 1000)
        try:
            await with_timeout(self._source.wait(), limit * CLOCK_NS, "ns")
        except cocotb.triggers.SimTimeoutError:
            raise HostError(f"the program was not accepted within {limit} cycles") from None

    async def receive(self, limit: int) -> bytes:
        """Return the next image, padded to whole beats as on the wire."""
        waiting = cocotb.start_soon(self._sink.recv(compact=False))
        irq = RisingEdge(self._dut.irq)
        # The limit is for a beat, the first one included; a frame adds its own beats.
        deadline = (limit + 4 * self._core.frame_beats) * CLOCK_NS
        try:
            first = await with_timeout(First(waiting, irq), deadline, "ns")
        except cocotb.triggers.SimTimeoutError:
            waiting.cancel()
            raise HostError(f"no image within {limit} cycles") from None
        if first is irq:
            waiting.cancel()
            raise HostError("irq was raised while an image was awaited")
        frame = waiting.result()
        if frame.tuser[-1] if isinstance(frame.tuser, list) else frame.tuser:
            raise DiscardedFrameError("the core delivered a sample that is no image")
        return bytes(frame.tdata)


async def _pause_now_and_then(channel: Any, spells: Iterator[tuple[int, int]]) -> None:
    """Pause a channel of cocotbext-axi, halfway between clock edges, when its model looks at nothing."""
    await Timer(CLOCK_NS / 2, "ns")
    for going, pausing in spells:
        channel.pause = False
        await Timer(going * CLOCK_NS, "ns")
        channel.pause = True
        await Timer(pausing * CLOCK_NS, "ns")


async def serve_array(shim: Any, macro: ArrayMacro, folder: Path) -> None:
    """Hand events of the shim to the behavioural macro, and latched taps back, for ever.

    Parameters
    ----------
    shim : cocotb handle
    macro : ArrayMacro
    folder : Path
        Gets ``contract.txt`` when the core breaks the macro's contract.

    Raises
    ------
    MacroContractError
    """
    try:
        while True:
            await ValueChange(shim.seen_event)
            if take_event(macro, lambda name: int(getattr(shim, f"seen_{name}").value)):
                shim.frame.value = frame_word(macro)
    except MacroContractError as error:
        write_text(folder / CONTRACT, str(error))
        raise


async def count_cycles(folder: Path) -> None:
    """Leave the number of simulated clock cycles in ``cycles.txt`` again and again, for ever.

    Parameters
    ----------
    folder : Path
    """
    while True:
        await Timer(TELL_EVERY * CLOCK_NS, "ns")
        write_text(folder / CYCLES, str(round(cocotb.utils.get_sim_time("ns") / CLOCK_NS)))


@cocotb.test()
async def run_job(dut: Any) -> None:
    """Run the job of the job folder."""
    folder = Path(os.environ[JOB_FOLDER])
    options = json.loads((folder / "job.json").read_text())
    engine = options.pop("engine")
    core = load_core(folder / "core.yaml")
    job = CosimJob(core=core, program=read_program(folder / "program.bin"), **options)
    macro = ArrayMacro(core, job.make_array(), keep=job.keep)

    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    dut.rst.value = 1
    if core.spi:
        dut.spi_cs_n.value, dut.spi_sclk.value, dut.spi_mosi.value = 1, 0, 0
    cocotb.start_soon(count_cycles(folder))
    started = time.perf_counter()
    bus = CocotbBus(dut, core, job.pauses, job.longest_pause)
    host = Host(bus, core)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    cocotb.start_soon(serve_array(dut.array_macro, macro, folder))
    try:
        await host.identify()
        await host.load(job.program)
        loaded = time.perf_counter()
        codes = await host.take_samples(job.samples, seed=job.seed, first=job.first_sample, limit=job.sample_limit)
        counters = await host.counters()
    except HostError as error:
        write_text(folder / REFUSAL, str(error))
        return
    record = CosimRecord(
        engine=engine,
        codes=codes,
        macro=macro.record(),
        counters=counters,
        cycles=round(cocotb.utils.get_sim_time("ns") / CLOCK_NS),
        load_seconds=loaded - started,
        run_seconds=time.perf_counter() - loaded,
    )
    write_record(folder / RECORD, record)
