from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.compiler.dump import dump_level
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.store import save_level

NAMES = ["load", "place", "route", "scale", "quantize", "schedule", "assemble"]


@pytest.mark.parametrize("name", NAMES)
def test_dumps_are_equal_in_another_process_with_another_hash_seed(
    name: str, tiny_result: CompileResult, tmp_path: Path
) -> None:
    if name not in ("scale", "assemble"):
        text = dump_level(tiny_result.levels()[name])
        assert text == dump_level(tiny_result.levels()[name])
        assert text.endswith("\n")
        return
    save_level(tmp_path / "level", tiny_result.levels()[name])
    code = (
        "import sys; from oscc.compiler.dump import dump_level; from oscc.compiler.ir.store import load_level;"
        "sys.stdout.write(dump_level(load_level(sys.argv[1])))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "level")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == dump_level(tiny_result.levels()[name])


def test_graph_lines_read_back_exactly(tiny_result: CompileResult) -> None:
    graph = tiny_result.graph
    text = dump_level(graph)
    couplings = re.findall(r"^coupling into (\d+) from (\d+) weight (.+)$", text, re.MULTILINE)
    assert len(couplings) == graph.couplings
    read = np.array([weights.split() for _, _, weights in couplings], dtype=np.float32).T
    np.testing.assert_array_equal(read, graph.weight)
    nodes = re.findall(r"^node (\d+) at \d+ \d+(?: pixel (\d+))? shil (\S+) (\S+) field", text, re.MULTILINE)
    assert len(nodes) == 64
    assert [int(pixel) for _, pixel, _, _ in nodes if pixel] == list(range(16))
    assert np.float32(nodes[9][3]) == graph.shil[1, 9]


def test_placed_lines_show_units_and_time(tiny_result: CompileResult) -> None:
    placed = tiny_result.timed
    assert placed is not None
    text = dump_level(placed)
    assert f"run_cycles {' '.join(str(cycles) for cycles in placed.time_scale.run_cycles)}\n" in text
    assert "node 9 cell 1 1\n" in text
    units = re.findall(r"^coupling into \d+ from \d+ unit \d+ \d+ slot (\d+)$", text, re.MULTILINE)
    assert [int(slot) for slot in units] == placed.route.slot.tolist()
    assert len(re.findall(r"^demand_across_columns row \d+: (?:\d+ ?){7}$", text, re.MULTILINE)) == 8
    routed = dump_level(RoutedGraph.of(placed, placed.route))
    assert "unit" in routed
    assert "tau_s" not in routed
    assert "unit" not in dump_level(placed.placement())


def test_coded_lines_show_every_code(tiny_result: CompileResult) -> None:
    coded = tiny_result.coded
    assert coded is not None
    text = dump_level(coded)
    cells = re.findall(r"^chunk 1 cell 3 4 coupling (.+) shil (\S+) field (\S+) detuning (\S+)$", text, re.MULTILINE)
    assert [int(code) for code in cells[0][0].split()] == coded.codes.coupling[1, 3, 4].tolist()
    nodes = (coded.codes.shil, coded.codes.field, coded.codes.detuning)
    assert [int(code) for code in cells[0][1:]] == [int(group[1, 3, 4]) for group in nodes]
    assert "instruction 1 30000000 commit\n" in text
    assert isinstance(coded, ScheduledGraph)
    assert dump_level(tiny_result.levels()["schedule"]) == text
    for bare in (coded.unscheduled(), tiny_result.levels()["quantize"]):
        assert dump_level(bare) == text[: text.index("instruction ")]


def test_program_words_are_written_as_numbers(tiny_result: CompileResult) -> None:
    program = tiny_result.program
    assert program is not None
    text = dump_level(program)
    word = int.from_bytes(program.words[5, 9].tobytes(), "little")
    assert f"bank 5 address 9 {word:032x}\n" in text
    assert f"stream {program.words.size} bytes crc32 {program.stream_crc():08x}\n" in text


def test_a_changed_code_changes_one_line(tiny_result: CompileResult) -> None:
    coded = tiny_result.coded
    assert coded is not None
    other = coded.codes.shil.copy()
    other[0, 2, 2] = 7 if other[0, 2, 2] != 7 else 6
    recoded = replace(coded, codes=replace(coded.codes, shil=other))
    before, after = dump_level(coded).splitlines(), dump_level(recoded).splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0].startswith("chunk 0 cell 2 2 ")
