from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.cli import streams
from oscc.cli.main import main

FULL = "oscc: standard output cannot be written: No space left on device\n"
CLOSED = "oscc: standard output is closed\n"


class Failing(io.StringIO):
    """Standard output that takes what is printed, and fails when it is sent on its way."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        if self.getvalue():
            raise self.error


VERBS: list[tuple[str, ...]] = [
    ("check", "MODEL", "--core", "tiny-8x8"),
    ("compile", "MODEL", "--core", "tiny-8x8", "-o", "NEW"),
    ("sample", "DIR", "-n", "1"),
    ("report", "DIR"),
    ("diff", "DIR", "DIR"),
    ("yield", "MODEL", "--core", "tiny-8x8", "--dies", "1"),
    ("cosim", "DIR", "--engine", "array"),
    ("check", "absent", "--core", "tiny-8x8"),
    ("check",),
    ("--help",),
    ("--version",),
    ("sample", "--help"),
]
"""Verbs that print by every way there is: tables, JSON, findings, the texts of the command's library."""


SILENT = (("check",), ("check", "absent", "--core", "tiny-8x8"))
"""They print an error, on standard error."""

COMMANDS = [*VERBS, *((*verb, "--json") for verb in VERBS if not verb[-1].startswith("--"))]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_standard_output_that_is_full_is_one_line(
    arguments: tuple[str, ...],
    folder: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"MODEL": str(tiny_checkpoint), "DIR": str(folder), "NEW": str(tmp_path / "new")}
    command = [places.get(argument, argument) for argument in arguments]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Failing(OSError(28, "No space left on device")))
        status = main(command)
    err = capsys.readouterr().err
    if arguments in SILENT:
        assert status in (1, 2)
        assert "oscc" in err
    else:
        assert (status, err) == (1, FULL)
    # The work that was done stays.
    assert "NEW" not in arguments or (tmp_path / "new" / "manifest.json").is_file()


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe")])
def test_a_reader_that_went_away_hears_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Failing(error))
        assert main(["--version"]) == 1
    assert capsys.readouterr().err == ""


def test_standard_error_that_is_full_changes_no_status(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (Failing(OSError(28, "No space left on device")), None):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stream)
            assert main(["check", str(tiny_checkpoint), "--core", "tiny-8x8"]) == 0
            assert main(["check", "absent", "--core", "tiny-8x8"]) == 1
    assert "fits" in capsys.readouterr().out


def test_names_that_an_encoding_lacks_are_escaped(
    compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheets = [tmp_path / name for name in ("\u00e4\u20ac.png", os.fsdecode(b"\xff.png"), "two\nlines.png")]
    told = []
    for sheet in sheets:
        written = io.BytesIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
            assert main(["sample", str(compiled), "-n", "1", "-o", str(sheet)]) == 0
            (line,) = (line for line in written.getvalue().decode("ascii").splitlines() if "  sheet " in line)
            told.append(line.rpartition("/")[2])
        assert sheet.is_file()
    assert told == ["\\xe4\\u20ac.png", "\\xff.png", "two\\nlines.png"]


@pytest.mark.parametrize("verb", [(), ("compile",), ("sample",), ("data",)])
def test_help_is_drawn_in_the_signs_of_the_encoding(verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    told = {}
    for encoding in ("ascii", "utf-8"):
        written = io.BytesIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
            assert main([*verb, "--help"]) == 0
            told[encoding] = written.getvalue().decode(encoding)
    assert "\\u" not in told["ascii"]
    assert told["ascii"].isascii()
    assert "\u256d" in told["utf-8"]


def test_streams_have_the_encoding_of_what_they_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, encoding in ((io.TextIOWrapper(io.BytesIO(), encoding="latin-1"), "latin-1"), (None, "utf-8")):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", stream)
            patched.setattr(sys, "stderr", stream)
            with streams.checked_streams():
                assert (sys.stdout.encoding, sys.stderr.encoding) == (encoding, encoding)


def run_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "from oscc.cli.main import run; run()"
    return subprocess.run([sys.executable, "-c", code, *arguments], text=True, timeout=60, check=False, **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_device_gives_no_second_message_at_the_end() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - it is only written, as a shell would
        done = run_process("--version", stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, FULL)


def test_closed_descriptors_are_occupied_so_that_no_file_gets_their_number(tmp_path: Path) -> None:
    code = f"""
import os, sys
os.close(0); os.close(1)
sys.stdin = sys.stdout = None
from oscc.cli import main
def check(*given):
    with open({str(tmp_path / "file")!r}, "w") as file:
        assert file.fileno() > 2, file.fileno()
        os.write(1, b"what a library prints")
        file.write("content")
    return real(*given)
real = main.main
main.main = check
sys.argv = ["oscc", "--version"]
main.run()
"""
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, CLOSED)
    assert (tmp_path / "file").read_text() == "content"


def test_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with streams.checked_streams():
        assert sys.stdout is not before[0]
        sys.stdout.write("a\n")
        assert not sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "a\n"


def test_json_escapes_names_itself(
    oscc_json: Callable[..., tuple[int, dict[str, Any]]], compiled: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / os.fsdecode(b"\xff.png")
    status, content = oscc_json("sample", compiled, "-n", "1", "-o", sheet)
    assert (status, content["sheet"]) == (0, str(sheet))
    assert json.dumps(content).isascii()
