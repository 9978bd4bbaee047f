from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.cli import logging_options
from oscc.cli.logging_options import Log, global_options_after, open_log
from oscc.cli.main import main

Run = Callable[..., tuple[int, str, str]]

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (DEBUG|INFO|ERROR|CRITICAL) (oscc\.[\w.]+): (.*)"
)


def lines_of(path: Path) -> list[tuple[str, str, str]]:
    """Level, logger and message of every line of a log, which must all be whole."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        found.append((match[1], match[2], match[3]))
    return found


@pytest.fixture
def log() -> Any:
    with open_log() as opened:
        yield opened
    assert logging.getLogger("oscc").level == logging.NOTSET
    assert [type(each) for each in logging.getLogger("oscc").handlers] in ([], [logging.NullHandler])


SAID = logging.getLogger("oscc.a.module")


def test_without_options_nothing_is_logged(oscc: Run, tiny_checkpoint: Path) -> None:
    status, _, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, err) == (0, "")
    assert not logging.getLogger("oscc.cli.main").isEnabledFor(logging.INFO)


def test_options_change_nothing_of_what_is_printed_and_written(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    arguments = ("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o")
    _, plain, _ = oscc(*arguments, tmp_path / "a")
    _, logged, err = oscc("-vv", "--log-file", tmp_path / "log", *arguments, tmp_path / "b")
    times = re.compile(r"\d+\.\d+ s")
    assert times.sub("", plain) == times.sub("", logged).replace(str(tmp_path / "b"), str(tmp_path / "a"))
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert err


def test_a_log_tells_command_status_and_time(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    status, _, err = oscc("--log-file", tmp_path / "log", "check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, err) == (0, "")
    said = lines_of(tmp_path / "log")
    level, logger, message = said[0]
    assert (level, logger) == ("INFO", "oscc.cli.main")
    assert message.endswith(f"check {tiny_checkpoint} --core tiny-8x8")
    assert re.fullmatch(r"exit status 0 after \d+\.\d s", said[-1][2])


def test_passes_say_what_they_tried(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert oscc("--log-file", log, "compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "out")[0] == 0
    said = lines_of(log)
    passes = [message.split(":")[0] for level, logger, message in said if logger == "oscc.compiler.pass_manager"]
    assert passes == [f"pass {name}" for name in ("place", "route", "scale", "quantize", "schedule", "assemble")]
    for logger, message in (
        ("compile", r".*: conditions that are not met: none"),
        ("passes.place", r"placer repair: placed \(.+\); \d+\.\d\d s"),
        ("passes.scale", r"tau .+ s at most, by bound \w+; runs of .+ cycles"),
        ("passes.scale", r"bound coupling: .+ s"),
        ("passes.schedule", r"\d+ instructions"),
    ):
        assert any(each == f"oscc.compiler.{logger}" and re.fullmatch(message, text) for _, each, text in said), message


def test_placers_in_turn_and_chains_are_told(oscc: Run, tmp_path: Path) -> None:
    problem, log = tmp_path / "star.gset", tmp_path / "log"
    # A node with more neighbours than a cell has slots.
    problem.write_text("31 30\n" + "".join(f"1 {other} 1\n" for other in range(2, 32)))
    assert oscc("--log-file", log, "check", problem, "--core", "tiny-8x8", "--placer", "torus")[0] == 3
    messages = [message for _, logger, message in lines_of(log) if logger == "oscc.compiler.compile"]
    assert re.fullmatch(
        r"star, 31 nodes and 60 couplings, on tiny-8x8: conditions that are not met: .*L010.*", messages[0]
    )
    log.unlink()
    oscc("--log-file", log, "check", problem, "--core", "ising-56x56", "--copies")
    said = [(logger, message) for _, logger, message in lines_of(log)]
    assert any(re.match(r"chains from start 0: 0 nodes at fault, \d+ cells", message) for _, message in said)


@pytest.mark.parametrize("engine", ["array", "pysim"])
def test_engines_say_what_they_ran(engine: str, oscc: Run, folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert oscc("--log-file", log, "cosim", folder, "--engine", engine, "--seed", "3", "--first", "2")[0] == 0
    said = [message for _, logger, message in lines_of(log) if logger == "oscc.sim.engines.job"]
    assert [message.split(", steps")[0] for message in said] == [f"engine {engine}: 1 samples from sample 2 of seed 3"]


@pytest.mark.parametrize(("option", "levels"), [("-v", {"INFO"}), ("-vv", {"INFO", "DEBUG"})])
def test_verbose_prints_levels(option: str, levels: set[str], oscc: Run, tiny_checkpoint: Path) -> None:
    status, _, err = oscc(option, "check", tiny_checkpoint, "--core", "tiny-8x8")
    assert status == 0
    assert {line.split()[0] for line in err.splitlines()} == levels


def test_an_error_is_printed_once_and_logged(oscc: Run, tmp_path: Path) -> None:
    plain = oscc("check", tmp_path / "absent", "--core", "tiny-8x8")
    status, out, err = oscc("-v", "--log-file", tmp_path / "log", "check", tmp_path / "absent", "--core", "tiny-8x8")
    assert (status, out) == plain[:2]
    assert [line for line in err.splitlines() if not line.startswith("INFO ")] == plain[2].splitlines()
    assert ("ERROR", "oscc.cli.main") in {line[:2] for line in lines_of(tmp_path / "log")}


def test_quiet_prints_nothing_but_errors(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    assert oscc("-q", "check", tiny_checkpoint, "--core", "tiny-8x8") == (0, "", "")
    status, out, err = oscc("-q", "check", tmp_path / "absent", "--core", "tiny-8x8")
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {tmp_path}/absent: cannot be read")
    assert oscc("-q", "check")[2].startswith("oscc check: Missing argument")


def test_quiet_prints_the_object_of_json(oscc: Run, tiny_checkpoint: Path) -> None:
    status, out, err = oscc("-q", "check", tiny_checkpoint, "--core", "tiny-8x8", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["feasible"] is True


def test_quiet_hides_progress(oscc: Run, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oscc.cli.progress.LINE_EVERY_S", 1e-4)
    assert oscc("-q", "check", tiny_checkpoint, "--core", "tiny-8x8")[2] == ""


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("--version",)])
def test_quiet_does_not_hide_what_was_asked_for(arguments: tuple[str, ...], oscc: Run) -> None:
    assert oscc("-q", *arguments) == oscc(*arguments)


def test_quiet_contradicts_verbose(oscc: Run) -> None:
    status, _, err = oscc("-q", "-v", "check")
    assert status == 2
    assert err.splitlines()[0] == "oscc: Invalid value for -v: contradicts -q"


@pytest.mark.parametrize(
    ("option", "hint"),
    [("-v", "oscc -v check"), ("--quiet", "oscc --quiet check"), ("--log-file", "oscc --log-file FILE check")],
)
def test_a_global_option_behind_the_verb_is_told_its_place(option: str, hint: str, oscc: Run) -> None:
    status, _, err = oscc("check", option)
    assert status == 2
    assert err.splitlines()[1] == f"it stands before the verb: {hint}"
    assert global_options_after(["oscc", "check"], "--fast") == ""
    assert global_options_after(["oscc"], "-v") == ""


def test_a_log_is_continued(log: Log, tmp_path: Path) -> None:
    for said in ("one", "two"):
        log.begin(0, tmp_path / "log")
        SAID.info("%s", said)
        assert log.end() is None
        SAID.info("not heard")
    assert [message for _, _, message in lines_of(tmp_path / "log")] == ["one", "two"]


def test_no_message_makes_a_line_of_its_own(log: Log, tmp_path: Path) -> None:
    log.begin(0, tmp_path / "log")
    SAID.info("a\nname%s", "\x1b[2J")
    try:
        raise ZeroDivisionError("a\nbug")
    except ZeroDivisionError:
        SAID.exception("ended")
    log.end()
    said = lines_of(tmp_path / "log")
    assert said[0] == ("INFO", "oscc.a.module", r"a\nname\x1b[2J")
    assert said[1][2] == "ended"
    assert said[-2:] == [
        ("ERROR", "oscc.a.module", "ZeroDivisionError: a"),
        ("ERROR", "oscc.a.module", "bug"),
    ]


def test_what_is_no_log_is_not_written_into(oscc: Run, folder: Path, tmp_path: Path) -> None:
    model = folder / "model.safetensors"
    before = model.read_bytes()
    notes = tmp_path / "notes.txt"
    notes.write_text("mine\n")
    (tmp_path / "empty").touch()
    for path, code in ((notes, "log.foreign"), (model, "output.part"), (tmp_path, "output.is-folder")):
        status, out, _ = oscc("--log-file", path, "check", "m", "--core", "tiny-8x8", "--json")
        assert status == 1
        assert json.loads(out)["error"]["code"] == code
    assert (notes.read_text(), model.read_bytes()) == ("mine\n", before)
    oscc("--log-file", tmp_path / "empty", "check", "m", "--core", "tiny-8x8")
    assert lines_of(tmp_path / "empty")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_that_is_not_whole_is_an_error_after_the_work(as_json: bool, oscc: Run, tiny_checkpoint: Path) -> None:
    more = ["--json"] if as_json else []
    status, out, err = oscc("--log-file", "/dev/full", "check", tiny_checkpoint, "--core", "tiny-8x8", *more)
    assert (status, err) == (1, "oscc: /dev/full: the log cannot be written: No space left on device\n")
    assert json.loads(out)["feasible"] if as_json else "fits" in out


def test_a_fault_of_the_program_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("oscc.core.spec_file.load_core", fail)
    with pytest.raises(ZeroDivisionError):
        main(["--log-file", str(tmp_path / "log"), "check", "m.safetensors", "--core", "tiny-8x8"])
    said = lines_of(tmp_path / "log")
    assert said[-1] == ("CRITICAL", "oscc.cli.main", "ZeroDivisionError: a bug")
    assert logging.getLogger("oscc").level == logging.NOTSET


def test_records_go_to_standard_error_as_it_is_then(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.begin(1, None)
    # As a bar of progress takes its place.
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    SAID.info("told")
    SAID.debug("not told")
    SAID.error("printed elsewhere", extra={"printed": True})
    assert stream.getvalue() == "INFO oscc.a.module: told\n"


def test_a_log_may_be_a_descriptor(log: Log, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    try:
        log.begin(0, Path(f"/dev/fd/{descriptor}"))
        SAID.info("told")
    finally:
        os.close(descriptor)
    assert log.end() is None
    assert [message for _, _, message in lines_of(tmp_path / "log")] == ["told"]


def test_a_log_that_cannot_be_begun_leaves_no_handler(log: Log, tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="there is no folder"):
        log.begin(1, tmp_path / "absent" / "log")
    assert not SAID.isEnabledFor(logging.INFO)


def test_importing_configures_no_handler() -> None:
    code = (
        "import logging, oscc, oscc.compiler.passes.place, oscc.cli.main;"
        "kinds = {type(each).__name__ for each in logging.getLogger('oscc').handlers};"
        "assert kinds <= {'NullHandler'}, kinds; assert logging.getLogger().handlers == [];"
        "logging.getLogger('oscc.a').warning('heard by nobody')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_begin_of_a_line_is_what_a_log_is_known_by() -> None:
    line = b"2026-01-02T03:04:05.678+00:00 INFO oscc.cli.main: oscc 0.1.0: check"
    assert logging_options._OURS.match(line)
    assert not logging_options._OURS.match(line[1:])
