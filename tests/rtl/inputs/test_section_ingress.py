from __future__ import annotations

import random
from typing import Any

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import random_pauses, simulate, wait
from oscc.rtl.inputs.section_ingress import SectionIngress

CORE = load_core("driven-8x8").changed(inputs=5, chunks=2)


def entries(seed: int, width: int) -> tuple[list[int], list[tuple[Any, ...]]]:
    """The beats of all sections, and what they write, in order."""
    generator = random.Random(seed)
    beats: list[int] = []
    writes: list[tuple[Any, ...]] = []
    core = CORE.changed(stream_width=width)
    for number in range(core.inputs):
        row, column, back = generator.randrange(core.rows), generator.randrange(core.cols), generator.getrandbits(1)
        place = generator.randrange(core.frame_beats * width // 8)
        entry = row | column << 16 | place << 32 | back << 63
        beats += [entry] if width >= 64 else [entry & 0xFFFF_FFFF, entry >> 32]
        writes.append(("map", number, row, column, place, back))
    for number in range(core.chunks * core.readout.phase_steps):
        beats.append(generator.randrange(256))
        writes.append(("table", number, beats[-1]))
    for number in range(core.frame_beats):
        beats.append(generator.getrandbits(width // 8))
        writes.append(("watch", number, beats[-1]))
    return beats, writes


MEMBERS = {
    "map": ("number", "row", "column", "place", "fed_back"),
    "table": ("number", "code"),
    "watch": ("number", "mask"),
}


@pytest.mark.parametrize("width", [32, 64, 128])
@pytest.mark.parametrize("spoiled", [0, 1, 2, 9])
def test_every_entry_is_written_where_it_belongs(width: int, spoiled: int) -> None:
    """Also after a program that ended early, ``spoiled`` beats behind the banks."""
    core = CORE.changed(stream_width=width)
    unit, pause = SectionIngress(core), random_pauses(width)
    beats, meant = entries(width, width)
    assert len(beats) == sum(core.section_beats)
    found: list[tuple[Any, ...]] = []
    ends: list[int] = []
    recording = False

    async def watch(context: Any) -> None:
        enables = [getattr(unit, f"{kind}_write") for kind in MEMBERS]
        values = [getattr(unit, f"{kind}_{name}") for kind, names in MEMBERS.items() for name in names]
        async for _, _, *got in context.tick().sample(*enables, *values):
            first = len(enables)
            for enable, (kind, names) in zip(got, MEMBERS.items(), strict=False):
                if enable and recording:
                    found.append((kind, *got[first : first + len(names)]))
                first += len(names)

    async def send(context: Any, words: list[int]) -> None:
        for word in words:
            await wait(context, pause())
            context.set(unit.data, word)
            context.set(unit.beat, 1)
            ends.append(context.get(unit.ends))
            await context.tick()
            context.set(unit.beat, 0)

    async def bench(context: Any) -> None:
        nonlocal recording
        await send(context, beats[:spoiled])
        await wait(context, 2)
        ends.clear()
        recording = True
        context.set(unit.begin, 1)
        await context.tick()
        context.set(unit.begin, 0)
        await send(context, beats)
        await wait(context, 2)

    simulate(unit, bench, background=[watch])
    assert found == meant
    assert ends == [0] * (len(beats) - 1) + [1]


def test_a_beat_together_with_begin_is_forgotten() -> None:
    unit = SectionIngress(CORE)

    async def bench(context: Any) -> None:
        context.set(unit.begin, 1)
        context.set(unit.beat, 1)
        await context.tick()
        assert not context.get(unit.map_write)
        context.set(unit.begin, 0)
        await context.tick()
        assert context.get(unit.map_write)
        assert context.get(unit.map_number) == 0

    simulate(unit, bench)
