"""Engine ``pysim``: the RTL in Amaranth's own simulator. Needs nothing that pip does not bring."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring

from oscc.base.errors import OsccError
from oscc.base.progress import tell_stage
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import Bench, Simulation
from oscc.rtl.control_plane import ControlPlane
from oscc.rtl.top import array_module_name, core_module_name
from oscc.sim.array.macro import ArrayMacro, MacroContractError
from oscc.sim.engines.array_shim import ArrayShim
from oscc.sim.engines.boundary import broken_contract, frame_word, take_event
from oscc.sim.engines.job import CosimJob, CosimRecord, Progress, tell_record
from oscc.sim.engines.pauses import NO_PAUSES, Pausing, pauses
from oscc.sim.engines.pysim_waves import PysimWaves
from oscc.sim.engines.stream_rules import StreamWatch, at
from oscc.sim.host.host import DiscardedFrameError, Host, HostError, RunCounters
from oscc.sim.waves.save_files import write_save_files

MOST_BITS = 2**16 - 1
"""Widest value that Amaranth takes: a frame of 3,136 readable cells is wider."""

DesignFactory = Callable[[CoreSpec], wiring.Component]
"""Makes the control plane; another than `ControlPlane` puts a changed design under test."""


REPORT_EVERY = 16
"""Clock cycles between two reports of how far a simulation is."""


DESIGN = "the RTL elaborated from Python"
"""What the engine simulates, in words."""


class PysimBus:
    """`oscc.sim.host.host.CoreBus` on a control plane in Amaranth's simulator.

    Parameters
    ----------
    context : amaranth.sim testbench context
    plane : wiring.Component
    core : CoreSpec
    progress : callable, optional
    expected : int
        Clock cycles that all is expected to take; 0 where nobody knows.
    pausing : Pausing
    """

    def __init__(
        self,
        context: Any,
        plane: Any,
        core: CoreSpec,
        progress: Progress | None = None,
        expected: int = 0,
        pausing: Pausing = NO_PAUSES,
    ) -> None:
        self._context = context
        self._plane = plane
        self._core = core
        self._progress = progress
        self._expected = expected
        self._doing = "loading the program"
        self._pauses = {channel: pauses(pausing.seed, channel) for channel in ("ar", "r", "aw", "w", "b", "program")}
        self._pauses["images"] = pauses(pausing.seed, "images", pausing.longest)
        self.cycles = 0

    def _count(self, cycles: int = 1) -> None:
        """Count clock cycles, and tell how many there were now and then."""
        before = self.cycles
        self.cycles += cycles
        if self._progress and before // REPORT_EVERY != self.cycles // REPORT_EVERY:
            share = min(self.cycles / self._expected, 1.0) if self._expected else 0.0
            self._progress(f"{self._doing}, {self.cycles:,} cycles simulated", share)

    async def wait(self, cycles: int) -> None:
        """Let clock cycles pass."""
        self._count(cycles)
        await self._context.tick().repeat(cycles)

    async def _pause(self, channel: str) -> None:
        """Let the cycles of a pause pass."""
        while next(self._pauses[channel]):
            await self.wait(1)

    async def _handshake(self, ready: Any, what: str, limit: int = 1000) -> None:
        """Tick until ``ready`` was high on an edge."""
        for _ in range(limit):
            self._count()
            *_, was_ready = await self._context.tick().sample(ready)
            if was_ready:
                return
        raise HostError(at(f"{what}: no answer within {limit} cycles", ready.name, self.cycles))

    async def _until(self, valid: Any, what: str, limit: int = 1000) -> None:
        """Wait until ``valid`` is high."""
        for _ in range(limit):
            if self._context.get(valid):
                return
            await self.wait(1)
        raise HostError(at(f"{what}: no response within {limit} cycles", valid.name, self.cycles))

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        context, plane = self._context, self._plane
        await self._pause("ar")
        context.set(plane.s_axil_araddr, address)
        context.set(plane.s_axil_arvalid, 1)
        await self._handshake(plane.s_axil_arready, f"read of 0x{address:03X}")
        context.set(plane.s_axil_arvalid, 0)
        await self._pause("r")
        context.set(plane.s_axil_rready, 1)
        await self._until(plane.s_axil_rvalid, f"read of 0x{address:03X}")
        word, response = context.get(plane.s_axil_rdata), context.get(plane.s_axil_rresp)
        await self.wait(1)
        context.set(plane.s_axil_rready, 0)
        if response:
            raise HostError(at(f"read of 0x{address:03X}: response {response}", "s_axil_rresp", self.cycles))
        return int(word)

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address."""
        context, plane = self._context, self._plane
        context.set(plane.s_axil_awaddr, address)
        context.set(plane.s_axil_wdata, word)
        context.set(plane.s_axil_wstrb, 0xF)
        waiting = {"aw", "w"}
        for _ in range(1000):
            # Each is offered after a pause of its own, so that either may come first.
            for channel in sorted(waiting):
                valid = getattr(plane, f"s_axil_{channel}valid")
                if not context.get(valid) and not next(self._pauses[channel]):
                    context.set(valid, 1)
            self._count()
            *_, address_taken, word_taken = await context.tick().sample(
                plane.s_axil_awvalid & plane.s_axil_awready, plane.s_axil_wvalid & plane.s_axil_wready
            )
            for channel, taken in (("aw", address_taken), ("w", word_taken)):
                if taken:
                    context.set(getattr(plane, f"s_axil_{channel}valid"), 0)
                    waiting.discard(channel)
            if not waiting:
                break
        else:
            late = f"write of 0x{address:03X}: no answer within 1000 cycles"
            raise HostError(at(late, "s_axil_awready, s_axil_wready", self.cycles))
        await self._pause("b")
        context.set(plane.s_axil_bready, 1)
        await self._until(plane.s_axil_bvalid, f"write of 0x{address:03X}")
        response = context.get(plane.s_axil_bresp)
        await self.wait(1)
        context.set(plane.s_axil_bready, 0)
        if response:
            raise HostError(at(f"write of 0x{address:03X}: response {response}", "s_axil_bresp", self.cycles))

    async def send(self, stream: bytes) -> None:
        """Send a program image, TLAST with its last beat."""
        context, plane = self._context, self._plane
        size = self._core.stream_width // 8
        beats = [int.from_bytes(stream[at : at + size], "little") for at in range(0, len(stream), size)]
        context.set(plane.s_axis_tvalid, 1)
        for number, beat in enumerate(beats):
            if next(self._pauses["program"]):
                context.set(plane.s_axis_tvalid, 0)
                await self._pause("program")
                context.set(plane.s_axis_tvalid, 1)
            context.set(plane.s_axis_tdata, beat)
            if number == len(beats) - 1:
                context.set(plane.s_axis_tlast, 1)
            await self._handshake(plane.s_axis_tready, f"beat {number} of the program", limit=64)
        context.set(plane.s_axis_tvalid, 0)
        context.set(plane.s_axis_tlast, 0)
        self._doing = "running samples"

    async def receive(self, limit: int) -> bytes:
        """Return the next image, all beats of it."""
        context, plane = self._context, self._plane
        size = self._core.stream_width // 8
        beats: list[bytes] = []
        waited, ready = 0, False
        watch = StreamWatch("m_axis_t")
        while True:
            self._count()
            if ready == next(self._pauses["images"]):
                ready = not ready
                context.set(plane.m_axis_tready, ready)
            *_, valid, data, last, user, irq = await context.tick().sample(
                plane.m_axis_tvalid, plane.m_axis_tdata, plane.m_axis_tlast, plane.m_axis_tuser, plane.irq
            )
            if broken := watch.see(bool(valid), ready, (int(data), int(last), int(user))):
                raise HostError(at(broken, "m_axis_tvalid", self.cycles))
            if valid and not ready:
                continue
            if valid:
                waited = 0
                beats.append(int(data).to_bytes(size, "little"))
                if last:
                    context.set(plane.m_axis_tready, 0)
                    if user:
                        marked = "the core delivered a sample that is no image"
                        raise DiscardedFrameError(at(marked, "m_axis_tuser", self.cycles))
                    return b"".join(beats)
                continue
            waited += 1
            if irq:
                raise HostError(at("irq was raised while an image was awaited", "irq", self.cycles))
            if waited > limit:
                arrived = f"; {len(beats)} beats of it had arrived" if beats else ""
                raise HostError(at(f"no image within {limit} cycles{arrived}", "m_axis_tvalid", self.cycles))


class PysimCore:
    """A control plane with the array shim behind it, ready for Amaranth's simulator; it runs any number of times.

    Parameters
    ----------
    core : CoreSpec
    design : callable, optional
        Makes the control plane of a core.

    Attributes
    ----------
    plane : wiring.Component
    simulation : Simulation
    """

    def __init__(self, core: CoreSpec, design: DesignFactory = ControlPlane) -> None:
        self.core = core
        self.plane: Any = design(core)
        self._shim = ArrayShim(core)
        module = Module()
        module.submodules.plane = self.plane
        module.submodules.shim = self._shim
        wiring.connect(module, self.plane.array, self._shim.array)
        self.simulation = Simulation(module, core.clock_s)

    def run(self, host: Bench, macro: Callable[[], ArrayMacro], background: Sequence[Bench] = ()) -> None:
        """Run from reset until the host has ended.

        Parameters
        ----------
        host : Bench
        macro : callable
            Gives the model of the array to which an event at the boundary goes.
        background : sequence of Bench
            Run along; in every cycle before the host.
        """
        shim = self._shim

        async def array(context: Any) -> None:
            async for _ in context.changed(shim.seen_event):
                if take_event(macro(), lambda name: int(context.get(getattr(shim, f"seen_{name}")))):
                    context.set(shim.frame, frame_word(macro()))

        self.simulation.run(host, background=[array, *background], limit=None)


@contextmanager
def _waves_of(ready: PysimCore, job: CosimJob) -> Iterator[Sequence[Bench]]:
    """Provide the benches that write the waves of a job; what was written stays when the run fails."""
    if job.waves is None:
        yield ()
        return
    with job.waves.path.open("w", encoding="utf-8") as file:
        waves = PysimWaves(ready.simulation, core_module_name(job.core), job.waves, file)
        try:
            yield (waves.bench(),)
        finally:
            waves.close()
            write_save_files(job.waves.path, waves.signals)


class PysimEngine:
    """Runs the control plane in Amaranth's simulator.

    Jobs on the core of the job before take less time: what it was made ready with is kept.

    Parameters
    ----------
    design : callable, optional
        Makes the control plane of a core.
    """

    name = "pysim"

    def __init__(self, design: DesignFactory = ControlPlane) -> None:
        self._design = design
        self._ready: PysimCore | None = None

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job; see `oscc.sim.engines.job.Engine`."""
        core = job.core
        frame_bits = core.frame_shape[0] * core.row_tap_bits
        if frame_bits > MOST_BITS:
            raise OsccError(
                "engine.missing",
                f"engine 'pysim' simulates values of up to {MOST_BITS} bits; a frame of {core.name} has {frame_bits}",
                hint="use --engine array",
            )
        # Elaborating a large core takes longer than many samples.
        tell_stage(progress, "building the simulation of the core")
        times = {"start": time.perf_counter()}
        ready = self._ready
        if ready is None or ready.core != core:
            ready = self._ready = PysimCore(core, self._design)
        plane = ready.plane
        macro = ArrayMacro(core, job.make_array(), keep=job.keep)
        outcome: dict[str, Any] = {}

        async def host(context: Any) -> None:
            bus = PysimBus(context, plane, core, progress, job.expected_cycles, Pausing(job.pauses, job.longest_pause))
            driver = Host(bus, core)
            await bus.wait(4)
            await driver.identify()
            await driver.load(job.program)
            times["loaded"] = time.perf_counter()
            outcome["codes"] = await driver.take_samples(
                job.samples, seed=job.seed, first=job.first_sample, limit=job.sample_limit
            )
            outcome["counters"] = await driver.counters()
            outcome["cycles"] = bus.cycles

        try:
            with _waves_of(ready, job) as background:
                ready.run(host, lambda: macro, background)
        except MacroContractError as error:
            raise broken_contract(error, f"{array_module_name(core)} of {DESIGN}") from None
        counters: RunCounters = outcome["counters"]
        record = CosimRecord(
            engine=self.name,
            codes=np.asarray(outcome["codes"]),
            macro=macro.record(),
            counters=counters,
            cycles=outcome["cycles"],
            load_seconds=times["loaded"] - times["start"],
            run_seconds=time.perf_counter() - times["loaded"],
            design=DESIGN,
        )
        tell_record(job, record)
        return record
