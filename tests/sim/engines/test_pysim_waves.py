from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest
from vcd.reader import TokenKind, tokenize

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro import EventKind
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.registry import engine_named, missing_for
from oscc.sim.waves.wave_file import Waves


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program)


def rises(path: Path, wanted: str) -> list[int]:
    """Times at which a signal of one bit rises [ns]."""
    scope: list[str] = []
    code, time, found = "", 0, []
    with path.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.SCOPE:
                scope.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scope.pop()
            elif token.kind is TokenKind.VAR and ".".join([*scope, token.var.reference]) == wanted:
                code = token.var.id_code
            elif token.kind is TokenKind.CHANGE_TIME:
                time = token.time_change
            elif token.kind is TokenKind.CHANGE_SCALAR:
                change = token.scalar_change
                found += [time] if (change.id_code, change.value) == (code, "1") else []
    assert code, wanted
    return found


@pytest.mark.parametrize("engine", ["pysim", "icarus"])
def test_waves_show_what_the_macro_saw(engine: str, job: CosimJob, tmp_path: Path) -> None:
    if missing := missing_for(engine):
        pytest.skip(f"not installed: {missing}")
    path = tmp_path / "waves.vcd"
    record = engine_named(engine).run(dataclasses.replace(job, waves=Waves(path)))
    begun = rises(path, "tiny_8x8_core.array_macro.init")
    assert len(begun) == len(record.macro.times_of(EventKind.INIT))
    # A sample is latched on the edge that ends its cycle; the macro counts from the first init.
    samples = [(time - begun[0]) // 10 + 1 for time in rises(path, "tiny_8x8_core.array_macro.sample")]
    assert samples == record.macro.sample_times.tolist()
    clock = rises(path, "tiny_8x8_core.clk")
    assert {after - before for before, after in itertools.pairwise(clock[1:])} == {10}
    save, commands = (path.with_suffix(suffix).read_text() for suffix in (".gtkw", ".sucl"))
    # Whatever the viewers are to show is in the file.
    shown = [name.partition("[")[0] for name in re.findall(r"^tiny_8x8_core\.\S+$", save, re.M)]
    assert shown == re.findall(r"^variable_add (\S+)$", commands, re.M)
    text = path.read_text()
    for name in shown:
        assert re.search(rf"^\$var \w+ \d+ \S+ {name.rpartition('.')[2]} \$end$", text, re.M), name
    assert "tiny_8x8_core.control.sequencer.running" in shown
    assert re.search(r"^sinit:20 ", text, re.M)


def test_waves_change_nothing_and_stay_when_a_run_fails(job: CosimJob, tmp_path: Path) -> None:
    path = tmp_path / "waves.vcd"
    engine = engine_named("pysim")
    plain = engine.run(job)
    traced = engine.run(dataclasses.replace(job, waves=Waves(path, first=50, last=60)))
    assert (traced.cycles, traced.counters) == (plain.cycles, plain.counters)
    times = [int(line[1:]) for line in path.read_text().splitlines() if line.startswith("#")]
    assert times[0] == 0 or times[0] >= 500
    assert max(times) < 610
