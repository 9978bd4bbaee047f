"""The host: loads a program into a core, starts it and takes the images, as firmware would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oscc.core.registers import CORE_ID, IRQ_CAUSES, error_causes_of, map_version_of, register
from oscc.core.spec import CoreSpec
from oscc.sim.host.core_registers import CoreRegisters, RegisterBus, StatusFields


class CoreBus(RegisterBus, Protocol):
    """Everything through which a host reaches a core."""

    async def send(self, stream: bytes) -> None:
        """Send a program image, TLAST with its last beat.

        Raises
        ------
        HostError
            When the core stops accepting.
        """

    async def receive(self, limit: int) -> bytes:
        """Return the next image, all beats of it, unused bytes included.

        Parameters
        ----------
        limit : int
            Clock cycles to wait for the next beat.

        Raises
        ------
        DiscardedFrameError
            When the frame is marked as not being an image.
        HostError
            When no beat comes within the limit, or irq is raised before.
        """

    async def wait(self, cycles: int) -> None:
        """Let clock cycles pass."""


class Loadable(Protocol):
    """What a host loads: a `Program`, or the parts of one that a core sees."""

    @property
    def schedule(self) -> NDArray[np.uint32]:
        """Return the encoded instructions, uint32[I]."""

    def stream(self) -> bytes:
        """Return the program stream, whole beats."""

    def stream_crc(self) -> int:
        """Compute the CRC-32 of the stream."""


class HostError(Exception):
    """The core refused, reported an error, or did not answer; the message says why."""


class DiscardedFrameError(HostError):
    """What arrived is marked (TUSER) as not being an image."""


@dataclass(frozen=True)
class SelfTestResult:
    """What a self-test of the weight banks found.

    Parameters
    ----------
    failures : int
        Reads that differed from what was written.
    address, column : int
        The first word that failed; 0 when none did.
    """

    failures: int
    address: int
    column: int


@dataclass(frozen=True)
class RunCounters:
    """Registers after a run.

    Parameters
    ----------
    samples : int
        Latched since start.
    period : int
        Clock cycles between the last two samples.
    stalled : int
        Clock cycles in which the schedule had to wait.
    corrected, uncorrectable, scrubbed : int
        Weight words.
    program_crc : int
        CRC-32 that the core computed over the stream.
    """

    samples: int
    period: int
    stalled: int
    corrected: int
    uncorrectable: int
    program_crc: int
    scrubbed: int = 0


class Host:
    """Drives a core through its registers and streams.

    Parameters
    ----------
    bus : CoreBus
    core : CoreSpec
    """

    def __init__(self, bus: CoreBus, core: CoreSpec) -> None:
        self._bus = bus
        self._core = core
        self.registers = CoreRegisters(bus)

    async def identify(self) -> None:
        """Check that the core behind the bus is the one that is meant.

        Raises
        ------
        HostError
        """
        for name, given, expected in (
            ("ID", await self.registers.read_id(), CORE_ID),
            ("VERSION", await self.registers.read_version(), map_version_of(self._core)),
            ("SPEC_HASH", await self.registers.read_spec_hash(), int(self._core.hash[:8], 16)),
            ("PROGRAM_BEATS", await self.registers.read_program_beats(), self._core.program_beats),
        ):
            if given != expected:
                raise HostError(f"register {name} is 0x{given:08X}, expected 0x{expected:08X}: another core")

    async def load(self, program: Loadable, stream: bytes | None = None, crc: int | None = None) -> None:
        """Load weights and schedule.

        Parameters
        ----------
        program : Loadable
        stream : bytes, optional
            Sent instead of the program's own stream.
        crc : int, optional
            Written to PROGRAM_CRC instead of the program's own.

        Raises
        ------
        HostError
            When the core does not report the program as loaded.
        """
        await self._clear_errors()
        await self.registers.write_program_crc(program.stream_crc() if crc is None else crc)
        await self.registers.write_control(load=1)
        await self._bus.send(program.stream() if stream is None else stream)
        await self._bus.wait(8)
        await self.raise_errors()
        if not (await self.registers.read_status()).programmed:
            raise HostError("the core did not accept the program: it waits for more beats")
        for index, word in enumerate(program.schedule.tolist()):
            await self.registers.write_schedule(index, word)
        await self.registers.write_schedule_length(len(program.schedule))

    async def take_samples(self, samples: int, *, seed: int, first: int, limit: int) -> NDArray[np.uint8]:
        """Start the schedule, take images and stop it after the last one.

        Parameters
        ----------
        samples, seed, first, limit : int
            As for `samples`.

        Returns
        -------
        uint8[samples, frame rows, frame cols]
            Read-out codes.

        Raises
        ------
        HostError
        """
        return np.stack([frame async for frame in self.samples(samples, seed=seed, first=first, limit=limit)])

    async def samples(self, samples: int, *, seed: int, first: int, limit: int) -> AsyncIterator[NDArray[np.uint8]]:
        """Start the schedule, hand on each image as it comes, and stop the schedule after the last one.

        Parameters
        ----------
        samples : int
            At least 1.
        seed, first : int
            Key of the initial noise and number of the first sample.
        limit : int
            Clock cycles to wait for a sample.

        Yields
        ------
        uint8[frame rows, frame cols]
            Read-out codes.

        Raises
        ------
        HostError
        """
        await self._clear_errors()
        await self._drain(limit)
        await self.registers.write_seed(seed)
        await self.registers.write_first_sample(first)
        await self.registers.write_irq_enable(error=1)
        await self.registers.write_control(start=1)
        for number in range(samples):
            # The last sample is under way once the one before it has been latched.
            if number == samples - 1:
                await self.registers.write_control(abort=1)
            try:
                frame = self._frame(await self._bus.receive(limit))
            except HostError:
                await self.raise_errors()
                raise
            yield frame
        await self._settle(limit)

    async def counters(self) -> RunCounters:
        """Return the counters as they stand."""
        return RunCounters(
            samples=await self.registers.read_samples(),
            period=await self.registers.read_period(),
            stalled=await self.registers.read_stalled(),
            corrected=await self.registers.read_corrected(),
            uncorrectable=await self.registers.read_uncorrectable(),
            scrubbed=await self.registers.read_scrubbed(),
            program_crc=await self.registers.read_program_crc_seen(),
        )

    async def scrub(self, limit: int) -> None:
        """Have every weight word read, and corrected ones written back.

        Parameters
        ----------
        limit : int
            Clock cycles to wait for the end.

        Raises
        ------
        HostError
            When the core refuses, finds a word that it cannot correct, or does not end in time; when a program load
            ended the scrub.
        """
        await self._clear_errors()
        await self.registers.write_control(scrub=1)
        await self._idle(limit, "scrub", lambda status: status.scrubbing)
        await self._raise_cut_short("scrub")
        await self.raise_errors()

    async def self_test(self, limit: int) -> SelfTestResult:
        """Have every weight bank tested; the program is lost.

        Parameters
        ----------
        limit : int
            Clock cycles to wait for the end.

        Raises
        ------
        HostError
            When the core refuses or does not end in time, or a program load ended the test. Failures are no error:
            they are the result.
        """
        await self._clear_errors()
        await self.registers.write_control(self_test=1)
        await self._idle(limit, "self-test", lambda status: status.self_testing)
        await self._raise_cut_short("self-test")
        failures = await self.registers.read_self_test_failures()
        if not failures:
            await self.raise_errors()
            return SelfTestResult(0, 0, 0)
        await self.registers.write_error(self_test=1)
        await self.raise_errors()
        word = await self.registers.read_self_test_word()
        return SelfTestResult(failures, word.address, word.column)

    async def raise_errors(self) -> None:
        """Raise what register ERROR says, in words.

        Raises
        ------
        HostError
        """
        word = await self._bus.read(register("ERROR").address)
        causes = [cause.description for cause in error_causes_of(self._core) if word & cause.mask]
        if causes:
            raise HostError("; ".join(causes))

    async def _raise_cut_short(self, what: str) -> None:
        """Raise where a program load ended what was waited for."""
        if (await self.registers.read_irq_status()).cut_short:
            raise HostError(f"a program load ended the {what} before its end: give the command again")

    async def _clear_errors(self) -> None:
        """Forget errors of an earlier attempt: they are sticky, and would be taken for new ones."""
        causes = sum(cause.mask for cause in error_causes_of(self._core))
        await self._bus.write(register("ERROR").address, causes)
        await self.registers.write_irq_status(**{cause.name: 1 for cause in IRQ_CAUSES})

    async def _drain(self, limit: int) -> None:
        """Throw away what an earlier attempt left in the output."""
        await self.registers.write_irq_enable()
        while (await self.registers.read_status()).frame:
            with suppress(DiscardedFrameError):
                await self._bus.receive(limit)

    async def _settle(self, limit: int) -> None:
        """Wait until the schedule has ended."""
        await self._idle(limit, "schedule", lambda status: status.running)

    async def _idle(self, limit: int, what: str, busy: Callable[[StatusFields], int]) -> None:
        step = 16
        for _ in range(0, limit, step):
            if not busy(await self.registers.read_status()):
                return
            await self._bus.wait(step)
        raise HostError(f"the {what} has not ended within {limit} cycles")

    def _frame(self, beats: bytes) -> NDArray[np.uint8]:
        """Return codes of one frame, uint8[frame rows, frame cols], without the bytes that pad a row to whole beats."""
        rows, cols = self._core.frame_shape
        expected = self._core.frame_beats * self._core.stream_width // 8
        if len(beats) != expected:
            raise HostError(f"a frame of {len(beats)} bytes arrived, expected {expected}")
        return np.frombuffer(beats, dtype=np.uint8).reshape(rows, -1)[:, :cols]
