from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.sim.cocotb_bench.simulators import (
    bench_sources,
    build_arguments,
    run_for_fusesoc,
    simulator_environment,
)


def test_the_shim_takes_the_place_of_the_black_box(tmp_path: Path, tiny_core: CoreSpec) -> None:
    (tmp_path / "core.yaml").write_text(dump_core(tiny_core))
    listed = "+incdir+src\nsrc/tiny_8x8_secded.v\ntiny_8x8_core.v\ntiny_8x8_array_stub.v\n"
    (tmp_path / "tiny_8x8_core.f").write_text(listed)
    names = ["src/tiny_8x8_secded.v", "tiny_8x8_core.v", "tb/cocotb/tiny_8x8_array_shim.v"]
    assert bench_sources(tmp_path) == [tmp_path / name for name in names]
    (tmp_path / "tiny_8x8_core.f").unlink()
    with pytest.raises(OsccError, match="cannot be read") as caught:
        bench_sources(tmp_path)
    assert caught.value.code == "bench.data"


def test_unknown_and_missing_simulators_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OsccError, match="did you mean 'verilator'") as caught:
        build_arguments("verilater")
    assert caught.value.code == "engine.unknown"
    monkeypatch.setattr(shutil, "which", lambda program, path: None)
    with pytest.raises(OsccError) as caught:
        build_arguments("icarus")
    assert caught.value.code == "engine.missing"


def test_the_environment_keeps_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/somewhere")
    variables = simulator_environment("-O0")
    assert variables["PATH"].split(os.pathsep)[-1] == "/somewhere"
    assert "OPT_FAST=-O0" in variables["MAKEFLAGS"].split()


def test_fusesoc_is_told_where_there_is_no_core(tmp_path: Path) -> None:
    (tmp_path / "other.eda.yml").write_text("files:\n- {name: src/a.v, file_type: verilogSource}\n")
    with pytest.raises(OsccError, match="no cocotb tests") as caught:
        run_for_fusesoc(tmp_path)
    assert caught.value.code == "bench.no-core"


def test_fusesoc_gets_the_status_of_the_tests(tmp_path: Path) -> None:
    runner = tmp_path / "src" / "tb" / "cocotb" / "run.py"
    runner.parent.mkdir(parents=True)
    runner.write_text("import sys\nsys.exit(sys.argv[1:] != ['--build', 'sim_build'] and 7)\n")
    (tmp_path / "core.eda.yml").write_text("files:\n- {name: src/tb/cocotb/run.py, file_type: user}\n")
    assert run_for_fusesoc(tmp_path) == 7
