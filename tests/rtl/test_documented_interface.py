"""docs/interface.md: its tables, examples and timing diagrams, compared with the gateware."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amaranth.hdl import Shape

from oscc.core.latencies import READOUT_ROW_CYCLES
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import CLOCK_S, prepared
from oscc.rtl.bench.simulation import AxiLiteHost, Beat, StreamPort, get_beats, put_beats, wait
from oscc.rtl.control_plane import ControlPlane, host_members
from oscc.rtl.top import core_module_name
from tests.rtl.documented_bench import SEED, Macro, ResettablePlane, Variant, worked
from tests.rtl.documented_pages import (
    CORES,
    SCHEDULE,
    TINY,
    blocks,
    diagrams,
    flat,
    page,
    plain,
    program_beats,
    table,
)

PAGE = page("interface.md")
WITH_SPI = TINY.changed(spi=True, grid=[3, 2], chunks=1)
"""As small as cores are: what is said of SPI holds for all."""


def test_ports_are_those_of_the_core() -> None:
    documented = [
        (plain(row["port"]), row["direction"], int(eval(plain(row["width"]), {"stream_width": TINY.stream_width})))
        for row in table(PAGE, "port", "direction", "width", "meaning")
    ]
    directions = {"In": "input", "Out": "output"}
    declared = [
        (name, directions[member.flow.name], Shape.cast(member.shape).width)
        for name, member in host_members(WITH_SPI).items()
    ]
    assert documented == [("clk", "input", 1), ("rst", "input", 1), *declared]
    assert f"`{core_module_name(TINY)}`" in PAGE
    assert {core.stream_width for core in CORES.values()} == {64}
    assert "`stream_width` is 64 on the presets" in PAGE


@pytest.mark.parametrize("name", CORES)
def test_numbers_of_cycles_are_those_of_the_core(name: str) -> None:
    core = CORES[name]
    rows = table(PAGE, "number of cycles", "formula", "tiny-8x8", "ais-56x56")
    given = {plain(row["number of cycles"]): int(row[name]) for row in rows}
    assert given == {key: getattr(core, key) for key in given}
    assert list(given) == ["bus_levels", "loader_latency", "load_cycles", "row_beats", "readout_cycles"]
    known = {**given, "rows": core.rows, "frame_rows": core.frame_shape[0]}
    for row in rows:
        formula = plain(row["formula"])
        if re.fullmatch(r"[\w +*()]+", formula):
            assert eval(formula, {}, known) == int(row[name]), formula
    assert READOUT_ROW_CYCLES == 3


def test_timing_diagrams_are_the_run() -> None:
    shown = diagrams("interface.md")
    assert len(shown) == 2
    for rows in shown:
        cycles = [int(cycle) for cycle in rows.pop("cycle")]
        for name, values in rows.items():
            assert values == [str(worked().value(name, cycle)) for cycle in cycles], name


def spans() -> dict[str, list[int]]:
    """Cycles of each strobe of the worked schedule."""
    seen: dict[str, list[int]] = {}
    for row in table(PAGE, "instructions of the group", "T", "because", "seen", "from", "to"):
        seen.setdefault(plain(row["seen"]), []).extend(range(int(row["from"]), int(row["to"]) + 1))
    return seen


def test_the_worked_schedule_is_the_run() -> None:
    run, seen = worked(), spans()
    assert set(seen) == {"load_strobe", "commit", "init", "run", "sample", "m_axis_tvalid"}
    assert seen == {name: run.cycles(name) for name in seen}
    for first in range(27, 230):
        if run.value("load_strobe", first) and not run.value("load_strobe", first - 1):
            assert [run.value("load_row", first + row) for row in range(8)] == list(range(8))
    numbers = {cycle: run.value("noise_index", cycle) for cycle in seen["init"]}
    assert numbers == {cycle: int(cycle >= 136) for cycle in seen["init"]}
    assert {run.value("noise_seed", cycle) for cycle in range(3, 270)} == {SEED}


def effect_cycles(core: CoreSpec) -> list[int]:
    """T of every group of the worked schedule, from the rules of the page alone."""
    names = {1: "stop", 2: "load", 3: "commit", 4: "init", 5: "run", 6: "sample", 7: "repeat"}
    cycles: list[int] = []
    address, jumped, end, load, sample = 0, False, 0, None, None
    while True:
        group: list[tuple[str, int]] = []
        fetched = 0
        while not group or group[-1][0] not in ("init", "run", "stop"):
            name, operand = names[SCHEDULE[address] >> 28], SCHEDULE[address] & 0xFFFFFF
            kinds = [kind for kind, _ in group]
            fetched += 1
            if (name == "commit" and {"load", "commit"} & set(kinds)) or (name in ("load", "sample") and name in kinds):
                break
            if name == "repeat":
                address, jumped = (address + 1, False) if jumped else (operand & 0xFF, True)
                continue
            group.append((name, operand))
            address += 1
        fetched_in = cycles[-1] + 1 + 2 * fetched if cycles else 6 + len(SCHEDULE) + 2 * fetched
        begin = max(fetched_in, end)
        kinds = [kind for kind, _ in group]
        if load is not None and {"commit", "load"} & set(kinds):
            begin = max(begin, load + core.load_cycles)
        if sample is not None and "sample" in kinds:
            begin = max(begin, sample + core.readout_cycles)
        cycles.append(begin)
        load = begin if "load" in kinds else load
        sample = begin if "sample" in kinds else sample
        kind, operand = group[-1]
        if kind == "stop":
            return cycles
        end = begin + operand if kind in ("init", "run") else 0


def test_the_rules_give_the_worked_schedule() -> None:
    rows = table(PAGE, "instructions of the group", "T", "because", "seen", "from", "to")
    assert [int(row["T"]) for row in rows if row["T"]] == effect_cycles(TINY)
    sample = next(int(row["T"]) for row in rows if "`sample`" in row["instructions of the group"])
    assert spans()["m_axis_tvalid"][:4] == [sample + 8 + row * (TINY.row_beats + 3) for row in range(4)]


def test_the_images_of_the_worked_schedule() -> None:
    rows = table(PAGE, "cycle", "tdata", "tkeep", "tlast", "tuser")
    run = worked()
    assert [int(row["cycle"]) for row in rows] == run.cycles("m_axis_tvalid")
    for row in rows:
        for name in ("tdata", "tkeep", "tlast", "tuser"):
            assert int(row[name], 0) == run.value(f"m_axis_{name}", int(row["cycle"])), row
    codes = [byte for row in rows for byte in int(row["tdata"], 16).to_bytes(8, "little")[:4]]
    assert codes == [10 + 4 * row + col + 16 * sample for sample in range(2) for row in range(4) for col in range(4)]


def test_a_lost_array_ends_the_worked_schedule_as_described() -> None:
    lost = worked(Variant(falls=120))
    assert lost.cycles("run")[-1] + 1 == 124
    assert lost.answers[0x028] == 0x100
    assert lost.frames == [[Beat(0, last=True, keep=1, user=True)]]
    assert "`run` would have fallen in cycle 124, ERROR would be `0x00000100` (array_lost)" in flat(PAGE)


def test_the_interrupt_comes_when_the_page_says() -> None:
    assert "For a sample it rises in the cycle after `sample`; at the end of a schedule, two cycles after the last" in (
        flat(PAGE)
    )
    for enabled, cycle in ((1, 135 + 1), (2, 235 + 2)):
        assert worked(Variant(irq_enable=enabled)).cycles("irq")[0] == cycle


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_keep_of_the_beats_of_a_row(core: CoreSpec) -> None:
    columns, lanes = core.frame_shape[1], core.stream_width // 8
    keeps = [(1 << min(lanes, columns - start)) - 1 for start in range(0, columns, lanes)]
    words = {"tiny-8x8": "it is `0x0F` in all 4 beats", "ais-56x56": "it is `0xFF`, `0xFF`, `0xFF`, `0x0F` in the 4"}
    assert words[core.name] in flat(PAGE)
    assert [f"0x{keep:02X}" for keep in keeps] == re.findall(r"0x[0-9A-F]{2}", words[core.name])


# Start-up, access by access


def test_start_up_as_written() -> None:
    steps = table(PAGE, "step", "access", "address", "value", "what")
    assert [int(row["step"]) for row in steps] == list(range(1, len(steps) + 1))
    top, simulation = prepared(ResettablePlane, TINY)
    plane = top.plane
    macro = Macro(plane, TINY, Variant())
    images = StreamPort.of(plane, "m_axis_t")
    frames = []

    async def host(context: Any) -> None:
        bus = AxiLiteHost(context, plane, "s_axil_")
        await wait(context, 5)
        for row in steps:
            match row["access"]:
                case "write":
                    await bus.write(int(row["address"], 16), int(row["value"], 16))
                case "read":
                    assert await bus.read(int(row["address"], 16)) == int(row["value"], 16), row
                case "stream":
                    beats = [Beat(beat) for beat in program_beats(TINY)]
                    assert row["what"].startswith(f"{len(beats)} beats")
                    stream = StreamPort.of(plane, "s_axis_t")
                    await put_beats(context, stream, [*beats[:-1], Beat(beats[-1].data, last=True)])
                    await wait(context, 2)
                case "images":
                    frames.extend([await get_beats(context, images) for _ in range(2)])
                    assert [len(frame) for frame in frames] == [4, 4]
                case "wait":
                    while not context.get(plane.irq):
                        await context.tick()
                case other:
                    raise AssertionError(other)
        await wait(context, 2)
        assert not context.get(plane.irq)
        # The next start needs the write that starts, and nothing else.
        start = next(row for row in steps if row["what"] == "CONTROL: start")
        assert f"the\nnext start needs step {start['step']} alone" in PAGE
        await bus.write(0x020, 1)
        assert [len(await get_beats(context, images)) for _ in range(2)] == [4, 4]

    simulation.run(host, background=[macro.watch])
    assert frames == worked().frames


# SPI


def test_the_frames_of_spi() -> None:
    plane, simulation = prepared(ControlPlane, WITH_SPI)
    examples = [lines for lines in blocks(PAGE) if lines[0].startswith("MOSI")]
    assert len(examples) == 2

    async def host(context: Any) -> None:
        context.set(plane.spi_cs_n, 1)
        await context.delay(10 * CLOCK_S)
        for mosi, miso in examples:
            given = bytes.fromhex(mosi.removeprefix("MOSI"))
            answer = 0
            context.set(plane.spi_cs_n, 0)
            await context.delay(4 * CLOCK_S)
            for bit in range(8 * len(given)):
                context.set(plane.spi_mosi, given[bit // 8] >> (7 - bit % 8) & 1)
                await context.delay(4 * CLOCK_S)
                answer = answer << 1 | context.get(plane.spi_miso)
                assert context.get(plane.spi_miso_enable)
                context.set(plane.spi_sclk, 1)
                await context.delay(4 * CLOCK_S)
                context.set(plane.spi_sclk, 0)
            await context.delay(4 * CLOCK_S)
            context.set(plane.spi_cs_n, 1)
            await context.delay(4 * CLOCK_S)
            assert answer.to_bytes(len(given), "big") == bytes.fromhex(miso.removeprefix("MISO"))
        assert await AxiLiteHost(context, plane, "s_axil_").read(0x040) == 11

    simulation.run(host)
