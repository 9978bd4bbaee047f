"""docs/macro.md: its tables, examples and timing diagrams, compared with the gateware."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape

from oscc.core.groups import Groups
from oscc.core.spec import CoreSpec
from oscc.core.weight_word import unpack_words
from oscc.rtl.array_port import array_signature
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY, JohnsonDecoder
from oscc.rtl.top import array_module_name
from oscc.sim.array.array import OscillatorArray
from tests.rtl.documented_bench import Variant, worked
from tests.rtl.documented_pages import CORES, TINY, WORDS, diagrams, flat, page, plain, table, tap_row_bits

PAGE = page("macro.md")


def index(count: int) -> int:
    """As the page defines it."""
    return max(1, math.ceil(math.log2(count)))


def sizes(core: str) -> dict[str, Any]:
    """Sizes of the page for a core, and what its formulas may use."""
    rows = table(PAGE, "size", "formula", "tiny-8x8", "ais-56x56")
    names = [name for row in rows for name in plain(row["size"]).split(", ")]
    assert len(names) == len(rows)
    return {"index": index} | {name: int(row[core]) for name, row in zip(names, rows, strict=True)}


@pytest.mark.parametrize("name", CORES)
def test_sizes_are_those_of_the_core(name: str) -> None:
    core, given = CORES[name], sizes(name)
    assert given.pop("index") is index
    frame_rows, frame_cols = core.frame_shape
    assert given == {
        "rows": core.rows,
        "cols": core.cols,
        "chunks": core.chunks,
        "slots": core.slots,
        "coupling_bits": core.coupling_dac.bits,
        "shil_bits": core.shil_dac.bits,
        "field_bits": core.field_dac.bits,
        "detuning_bits": core.detuning_dac.bits,
        "word_bits": core.word_bits,
        "row_bits": core.row_bits,
        "taps": core.readout.taps,
        "subphases": core.readout.subphases,
        "phase_steps": core.readout.phase_steps,
        "frame_rows": frame_rows,
        "frame_cols": frame_cols,
        "row_tap_bits": core.row_tap_bits,
    }
    for row in table(PAGE, "size", "formula", "tiny-8x8", "ais-56x56"):
        formula = plain(row["formula"])
        if "*" in formula:
            assert eval(formula, {}, sizes(name)) == int(row[name]), formula


@pytest.mark.parametrize("name", CORES)
def test_ports_are_those_of_the_signature(name: str) -> None:
    rows = table(PAGE, "port", "direction", "width", "tiny-8x8", "ais-56x56", "meaning")
    documented = [(plain(row["port"]), row["direction"], int(row[name])) for row in rows]
    directions = {"Out": "input", "In": "output"}
    members = array_signature(CORES[name]).members.items()
    declared = [(port, directions[member.flow.name], Shape.cast(member.shape).width) for port, member in members]
    assert documented == [("clk", "input", 1), *declared]
    assert all(eval(plain(row["width"]), {}, sizes(name)) == int(row[name]) for row in rows)
    assert f"`{array_module_name(TINY)}`" in PAGE


def test_slots_are_the_offsets_of_the_stencil() -> None:
    documented = {}
    for row in table(PAGE, "slots", "drow", "dcol"):
        first, last = map(int, row["slots"].split(" to "))
        columns = [int(number) for number in row["dcol"].split(", ")]
        for slot, column in zip(range(first, last + 1), columns, strict=True):
            documented[slot] = (int(row["drow"]), column)
    for core in CORES.values():
        assert documented == dict(enumerate(core.unit_stencil.offsets))


def test_codes_stand_where_the_page_says() -> None:
    rows = table(PAGE, "bits of the word", "code")
    bits = [plain(row["bits of the word"]) for row in rows]
    assert bits == ["4 * k + 3 : 4 * k", "99 : 96", "103 : 100", "107 : 104"]
    assert [row["code"].split(",")[0] for row in rows] == ["coupling unit of slot k", "SHIL", "field", "detuning"]
    for low, value, code in ((28, 0b1011, -3), (92, 0b0111, 7), (96, 0b1111, -7), (100, 0b0001, 1), (104, 0b1001, -1)):
        words = np.frombuffer((value << low).to_bytes(16, "little"), dtype=np.uint8)
        codes = unpack_words(words, TINY)
        where = {96: codes.shil, 100: codes.field, 104: codes.detuning}
        assert (where[low] if low in where else codes.coupling[low // 4]) == code


def test_steps_follow_from_the_full_scales() -> None:
    rows = table(PAGE, "group", "symbol", "full scale [rad/s]", "one step [rad/s]")
    for core in CORES.values():
        for row, dac in zip(rows, core.dacs.values(), strict=True):
            assert float(row["full scale [rad/s]"]) == dac.full_scale_rad_s
            assert float(row["one step [rad/s]"]) == pytest.approx(dac.full_scale_rad_s / 7, abs=1e-3)


def test_the_example_of_the_equation() -> None:
    """Once by integrating the equation of the page, once by the array that all engines use."""
    step = {row["symbol"]: float(row["full scale [rad/s]"]) / 7 for row in table(
        PAGE, "group", "symbol", "full scale [rad/s]", "one step [rad/s]"
    )}  # fmt: skip
    quoted = re.search(r"after 10 cycles of `run` at 100 MHz, theta\(3, 2\) is ([\d.]+)\.", PAGE)
    assert quoted is not None

    def slope(theta: float) -> float:
        couplings = 3 * math.sin(0.5 - theta) - 5 * math.sin(1.5 - theta)
        own = -2 * step["S"] * math.sin(2 * theta) + step["h"] * math.sin(theta)
        return 7 * step["w"] + step["K"] * couplings + own

    theta, parts = 1.0, 100_000
    for _ in range(parts):
        middle = theta + 1e-7 / parts / 2 * slope(theta)
        theta += 1e-7 / parts * slope(middle)
    assert f"{theta:.6f}" == quoted[1]

    words = np.zeros((8, 8, 16), dtype=np.uint8)
    words[3, 2] = np.frombuffer(WORDS[2, 3].to_bytes(16, "little"), dtype=np.uint8)
    codes: Groups[Any] = unpack_words(words, TINY)
    phases = np.zeros((8, 8, 1))
    phases[1, 0], phases[3, 3], phases[3, 2] = 0.5, 1.5, 1.0
    array = OscillatorArray(TINY)
    array.set_phases(phases)
    array.set_codes(codes)
    array.advance(10)
    assert f"{float(array.phases()[3, 2, 0]):.6f}" == quoted[1]


def documented_words() -> list[int]:
    """Words of the Johnson code on the page, by step."""
    words: dict[int, int] = {}
    for row in re.findall(r"^\| \d+ \| `[01]{8}` \|.*$", PAGE, re.M):
        cells = [plain(cell.strip()) for cell in row.strip("|").split("|")]
        if len(cells) == 8:
            words |= {int(step): int(word, 2) for step, word in zip(cells[::2], cells[1::2], strict=True)}
    assert sorted(words) == list(range(16))
    return [words[step] for step in range(16)]


def test_words_are_what_the_definition_gives() -> None:
    middles = [math.pi * (step + 0.5) / 8 for step in range(16)]
    assert documented_words() == [tap_row_bits([phase], TINY) & 0xFF for phase in middles]


def step_of(word: int) -> int:
    """By the rule of the page, with its table of words."""
    distances = [(legal ^ word).bit_count() for legal in documented_words()]
    return distances.index(min(distances))


def test_examples_of_bubbles() -> None:
    rows = table(PAGE, "word", "read as step", "why")
    for row in rows:
        word, step = int(plain(row["word"]), 2), int(row["read as step"])
        near = [at for at, legal in enumerate(documented_words()) if (legal ^ word).bit_count() == 1]
        assert word not in documented_words()
        assert near == [int(number) for number in re.findall(r"step (\d+)", row["why"])] or near == [step]
        assert step_of(word) == step
    assert len(rows) == 4


def test_the_gateware_decodes_by_the_rule() -> None:
    """Every word in every sub-phase, in an order of its own for each."""
    decoder, simulation = prepared(JohnsonDecoder, TINY)
    orders = [random.Random(seed).sample(range(256), 256) for seed in range(4)]
    steps = [step_of(word) for word in range(256)]
    found: list[int] = []

    async def drive(context: Any) -> None:
        context.set(decoder.look_up, 1)
        context.set(decoder.combine, 1)
        for words in zip(*orders, strict=True):
            context.set(decoder.taps, sum(word << (8 * s) for s, word in enumerate(words)))
            await context.tick()
            found.append(context.get(decoder.code))
        for _ in range(DECODE_LATENCY - 1):
            await context.tick()
            found.append(context.get(decoder.code))

    simulation.run(drive)
    expected = []
    for words in zip(*orders, strict=True):
        first, *_ = row = [steps[word] for word in words]
        expected.append((4 * first + sum((step - first + 8) % 16 - 8 for step in row)) % 64)
    assert found[DECODE_LATENCY - 1 :] == expected


def test_the_example_of_a_phase() -> None:
    example = " ".join(PAGE[PAGE.index("Example: theta =") :].split())
    bits = tap_row_bits([1.0], TINY)
    words = ", ".join(f"`{bits >> (8 * s) & 0xFF:08b}`" for s in range(4))
    steps = ", ".join(str(step_of(bits >> (8 * s) & 0xFF)) for s in range(4))
    code = math.floor(1.0 / (2 * math.pi) * 64)
    assert f"theta = 1.0 gives the words {words} for s = 0 to 3, the steps {steps}, and the code {code}." in example
    assert f"are `0x{bits:08X}`" in example


def test_timing_diagrams_are_the_run() -> None:
    shown = diagrams("macro.md")
    assert len(shown) == 3
    run = worked()
    for rows in shown:
        cycles = [int(cycle) for cycle in rows.pop("cycle")]
        taken = rows.pop("taken", None)
        for name, values in rows.items():
            for cycle, value in zip(cycles, values, strict=True):
                assert value in ("-", str(run.value(name, cycle))), (name, cycle)
        if taken is not None:
            # Every cell had the number of cycles since the sample as its code.
            (first, *rest), *_ = worked(Variant(stamped=True)).frames
            edges = [135 + beat.data % 256 for beat in (first, *rest)]
            assert taken == [str(int(cycle in edges)) for cycle in cycles]


def test_a_late_tap_bus_makes_rows_longer_and_changes_nothing() -> None:
    on_time, late = worked(), worked(Variant(late=2))
    assert late.frames == on_time.frames
    assert [cycle - 135 for cycle in on_time.cycles("m_axis_tvalid")[:4]] == [8 + 4 * row for row in range(4)]
    assert [cycle - 135 for cycle in late.cycles("m_axis_tvalid")[:4]] == [10 + 6 * row for row in range(4)]


def test_ready_is_followed_in_four_cycles() -> None:
    assert "in the fourth cycle after the one in which `ready` is first high" in flat(PAGE)
    assert "fall in the fourth cycle after the first one with `ready` low" in flat(PAGE)
    rises, falls = worked(Variant(rises=49)), worked(Variant(falls=120))
    assert (rises.cycles("ready")[0], rises.cycles("init")[0]) == (49, 49 + 4)
    assert (falls.cycles("ready")[-1] + 1, falls.cycles("run")[-1] + 1) == (120, 120 + 4)


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_the_distance_of_samples(core: CoreSpec) -> None:
    assert "`frame_rows * (row_beats + 3) + 1` cycles after the one before: 17 on `tiny-8x8`, 197 on\n" in PAGE
    assert core.readout_cycles == {"tiny-8x8": 17, "ais-56x56": 197}[core.name]


def test_what_a_reset_does_to_the_macro() -> None:
    run = worked(Variant(reset=128))
    # On the edge that ends cycle 128, in the middle of a run and of a load.
    for name in ("run", "load_strobe"):
        assert run.value(name, 128)
    for name in ("load_strobe", "commit", "init", "run", "sample", "tap_row", "m_axis_tvalid", "irq"):
        assert not [cycle for cycle in run.cycles(name) if cycle > 128], name
