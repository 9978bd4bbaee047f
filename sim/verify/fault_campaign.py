"""Fault campaigns: upsets in the weight banks and damaged program streams, against the RTL, one after another."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.core.instructions import Operation
from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import ControlPlane
from oscc.rtl.weights.stored_bit import flip_bit
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.pysim import PysimBus, PysimCore
from oscc.sim.engines.registry import engine_named
from oscc.sim.host.host import Host, HostError
from oscc.sim.verify.engine_checks import program_patterns

PlaneFactory = Callable[[CoreSpec], ControlPlane]
"""Makes the control plane; another than `ControlPlane` puts a changed design under test."""


class Outcome(StrEnum):
    """What became of a fault."""

    CORRECTED = "corrected"
    """Everything that was delivered is right, and the core counted a correction."""
    FLAGGED = "flagged"
    """The core reported an error before it delivered anything wrong."""
    UNREAD = "not read"
    """Everything that was delivered is right: the word was not read between the upset and the end."""
    HARMLESS = "harmless"
    """The damaged stream is the undamaged one, such as after the exchange of equal beats."""
    SILENT = "silent corruption"
    """Something wrong reached the array and was delivered as good."""


@dataclass(frozen=True)
class Upset:
    """Flipped bits of one stored word.

    Parameters
    ----------
    delay : int
        Clock cycles from when the host begins to prepare the samples, by some register writes, to the upset.
    column, address : int
    bits : tuple of int
        In the protected word, check bits above the data.
    """

    delay: int
    column: int
    address: int
    bits: tuple[int, ...]

    @property
    def kind(self) -> str:
        """Row of the table."""
        return {1: "single-bit upset", 2: "double-bit upset"}.get(len(self.bits), f"{len(self.bits)}-bit upset")


@dataclass(frozen=True)
class DamagedStream:
    """A program stream that does not arrive as it was sent.

    Parameters
    ----------
    kind : str
        Row of the table.
    stream : bytes
        What arrives.
    """

    kind: str
    stream: bytes


Fault = Upset | DamagedStream


def draw_upsets(job: CosimJob, count: int, bits: int, seed: int) -> list[Upset]:
    """Draw random upsets: any word, any distinct bits of it, any time until the last sample is latched.

    Parameters
    ----------
    job : CosimJob
    count : int
    bits : int
        Flipped per upset.
    seed : int
    """
    core, generator = job.core, random.Random(f"{seed} {bits}")
    timed = sum(step.operand for step in job.program.instructions() if step.is_timed)
    return [
        Upset(
            generator.randrange(core.load_cycles + job.samples * timed),
            generator.randrange(core.cols),
            generator.randrange(core.bank_depth),
            tuple(sorted(generator.sample(range(core.word_bits + core.check_bits), bits))),
        )
        for _ in range(count)
    ]


def draw_streams(job: CosimJob, count: int, seed: int) -> list[DamagedStream]:
    """Draw random damage to the program stream, ``count`` of each kind.

    A beat is dropped or repeated together with its place in the stream, so that TLAST comes early or late; or in the
    place of its neighbour, so that the length is right.

    Parameters
    ----------
    job : CosimJob
    count : int
    seed : int
    """
    size, generator = job.core.stream_width // 8, random.Random(f"{seed} streams")
    good = job.program.stream()
    beats = [good[start : start + size] for start in range(0, len(good), size)]
    last = len(beats) - 1

    def dropped() -> list[bytes]:
        at = generator.randrange(last + 1)
        return beats[:at] + beats[at + 1 :]

    def repeated() -> list[bytes]:
        at = generator.randrange(last + 1)
        return beats[: at + 1] + beats[at:]

    def dropped_and_padded() -> list[bytes]:
        return [*dropped(), beats[generator.randrange(last + 1)]]

    def repeated_in_place() -> list[bytes]:
        at = generator.randrange(last)
        return beats[: at + 1] + beats[at : at + 1] + beats[at + 2 :]

    def exchanged() -> list[bytes]:
        one, other = sorted(generator.sample(range(last + 1), 2))
        return [*beats[:one], beats[other], *beats[one + 1 : other], beats[one], *beats[other + 1 :]]

    def flipped() -> list[bytes]:
        at, bit = generator.randrange(last + 1), generator.randrange(8 * size)
        spoiled = int.from_bytes(beats[at], "little") ^ (1 << bit)
        return [*beats[:at], spoiled.to_bytes(size, "little"), *beats[at + 1 :]]

    kinds = {
        "beat dropped": dropped,
        "beat repeated": repeated,
        "beat dropped, another at the end": dropped_and_padded,
        "beat repeated over its successor": repeated_in_place,
        "two beats exchanged": exchanged,
        "one bit of a beat flipped": flipped,
    }
    return [DamagedStream(kind, b"".join(make())) for kind, make in kinds.items() for _ in range(count)]


def run_campaign(job: CosimJob, faults: Sequence[Fault], design: PlaneFactory = ControlPlane) -> list[Outcome]:
    """Put every fault into the RTL, in one simulation, and judge what comes of it.

    Judged is all that leaves the control plane: the codes that every commit makes active in the array, and the images,
    against the program and the images of engine ``array``. After an upset its bits are flipped back; after a damaged
    stream, a good one is loaded.

    Parameters
    ----------
    job : CosimJob
        At least 2 samples, so that words are read again.
    faults : sequence of Fault
    design : callable
        Makes the control plane.

    Returns
    -------
    list of Outcome
        One per fault.
    """
    campaign = _Campaign(job, design)
    outcomes: list[Outcome] = []

    async def host(context: Any) -> None:
        await campaign.begin(context)
        for fault in faults:
            if isinstance(fault, Upset):
                outcomes.append(await campaign.upset(context, fault))
            else:
                outcomes.append(await campaign.damaged_stream(fault))

    campaign.simulate(host)
    return outcomes


def campaign_table(faults: Sequence[Fault], outcomes: Sequence[Outcome]) -> str:
    """Return outcomes by kind of fault, as Markdown."""
    kinds = list(dict.fromkeys(fault.kind for fault in faults))
    counts = Counter((fault.kind, outcome) for fault, outcome in zip(faults, outcomes, strict=True))
    lines = ["| fault | count | " + " | ".join(Outcome) + " |", "|---" * (2 + len(Outcome)) + "|"]
    for kind in kinds:
        row = [counts[kind, outcome] for outcome in Outcome]
        lines.append(f"| {kind} | {sum(row)} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines) + "\n"


class _Campaign:
    """A core that is simulated through a whole campaign."""

    def __init__(self, job: CosimJob, design: PlaneFactory) -> None:
        self._job = job
        self._simulated = PysimCore(job.core, design)
        self._plane = self._simulated.plane
        self._expected = engine_named("array").run(job)
        self._macro = ArrayMacro(job.core, job.make_array())
        self._pending: Upset | None = None
        self._delay = 0
        self._flipped = False

    def simulate(self, host: Callable[[Any], Any]) -> None:
        async def upsets(context: Any) -> None:
            async for _ in context.tick():
                if self._pending is not None:
                    self._delay -= 1
                    if self._delay == 0:
                        self._flip(context, self._pending)
                        self._pending, self._flipped = None, True

        self._simulated.run(host, lambda: self._macro, [upsets])

    async def begin(self, context: Any) -> None:
        self._bus = PysimBus(context, self._plane, self._job.core)
        self._host = Host(self._bus, self._job.core)
        await self._bus.wait(4)
        await self._host.load(self._job.program)

    async def upset(self, context: Any, fault: Upset) -> Outcome:
        before = await self._host.counters()
        self._pending, self._delay, self._flipped = fault, fault.delay, False
        if fault.delay == 0:
            self._flip(context, fault)
            self._pending, self._flipped = None, True
        delivered, flagged = await self._take_samples()
        self._pending = None
        after = await self._host.counters()
        if not self._flipped:
            raise ValueError(f"delay {fault.delay}: the samples had ended by then")
        self._flip(context, fault)
        if not self._is_right(delivered, whole=not flagged):
            return Outcome.SILENT
        if flagged:
            return Outcome.FLAGGED
        return Outcome.CORRECTED if after.corrected > before.corrected else Outcome.UNREAD

    async def damaged_stream(self, fault: DamagedStream) -> Outcome:
        outcome = Outcome.FLAGGED
        try:
            await self._host.load(self._job.program, stream=fault.stream)
        except HostError:
            # Whatever the banks hold now, the core must not run on it.
            delivered, flagged = await self._take_samples()
            if delivered is not None or not flagged:
                outcome = Outcome.SILENT
        else:
            delivered, flagged = await self._take_samples()
            same = fault.stream == self._job.program.stream()
            outcome = Outcome.HARMLESS if same and self._is_right(delivered, whole=True) else Outcome.SILENT
        await self._host.load(self._job.program)
        return outcome

    async def _take_samples(self) -> tuple[NDArray[np.uint8] | None, bool]:
        """Return images of the job, as far as they are delivered, and whether an error was reported."""
        job = self._job
        self._macro = ArrayMacro(job.core, job.make_array())
        frames: list[NDArray[np.uint8]] = []
        try:
            async for frame in self._host.samples(
                job.samples, seed=job.seed, first=job.first_sample, limit=job.sample_limit
            ):
                frames.append(frame)
        except HostError:
            return (np.stack(frames) if frames else None), True
        return np.stack(frames), False

    def _is_right(self, delivered: NDArray[np.uint8] | None, *, whole: bool) -> bool:
        """Return whether what was delivered, and the codes that it was made with, are those without a fault."""
        expected = self._expected
        count = 0 if delivered is None else len(delivered)
        if whole and count != len(expected.codes):
            return False
        if delivered is not None and not np.array_equal(delivered, expected.codes[:count]):
            return False
        wanted = program_patterns(self._job)
        runs = sum(step.operation is Operation.RUN for step in self._job.program.instructions())
        order = np.arange(count * runs) % runs
        return np.array_equal(self._macro.record().commit_patterns[: len(order)], wanted[order])

    def _flip(self, context: Any, fault: Upset) -> None:
        for bit in fault.bits:
            flip_bit(context, self._plane.store, self._job.core, fault.column, fault.address, bit)
