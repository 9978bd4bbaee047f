from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.lib import wiring

from formal.cores import small_core
from formal.equivalence import Pair, Verdict, component_pairs, prove
from formal.gates import with_bug
from oscc.core.spec import CoreSpec
from oscc.rtl.readout.johnson_decoder import JohnsonDecoder
from oscc.rtl.schedule.schedule_memory import ScheduleMemory
from oscc.rtl.schedule.watchdog import Watchdog
from oscc.rtl.weights.program_ingress import ProgramIngress
from oscc.rtl.weights.row_loader import RowLoader

CORE = small_core()


def proved(pair: Pair, folder: Path) -> Verdict:
    path = folder / pair.name
    path.mkdir()
    return prove(pair, path)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda core: RowLoader(core), 1),
        (lambda core: Watchdog(), 1),
        (lambda core: JohnsonDecoder(core), 1),
        # With encoder and CRC.
        (lambda core: ProgramIngress(core), 3),
        # With the wrapper of its memory.
        (lambda core: ScheduleMemory(), 2),
    ],
    ids=["row loader", "watchdog", "Johnson decoder", "program ingress", "schedule memory"],
)
def test_modules_are_their_components(make: Callable[[CoreSpec], wiring.Component], count: int, tmp_path: Path) -> None:
    pairs = component_pairs(CORE, make(CORE), "top")
    assert len(pairs) == count
    assert pairs[-1].name == "top"
    for pair in pairs:
        verdict = proved(pair, tmp_path)
        assert verdict.passed, verdict
        assert verdict.proved > 0


def test_a_seeded_bug_is_found(tmp_path: Path) -> None:
    (pair,) = component_pairs(CORE, RowLoader(CORE), "top")
    verdict = proved(with_bug(pair), tmp_path)
    assert not verdict.passed
    assert verdict.open > 0
    assert verdict.why.startswith(f"{verdict.open} bits are not equal, such as ")


def test_a_wrong_connection_of_an_instance_is_found(tmp_path: Path) -> None:
    pair = component_pairs(CORE, ProgramIngress(CORE), "top")[-1]
    assert pair.verilog.count(".clear(begin_)") == 1
    wrong = dataclasses.replace(pair, verilog=pair.verilog.replace(".clear(begin_)", ".clear(forget)"))
    verdict = proved(wrong, tmp_path)
    assert not verdict.passed
    assert verdict.why == "1 bits are not equal, such as begin_"


def test_a_missing_instance_is_found(tmp_path: Path) -> None:
    pair = component_pairs(CORE, ProgramIngress(CORE), "top")[-1]
    wrong = dataclasses.replace(pair, verilog=pair.verilog.replace(" crc32 (", " other ("))
    assert proved(wrong, tmp_path).why == "instances ['crc32', 'encoder'] and ['encoder', 'other']"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # A lane that goes elsewhere, one that is written with another, a port that is enabled when it should not be.
        ("words[write_address][23:16]", "words[read_address][23:16]"),
        ("write_mask[2]", "write_mask[1]"),
        ("if (read_enable", "if (~read_enable"),
    ],
)
def test_a_memory_of_another_kind_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    pair = next(pair for pair in component_pairs(CORE, ScheduleMemory(), "top") if "_sram_" in pair.name)
    assert right in pair.verilog, pair.verilog
    assert not proved(dataclasses.replace(pair, verilog=pair.verilog.replace(right, wrong)), tmp_path).passed
