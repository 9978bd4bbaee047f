"""Programs of driven cores: the sections behind the banks, under the same CRC."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import Beat, StreamPort, frame_beats, put_beats, random_pauses, simulate, wait
from oscc.rtl.inputs.section_ingress import SectionIngress
from oscc.rtl.weights.program_ingress import ProgramIngress
from tests.rtl.weights.test_program_ingress import crc_of, image_of, writes_of

CORE = load_core("driven-8x8").changed(grid=[3, 2], inputs=4, chunks=2, tracks_per_boundary=16)


class Ingress(Elaboratable):  # type: ignore[misc]
    """A program ingress with what takes the sections."""

    def __init__(self, core: CoreSpec) -> None:
        self.ingress, self.sections = ProgramIngress(core), SectionIngress(core)

    def elaborate(self, platform: object) -> Module:
        m, ingress, sections = Module(), self.ingress, self.sections
        m.submodules.ingress, m.submodules.sections = ingress, sections
        m.d.comb += [
            sections.begin.eq(ingress.section_begin),
            sections.beat.eq(ingress.section_beat),
            sections.data.eq(ingress.section_data),
            ingress.section_ends.eq(sections.ends),
        ]
        return m


def load(core: CoreSpec, *streams: list[Beat], crc: int) -> tuple[Recorder, Recorder]:
    """What ingress and sections did as each of the streams was sent behind a ``begin``."""
    design = Ingress(core)
    banks = Recorder.of(
        design.ingress, "programmed", "crc_error", "length_error", "write.enable", "write.address", "write.word"
    )
    sections = Recorder.of(design.sections, "map_write", "table_write", "watch_write", "watch_number")

    async def bench(context: Any) -> None:
        context.set(design.ingress.expected_crc, crc)
        for stream in streams:
            context.set(design.ingress.begin, 1)
            await context.tick()
            context.set(design.ingress.begin, 0)
            await put_beats(context, StreamPort.of(design.ingress.stream), stream, random_pauses(1))
            await wait(context, 4)

    simulate(design, bench, background=[banks.watch, sections.watch])
    return banks, sections


def counts(sections: Recorder) -> tuple[int, int, int]:
    map_writes, table_writes, watch_writes = (
        len(sections.cycles(f"{kind}_write")) for kind in ("map", "table", "watch")
    )
    return map_writes, table_writes, watch_writes


@pytest.mark.parametrize("width", [32, 64])
def test_banks_then_sections_under_one_crc(width: int) -> None:
    core = CORE.changed(stream_width=width)
    image = image_of(core, 1)
    entries = (core.inputs, core.chunks * core.readout.phase_steps, core.frame_beats)
    banks, sections = load(core, frame_beats(image), crc=crc_of(core, image))
    assert banks.values("programmed")[-1] == 1
    columns = (banks.values(name) for name in ("write.enable", "write.address", "write.word"))
    written = [entry for entry in zip(*columns, strict=True) if entry[0]]
    assert written == writes_of(core, image[: core.bank_beats])
    assert counts(sections) == entries
    # One bit of the last beat of the sections is enough.
    spoiled = [*image[:-1], image[-1] ^ 1]
    banks, _ = load(core, frame_beats(spoiled), crc=crc_of(core, image))
    assert banks.cycles("crc_error")
    assert not any(banks.values("programmed"))


@pytest.mark.parametrize("change", [-1, 1])
def test_a_program_that_is_short_or_long_is_refused_and_the_next_one_taken(change: int) -> None:
    image = image_of(CORE, 2)
    other = image[:change] if change < 0 else [*image, 0]
    banks, sections = load(CORE, frame_beats(other), frame_beats(image), crc=crc_of(CORE, image))
    assert len(banks.cycles("length_error")) == 1
    assert banks.values("programmed")[-1] == 1
    assert not banks.cycles("crc_error")
    entries = (CORE.inputs, CORE.chunks * CORE.readout.phase_steps, CORE.frame_beats)
    assert counts(sections)[:2] == (2 * entries[0], 2 * entries[1])


def test_a_program_without_sections_is_short() -> None:
    image = image_of(CORE, 3)[: CORE.bank_beats]
    banks, sections = load(CORE, frame_beats(image), crc=crc_of(CORE, image))
    assert len(banks.cycles("length_error")) == 1
    assert not any(banks.values("programmed"))
    assert counts(sections) == (0, 0, 0)
