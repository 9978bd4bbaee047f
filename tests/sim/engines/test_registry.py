from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.registry import ENGINES, engine_named, missing_for
from oscc.sim.verify.engine_checks import check_engine


def test_every_engine_has_its_name() -> None:
    assert ENGINES.own == tuple(ENGINES) == ("array", "pysim", "icarus", "verilator")
    assert [engine_named(name).name for name in ENGINES] == list(ENGINES)


@pytest.mark.parametrize(
    ("given", "guess"),
    [("pysym", "did you mean 'pysim'?"), ("xcelium", "accepted: array, icarus, pysim, verilator")],
)
def test_an_unknown_engine_is_refused(given: str, guess: str) -> None:
    with pytest.raises(OsccError) as caught:
        engine_named(given)
    assert caught.value.code == "engine.unknown"
    assert str(caught.value) == f"--engine: '{given}' is not an engine; {guess}"


@pytest.mark.parametrize("name", ["array", "pysim"])
def test_what_pip_brings_is_never_missing(name: str) -> None:
    assert missing_for(name) == ""


def test_engines_are_loaded_when_they_are_asked_for() -> None:
    code = (
        "import sys; from oscc.sim.engines.registry import engine_named, missing_for; engine_named('array');"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "oscc.sim.engines.array" in loaded
    assert not loaded & {"oscc.sim.engines.pysim", "oscc.sim.engines.verilog", "cocotb", "torch", "amaranth.sim"}


# All engines against each other


@pytest.mark.parametrize("name", ENGINES.own)
def test_all_engines_give_the_same_codes(
    name: str, record_of: Callable[[str], CosimRecord], tiny_job: CosimJob
) -> None:
    if name == "verilator" and not os.environ.get("OSCC_SLOW_TESTS"):
        pytest.skip("the build takes a minute, and tests/suite has one; set OSCC_SLOW_TESTS=1")
    record = record_of(name)
    assert record.engine == name
    np.testing.assert_array_equal(record.codes, record_of("array").codes)
    assert {line.name: line.status.value for line in check_engine(tiny_job, record)} == {
        "codes at the array": "PASS",
        "commit cycles": "PASS",
        "read-out codes": "PASS",
        **({"period": "PASS"} if record.cycles else {}),
        "stalled cycles": "PASS",
    }


KING: dict[str, Any] = {"grid": [5, 3], "stencil": "king", "chunks": 2, "init": {"cycles": 16}}

VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "reciprocal": ({**KING, "couplings": "reciprocal", "readout": {"origin": [0, 0], "step": [1, 1]}}, {}),
    "32 bits": ({**KING, "stream_width": 32}, {}),
    "128 bits": ({**KING, "stream_width": 128, "readout": {"origin": [0, 0], "step": [1, 1]}}, {}),
    "unprotected": ({**KING, "protection": "none"}, {}),
    "one chunk": ({**KING, "chunks": 1}, {}),
    "one chunk of three": ({**KING, "chunks": 3}, {"chunks": 1}),
    "two chunks of three": ({**KING, "chunks": 3}, {"chunks": 2}),
    "2 bits": ({**KING, "coupling_dac": {"bits": 2}}, {}),
    "8 bits": ({**KING, "coupling_dac": {"bits": 8}, "field_dac": {"bits": 3}}, {}),
    "origin and step": ({**KING, "grid": [7, 6], "readout": {"origin": [2, 1], "step": [3, 2]}}, {}),
    "coarse read-out": ({**KING, "readout": {"origin": [1, 0], "step": [1, 2], "taps": 4, "subphases": 1}}, {}),
    "fine read-out": ({**KING, "readout": {"origin": [0, 0], "step": [4, 2], "taps": 8, "subphases": 16}}, {}),
    "uniform noise": ({**KING, "init": {"kind": "uniform", "cycles": 16}}, {}),
    "sparse": (KING, {"density": 0.3}),
    "without SHIL": (KING, {"family": "kuramoto"}),
    "a single row": ({**KING, "grid": [1, 9], "stencil": [[0, 1], [0, -2]]}, {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_rtl_of_any_core_gives_the_codes_of_the_array(
    variant: str, make_core: Callable[..., CoreSpec], compile_on: Callable[..., CompileResult]
) -> None:
    changes, graph = VARIANTS[variant]
    core = make_core(**changes)
    result = compile_on(core, **{"duration": 0.6, **graph})
    assert result.program is not None
    job = CosimJob(core, result.program, samples=2, seed=3)
    array, rtl = engine_named("array").run(job), engine_named("pysim").run(job)
    assert rtl.codes.shape == (2, *core.frame_shape)
    np.testing.assert_array_equal(rtl.codes, array.codes)
    assert len(np.unique(rtl.codes)) > 2
    for record in (array, rtl):
        assert [line.name for line in check_engine(job, record) if line.status.value != "PASS"] == []
