from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.tensor_file import read_tensor_bytes, read_tensors, write_tensors
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_example_prints_what_was_promised(oscc_json: RunJson, example_path: Path, tmp_path: Path) -> None:
    status, content = oscc_json("compile", example_path, "--core", "ais-56x56", "-o", tmp_path / "x")
    assert status == 0
    known = {
        "feasible": True,
        "nodes": 3136,
        "couplings": 71940,
        "max_degree": 24,
        "chunks": 4,
        "findings": [],
        "cycles_per_sample": 532,
        "weight_bits": 1_354_752,
        "program": str(tmp_path / "x" / "program.bin"),
        "program_bits": 8 * (tmp_path / "x" / "program.bin").stat().st_size,
    }
    assert {key: content[key] for key in known} == known
    assert content["tau_s"] == pytest.approx(5.85e-7)
    # It was trained on the codes of this very core: nothing is rounded any more.
    assert content["quantization"]["max_lsb"] < 1e-3
    assert {"rms_lsb", "max_lsb", "clipped", "zeroed", "sign_changed", "groups"} <= set(content["quantization"])
    names = [record["name"] for record in content["passes"]]
    assert names == ["load", "place", "route", "scale", "quantize", "schedule", "assemble"]
    assert all(record["seconds"] >= 0 for record in content["passes"])


def test_a_checkpoint_is_read_once(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "m.safetensors"
    model.write_bytes(tiny_checkpoint.read_bytes())

    def read_and_removed(path: Path) -> bytes:
        content = read_tensor_bytes(path)
        path.unlink()
        return content

    monkeypatch.setattr("oscc.compiler.frontends.model_file.read_tensor_bytes", read_and_removed)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    assert oscc("compile", model, "--core", "tiny-8x8", "-o", tmp_path / "x")[0] == 0
    assert not model.exists()
    assert (tmp_path / "x" / "model.safetensors").read_bytes() == tiny_checkpoint.read_bytes()


@pytest.mark.parametrize("more", [[], ["--copies"]])
def test_levels_that_are_asked_for_are_those_of_their_passes(
    oscc: Run, more: list[str], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    names = ("load", "place", "route", "scale", "quantize", "schedule")
    asked = [f"--dump-ir=after:{name}" for name in names]
    assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x", *asked, *more)[0] == 0
    text = {name: (tmp_path / "x" / "ir" / f"{name}.txt").read_text() for name in names}
    assert [name for name in names if re.search(r"^coupling into \d+ from \d+ unit ", text[name], re.MULTILINE)] == [
        "route",
        "scale",
    ]
    assert [name for name in names if "\ntau_s " in text[name]] == ["scale"]
    assert [name for name in names if "\ninstruction 0 " in text[name]] == ["schedule"]
    assert text["schedule"].startswith(text["quantize"])


def test_the_model_is_dumped_as_it_was_read(
    oscc: Run, make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph], tmp_path: Path
) -> None:
    graph = make_graph(make_core(), chunks=2)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    weight = np.where(far, 0.0, graph.weight).astype(np.float32)
    write_checkpoint(tmp_path / "m.safetensors", dataclasses.replace(graph, weight=weight))
    (tmp_path / "king.yaml").write_text(dump_core(make_core(name="tiny-king", stencil="king")))
    arguments = ("--core", tmp_path / "king.yaml", "-o", tmp_path / "x", "--dump-ir=after:load")
    assert oscc("compile", tmp_path / "m.safetensors", *arguments, "--dump-ir=after:route")[0] == 0
    text = {name: (tmp_path / "x" / "ir" / f"{name}.txt").read_text() for name in ("load", "route")}
    counts = {name: len(re.findall(r"^coupling into", lines, re.MULTILINE)) for name, lines in text.items()}
    # Those of weight zero are left out where they are in the way, but the file has them.
    assert counts == {"load": graph.couplings, "route": graph.couplings - np.count_nonzero(far)}


def test_a_cold_process_imports_nothing_heavy(example_path: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from oscc.cli.main import main; status = main(sys.argv[1:]);"
        "sys.stderr.write(chr(10).join(sys.modules)); sys.exit(status)"
    )
    arguments = ["compile", str(example_path), "--core", "ais-56x56", "-o", str(tmp_path / "x"), "--json"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["feasible"] is True
    imported = {name.partition(".")[0] for name in done.stderr.splitlines()}
    assert imported & {"torch", "amaranth", "numba", "matplotlib", "scipy", "cocotb", "PIL"} == set()
    assert {"numpy", "networkx", "safetensors"} <= imported
    assert not {name for name in done.stderr.splitlines() if name.startswith(("oscc.rtl", "oscc.sim.", "oscc.models"))}


def test_compiling_twice_gives_the_same_folder(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / name)[0] == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_text_names_the_program(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    status, out, err = oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x")
    assert (status, err) == (0, "")
    program = tmp_path / "x" / "program.bin"
    assert f"  program                {program}, {program.stat().st_size} bytes\n" in out
    assert read_program(program).core_name == "tiny-8x8"


def test_a_model_that_does_not_fit_leaves_reports_only(
    oscc_json: RunJson, tiny_checkpoint: Path, make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    (tmp_path / "king.yaml").write_text(dump_core(make_core(stencil="king")))
    status, content = oscc_json(
        "compile", tiny_checkpoint, "--core", tmp_path / "king.yaml", "-o", tmp_path / "x", "--dump-ir", "after:load"
    )
    assert (status, content["feasible"]) == (3, False)
    assert content["findings"]
    assert "program" not in content
    assert sorted(contents(tmp_path / "x")) == [
        "ir/load.txt",
        "manifest.json",
        "reports/routing.json",
        "reports/routing.txt",
        "reports/whatif.json",
        "reports/witnesses.json",
    ]


def test_levels_are_dumped_on_request(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    dumps = ("--dump-ir", "after:quantize", "--dump-ir", "after:place")
    assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x", *dumps)[0] == 0
    assert sorted(file.name for file in (tmp_path / "x" / "ir").iterdir()) == ["place.txt", "quantize.txt"]
    assert (tmp_path / "x" / "ir" / "quantize.txt").read_text().startswith("CodedGraph synthetic-tiny-8x8")


def test_unknown_passes_are_refused_before_any_work(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    status, out, err = oscc(
        "compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x", "--dump-ir", "after:quantise"
    )
    assert (status, out) == (1, "")
    assert err == "oscc: --dump-ir: 'after:quantise' is not after:PASS; did you mean 'after:quantize'?\n"
    assert not (tmp_path / "x").exists()


def damaged(kind: str, source: Path, folder: Path) -> Path:
    """A checkpoint that is wrong in one way."""
    path = folder / "bad.safetensors"
    file = read_tensors(source)
    tensors, metadata = {name: array.copy() for name, array in file.tensors.items()}, dict(file.metadata)
    match kind:
        case "truncated":
            path.write_bytes(source.read_bytes()[:5000])
            return path
        case "text":
            path.write_text("hello, world")
            return path
        case "pickle":
            import pickle

            path.write_bytes(pickle.dumps({"weight": [1.0]}))
            return path
        case "missing tensor":
            del tensors["shil"]
        case "nan":
            tensors["coupling.weight"][0, 3] = np.nan
        case "infinite":
            tensors["field"][0, 3] = np.inf
        case "shape":
            tensors["detuning"] = tensors["detuning"][:, :-1]
        case "range":
            tensors["coupling.src"][5] = 64
        case "duplicate":
            tensors["coupling.src"][1] = tensors["coupling.src"][0]
            tensors["coupling.dst"][1] = tensors["coupling.dst"][0]
        case "self":
            tensors["coupling.src"][7] = tensors["coupling.dst"][7]
    write_tensors(path, tensors, metadata)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "cut short"),
        ("text", "not a safetensors file"),
        ("pickle", "a pickle, whatever its name says"),
        ("missing tensor", "shil: missing"),
        ("nan", "coupling.weight: 1 values are NaN or infinite, the first at [0, 3]"),
        ("infinite", "field: 1 values are NaN or infinite, the first at [0, 3]"),
        ("shape", "detuning: shape [4, 63], expected [4, 64]"),
        ("range", "coupling.src: 1 indices out of range, the first 64 at [5]"),
        ("duplicate", "is given 2 times"),
        ("self", "to itself"),
    ],
)
def test_a_bad_checkpoint_is_one_clear_line_and_leaves_nothing(
    kind: str, message: str, oscc: Run, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    path = damaged(kind, tiny_checkpoint, tmp_path)
    status, out, err = oscc("compile", path, "--core", "tiny-8x8", "-o", tmp_path / "out" / "x")
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {path}: ")
    assert message in err
    assert len(err.splitlines()) <= 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.safetensors"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name:", "gird: 3\nname:", "gird: unknown key; did you mean 'grid'?"),
        ("grid: [8, 8]", "grid: [-8, 8]", "grid.0: input should be greater than or equal to 1 (was -8)"),
        ("bits: 4", "bits: 9", "coupling_dac.bits: input should be less than or equal to 8 (was 9)"),
        ("stencil: box-2", "stencil: box2", "stencil: 'box2' is not a stencil; did you mean 'box-2'?"),
    ],
)
def test_a_bad_core_is_one_clear_line_and_leaves_nothing(
    old: str, new: str, message: str, oscc: Run, tiny_checkpoint: Path, tiny_core: CoreSpec, tmp_path: Path
) -> None:
    text = dump_core(tiny_core)
    assert old in text
    core = tmp_path / "core.yaml"
    core.write_text(text.replace(old, new, 1))
    status, out, err = oscc("compile", tiny_checkpoint, "--core", core, "-o", tmp_path / "x")
    assert (status, out, err) == (1, "", f"oscc: {core}: {message}\n")
    assert not (tmp_path / "x").exists()


def test_an_output_path_that_is_a_file(oscc: Run, oscc_json: RunJson, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    arguments = ("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x")
    assert oscc(*arguments) == (1, "", f"oscc: {tmp_path / 'x'}: a file; the output is a folder\n")
    status, content = oscc_json(*arguments)
    assert status == 1
    assert content == {
        "error": {
            "code": "output.is-file",
            "message": "a file; the output is a folder",
            "where": str(tmp_path / "x"),
            "hint": "",
        }
    }
    assert (tmp_path / "x").read_text() == "mine"


def test_a_folder_of_somebody_else_is_left_alone(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    status, _, err = oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path)
    assert status == 1
    assert "a folder that oscc did not make" in err
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_interrupt_leaves_nothing_and_exits_130(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("oscc.compiler.output.compile_output.write_program", interrupt)
    status, out, err = oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "x")
    assert (status, out, err) == (130, "", "oscc: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_output_does_not_depend_on_the_hash_seed(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folders = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        command = [sys.executable, "-c", "from oscc.cli.main import run; run()"]
        command += [
            "compile",
            str(tiny_checkpoint),
            "--core",
            "tiny-8x8",
            "-o",
            str(folder),
            "--dump-ir",
            "after:scale",
        ]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        folders.append(contents(folder))
    assert folders[0] == folders[1]


def test_parameters_that_clip_are_counted(
    oscc_json: RunJson, make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec, tmp_path: Path
) -> None:
    graph = make_graph(tiny_core)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    arguments = ("compile", tmp_path / "m.safetensors", "--core", "tiny-8x8", "-o", tmp_path / "x")
    _, content = oscc_json(*arguments, "--tau-s", "6.25e-7", "--clip", "shil")
    expected = int(np.count_nonzero(np.abs(graph.shil.astype(np.float64)) > 2.4e6 * 6.25e-7))
    assert content["quantization"]["groups"]["shil"]["clipped"] == expected
    assert content["tau_active_bound"] == "given"


def test_a_die_that_can_be_read_once_is_kept_byte_by_byte(oscc: Run, tmp_path: Path) -> None:
    """As a shell gives the output of a program: ``--die <(program)``."""
    content = b"\xef\xbb\xbfschema: oscc.die/1\r\ncore: tiny-8x8\r\ncells: [[0, 1]]\r\n"
    (tmp_path / "p.gset").write_text("3 2\n1 2 1\n2 3 1\n")
    reading, writing = os.pipe()
    try:
        os.write(writing, content)
        os.close(writing)
        given = ("compile", tmp_path / "p.gset", "--core", "tiny-8x8", "--die", f"/dev/fd/{reading}")
        oscc(*given, "-o", tmp_path / "out")
    finally:
        os.close(reading)
    assert (tmp_path / "out" / "die.yaml").read_bytes() == content
