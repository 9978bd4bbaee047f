from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from oscc.core.spec_file import dump_core, load_core

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

READ_OUT = (
    "the model has 16 nodes that are read out; the core has 15 cells that can be read: in rows 0, 2, ... and columns "
    "0, 2, ..."
)


def test_dies_are_counted_and_drawn(oscc: Run, oscc_json: RunJson, tiny_checkpoint: Path, tmp_path: Path) -> None:
    arguments = ("yield", tiny_checkpoint, "--core", "tiny-8x8", "--dies", "30", "--defect-rate", "0.01", "--seed", "3")
    status, content = oscc_json(*arguments)
    assert status == 0
    assert (content["schema"], content["dies"]) == ("oscc.yield/1", 30)
    assert sum(row[1] for row in content["by_dead_cells"]) == 30
    assert content["interval_95"][0] <= content["yield"] <= content["interval_95"][1]
    for name in ("a.png", "b.png"):
        status, out, err = oscc(*arguments, "-o", tmp_path / name)
        assert (status, err) == (0, "")
    line = next(line for line in out.splitlines() if "take the model" in line)
    assert line.split()[3] == f"{content['good']},"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG"


def test_a_plot_is_what_its_name_says(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    arguments = ("yield", tiny_checkpoint, "--core", "tiny-8x8", "--dies", "1", "-o")
    for name, start in (("a.jpg", b"\xff\xd8\xff"), ("a.pdf", b"%PDF-"), ("a.SVG", b"<?xml")):
        assert oscc(*arguments, tmp_path / name)[0] == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    status, _, err = oscc(*arguments, tmp_path / "a.bmp")
    accepted = ".png, .jpg, .jpeg, .tif, .tiff, .webp, .svg, .pdf"
    assert (status, err) == (
        1,
        f"oscc: {tmp_path}/a.bmp: '.bmp' is no format of a picture; accepted: {accepted}\n",
    )


def test_bad_rates_and_targets(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    status, _, err = oscc("yield", tiny_checkpoint, "--core", "tiny-8x8", "--defect-rate", "1.5")
    assert status == 2
    assert "--defect-rate" in err
    status, _, err = oscc("yield", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "no" / "a.png")
    assert status == 1
    assert "there is no folder" in err


def test_a_model_that_does_not_even_fit_a_whole_core_is_named_by_its_file(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "narrow.yaml").write_text(dump_core(load_core("tiny-8x8").changed(grid=[8, 7])))
    status, _, err = oscc("yield", tiny_checkpoint, "--core", tmp_path / "narrow.yaml", "--dies", "2")
    assert status == 1
    assert err.startswith(f"oscc: {tiny_checkpoint}: the model does not fit tiny-8x8 even without further defects (")
    assert err.endswith(")\nsee: oscc check\n")


def test_a_die_is_part_of_the_compilation(oscc: Run, oscc_json: RunJson, tiny_checkpoint: Path, tmp_path: Path) -> None:
    die = tmp_path / "die.yaml"
    die.write_text("schema: oscc.die/1\ncore: tiny-8x8\ngain: [[2, 2, 0.9], [3, 4, 1.2]]\n")
    assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "--die", die, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "die.yaml").read_bytes() == die.read_bytes()
    status, content = oscc_json("verify", tmp_path / "out", "--engine", "array", "-n", "1")
    assert status == 0, content
    die.write_text("schema: oscc.die/1\ncore: tiny-8x8\ncells: [[4, 4]]\n")
    status, content = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--die", die)
    assert status == 3
    # No placement would help: that a node sits on the cell follows from it.
    nodes = "the model has 64 nodes; the core has 63 cells that are not defective, of 64"
    assert [each["message"] for each in content["findings"]] == [nodes, READ_OUT]
    assert content["findings"][0]["consequences"] == {"L002": 1, "R004": 1}
    status, out, _ = oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--die", die)
    assert status == 3
    assert f"does not fit: {nodes}" in out
    die.write_text("schema: oscc.die/1\ncore: tiny-8x8\ncells: [[4, 44]]\n")
    status, _, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--die", die)
    assert status == 1
    assert err.count("\n") == 1
