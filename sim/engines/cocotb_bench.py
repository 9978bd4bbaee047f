"""The cocotb side of the Verilog engines: runs inside the simulator's process.

It reads a job folder (`oscc.sim.engines.verilog` writes it), drives the core with cocotbext-axi through the generated
driver and leaves ``record.npz``; or ``error.txt`` when the core refused, or ``contract.txt`` when it broke the contract
of the array macro.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from oscc.base.file_output import write_text
from oscc.core.program_file import read_program
from oscc.core.spec_file import load_core
from oscc.sim.array.macro import ArrayMacro, MacroContractError
from oscc.sim.engines.boundary import broken_contract
from oscc.sim.engines.cocotb_array import serve_shim
from oscc.sim.engines.cocotb_bus import CLOCK_NS, CocotbBus, cycle_now
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.record_file import write_record
from oscc.sim.engines.stream_rules import StreamWatch, at
from oscc.sim.engines.verilog import CONTRACT, CYCLES, JOB_FOLDER, RECORD, REFUSAL
from oscc.sim.host.host import Host, HostError

TELL_EVERY = 256
"""Clock cycles after which the bench leaves word how far it is."""


async def serve_array(shim: Any, macro: ArrayMacro, folder: Path, instance: str) -> None:
    """Hand events of the shim to the behavioural macro, and latched taps back, for ever.

    Parameters
    ----------
    shim : cocotb handle
    macro : ArrayMacro
    folder : Path
        Gets ``contract.txt`` when the core breaks the macro's contract.
    instance : str
        Name of the macro, and where it stands.

    Raises
    ------
    MacroContractError
    """
    try:
        await serve_shim(shim, macro)
    except MacroContractError as error:
        write_text(folder / CONTRACT, str(broken_contract(error, instance)))
        raise


async def watch_images(dut: Any, folder: Path) -> None:
    """Watch the rules of the image stream, for ever.

    Parameters
    ----------
    dut : cocotb handle
    folder : Path
        Gets ``error.txt`` when the core breaks one.

    Raises
    ------
    HostError
    """
    watch = StreamWatch("m_axis_t")
    offered = dut.m_axis_tvalid
    while True:
        if str(offered.value) != "1":
            await RisingEdge(offered)
        await RisingEdge(dut.clk)
        valid, ready = (str(signal.value) == "1" for signal in (offered, dut.m_axis_tready))
        beat = (dut.m_axis_tdata, dut.m_axis_tlast, dut.m_axis_tuser) if valid else ()
        if broken := watch.see(valid, ready, tuple(int(signal.value) for signal in beat)):
            message = at(broken, "m_axis_tvalid", cycle_now())
            write_text(folder / REFUSAL, message)
            raise HostError(message)


async def count_cycles(folder: Path) -> None:
    """Leave the number of simulated clock cycles in ``cycles.txt`` again and again, for ever.

    Parameters
    ----------
    folder : Path
    """
    while True:
        await Timer(TELL_EVERY * CLOCK_NS, "ns")
        write_text(folder / CYCLES, str(cycle_now()))


@cocotb.test()
async def run_job(dut: Any) -> None:
    """Run the job of the job folder."""
    folder = Path(os.environ[JOB_FOLDER])
    options = json.loads((folder / "job.json").read_text())
    engine, design, instance = (options.pop(name) for name in ("engine", "design", "instance"))
    core = load_core(folder / "core.yaml")
    job = CosimJob(core=core, program=read_program(folder / "program.bin"), **options)
    macro = ArrayMacro(core, job.make_array(), keep=job.keep)

    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    dut.rst.value = 1
    if core.spi:
        dut.spi_cs_n.value, dut.spi_sclk.value, dut.spi_mosi.value = 1, 0, 0
    if core.memory_pins:
        dut.sram_test.value, dut.sram_repair_shift.value, dut.sram_repair_in.value = 0, 0, 0
    cocotb.start_soon(count_cycles(folder))
    started = time.perf_counter()
    bus = CocotbBus(dut, core, job.pauses, job.longest_pause)
    host = Host(bus, core)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    cocotb.start_soon(serve_array(dut.array_macro, macro, folder, instance))
    cocotb.start_soon(watch_images(dut, folder))
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
        cycles=cycle_now(),
        load_seconds=loaded - started,
        run_seconds=time.perf_counter() - loaded,
        design=design,
    )
    write_record(folder / RECORD, record)
