"""The wheel, installed outside the checkout into an environment that has only the dependencies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, preset_names
from oscc.sim.engines.simulators import missing_for

ROOT = Path(__file__).resolve().parents[1]
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, so that the checkout stays as it is."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", target, source], check=True, capture_output=True, text=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; its dependencies are those of this process."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, wheel], check=True, capture_output=True, text=True)
    (site,) = place.glob("lib/python*/site-packages")
    # A path that is added so has its own .pth files ignored, among them that of an editable install of oscc.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


def run(environment: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    program = [str(environment / "bin" / command[0]), *command[1:]]
    return subprocess.run(program, cwd=cwd, env=variables, capture_output=True, text=True, timeout=120, check=False)


def test_the_wheel_holds_every_source_and_all_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    data = {".py", ".yaml", ".vlt", ".v", ".sv", ".md", ".c", ".h", ".lib", ".json", ".html", ".css", ".js"}
    data |= {".safetensors", ".template", ".typed"}
    sources = {
        f"oscc/{path.relative_to(ROOT).as_posix().removeprefix('oscc/')}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in data and "__pycache__" not in path.parts
    }
    assert packed == sources


def test_the_code_comes_from_the_wheel(environment: Path, tmp_path: Path) -> None:
    code = "import oscc.compiler, oscc.core.spec_file as s; print(oscc.compiler.__file__); print(*s.preset_names())"
    done = run(environment, tmp_path, "python", "-c", code)
    where, presets = done.stdout.splitlines()
    assert Path(where).is_relative_to(environment)
    assert presets.split() == preset_names()


@pytest.mark.parametrize("preset", ["tiny-8x8"])
def test_compiling_outside_the_checkout_with_a_preset(
    preset: str,
    environment: Path,
    tmp_path: Path,
    tiny_core: CoreSpec,
    make_graph: Callable[..., CouplingGraph],
) -> None:
    write_checkpoint(tmp_path / "model.safetensors", make_graph(tiny_core))
    done = run(environment, tmp_path, "oscc", "compile", "model.safetensors", "--core", preset, "-o", "x", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(done.stdout)
    assert content["feasible"] is True
    assert (tmp_path / content["program"]).stat().st_size * 8 == content["program_bits"]


def test_an_error_outside_the_checkout_is_one_line(environment: Path, tmp_path: Path) -> None:
    done = run(environment, tmp_path, "oscc", "check", "absent.safetensors", "--core", "tiny-8x9")
    assert done.returncode == 1
    assert done.stderr == "oscc: --core: 'tiny-8x9' is neither a preset nor a file; did you mean 'tiny-8x8'?\n"


@pytest.mark.skipif(bool(missing_for("icarus")), reason=f"not installed: {missing_for('icarus')}")
def test_the_emitted_cocotb_tests_run_outside_the_checkout(
    environment: Path, tmp_path: Path, small_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    write_checkpoint(tmp_path / "model.safetensors", make_graph(small_core, duration=0.6))
    (tmp_path / "core.yaml").write_text(dump_core(small_core))
    for command in (
        ["oscc", "compile", "model.safetensors", "--core", "core.yaml", "-o", "x"],
        ["oscc", "emit", "x"],
        ["python", "x/rtl/tb/cocotb/run.py"],
    ):
        done = run(environment, tmp_path, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "4 tests, 0 failed"
    # Not from the checkout: what Python finds there is the wheel's.
    code = "import oscc.cocotb; print(oscc.cocotb.__file__)"
    assert Path(run(environment, tmp_path, "python", "-c", code).stdout.strip()).is_relative_to(environment)
