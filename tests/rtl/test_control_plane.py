from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.registers import CORE_ID, MAP_VERSION
from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import get_beats, wait
from oscc.rtl.control_plane import ControlPlane, host_members, register_constants
from tests.rtl.control_plane_bench import ONE_SAMPLE, SAMPLES, TINY, Bench, MakeCore


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


def test_a_core_with_inputs_is_refused() -> None:
    with pytest.raises(OsccError, match="driven-8x8 has room for 64 inputs; its control plane cannot be made"):
        ControlPlane(load_core("driven-8x8"))
