from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.instructions import SCHEDULE_DEPTH
from oscc.core.registers import CORE_ID, REGISTERS
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.bus_hosts import ApbHost, RefusedError, WishboneHost, WordAccesses
from oscc.rtl.bench.simulation import random_pauses, wait
from oscc.rtl.wrappers.apb_adapter import ApbAdapter
from oscc.rtl.wrappers.window_map import (
    IMAGE_DATA,
    PROGRAM_DATA,
    PROGRAM_LAST,
    STREAM_RESTART,
    STREAM_STATUS,
    WINDOW_REGISTERS,
)
from oscc.rtl.wrappers.wishbone_adapter import WishboneAdapter
from oscc.sim.host.core_registers import CoreRegisters
from tests.rtl.control_plane_bench import TINY
from tests.rtl.wrappers.wrapped_plane_bench import WrappedBench, frame_words, load_and_take

BUSES: dict[str, tuple[Any, Any]] = {"apb": (ApbAdapter, ApbHost), "wishbone": (WishboneAdapter, WishboneHost)}
ADDRESS = {register.name: register.address for register in REGISTERS}

SMALL = CoreSpec.model_validate(
    TINY.model_dump(by_alias=True) | {"name": "small", "grid": [2, 2], "stencil": "king", "chunks": 1}
)
"""Four cells, of which one can be read: its program loads in a moment."""

buses = pytest.mark.parametrize("bus", BUSES)


@pytest.fixture(scope="module")
def narrow(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """Beats of one word; two readable columns, so that a beat has bytes without a code."""
    return make_core(grid=[2, 4], stencil="king", chunks=1, stream_width=32, readout={"origin": [0, 0], "step": [1, 2]})


@buses
@pytest.mark.parametrize("pauses", [False, True])
def test_a_program_is_loaded_and_a_frame_taken_by_word_accesses(bus: str, pauses: bool) -> None:
    adapter, host = BUSES[bus]
    bench = WrappedBench(adapter, SMALL)
    taken: list[tuple[list[int], int]] = []

    async def run(context: Any) -> None:
        pause = random_pauses(7, 0.2) if pauses else (lambda: 0)
        taken.append(await load_and_take(context, bench, host(context, bench.design.adapter, pause)))

    bench.run(run, limit=80_000)
    frame, status = taken[0]
    assert frame == frame_words(bench)
    # Rows of two codes in beats of 8 bytes.
    assert status >> 16 == bench.expected.codes_of(0)[-1].keep
    assert not status & STREAM_STATUS.field("image_invalid").mask
    seen = bench.program_seen.beats
    assert [beat.data for beat in seen] == bench.expected.image()
    assert [beat.last for beat in seen] == [False] * (len(seen) - 1) + [True]


@buses
def test_beats_of_one_word(bus: str, narrow: CoreSpec) -> None:
    adapter, host = BUSES[bus]
    bench = WrappedBench(adapter, narrow)
    taken: list[tuple[list[int], int]] = []

    async def run(context: Any) -> None:
        taken.append(await load_and_take(context, bench, host(context, bench.design.adapter)))

    bench.run(run, limit=80_000)
    assert taken[0][0] == frame_words(bench)
    assert taken[0][1] >> 16 == 0b0011


@buses
def test_registers_answer_as_they_do_on_axi(bus: str) -> None:
    adapter, host = BUSES[bus]
    bench = WrappedBench(adapter, SMALL)

    async def run(context: Any) -> None:
        master = host(context, bench.design.adapter)
        registers = CoreRegisters(WordAccesses(master))
        assert await registers.read_id() == CORE_ID
        await registers.write_seed(0x1234_5678)
        await master.access(ADDRESS["SEED"], 0xAABB_CCDD, strobes=0b0101)
        assert await registers.read_seed() == 0x12BB_56DD
        # A word that was read before is not what a write answers with; the next read is of its own address.
        await registers.write_schedule(5, 0xCAFE)
        assert await registers.read_schedule(5) == 0xCAFE
        assert await registers.read_seed() == 0x12BB_56DD
        # Read-only, and none at all.
        assert (await master.access(ADDRESS["ID"], 1))[1]
        assert (await master.access(0xFFC))[1]
        assert (await master.access(0xFFC, 1))[1]
        assert await registers.read_id() == CORE_ID
        with pytest.raises(RefusedError, match="write of 0x0000"):
            await WordAccesses(master).write(ADDRESS["ID"], 1)

    bench.run(run)


@buses
def test_lengths_are_those_that_are_documented(bus: str) -> None:
    adapter, host = BUSES[bus]
    bench = WrappedBench(adapter, SMALL)
    lengths: list[int] = []

    async def run(context: Any) -> None:
        master = host(context, bench.design.adapter)
        # The core answers late while it clears its schedule memory.
        await wait(context, SCHEDULE_DEPTH)
        for address, word in ((STREAM_STATUS.address, None), (ADDRESS["SEED"], 1), (ADDRESS["SEED"], None)) * 2:
            await master.access(address, word)
            lengths.append(master.cycles)

    bench.run(run)
    assert lengths == [2, 5, 6] * 2


@buses
def test_what_the_window_refuses_changes_nothing(bus: str) -> None:
    adapter, host = BUSES[bus]
    bench = WrappedBench(adapter, SMALL)

    async def run(context: Any) -> None:
        master = host(context, bench.design.adapter)
        registers = CoreRegisters(WordAccesses(master))

        async def refused(address: int, word: int | None = None, strobes: int = 0xF) -> bool:
            return bool((await master.access(address, word, strobes))[1])

        room = STREAM_STATUS.field("program_room").mask
        # Nothing is being loaded, and there is no image.
        assert (await master.access(STREAM_STATUS.address)) == (0, False)
        assert await refused(PROGRAM_DATA.address, 1)
        assert await refused(PROGRAM_LAST.address, 1)
        assert await refused(IMAGE_DATA.address)
        await registers.write_control(load=1)
        assert (await master.access(STREAM_STATUS.address)) == (room, False)
        # Single bytes, wrong directions, addresses of nothing; the last word where a beat is not complete.
        assert await refused(PROGRAM_DATA.address, 1, strobes=0b0111)
        assert await refused(STREAM_STATUS.address, 0)
        assert await refused(PROGRAM_DATA.address)
        assert await refused(IMAGE_DATA.address, 0)
        assert await refused(WINDOW_REGISTERS[-1].address + 4)
        assert await refused(WINDOW_REGISTERS[-1].address + 4, 0)
        assert await refused(PROGRAM_LAST.address, 1)
        # Half a beat is forgotten on demand, and taken up where it was left otherwise.
        assert not await refused(PROGRAM_DATA.address, 0x11)
        assert not await refused(STREAM_RESTART.address, STREAM_RESTART.field("program").mask)
        assert not await refused(PROGRAM_DATA.address, 0x22)
        assert not await refused(STREAM_RESTART.address, STREAM_RESTART.field("image").mask)
        assert not await refused(PROGRAM_LAST.address, 0x33)
        assert (await registers.read_error()).program_length
        assert await refused(PROGRAM_DATA.address, 1)

    bench.run(run)
    assert [(beat.data, beat.last) for beat in bench.program_seen.beats] == [(0x33_0000_0022, True)]


def test_a_beat_is_read_again_from_its_first_word() -> None:
    bench = WrappedBench(WishboneAdapter, SMALL)
    again: list[int] = []

    async def run(context: Any) -> None:
        master = WishboneHost(context, bench.design.adapter)
        bus = WordAccesses(master)
        await load_and_take(context, bench, master)
        registers = CoreRegisters(bus)
        await registers.write_control(start=1)
        while not await bus.read(STREAM_STATUS.address) & 2:
            pass
        first = await bus.read(IMAGE_DATA.address)
        await bus.write(STREAM_RESTART.address, STREAM_RESTART.field("image").mask)
        again.extend([first, await bus.read(IMAGE_DATA.address), await bus.read(IMAGE_DATA.address)])

    bench.run(run)
    beat = bench.expected.codes_of(1)[0].data
    assert again == [beat % 2**32, beat % 2**32, beat >> 32]
