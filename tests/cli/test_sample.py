from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import family_named
from oscc.core.initial_phases import InitialPhases
from oscc.core.program_folder import read_program_of
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.core.stencil import named_stencil
from oscc.models.training.topology import GridLayout, grid_graph
from oscc.report.pictures import GAP, SCALE
from oscc.sim.array.full_precision import full_precision_images
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


def cells_of(path: Path, columns: int, count: int) -> np.ndarray:
    """Grey levels of a sheet of images of 4 x 4 pixels, int[count, 4, 4]."""
    with Image.open(path) as picture:
        sheet = np.array(picture.convert("L")).astype(int)
    pitch = 4 * SCALE + GAP
    assert sheet.shape == (-(-count // columns) * pitch + GAP, columns * pitch + GAP)
    middles = GAP + SCALE // 2 + SCALE * np.arange(4)
    return np.stack(
        [sheet[np.ix_(pitch * (n // columns) + middles, pitch * (n % columns) + middles)] for n in range(count)]
    )


def names(path: Path) -> set[str]:
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}


def test_the_sheet_shows_what_the_array_gives(oscc_json: RunJson, folder: Path) -> None:
    before = names(folder)
    status, content = oscc_json("sample", folder, "-n", "10", "--seed", "7", "--first", "2")
    assert status == 0
    seconds = content.pop("seconds")
    assert seconds > 0
    assert content == {"samples": 10, "seed": 7, "first": 2, "sheet": str(folder / "samples.png")}
    assert names(folder) - before == {"samples.png"}
    core, program = read_program_of(folder)
    job = CosimJob(core, program, 10, seed=7, first_sample=2, dtype="float32")
    pixels = np.cos((ArrayEngine().run(job).codes + 0.5) * 2 * np.pi / 64)
    expected = (pixels + 1) / 2 * 255
    assert np.abs(cells_of(folder / "samples.png", 8, 10) - expected).max() <= 0.5


def test_the_same_seed_gives_the_same_bytes(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert oscc("sample", compiled, "-n", "3", "--seed", seed, "-o", tmp_path / f"{name}.png")[0] == 0
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_columns_and_output(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    before = names(compiled)
    status, out, err = oscc("sample", compiled, "-n", "3", "--columns", "2", "-o", tmp_path / "sheet.png")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "synthetic-tiny-8x8 on tiny-8x8",
        "  images  3, seed 0, from sample 0",
        f"  sheet   {tmp_path / 'sheet.png'}",
    ]
    assert lines[3].startswith("  time    ")
    assert cells_of(tmp_path / "sheet.png", 2, 3).shape == (3, 4, 4)
    assert names(compiled) == before


def test_full_precision_shows_the_model_itself(
    oscc: Run, compiled: Path, tiny_checkpoint: Path, tiny_core: CoreSpec, tmp_path: Path
) -> None:
    arguments = ("-n", "2", "--seed", "4", "--first", "1")
    for name, more in (("codes", []), ("full", ["--full-precision"])):
        assert oscc("sample", compiled, *arguments, "-o", tmp_path / f"{name}.png", *more)[0] == 0
    codes, full = (cells_of(tmp_path / f"{name}.png", 2, 2) for name in ("codes", "full"))
    assert not np.array_equal(codes, full)
    placed = compile_model(read_checkpoint(tiny_checkpoint), tiny_core).timed
    assert placed is not None
    expected = (full_precision_images(placed, 2, seed=4, first_sample=1) + 1) / 2 * 255
    assert np.abs(full - expected).max() <= 0.5 + 1e-9


def test_sixty_four_images_by_default(oscc_json: RunJson, folder: Path) -> None:
    assert oscc_json("sample", folder)[1]["samples"] == 64
    cells_of(folder / "samples.png", 8, 64)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("-n", "0"), "'-n' / '--samples'"),
        (("--columns", "0"), "'--columns'"),
        (("--seed", "-1"), "'--seed'"),
        (("--seed", str(2**32)), "'--seed'"),
        (("--first", "x"), "'--first'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], name: str, oscc: Run, oscc_json: RunJson, compiled: Path) -> None:
    status, out, err = oscc("sample", compiled, *arguments)
    assert (status, out) == (2, "")
    # What follows is worded by the library that reads the command line.
    assert err.startswith(f"oscc sample: Invalid value for {name}: ")
    assert err.endswith("\ntry: oscc sample --help\n")
    assert len(err.splitlines()) == 2
    status, content = oscc_json("sample", compiled, *arguments)
    assert status == 2
    assert content["error"]["code"] == "usage"


def test_a_folder_that_is_no_output_is_refused(oscc: Run, oscc_json: RunJson, tmp_path: Path) -> None:
    status, out, err = oscc("sample", tmp_path)
    assert (status, out) == (1, "")
    assert err == (
        f"oscc: {tmp_path}: no output folder of oscc (it has no manifest.json of oscc)\n"
        "make one: oscc compile MODEL --core SPEC -o DIR\n"
    )
    assert oscc_json("sample", tmp_path)[1]["error"]["code"] == "output.not-found"
    assert names(tmp_path) == set()


def test_a_sheet_that_cannot_be_written_is_refused_before_any_work(
    oscc_json: RunJson, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*arguments: object) -> None:
        raise AssertionError("nothing may be computed")

    monkeypatch.setattr(ArrayEngine, "run", work)
    for target, code in ((tmp_path, "output.is-folder"), (tmp_path / "no" / "a.png", "output.unwritable")):
        status, content = oscc_json("sample", compiled, "-o", target)
        assert (status, content["error"]["code"], content["error"]["where"]) == (1, code, str(target))
    assert names(tmp_path) == set()


def test_half_a_sheet_is_never_left(oscc: Run, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def fill(path: Path, content: bytes) -> None:
        write(path, content[:9])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fill)
    status, _, err = oscc("sample", compiled, "-n", "1", "-o", tmp_path / "a.png")
    assert status == 1
    assert err == f"oscc: {tmp_path}/a.png: cannot be written: No space left on device\n"
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("name", "format"), [("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.webp", "WEBP"), ("a.gif", "GIF"), ("a", "PNG")]
)
def test_a_sheet_is_what_its_name_says(name: str, format: str, oscc: Run, compiled: Path, tmp_path: Path) -> None:
    assert oscc("sample", compiled, "-n", "1", "-o", tmp_path / name)[0] == 0
    with Image.open(tmp_path / name) as picture:
        assert picture.format == format


@pytest.mark.parametrize("kind", ["program", "checkpoint"])
def test_a_sheet_too_large_for_its_format_is_refused_before_any_work(
    kind: str, oscc: Run, compiled: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in ("oscc.sim.engines.array.ArrayEngine.run", "oscc.models.quality.sampling.draw_images"):
        monkeypatch.setattr(run, None)
    model = compiled if kind == "program" else tiny_checkpoint
    status, _, err = oscc("sample", model, "-n", "1000", "--columns", "1", "-o", tmp_path / "a.webp")
    assert status == 1
    message, hint = err.splitlines()
    assert re.fullmatch(
        r"oscc: .*/a.webp: the sheet is \S+ x \S+ pixels; WEBP takes at most 16,383 pixels a side", message
    )
    assert hint == "name a .png, such as a.png, or draw fewer images or other --columns"
    assert names(tmp_path) == set()


@pytest.mark.parametrize("name", ["a.svg", "a.txt", "a.png.bak"])
def test_other_suffixes_are_refused_before_any_work(
    name: str, oscc_json: RunJson, compiled: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    for model in (compiled, tiny_checkpoint):
        status, content = oscc_json("sample", model, "-o", tmp_path / name)
        error, suffix = content["error"], Path(name).suffix
        assert (status, error["code"], error["where"]) == (1, "output.format", str(tmp_path / name))
        assert error["message"] == (
            f"'{suffix}' is no format of a picture; accepted: .png, .jpg, .jpeg, .bmp, .gif, .tif, .tiff, .webp"
        )
    assert names(tmp_path) == set()


def test_a_program_for_another_core_is_refused(
    oscc_json: RunJson, folder: Path, make_core: Callable[..., CoreSpec]
) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(reference_hz=5e7)))
    status, content = oscc_json("sample", folder)
    assert (status, content["error"]["code"]) == (1, "program.invalid")


def test_a_checkpoint_of_any_family_runs_without_a_core(tmp_path: Path, oscc: Run) -> None:
    graph = grid_graph(
        "real",
        family_named("tanh_ising"),
        GridLayout((4, 6), named_stencil("king"), (0, 0), (2, 2)),
        chunk_duration=(1.0,),
        init=InitialPhases("normal", 0.0, 1.0),
    )
    model = tmp_path / "real.safetensors"
    write_checkpoint(model, graph)
    status, out, _ = oscc("sample", model, "-n", "4", "--columns", "2", "-o", tmp_path / "a.png", "--json")
    assert (status, json.loads(out)["samples"]) == (0, 4)
    # Two by two images of 3 x 2 pixels, each 4 wide, with gaps of 4.
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (2 * (3 * 4 + 4) + 4, 2 * (2 * 4 + 4) + 4)
    assert oscc("sample", model, "-n", "4")[0] == 0
    assert (tmp_path / "samples.png").is_file()
    status, _, err = oscc("sample", tmp_path / "a.png", "-n", "4")
    assert (status, "not a safetensors file" in err) == (1, True)


def test_a_checkpoint_has_no_first_sample(
    oscc: Run, tmp_path: Path, make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec
) -> None:
    write_checkpoint(tmp_path / "m.safetensors", make_graph(tiny_core, chunks=1))
    status, out, err = oscc("sample", tmp_path / "m.safetensors", "--first", "0")
    assert (status, out) == (2, "")
    reason = "would be ignored: the samples of a checkpoint are drawn from their first on"
    assert err.splitlines()[0] == f"oscc sample: Invalid value for --first: {reason}"
    assert not (tmp_path / "samples.png").exists()
