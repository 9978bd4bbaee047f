"""A bench and an array macro in Verilog, written from the manual alone, on the emitted core."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.delivery.core_modules import core_modules

FOLDER = Path(__file__).parent / "outsider"

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("core") / "core.v"
    path.write_text("\n".join(core_modules(load_core("tiny-8x8")).values()), encoding="utf-8")
    return path


def run(folder: Path, core: Path, array: str, generation: str = "-g2005") -> list[str]:
    """Lines that the bench prints."""
    (folder / "array.v").write_text(array, encoding="utf-8")
    sources = [str(FOLDER / "tb.v"), str(folder / "array.v"), str(core)]
    subprocess.run(["iverilog", generation, "-s", "tb", "-o", "tb.vvp", *sources], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "tb.vvp"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("generation", ["-g2005", "-g2012"])
def test_the_core_does_what_the_manual_says(core: Path, tmp_path: Path, generation: str) -> None:
    assert run(tmp_path, core, (FOLDER / "array.v").read_text(encoding="utf-8"), generation) == ["PASS"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("row_taps[32*column+8*s+k]", "row_taps[32*column+4*k+s]"),
        ("108 * column + 104", "108 * (7 - column) + 104"),
        ("7 * noise_index", "7 * (noise_index + 1)"),
    ],
)
def test_another_reading_of_the_manual_fails(core: Path, tmp_path: Path, right: str, wrong: str) -> None:
    array = (FOLDER / "array.v").read_text(encoding="utf-8")
    assert array.count(right) == 1
    lines = run(tmp_path, core, array.replace(right, wrong))
    assert lines[-1] == "FAIL"
    assert any(line.startswith("tdata:") for line in lines)
