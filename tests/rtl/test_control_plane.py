from __future__ import annotations

import random
import zlib
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.registers import CORE_ID, MAP_VERSION
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl import control_plane
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import (
    AxiLiteHost,
    Beat,
    Pause,
    StreamPort,
    StreamWatch,
    frame_beats,
    get_beats,
    no_pause,
    put_beats,
    random_pauses,
    wait,
)
from oscc.rtl.control_plane import ControlPlane, host_members, register_constants
from oscc.rtl.host.axi_lite import OKAY, SLVERR
from oscc.rtl.weights.stored_bit import flip_bit
from oscc.sim.host.core_registers import CoreRegisters, FaultWordFields, SelfTestWordFields

TINY = load_core("tiny-8x8")
# A quarter of its cells, for what does not depend on their number: its program loads in a moment.
QUARTER = CoreSpec.model_validate(TINY.model_dump(by_alias=True) | {"name": "quarter", "grid": [4, 4]})
MakeCore = Callable[..., CoreSpec]
MARKER = Beat(0, last=True, keep=1, user=True)
SAMPLES = sample_schedule([20, 21, 22, 23], 64)
ONE_SAMPLE = [
    Instruction(Operation.LOAD, 0),
    Instruction(Operation.COMMIT),
    Instruction(Operation.INIT, 9),
    Instruction(Operation.RUN, 30),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.STOP),
]


class Array:
    """What the array macro does at the boundary: shadow and active codes, and latches that take the next phases."""

    def __init__(self, plane: ControlPlane, core: CoreSpec, frames: Sequence[np.ndarray]) -> None:
        self._port = plane.array
        self._core = core
        self._frames = list(frames)
        self._shadow = [0] * core.rows
        self.commits: list[list[int]] = []
        self.samples = 0
        self.ready, self.tap_valid = True, True

    async def watch(self, context: Any) -> None:
        port, latched = self._port, [0] * self._core.frame_shape[0]
        signals = (port.sample, port.commit, port.load_strobe, port.load_row, port.load_data)
        context.set(port.ready, self.ready)
        context.set(port.tap_valid, self.tap_valid)
        async for _, _, sample, commit, strobe, row, data in context.tick().sample(*signals):
            if sample:
                latched = tap_rows(self._frames[self.samples % len(self._frames)], self._core)
                self.samples += 1
            if commit:
                self.commits.append(list(self._shadow))
            if strobe:
                self._shadow[row] = data
            context.set(port.tap_data, latched[context.get(port.tap_row)])
            context.set(port.ready, self.ready)
            context.set(port.tap_valid, self.tap_valid)


def tap_rows(theta: np.ndarray, core: CoreSpec) -> list[int]:
    taps, subphases = core.readout.taps, core.readout.subphases
    shift = np.pi * np.arange(taps) / taps + np.pi * np.arange(subphases)[:, None] / (taps * subphases)
    bits = np.cos(theta[..., None, None] + shift) >= 0
    return [sum(int(bit) << index for index, bit in enumerate(row.ravel())) for row in bits]


class Bench:
    """A control plane with an array, a host for its registers, and both streams."""

    def __init__(self, core: CoreSpec = QUARTER, seed: int = 0, pauses: bool = False) -> None:
        self.core = core
        generator = np.random.default_rng(seed)
        self.frames = [generator.uniform(-9, 9, core.frame_shape) for _ in range(4)]
        words = random.Random(seed)
        self.words = [[words.getrandbits(core.word_bits) for _ in range(core.bank_depth)] for _ in range(core.cols)]
        self.plane, self._simulation = prepared(ControlPlane, core)
        self.array = Array(self.plane, core, self.frames)
        self.program = StreamPort.of(self.plane, "s_axis_t")
        self.images = StreamPort.of(self.plane, "m_axis_t")
        self.images_seen = StreamWatch(self.images)
        port = self.plane.array
        names = ("init", "run", "sample", "commit", "load_strobe", "noise_seed", "noise_index")
        self.record = Recorder.of(port, *names, irq=self.plane.irq)
        self._pause = (lambda number: random_pauses(100 * seed + number)) if pauses else (lambda number: no_pause)
        self.registers: CoreRegisters
        self.axi: AxiLiteHost

    def image(self) -> list[int]:
        """The beats of the program: bank after bank, address after address, the lowest bits first."""
        width = self.core.stream_width
        per_word = -(-self.core.word_bits // width)
        return [(word >> (width * beat)) % 2**width for bank in self.words for word in bank for beat in range(per_word)]

    def crc(self, image: Sequence[int]) -> int:
        return zlib.crc32(b"".join(beat.to_bytes(self.core.stream_width // 8, "little") for beat in image))

    def run(self, host: Callable[[Any], Awaitable[None]], *, take: bool = True, limit: int = 20_000) -> Recorder:
        async def whole(context: Any) -> None:
            self.axi = AxiLiteHost(context, self.plane, "s_axil_", self._pause(1))
            self.registers = CoreRegisters(self.axi)
            await host(context)

        async def drain(context: Any) -> None:
            pause: Pause = self._pause(2)
            while take:
                await get_beats(context, self.images, 1, pause, limit=limit)

        background = [self.record.watch, self.array.watch, self.images_seen.watch, drain]
        self._simulation.run(whole, background=background, limit=limit)
        return self.record

    async def load(self, context: Any, schedule: Sequence[Instruction] = (), *, crc: int | None = None) -> None:
        """Load weights and schedule."""
        image = self.image()
        await self.registers.write_program_crc(self.crc(image) if crc is None else crc)
        await self.registers.write_control(load=1)
        await put_beats(context, self.program, frame_beats(image), self._pause(3))
        await wait(context, 5)
        await self.write_schedule(schedule)

    async def write_schedule(self, schedule: Sequence[Instruction]) -> None:
        for index, word in enumerate(encode_schedule(schedule).tolist()):
            await self.registers.write_schedule(index, word)
        await self.registers.write_schedule_length(len(schedule))

    async def errors(self) -> set[str]:
        """Names of the error causes that are set."""
        return {name for name, value in vars(await self.registers.read_error()).items() if value}

    async def interrupts(self) -> set[str]:
        return {name for name, value in vars(await self.registers.read_irq_status()).items() if value}

    async def status(self) -> set[str]:
        """What STATUS says, besides that the array is ready, which it is nearly always."""
        status = vars(await self.registers.read_status())
        return {name for name, value in status.items() if value} - {"array_ready"}

    def rows_of(self, chunk: int) -> list[int]:
        """What the row bus carries for each row of a chunk: column 0 lowest."""
        core = self.core
        return [
            sum(bank[chunk * core.rows + row] << (column * core.word_bits) for column, bank in enumerate(self.words))
            for row in range(core.rows)
        ]

    def codes_of(self, sample: int) -> list[Beat]:
        """The frame of a sample: floor(steps theta / 2 pi) mod steps, a byte each."""
        lanes, steps = self.core.stream_width // 8, self.core.readout.phase_steps
        codes = np.floor(steps * self.frames[sample % 4] / (2 * np.pi)).astype(int) % steps
        beats = []
        for row in codes.tolist():
            for start in range(0, len(row), lanes):
                part = row[start : start + lanes]
                beats.append(Beat(sum(code << (8 * lane) for lane, code in enumerate(part)), False, 2 ** len(part) - 1))
        return [*beats[:-1], Beat(beats[-1].data, True, beats[-1].keep)]


def flip(context: Any, bench: Bench, column: int, address: int, *bits: int) -> None:
    for bit in bits:
        flip_bit(context, bench.plane.store, bench.core, column, address, bit)


def test_the_identity_is_that_of_the_core() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        assert await registers.read_id() == CORE_ID
        assert await registers.read_version() == MAP_VERSION
        grid, word, frame = await registers.read_grid(), await registers.read_word(), await registers.read_frame()
        assert (grid.rows, grid.cols) == (8, 8)
        assert (word.bits, word.slots, word.chunks) == (108, 24, 4)
        assert (frame.rows, frame.cols) == (4, 4)
        assert await registers.read_spec_hash() == int(TINY.hash[:8], 16)
        assert await registers.read_program_beats() == 8 * 32 * 2
        assert await bench.status() == await bench.errors() == await bench.interrupts() == set()

    bench.run(host)


def test_every_constant_register_has_its_content_and_fits() -> None:
    for name in ("ais-56x56", "king-48x41", "ising-56x56"):
        core = load_core(name)
        content = register_constants(core)
        assert content["GRID", "cols"] == core.grid[1]
        assert content["WORD", "slots"] == core.slots < 256
        assert content["PROGRAM_BEATS", "value"] == core.cols * core.chunks * core.rows * core.word_beats


def test_host_members_are_named_as_the_buses_are() -> None:
    names = set(host_members(TINY))
    assert {"s_axil_awaddr", "s_axil_rready", "s_axis_tlast", "m_axis_tkeep", "irq"} <= names
    assert len(names) == 17 + 4 + 6 + 1


@pytest.mark.parametrize("seed", range(3))
def test_samples_from_a_streamed_program(seed: int) -> None:
    bench = Bench(TINY, seed=seed, pauses=seed > 0)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        assert await bench.status() == {"programmed"}
        assert await registers.read_program_crc_seen() == bench.crc(bench.image())
        await registers.write_seed(0xABCD)
        await registers.write_first_sample(70)
        await registers.write_control(start=1)
        while await registers.read_samples() < 3:
            pass
        assert "running" in await bench.status()
        await registers.write_control(abort=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()
        assert await bench.interrupts() == {"programmed", "sample", "stopped"}
        assert await registers.read_samples() == bench.array.samples
        assert await registers.read_period() == 64 + 20 + 21 + 22 + 23
        assert await registers.read_corrected() == await registers.read_uncorrectable() == 0
        # A host that pauses may keep the last frame waiting; one that does not never does.
        assert seed or await registers.read_stalled() == 0

    record = bench.run(host)
    samples = bench.array.samples
    assert samples >= 4
    # The codes at the array are those of the program, chunk by chunk.
    assert bench.array.commits[: 4 * samples] == [bench.rows_of(number % 4) for number in range(4 * samples)]
    assert bench.images_seen.beats == [beat for sample in range(samples) for beat in bench.codes_of(sample)]
    # A sample takes its init and its runs, and not a cycle more.
    assert {later - earlier for earlier, later in pairwise(record.cycles("sample"))} == {150}
    init = record.values("init")
    begun = [record.at(cycle) for cycle in record.cycles("init") if not init[cycle - 1]]
    assert [now["noise_index"] for now in begun] == list(range(70, 70 + samples))
    assert {record.at(cycle)["noise_seed"] for cycle in record.cycles("init")} == {0xABCD}


NARROW = {"grid": [3, 5], "stencil": "king", "chunks": 2, "stream_width": 32, "protection": "none"}
WIDE = {"grid": [5, 3], "couplings": "reciprocal", "chunks": 2, "stream_width": 128}


@pytest.mark.parametrize(
    "changes",
    [
        {**NARROW, "readout": {"step": [1, 1]}},
        {**WIDE, "readout": {"origin": [1, 0], "step": [2, 1], "taps": 4, "subphases": 2}},
        {"grid": [1, 1], "stencil": [[0, 1]], "chunks": 1, "readout": {"step": [1, 1]}},
    ],
    ids=["narrow", "wide", "one cell"],
)
def test_cores_of_other_shapes(make_core: MakeCore, changes: dict[str, Any]) -> None:
    bench = Bench(make_core(**changes), seed=5, pauses=True)

    async def host(context: Any) -> None:
        await bench.load(context, ONE_SAMPLE)
        await bench.registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()

    bench.run(host)
    assert bench.array.commits == [bench.rows_of(0)]
    assert bench.images_seen.beats == bench.codes_of(0)


def test_read_out_bound_samples_come_as_fast_as_the_read_out(make_core: MakeCore) -> None:
    core = make_core(grid=[8, 8], readout={"step": [1, 1]}, stream_width=32, chunks=1)
    bench = Bench(core)
    assert core.readout_cycles == 8 * (2 + 3) + 1

    async def host(context: Any) -> None:
        await bench.load(context, sample_schedule([core.readout_cycles - 9], 9))
        await bench.registers.write_control(start=1)
        await wait(context, 6 * core.readout_cycles)
        assert await bench.registers.read_period() == core.readout_cycles
        assert await bench.registers.read_stalled() == 0

    bench.run(host)
    whole = len(bench.images_seen.beats) // core.frame_beats
    assert whole >= 4
    assert bench.images_seen.beats[: whole * core.frame_beats] == [
        beat for sample in range(whole) for beat in bench.codes_of(sample)
    ]


def test_the_seed_is_taken_at_the_start() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        for seed in (5, 9):
            await registers.write_seed(seed)
            await registers.write_control(start=1)
            await registers.write_seed(77)
            await wait(context, 200)
            await registers.write_control(abort=1)
            while "running" in await bench.status():
                pass

    record = bench.run(host)
    seeds = [record.at(cycle)["noise_seed"] for cycle in record.cycles("init")]
    assert set(seeds) == {5, 9}
    assert seeds == sorted(seeds)


def test_a_start_with_an_abort_takes_one_sample() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, SAMPLES)
        await bench.registers.write_control(start=1, abort=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.registers.read_samples() == 1

    bench.run(host)
    assert bench.images_seen.beats == bench.codes_of(0)


# What is refused, and why


def test_start_without_a_program_is_refused() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.write_schedule(SAMPLES)
        await bench.registers.write_irq_enable(error=1)
        await bench.registers.write_control(start=1)
        await wait(context, 5)
        assert await bench.errors() == {"unprogrammed"}
        assert await bench.status() == set()
        assert await bench.interrupts() == {"error"}
        assert context.get(bench.plane.irq)
        # It goes away when it is cleared, and not before.
        await bench.registers.write_error(unprogrammed=1)
        assert context.get(bench.plane.irq)
        await bench.registers.write_irq_status(error=1)
        assert not context.get(bench.plane.irq)
        assert await bench.errors() == set()

    record = bench.run(host)
    assert not any(record.cycles(name) for name in ("init", "run", "load_strobe", "commit", "sample"))


def test_a_program_with_another_crc_is_refused_and_so_is_the_start() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        crc = bench.crc(bench.image())
        await bench.load(context, SAMPLES, crc=crc ^ 1)
        assert await bench.errors() == {"program_crc"}
        assert await bench.status() == set()
        assert await bench.registers.read_program_crc_seen() == crc
        await bench.registers.write_error(program_crc=1)
        await bench.registers.write_control(start=1)
        assert await bench.errors() == {"unprogrammed"}
        assert await bench.interrupts() == {"error"}
        await bench.load(context, SAMPLES)
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"error", "programmed"}

    record = bench.run(host)
    assert record.cycles("init") == []


@pytest.mark.parametrize("beats", [-1, 1])
def test_a_program_of_another_length_is_refused(beats: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        image = [*bench.image(), 0][: bench.core.program_beats + beats]
        await bench.registers.write_program_crc(bench.crc(image))
        await bench.registers.write_control(load=1)
        await put_beats(context, bench.program, frame_beats(image))
        await wait(context, 4)
        assert await bench.errors() == {"program_length"}
        assert await bench.status() == set()
        await bench.registers.write_control(start=1)
        assert await bench.errors() == {"program_length", "unprogrammed"}

    bench.run(host)


@pytest.mark.parametrize("address", [0, 3, 16])
def test_an_illegal_instruction_is_refused_with_its_address(address: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_schedule(address, 0)
        await registers.write_control(start=1)
        await wait(context, 30)
        assert await bench.errors() == {"illegal_instruction"}
        assert (await registers.read_error_info()).instruction == address
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"programmed", "stopped", "error"}
        # Mended, it runs.
        await bench.write_schedule(SAMPLES)
        await registers.write_control(start=1)
        assert await bench.status() == {"programmed", "running"}

    bench.run(host)


def test_a_schedule_that_nobody_wrote_is_refused() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context)
        for length in (0, 5, 65):
            await bench.registers.write_schedule_length(length)
            await bench.registers.write_control(start=1)
            await wait(context, 10)
            assert await bench.errors() == {"illegal_instruction"}
            await bench.registers.write_error(illegal_instruction=1)

    record = bench.run(host)
    assert record.cycles("init") == []


def test_an_overrun_of_the_schedule_is_told() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, [Instruction(Operation.RUN, 9), Instruction(Operation.REPEAT, 1)])
        await bench.registers.write_control(start=1)
        await wait(context, 60)
        assert await bench.errors() == {"schedule_overrun"}
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"programmed", "stopped", "error"}

    bench.run(host)


def test_busy_is_told_while_a_schedule_runs_and_nothing_is_disturbed() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        await wait(context, 100)
        for command in ("start", "load"):
            await registers.write_control(**{command: 1})
            assert await bench.errors() == {"busy"}
            await registers.write_error(busy=1)
            assert await bench.status() == {"programmed", "running"}
        # The schedule memory is locked while it is read.
        assert await bench.axi.write_with(0x400, 0) == SLVERR
        assert await bench.axi.read(0x400) == encode_schedule(SAMPLES)[0]
        await wait(context, 400)
        await registers.write_control(abort=1)
        while "running" in await bench.status():
            pass
        assert await bench.axi.write_with(0x400, 0) == OKAY
        assert await bench.axi.read(0x400) == 0

    record = bench.run(host)
    assert {later - earlier for earlier, later in pairwise(record.cycles("sample"))} == {150}


def test_start_is_refused_while_a_program_loads() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(load=1)
        assert await bench.status() == {"loading"}
        await registers.write_control(start=1)
        assert await bench.errors() == {"busy"}
        await put_beats(context, bench.program, frame_beats(bench.image()))
        await wait(context, 5)
        assert await bench.status() == {"programmed"}

    record = bench.run(host)
    assert record.cycles("init") == []


def test_a_load_that_comes_together_with_a_start_wins() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, SAMPLES)
        await bench.registers.write_control(start=1, load=1)
        await wait(context, 5)
        assert await bench.status() == {"loading"}
        assert await bench.errors() == {"busy"}
        await wait(context, 60)

    record = bench.run(host)
    assert record.cycles("load_strobe") == record.cycles("init") == []


# Flipped bits in the weight memory


def test_single_flips_are_corrected_and_counted_at_every_load() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 2, 5, 77)
        flip(context, bench, 6, 5, 3)
        # A check bit, in the last row.
        flip(context, bench, 7, 7, 110)
        # In chunk 1, which is not loaded.
        flip(context, bench, 0, 9, 0)
        for runs in (1, 2):
            await registers.write_control(start=1)
            while "running" in await bench.status():
                pass
            assert await registers.read_corrected() == 3 * runs
        assert await registers.read_uncorrectable() == 0
        assert await bench.errors() == set()
        await bench.load(context)
        assert await registers.read_corrected() == 0

    bench.run(host)
    assert bench.array.commits == [bench.rows_of(0)] * 2


@pytest.mark.parametrize("columns", [[5], [3, 6], [0, 7]])
def test_a_double_flip_stops_the_sample_and_names_the_lowest_bank(columns: list[int]) -> None:
    bench = Bench(TINY)
    marks: list[int] = []

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_irq_enable(error=1)
        for column in columns:
            # Row 2 of chunk 2, which is loaded while chunk 1 runs.
            flip(context, bench, column, 18, 40, 41)
        await registers.write_control(start=1)
        while not context.get(bench.plane.irq):
            await context.tick()
        marks.append(len(bench.record))
        assert await bench.errors() == {"uncorrectable"}
        assert await registers.read_fault_word() == FaultWordFields(address=18, column=columns[0])
        assert await registers.read_uncorrectable() == len(columns)
        assert await bench.interrupts() == {"programmed", "stopped", "error"}
        await wait(context, 200)
        assert await bench.status() == {"programmed"}
        assert await registers.read_samples() == 0

    record = bench.run(host)
    (irq,) = marks
    assert record.cycles("sample") == []
    # The sample had begun: whoever waits for its image is told that there is none.
    assert bench.images_seen.beats == [MARKER]
    assert len(bench.array.commits) == 2
    # The row with the fault is on the bus in one cycle; it is known two later, and the array stands still two after.
    fault = record.cycles("load_strobe")[2 * 8 + 2]
    assert record.cycles("run")[-1] == fault + 2 + 1
    assert fault < irq <= fault + 8


def test_a_fault_before_the_first_sample_leaves_the_core_ready_for_another_start() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 1, 7, 0, 2)
        await registers.write_control(start=1)
        while "running" in await bench.status():
            pass
        assert await bench.errors() == {"uncorrectable"}
        await registers.write_error(uncorrectable=1)
        flip(context, bench, 1, 7, 0, 2)
        await registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()
        assert await registers.read_samples() == 1

    bench.run(host)
    # The row with the fault was the last one: the first commit and its init were on their way when the schedule ended.
    assert bench.array.commits[1:] == [bench.rows_of(0)]
    assert bench.images_seen.beats == [MARKER, *bench.codes_of(0)]


@pytest.mark.parametrize("init", range(10, 21))
def test_a_fault_in_the_last_row_is_known_before_the_shortest_sample(init: int) -> None:
    bench = Bench(QUARTER)
    hasty = [
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.INIT, init),
        Instruction(Operation.COMMIT),
        Instruction(Operation.RUN, 1),
        Instruction(Operation.SAMPLE),
        Instruction(Operation.STOP),
    ]

    async def host(context: Any) -> None:
        await bench.load(context, hasty)
        flip(context, bench, 3, 3, 9, 50)
        await bench.registers.write_control(start=1)
        await wait(context, 100)
        assert await bench.errors() == {"uncorrectable"}

    # An init as long as the load lets commit, a run of one cycle and the sample follow the last row at once.
    assert QUARTER.load_cycles == 4 + 6
    bench.run(host)
    assert bench.array.samples == 0
    assert bench.images_seen.beats == [MARKER]


def test_latencies_that_would_let_a_fault_come_too_late_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane, "collector_latency", lambda core: 5)
    with pytest.raises(AssertionError, match="before its faults are known"):
        control_plane.check_fault_latency(QUARTER)


def test_a_scrub_repairs_what_is_stored() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        flip(context, bench, 2, 5, 77)
        flip(context, bench, 4, 31, 112)
        await registers.write_control(scrub=1)
        assert await bench.status() == {"programmed", "scrubbing"}
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.interrupts() == {"programmed", "scrubbed"}
        assert (await registers.read_corrected(), await registers.read_scrubbed()) == (2, 2)
        # One more flip in each of the words is still only one.
        flip(context, bench, 2, 5, 3)
        flip(context, bench, 4, 31, 4)
        await registers.write_control(scrub=1)
        while await bench.status() != {"programmed"}:
            pass
        assert (await registers.read_corrected(), await registers.read_scrubbed()) == (4, 4)
        flip(context, bench, 6, 12, 3, 4)
        await registers.write_control(scrub=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == {"uncorrectable"}
        assert await registers.read_fault_word() == FaultWordFields(address=12, column=6)
        assert await registers.read_scrubbed() == 4

    bench.run(host)


def test_a_scrub_leaves_running_samples_alone() -> None:
    bench = Bench(TINY)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        while await registers.read_samples() < 2:
            flip(context, bench, 5, 17, 60)
            await registers.write_control(scrub=1)
            while "scrubbing" in await bench.status():
                pass
        assert await registers.read_period() == 64 + 20 + 21 + 22 + 23
        assert await registers.read_stalled() == 0
        assert await registers.read_scrubbed() >= 2
        assert await bench.errors() == set()

    bench.run(host)
    assert bench.array.commits[:4] == [bench.rows_of(chunk) for chunk in range(4)]


def test_a_self_test_of_good_banks_forgets_the_program() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        await registers.write_control(self_test=1)
        assert await bench.status() == {"self_testing"}
        while await bench.status():
            pass
        assert await bench.interrupts() == {"programmed", "self_tested"}
        assert await registers.read_self_test_failures() == 0
        await registers.write_control(start=1)
        assert await bench.errors() == {"unprogrammed"}

    bench.run(host)


def test_a_self_test_names_a_word_that_fails() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await registers.write_control(self_test=1)
        await wait(context, 300)
        # An upset between a write and its read.
        flip(context, bench, 2, 9, 31)
        while await bench.status():
            pass
        assert await bench.errors() == {"self_test"}
        assert await registers.read_self_test_failures() >= 1
        assert await registers.read_self_test_word() == SelfTestWordFields(address=9, column=2)
        # A program load makes the core whole again.
        await bench.load(context, ONE_SAMPLE)
        assert await bench.status() == {"programmed"}

    bench.run(host)


def test_commands_that_cannot_be_taken_are_told_and_ignored() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers

        async def refused(cause: str, **command: int) -> None:
            await registers.write_control(**command)
            assert await bench.errors() == {cause}, command
            await registers.write_error(**{cause: 1})

        await refused("unprogrammed", scrub=1)
        await registers.write_control(self_test=1)
        for command in ("start", "scrub", "self_test"):
            await refused("busy", **{command: 1})
        # A program load ends a self-test.
        await registers.write_control(load=1)
        assert await bench.status() == {"loading"}
        for command in ("start", "scrub", "self_test"):
            await refused("busy", **{command: 1})
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        for command in ("start", "load", "self_test"):
            await refused("busy", **{command: 1})
        await registers.write_control(scrub=1)
        await refused("busy", scrub=1)

    bench.run(host)


# What the array answers


def test_an_array_that_does_not_get_ready_is_told_after_the_limit() -> None:
    bench = Bench(QUARTER)
    bench.array.ready = False

    async def host(context: Any) -> None:
        registers = bench.registers
        assert (await registers.read_watchdog()).limit == 0xFFFF
        await bench.load(context, ONE_SAMPLE)
        assert not (await registers.read_status()).array_ready
        await registers.write_watchdog(limit=150)
        await registers.write_control(start=1)
        await wait(context, 100)
        assert "running" in await bench.status()
        assert await bench.errors() == set()
        await wait(context, 100)
        assert await bench.errors() == {"watchdog"}
        assert await bench.status() == {"programmed"}
        # No sample had begun. With a ready array the next start goes well.
        bench.array.ready = True
        await registers.write_error(watchdog=1)
        await registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass

    bench.run(host)
    assert bench.images_seen.beats == bench.codes_of(0)


def test_taps_that_do_not_come_end_the_frame_and_the_schedule() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_watchdog(limit=40)
        bench.array.tap_valid = False
        await registers.write_control(start=1)
        while not await bench.errors():
            pass
        assert await bench.errors() == {"watchdog"}
        await wait(context, 20)
        assert await bench.status() == {"programmed"}

    bench.run(host)
    # The first sample is cut short, the second, which had begun, will never be latched.
    assert bench.images_seen.beats == [MARKER, MARKER]


def test_without_a_limit_the_core_waits_for_the_taps() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        await registers.write_watchdog(limit=0)
        bench.array.tap_valid = False
        await registers.write_control(start=1)
        await wait(context, 400)
        assert await bench.status() == {"programmed", "frame"}
        bench.array.tap_valid = True
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()

    bench.run(host)
    assert bench.images_seen.beats == bench.codes_of(0)


def test_an_array_that_drops_out_of_a_run_is_told() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_irq_enable(error=1)
        await registers.write_control(start=1)
        while not context.get(bench.plane.array.run):
            await context.tick()
        bench.array.ready = False
        while not context.get(bench.plane.irq):
            await context.tick()
        assert await bench.errors() == {"array_lost"}
        await wait(context, 30)

    record = bench.run(host)
    assert record.cycles("sample") == []
    assert bench.images_seen.beats == [MARKER]


# Interrupts


@pytest.mark.parametrize("cause", ["sample", "stopped", "programmed"])
def test_irq_follows_status_and_enable(cause: str) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        await registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.interrupts() == {"sample", "stopped", "programmed"}
        assert not context.get(bench.plane.irq)
        await registers.write_irq_enable(**{cause: 1})
        assert context.get(bench.plane.irq)
        # Clearing the others does not help.
        await registers.write_irq_status(**{name: 1 for name in {"sample", "stopped", "programmed"} - {cause}})
        assert await bench.interrupts() == {cause}
        assert context.get(bench.plane.irq)
        await registers.write_irq_status(**{cause: 1})
        assert not context.get(bench.plane.irq)

    bench.run(host)


# The image stream


def test_status_tells_of_a_frame_until_its_last_beat_is_taken() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, ONE_SAMPLE)
        await bench.registers.write_control(start=1)
        await wait(context, 150)
        # Long since out of the latches, but not out of the FIFO.
        assert await bench.status() == {"programmed", "frame"}
        assert await get_beats(context, bench.images) == bench.codes_of(0)
        assert await bench.status() == {"programmed"}

    bench.run(host, take=False)


def test_the_array_waits_when_nobody_takes_the_images(make_core: MakeCore) -> None:
    core = make_core(grid=[8, 8], readout={"step": [1, 1]}, stream_width=32, chunks=1)
    bench = Bench(core)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, sample_schedule([60], 9))
        await registers.write_control(start=1)
        await wait(context, 600)
        # One frame in the FIFO, one in the latches; the next init needs room for the second.
        assert await registers.read_samples() == 2
        assert await bench.status() == {"programmed", "running", "frame", "stalled"}
        stalled = await registers.read_stalled()
        assert stalled > 300
        frames = [await get_beats(context, bench.images) for _ in range(4)]
        assert frames == [bench.codes_of(sample) for sample in range(4)]
        assert "stalled" not in await bench.status()

    record = bench.run(host, take=False)
    init = record.values("init")
    begun = [cycle for cycle in record.cycles("init") if not init[cycle - 1]]
    # What was late was the init of the third sample, not its run.
    assert begun[2] > record.cycles("sample")[1] + 300
    assert record.cycles("sample")[2] == begun[2] + 9 + 60 - 1
