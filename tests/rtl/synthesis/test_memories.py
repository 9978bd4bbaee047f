from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oscc.rtl.synthesis.memories import MemoryMacro, memory_script, read_memories, wildcarded


def test_alike_memories_are_counted_and_the_largest_come_first(sample: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(sample["memories"])
    found = read_memories(tmp_path / "m.json")
    assert found == (
        MemoryMacro("memory.bank_*.memory", "ram", 108, 224, 1, 1, 2),
        MemoryMacro("readout.decoder_*.table_*", "rom", 4, 256, 1, 0, 2),
        MemoryMacro("schedule", "ram", 32, 64, 2, 1, 1),
    )
    assert [memory.bits for memory in found] == [108 * 224 * 2, 4 * 256 * 2, 32 * 64]


def test_memories_of_other_sizes_are_kept_apart(tmp_path: Path) -> None:
    def cell(width: int) -> dict[str, object]:
        number = {"WIDTH": f"{width:b}", "SIZE": "100", "RD_PORTS": "1", "WR_PORTS": "1"}
        return {"hide_name": 0, "type": "$mem_v2", "parameters": number}

    text = json.dumps({"modules": {"m": {"cells": {"a_0": cell(3), "a_1": cell(2)}}}})
    (tmp_path / "m.json").write_text(text)
    assert [(memory.name, memory.width, memory.depth) for memory in read_memories(tmp_path / "m.json")] == [
        ("a_*", 3, 4),
        ("a_*", 2, 4),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("memory.bank_0.memory", "memory.bank_*.memory"),
        ("memory.bank_12", "memory.bank_*"),
        ("ingress.crc$38", "ingress.crc"),
        ("decoder_3.table_2$15", "decoder_*.table_*"),
        ("word_3bits.x", "word_3bits.x"),
    ],
)
def test_numbers_that_tell_alike_ones_apart(name: str, expected: str) -> None:
    assert wildcarded(name) == expected


def test_the_script_ends_with_an_empty_design() -> None:
    script = memory_script("x_control_plane", "core.v")
    assert script[1] == "hierarchy -check -top x_control_plane"
    assert script[-1] == "design -reset"
    # Nothing may be mapped before the memories are written out.
    assert script.index("memory -nomap") < script.index("write_json -selected memories.json")
