from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dimod
import numpy as np
import pytest

import oscc
from oscc.cli.main import main
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.host.host import HostError

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def tiny_folder(tiny_compiled: oscc.Compiled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was compiled, on disk; not to be changed."""
    return tiny_compiled.save(tmp_path_factory.mktemp("compiled") / "out")


def test_images_are_the_same_in_memory_and_from_a_folder(tiny_compiled: oscc.Compiled, tiny_folder: Path) -> None:
    found = oscc.sample(tiny_compiled, n=3, seed=5, first=2)
    assert (found.images.dtype.name, found.images.shape) == ("float32", (3, *tiny_compiled.model.image_shape))
    assert np.abs(found.images).max() <= 1.0
    np.testing.assert_array_equal(found, oscc.sample(tiny_folder, n=3, seed=5, first=2))
    np.testing.assert_array_equal(found.images[1:], oscc.sample(tiny_compiled, n=2, seed=5, first=3).images)
    assert not np.array_equal(found, oscc.sample(tiny_compiled, n=3, seed=6, first=2))
    assert len(found) == 3
    rows, cols = tiny_compiled.model.image_shape
    assert repr(found).startswith(f"<Samples: 3 images of {rows} x {cols} pixels, ")
    with pytest.raises(ValueError, match="read-only"):
        found.images[0] = 0


def test_a_sheet_is_that_of_the_command(
    tiny_compiled: oscc.Compiled, tiny_folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["sample", str(tiny_folder), "-n", "4", "--seed", "3", "-o", str(tmp_path / "a.png"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = oscc.sample(tiny_compiled, n=4, seed=3)
    assert found.save(tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert set(found.to_dict()) == set(printed) - {"sheet"}
    assert "data:image/png;base64," in found._repr_html_()
    with pytest.raises(oscc.OsccError, match="xyz"):
        found.save(tmp_path / "b.xyz")


def test_full_precision_has_no_steps(tiny_compiled: oscc.Compiled) -> None:
    steps = np.unique(oscc.sample(tiny_compiled, n=8).images).size
    assert steps <= tiny_compiled.core.readout.phase_steps
    assert np.unique(oscc.sample(tiny_compiled, n=8, full_precision=True).images).size > steps


def test_a_model_runs_without_a_core(tiny_graph: CouplingGraph, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    write_checkpoint(tmp_path / "m.safetensors", tiny_graph)
    found = oscc.sample(tiny_graph, n=2, seed=1)
    assert (found.images.dtype.name, found.images.shape) == ("float32", (2, *tiny_graph.image_shape))
    np.testing.assert_array_equal(found, oscc.sample(tmp_path / "m.safetensors", n=2, seed=1))
    with pytest.raises(oscc.OsccError, match="from their first on"):
        oscc.sample(tiny_graph, n=2, first=1)


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "0 is no whole number from 1"), (2.5, "2.5 is no whole"), (True, "True"), (10**12, "from 1 to 100000")],
)
def test_a_wrong_number_is_refused(n: object, words: str, tiny_compiled: oscc.Compiled) -> None:
    with pytest.raises(oscc.OsccError) as caught:
        oscc.sample(tiny_compiled, n=n)  # type: ignore[arg-type]
    assert caught.value.code == "argument.value"
    assert words in str(caught.value)


def test_a_sheet_without_columns_is_refused(tiny_compiled: oscc.Compiled, tmp_path: Path) -> None:
    images = oscc.sample(tiny_compiled, n=1)
    for columns, words in ((0, "0 is no whole number from 1"), (1.5, "1.5 is no whole number")):
        with pytest.raises(oscc.OsccError, match=words) as caught:
            images.save(tmp_path / "x.png", columns=columns)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.where) == ("argument.value", "columns")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("of", [None, 3, b"out"])
def test_what_is_no_compilation_is_refused(of: Any) -> None:
    for function in (oscc.cosim, oscc.solve, oscc.verify, oscc.emit):
        with pytest.raises(oscc.OsccError, match="is no path") as caught:
            function(of)
        assert (caught.value.code, caught.value.where) == ("argument.value", "of")
        assert "what oscc.compile returned" in caught.value.hint


def test_what_does_not_fit_is_not_verified(tiny_graph: CouplingGraph) -> None:
    compiled = oscc.compile(tiny_graph, oscc.load_core("tiny-8x8").changed(stencil="king"))
    with pytest.raises(oscc.OsccError) as caught:
        oscc.verify(compiled, engines=["array"])
    assert caught.value.code == "compile.infeasible"
    wrong: tuple[Any, ...] = ([], 3, [[]])
    for engines in wrong:
        with pytest.raises(oscc.OsccError) as caught:
            oscc.verify(compiled, engines=engines)
        assert (caught.value.code, caught.value.where) == ("argument.value", "engines")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    for function in (oscc.sample, oscc.cosim, oscc.solve, oscc.verify):
        with pytest.raises(oscc.OsccError) as caught:
            function(tmp_path)
        assert caught.value.code == "output.not-found"


def test_an_engine_runs_what_is_in_memory(
    tiny_compiled: oscc.Compiled, tiny_folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    found = oscc.cosim(tiny_compiled, "array", n=2, seed=4)
    assert (found.images.dtype.name, found.images.shape) == ("float32", (2, *tiny_compiled.model.image_shape))
    np.testing.assert_array_equal(found.codes, oscc.cosim(tiny_folder, "array", n=2, seed=4).codes)
    folder = tiny_compiled.save(tmp_path / "x")
    assert main(["cosim", str(folder), "--engine", "array", "-n", "2", "--seed", "4", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert found.to_dict()["codes_sha256"] == printed["codes_sha256"]
    assert set(found.to_dict()) == set(printed) - {"output", "waves"}
    before = {path.name: path.read_bytes() for path in (folder / "cosim-array").iterdir()}
    assert found.save(folder) == folder / "cosim-array"
    assert {path.name: path.read_bytes() for path in (folder / "cosim-array").iterdir()} == before
    assert repr(found).endswith(" on tiny-8x8, engine array>")
    assert "engine array" in found._repr_html_()
    with pytest.raises(oscc.OsccError, match="did you mean 'pysim'"):
        oscc.cosim(tiny_compiled, "pysym")


def test_what_a_core_refuses_is_an_oscc_error(
    tiny_compiled: oscc.Compiled, square_compiled: oscc.Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(ArrayEngine, "run", refuse)
    error: Exception = HostError("the CRC-32 differs")
    for run in (lambda: oscc.sample(tiny_compiled), lambda: oscc.solve(square_compiled)):
        with pytest.raises(oscc.OsccError, match="the CRC-32 differs") as caught:
            run()
        assert caught.value.code == "run.refused"
    # A fault of the program is not hidden.
    error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        oscc.sample(tiny_compiled)


def test_a_problem_is_solved(
    square: dimod.BinaryQuadraticModel, square_compiled: oscc.Compiled, tmp_path: Path, capsys: Captured
) -> None:
    found = oscc.solve(square_compiled, n=20, seed=2)
    assert (found.solutions.shape, found.values.shape) == ((20, 4), (20,))
    # dimod says what the solution is worth.
    assert found.value == square.energy(found.best) == square.energies(found.best)[0] == -4.0
    for spins, value in zip(found.solutions, found.values, strict=True):
        assert square.energy(dict(zip("abcd", spins.tolist(), strict=True))) == value
    folder = square_compiled.save(tmp_path / "square")
    assert main(["solve", str(folder), "-n", "20", "--seed", "2", "--json"]) == 0
    assert found.to_dict() == json.loads(capsys.readouterr().out) == oscc.solve(folder, n=20, seed=2).to_dict()
    assert repr(found) == "<Solved: bqm.json, best energy -4 of 20 runs>"
    assert "best energy" in found._repr_html_()


def test_a_binary_problem_has_binary_solutions() -> None:
    wanted = dimod.BinaryQuadraticModel({"x": -1.0, "y": -1.0}, {("x", "y"): 3.0}, 0.0, "BINARY")
    found = oscc.solve(oscc.compile(wanted, "ising-56x56"), n=20)
    assert sorted(found.best.values()) == [0, 1]
    assert (found.value, set(np.unique(found.solutions))) == (-1.0, {0, 1})


def test_what_is_no_problem_is_not_solved(tiny_compiled: oscc.Compiled, tiny_folder: Path) -> None:
    for given in (tiny_compiled, tiny_folder):
        with pytest.raises(oscc.OsccError) as caught:
            oscc.solve(given, n=1)
        assert caught.value.code == "solve.no-problem"


def test_what_is_in_memory_is_verified(tiny_compiled: oscc.Compiled) -> None:
    pytest.importorskip("torch")
    found = oscc.verify(tiny_compiled, engines=["array"], n=1, pixel_samples=2)
    assert found.passed, str(found)
    # One engine alone has nothing to agree with.
    assert not found.complete
    assert found.to_dict()["counts"]["FAIL"] == 0
    assert {check.name for check in found.checks} >= {"origin", "schedule", "read-out codes", "pixels"}
    assert repr(found).startswith(f"<Verified: {found.to_dict()['counts']['PASS']} PASS, 0 FAIL, ")
    html = found._repr_html_()
    assert html.count("PASS") == found.to_dict()["counts"]["PASS"]


def test_a_damaged_folder_is_not_verified(tiny_compiled: oscc.Compiled, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = tiny_compiled.save(tmp_path / "x")
    content = bytearray((folder / "program.bin").read_bytes())
    content[-1] ^= 1
    (folder / "program.bin").write_bytes(bytes(content))
    found = oscc.verify(folder, engines="array")
    assert not found.passed
    assert "failed: " in found._repr_html_()


def test_a_core_is_emitted(tiny_compiled: oscc.Compiled, tmp_path: Path) -> None:
    found = oscc.emit(tiny_compiled, n=1)
    assert "module tiny_8x8_core" in found.verilog
    assert "tb/program.hex" in found.files
    assert not [name for name in found.files if name.startswith("wrappers/")]
    assert "wrappers/tiny_8x8_apb.v" in oscc.emit("tiny-8x8", wrappers="apb").files
    with pytest.raises(oscc.OsccError, match="'ahb' is no wrapper"):
        oscc.emit("tiny-8x8", wrappers=["ahb"])
    folder = tiny_compiled.save(tmp_path / "x")
    assert found.save(folder) == folder / "rtl"
    assert {name: (folder / "rtl" / name).read_text() for name in found.files} == dict(found.files)
    content = found.to_dict()
    assert (content["core"], len(content["files"])) == ("tiny-8x8", len(found.files))
    assert repr(found) == f"<Emitted: {len(found.files)} files of tiny-8x8>"
    assert "tb/program.hex" in found._repr_html_()
    with pytest.raises(oscc.OsccError) as caught:
        oscc.emit("king-48x41").save(folder)
    assert caught.value.code == "emit.other-core"
