from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.manifest import SCHEMA
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.delivery.emit_options import EmitOptions

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

NAMES = {
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
    "firmware/small_core.h",
    "manifest.json",
    "names.json",
    "oscc_waivers.vlt",
    "registers/oscc_registers.h",
    "registers/oscc_registers.md",
    "registers/oscc_registers.py",
    "registers/oscc_registers.rdl",
    "litex/small.py",
    "small_array_stub.v",
    "small_core.core",
    "small_core.f",
    "small_core.sdc",
    "small_core.xdc",
    "small_core_asic.sdc",
    "small_reset_synchronizer.v",
    "small_core_hierarchy.txt",
    "tb/README.md",
    "tb/cocotb/Makefile",
    "tb/cocotb/README.md",
    "tb/cocotb/run.py",
    "tb/cocotb/small_array_shim.v",
    "tb/cocotb/test_small.py",
    "tb/oscc_registers.svh",
    "tb/small_array.sv",
    "tb/small_assertions.sv",
    "tb/small_core_tb.f",
    "tb/small_core_tb.sv",
}


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture(scope="session")
def small_yaml(tmp_path_factory: pytest.TempPathFactory, make_core: Callable[..., CoreSpec]) -> Path:
    """A core that is emitted in half a second."""
    path = tmp_path_factory.mktemp("core") / "small.yaml"
    path.write_text(dump_core(make_core(name="small", grid=[2, 2], stencil="king", chunks=1, stream_width=32)))
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Emission replaced by two files and the bench's data; the cores that were asked for are kept."""
    asked: list[str] = []

    def emit(core: CoreSpec, bench: dict[str, str], options: EmitOptions) -> dict[str, str]:
        asked.append(core.name)
        return {"a.v": "module a;\n", "registers/b.h": "// b\n", **{f"tb/{name}": text for name, text in bench.items()}}

    monkeypatch.setattr("oscc.sim.emission.emit_core", emit)
    return asked


def test_a_new_folder_gets_everything(oscc_json: RunJson, small_yaml: Path, tmp_path: Path) -> None:
    status, content = oscc_json("emit", "--core", small_yaml, "-o", tmp_path / "x")
    assert status == 0
    files = contents(tmp_path / "x" / "rtl")
    assert {name for name in files if not name.startswith("src/")} == NAMES
    assert {"src/small_core.v", "src/small_sequencer.v"} < set(files)
    emitted = {name: data for name, data in files.items() if name != "manifest.json"}
    assert content == {
        "core": "small",
        "output": str(tmp_path / "x"),
        "files": sorted(f"rtl/{name}" for name in emitted),
        "bytes": sum(map(len, emitted.values())),
    }
    manifest = json.loads(files["manifest.json"])
    assert manifest["outputs"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(emitted.items())
    }
    assert (manifest["top"], manifest["array_macro"]) == ("small_core", "small_array")
    assert b"module small_core" in files["src/small_core.v"]
    assert set(contents(tmp_path / "x")) == {"manifest.json", *(f"rtl/{name}" for name in files)}


def test_emitting_twice_gives_the_same_bytes(small_yaml: Path, tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        target = tmp_path / seed
        arguments = ["emit", "--core", str(small_yaml), "-o", str(target), "--json"]
        code = "import sys; from oscc.cli.main import main; sys.exit(main(sys.argv[1:]))"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, *arguments], env=environment, check=True, capture_output=True)
        found.append(contents(target))
    assert found[0] == found[1]
    assert len([name for name in found[0] if "/src/" not in name]) == len(NAMES) + 1
    # Nothing tells where, or on which machine, it was made.
    for name, data in found[0].items():
        for secret in (str(tmp_path), str(Path.cwd()), str(Path.home()), sys.prefix):
            assert secret.encode() not in data, name


def test_initial_values_are_an_option(oscc_json: RunJson, small_yaml: Path, tmp_path: Path) -> None:
    texts = []
    for options in ((), ("--initial-values",)):
        assert oscc_json("emit", "--core", small_yaml, "-o", tmp_path / "x", *options)[0] == 0
        texts.append((tmp_path / "x" / "rtl" / "src" / "small_sequencer.v").read_text())
    assert ["initial begin" in text for text in texts] == [False, True]


def test_the_text_names_core_and_output(oscc: Run, quick: list[str], tmp_path: Path) -> None:
    status, out, err = oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "x")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "emitted",
        "  core    tiny-8x8",
        f"  output  {tmp_path / 'x'}",
        "  files   rtl/a.v, rtl/registers/b.h",
        "  size    15 bytes",
    ]
    assert quick == ["tiny-8x8"]


def test_a_compiled_folder_gets_a_sub_folder(oscc: Run, quick: list[str], folder: Path) -> None:
    before = contents(folder)
    (folder / "rtl").mkdir()
    # Listed by the manifest of an emission before, and not.
    for name in ("old.v", "my_top.v"):
        (folder / "rtl" / name).write_text("old")
    outputs = {"old.v": {"sha256": "0", "bytes": 3}}
    (folder / "rtl" / "manifest.json").write_text(json.dumps({"schema": SCHEMA, "outputs": outputs}))
    assert oscc("emit", "--core", "tiny-8x8", "-o", folder)[0] == 0
    after = contents(folder)
    assert {name: data for name, data in after.items() if not name.startswith("rtl/")} == before
    data = {f"rtl/tb/{name}.hex" for name in ("codes", "phases", "program", "schedule", "settings")}
    assert {name for name in after if name.startswith("rtl/")} == {
        "rtl/a.v",
        "rtl/my_top.v",
        "rtl/registers/b.h",
        "rtl/manifest.json",
        *data,
    }


def test_the_bench_gets_the_program_and_as_many_samples_as_asked_for(oscc: Run, quick: list[str], folder: Path) -> None:
    def settings() -> list[int]:
        lines = (folder / "rtl" / "tb" / "settings.hex").read_text().splitlines()
        return [int(line.split()[0], 16) for line in lines]

    assert oscc("emit", "--core", "tiny-8x8", "-o", folder)[0] == 0
    samples, seed = 3, 4
    assert (settings()[samples], settings()[seed]) == (2, 0)
    assert oscc("emit", "--core", "tiny-8x8", "-o", folder, "-n", 3, "--seed", 9)[0] == 0
    assert (settings()[samples], settings()[seed]) == (3, 9)
    tb, program = folder / "rtl" / "tb", read_program(folder / "program.bin")
    beats = (tb / "program.hex").read_text().split()
    assert b"".join(bytes.fromhex(beat)[::-1] for beat in beats) == program.stream()
    assert len((tb / "codes.hex").read_text().split()) == 3 * 16
    assert len((tb / "phases.hex").read_text().split()) == 3 * 64


def test_pages_of_the_registers_are_made_on_request(
    oscc_json: RunJson, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(core: CoreSpec, folder: Path) -> list[str]:
        assert core.name == "tiny-8x8"
        (folder / "html").mkdir()
        (folder / "html" / "index.html").write_text("<p>")
        return ["html/index.html"]

    monkeypatch.setattr("oscc.sim.emission.write_register_pages", write)
    status, content = oscc_json("emit", "--core", "tiny-8x8", "-o", tmp_path / "x", "--register-pages")
    assert status == 0
    assert content["files"] == ["rtl/a.v", "rtl/registers/b.h", "rtl/registers/html/index.html"]
    assert content["bytes"] == 18
    manifest = json.loads((tmp_path / "x" / "rtl" / "manifest.json").read_text())
    page = {"sha256": hashlib.sha256(b"<p>").hexdigest(), "bytes": 3}
    assert manifest["outputs"]["registers/html/index.html"] == page


def test_wrappers_are_added_on_request(oscc_json: RunJson, small_yaml: Path, tmp_path: Path) -> None:
    arguments = ["emit", "--core", small_yaml, "-o", tmp_path / "x", "--wrapper", "wishbone", "--wrapper", "apb"]
    status, content = oscc_json(*arguments)
    assert status == 0
    assert {"rtl/wrappers/small_apb.v", "rtl/wrappers/src/small_host_bridge.v"} < set(content["files"])
    assert not [name for name in content["files"] if "axi.v" in name]
    text = (tmp_path / "x" / "rtl" / "wrappers" / "small_wishbone.v").read_text()
    assert "\nmodule small_wishbone (\n" in text


def test_an_unknown_wrapper_is_refused_before_anything_is_written(
    oscc: Run, quick: list[str], small_yaml: Path, tmp_path: Path
) -> None:
    status, out, err = oscc("emit", "--core", small_yaml, "-o", tmp_path / "x", "--wrapper", "wishbon")
    assert (status, out) == (1, "")
    assert err == "oscc: 'wishbon' is no wrapper; did you mean 'wishbone'?\nthere are axi, apb, wishbone\n"
    assert quick == []
    assert not (tmp_path / "x").exists()


def test_another_core_than_that_of_the_program_is_refused(
    oscc: Run, quick: list[str], folder: Path, make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    other = make_core(stream_width=32)
    (tmp_path / "other.yaml").write_text(dump_core(other))
    before = contents(folder)
    status, out, err = oscc("emit", "--core", tmp_path / "other.yaml", "-o", folder)
    ours = make_core()
    assert (status, out) == (1, "")
    assert err == (
        f"oscc: {folder}: holds a program for another core (tiny-8x8, {ours.hash[:8]}) than tiny-8x8 "
        f"({other.hash[:8]})\nemit into a folder of its own\n"
    )
    assert contents(folder) == before
    assert quick == []


def test_an_emitted_folder_is_replaced(oscc: Run, quick: list[str], tmp_path: Path) -> None:
    assert oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "x")[0] == 0
    (tmp_path / "x" / "rtl" / "my_top.v").write_text("mine")
    assert oscc("emit", "--core", "king-48x41", "-o", tmp_path / "x")[0] == 0
    emitted = {"manifest.json", "rtl/a.v", "rtl/registers/b.h", "rtl/manifest.json"}
    assert set(contents(tmp_path / "x")) == {*emitted, "rtl/my_top.v"}
    assert json.loads((tmp_path / "x" / "manifest.json").read_text())["top"] == "king_48x41_core"


def test_an_emitted_folder_is_no_program(oscc: Run, quick: list[str], tmp_path: Path) -> None:
    assert oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "x")[0] == 0
    status, _, err = oscc("sample", tmp_path / "x")
    assert status == 1
    assert "holds no program" in err


@pytest.mark.parametrize("kind", ["file", "foreign", "below a file"])
def test_a_target_that_must_not_be_replaced_is_refused(
    kind: str, oscc_json: RunJson, quick: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "x"
    if kind == "foreign":
        target.mkdir()
        (target / "thesis.tex").write_text("years of work")
    else:
        target.write_text("mine")
    given = target / "y" if kind == "below a file" else target
    before = contents(tmp_path)
    status, content = oscc_json("emit", "--core", "tiny-8x8", "-o", given)
    assert status == 1
    assert content["error"]["code"] == ("output.foreign" if kind == "foreign" else "output.is-file")
    assert content["error"]["where"] == str(given)
    assert contents(tmp_path) == before
    # The cheap checks come first.
    assert quick == []


def test_an_unknown_core_is_refused(oscc: Run, tmp_path: Path) -> None:
    status, _, err = oscc("emit", "--core", "tiny-8x9", "-o", tmp_path / "x")
    assert status == 1
    assert "tiny-8x8" in err
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("into", ["new", "compiled"])
def test_half_a_folder_is_never_left(
    into: str, quick: list[str], folder: Path, tmp_path: Path, oscc: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder if into == "compiled" else tmp_path / "deep" / "x"
    before = contents(tmp_path)

    def fail(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("oscc.base.manifest_writer.write_json", fail)
    status, out, err = oscc("emit", "--core", "tiny-8x8", "-o", target)
    assert (status, out) == (1, "")
    assert "No space left on device" in err
    assert contents(tmp_path) == before
    assert not (tmp_path / "deep").exists()


def test_a_compilation_is_emitted_into_its_folder(oscc_json: RunJson, quick: list[str], folder: Path) -> None:
    status, content = oscc_json("emit", folder, "-n", 1)
    assert (status, content["core"], content["output"]) == (0, "tiny-8x8", str(folder))
    assert "rtl/tb/program.hex" in content["files"]
    # It is the same as with the core and the folder named, and so it is with the same core named besides.
    files = contents(folder)
    assert oscc_json("emit", "--core", "tiny-8x8", "-o", folder, "-n", 1)[0] == 0
    assert contents(folder) == files
    assert oscc_json("emit", folder, "--core", "tiny-8x8", "-n", 1) == (0, content)
    assert contents(folder) == files
    assert quick == ["tiny-8x8"] * 3


def test_a_compilation_is_not_emitted_for_another_core(oscc: Run, quick: list[str], folder: Path) -> None:
    before = contents(folder)
    status, out, err = oscc("emit", folder, "--core", "king-48x41")
    assert (status, out) == (1, "")
    first, hint = err.splitlines()
    assert first.startswith(f"oscc: {folder}: holds a program for another core (tiny-8x8, ")
    assert "than king-48x41 (" in first
    assert hint == "leave out --core"
    assert contents(folder) == before
    assert quick == []


@pytest.mark.parametrize("place", ["nowhere", "emitted", "a file"])
def test_what_is_no_compilation_is_not_emitted(place: str, oscc: Run, quick: list[str], tmp_path: Path) -> None:
    given = tmp_path / place
    if place == "emitted":
        assert oscc("emit", "--core", "tiny-8x8", "-o", given)[0] == 0
    elif place == "a file":
        given.write_text("mine")
    before = contents(tmp_path)
    status, out, err = oscc("emit", given)
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {given}: ")
    assert contents(tmp_path) == before
    assert quick == (["tiny-8x8"] if place == "emitted" else [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--core", "tiny-8x8"], "Invalid value for DIR: give the folder of a compilation, or --core SPEC and -o DIR"),
        (["-o", "x"], "Invalid value for DIR: give the folder of a compilation, or --core SPEC and -o DIR"),
        ([], "Invalid value for DIR: give the folder of a compilation, or --core SPEC and -o DIR"),
        (["x", "-o", "y"], "Invalid value for -o: x is written into already; leave out one of the two"),
    ],
)
def test_a_compilation_or_core_and_output_must_be_given(arguments: list[str], words: str, oscc: Run) -> None:
    assert oscc("emit", *arguments) == (2, "", f"oscc emit: {words}\ntry: oscc emit --help\n")


def test_many_files_are_counted_and_the_first_are_named(
    oscc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{letter}.v": "" for letter in "edcba"}
    monkeypatch.setattr("oscc.sim.emission.emit_core", lambda core, bench, options: files)
    out = oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "x")[1]
    assert "  files   5: rtl/a.v, rtl/b.v, rtl/c.v, rtl/d.v, ... (all with --json)\n" in out
    del files["e.v"]
    assert (
        "  files   rtl/a.v, rtl/b.v, rtl/c.v, rtl/d.v\n" in oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "x")[1]
    )


@pytest.mark.parametrize("option", ["-n", "--seed"])
def test_samples_without_a_program_are_refused(oscc: Run, tmp_path: Path, option: str) -> None:
    status, out, err = oscc("emit", "--core", "tiny-8x8", "-o", tmp_path / "new", option, "2")
    assert (status, out) == (2, "")
    assert err.startswith(
        f"oscc emit: Invalid value for {option}: would be ignored: {tmp_path / 'new'} holds no program"
    )
    assert not (tmp_path / "new").exists()
