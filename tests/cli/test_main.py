from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from oscc.base.errors import OsccError
from oscc.base.findings import FindingKind, FindingsError
from oscc.cli import main as command
from oscc.cli.named_command import with_names
from oscc.cli.signals import TerminatedError

X001 = FindingKind("X001", "made up", "nowhere", (dict,), unchecked="made up")
ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes ``oscc check`` raise an exception."""

    def arrange(error: BaseException) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("oscc.core.spec_file.load_core", fail)

    return arrange


CHECK = ("check", "m.safetensors", "--core", "tiny-8x8")


def test_version(oscc: Run) -> None:
    assert oscc("--version") == (0, f"oscc {version('oscc')}\n", "")


def verb_name(verb: ModuleType) -> str:
    """A module has the name of its verb, unless that is a keyword."""
    return {"yield_dies": "yield", "choices": "list"}.get(name := verb.__name__.rpartition(".")[2], name)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_verb(arguments: tuple[str, ...], oscc: Run) -> None:
    status, out, err = oscc(*arguments)
    assert (status, err) == (0, "")
    for verb in command.VERBS:
        assert verb_name(verb) in out


@pytest.mark.parametrize("verb", [verb_name(verb) for verb in command.VERBS])
def test_every_verb_has_help_and_json(verb: str, oscc: Run) -> None:
    # Those that are groups have verbs of their own.
    words = {"data": ("data", "fetch")}.get(verb, (verb,))
    status, out, _ = oscc(*words, "--help")
    assert status == 0
    assert "--json" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("chek",), "oscc: No such command 'chek'."),
        (("check",), "oscc check: Missing argument 'MODEL'."),
        (("check", "m"), "oscc check: Missing option '--core'."),
        (("check", "m", "--core", "c", "--fast"), "oscc check: No such option: --fast; accepted: --chain-strength, "),
        (("sample", "m", "--out", "x"), "oscc sample: No such option: --out; did you mean '--output'?"),
        (("sample", "m", "--outptu", "x"), "oscc sample: No such option: --outptu; did you mean '--output'?"),
        (("check", "m", "--co", "x"), "oscc check: No such option: --co; did you mean '--copies' or '--core'?"),
        (("compile", "m", "--core", "c"), "oscc compile: Missing option"),
        (("check", "m", "--core", "c", "--tau", "both"), "oscc check: Invalid value for '--tau'"),
        (("check", "m", "--core", "c", "--tau-s", "soon"), "oscc check: Invalid value for '--tau-s'"),
    ],
)
def test_a_wrong_usage_is_two_lines_and_exits_2(arguments: tuple[str, ...], line: str, oscc: Run) -> None:
    status, out, err = oscc(*arguments)
    assert (status, out) == (2, "")
    message, hint = err.splitlines()
    assert message.startswith(line)
    assert hint.startswith("try: oscc")


@pytest.mark.parametrize("arguments", [("check", "", "--core", "c"), ("compile", "m", "--core", "c", "--output=")])
def test_an_empty_argument_is_no_folder(arguments: tuple[str, ...], oscc: Run) -> None:
    assert oscc(*arguments) == (2, "", "oscc: an argument is empty\nis a variable of your shell not set?\n")


def helped_commands() -> Iterator[tuple[str, Any]]:
    """Every command by its words, as click has it."""
    waiting: list[tuple[str, Any]] = [("oscc", typer.main.get_command(command.make_app()))]
    while waiting:
        words, found = waiting.pop()
        yield words, found
        waiting += [(f"{words} {name}", each) for name, each in getattr(found, "commands", {}).items()]


HELPED = dict(helped_commands())


@pytest.mark.parametrize("words", HELPED)
def test_help_is_shown_as_it_was_written(words: str, oscc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    shown = oscc(*words.split()[1:], "--help")[1]
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    # The last column of the tables, so that each text reads on.
    columns = [re.split(r"\s{2,}", line.strip("│ "))[-1] for line in shown.splitlines()]
    text = " ".join(" ".join(columns).split())
    for parameter in HELPED[words].params:
        help_text = with_names(" ".join((getattr(parameter, "help", None) or "").split()))
        # Brackets would be taken for the style of what follows.
        assert "[" not in help_text, parameter.name
        assert help_text in text, parameter.name
        assert not re.search(r"\b(\w+) \1\b", help_text), "a word twice"
    for paragraph in (HELPED[words].help or "").split("\n\n"):
        assert "\n" not in paragraph.strip(), "lines end where the source's do"


def test_options_of_a_letter_mean_one_thing_each() -> None:
    meanings: dict[str, set[str]] = {}
    for found in HELPED.values():
        for parameter in found.params:
            for letter in {name for name in parameter.opts if re.fullmatch("-[a-z]", name)}:
                meanings.setdefault(letter, set()).update({*parameter.opts} - {letter})
    assert meanings == {
        "-n": {"--samples"},
        "-o": {"--output"},
        "-q": {"--quiet"},
        "-v": {"--verbose"},
    }


def test_a_seed_is_of_all_that_is_random() -> None:
    seeds = {words: each for words, found in HELPED.items() for each in found.params if "--seed" in each.opts}
    assert set(seeds) >= {"oscc compile", "oscc sample", "oscc yield", "oscc synth", "oscc data extractor"}
    for words, option in seeds.items():
        assert option.help.startswith("Seed of all that is random: ")
        # The tools that place in an FPGA take 31 bits.
        limits = (1, 2**31 - 1, 1) if words == "oscc synth" else (0, 2**32 - 1, 0)
        assert (option.min, option.max, option.default) == limits, words
    page = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    (table,) = (part for part in page.split("\n\n") if part.startswith("| verb | what is random |"))
    assert {f"oscc {verb}" for verb in re.findall(r"`([a-z ]+)`", table)} == set(seeds)


def test_a_wrong_usage_as_json(oscc_json: RunJson) -> None:
    status, content = oscc_json("check", "m")
    assert status == 2
    assert content["error"]["code"] == "usage"
    assert content["error"]["where"] == "oscc check"
    assert content["error"]["hint"] == "try: oscc check --help"


def test_an_error_is_one_line_or_two(oscc: Run, failing: Callable[[BaseException], None]) -> None:
    failing(OsccError("x.y", "is wrong", where="m.safetensors", hint="repair it"))
    assert oscc(*CHECK) == (1, "", "oscc: m.safetensors: is wrong\nrepair it\n")
    failing(OsccError("x.y", "is wrong"))
    assert oscc(*CHECK) == (1, "", "oscc: is wrong\n")


def test_an_error_as_json(oscc_json: RunJson, failing: Callable[[BaseException], None]) -> None:
    failing(OsccError("x.y", "is wrong", where="m.safetensors", hint="repair it"))
    expected = {"code": "x.y", "message": "is wrong", "where": "m.safetensors", "hint": "repair it"}
    assert oscc_json(*CHECK) == (1, {"error": expected})


def test_findings_that_a_verb_lets_through_exit_3(
    oscc: Run, oscc_json: RunJson, failing: Callable[[BaseException], None]
) -> None:
    failing(FindingsError([X001.finding("too long", "shorten it", {})]))
    assert oscc(*CHECK) == (3, "X001: too long\n    shorten it\n", "")
    status, content = oscc_json(*CHECK)
    assert status == 3
    assert content["feasible"] is False
    assert content["findings"][0]["code"] == "X001"


def test_an_interrupt_exits_130_with_one_line(oscc: Run, failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    assert oscc(*CHECK) == (130, "", "oscc: interrupted\n")


def test_a_fault_of_the_program_is_not_hidden(oscc: Run, failing: Callable[[BaseException], None]) -> None:
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        oscc(*CHECK)


def start(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "from oscc.cli.main import run; run()"
    return subprocess.run([sys.executable, "-c", code, *arguments], text=True, timeout=60, check=False, **options)


def test_the_process_exits_with_the_status(tmp_path: Path) -> None:
    done = start("check", str(tmp_path / "absent"), "--core", "tiny-8x8", "--json", capture_output=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["error"]["code"] == "file.not-found"
    assert start("--version", capture_output=True).returncode == 0


def test_a_reader_that_goes_away_gets_no_traceback(tiny_checkpoint: Path) -> None:
    code = "from oscc.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "check", str(tiny_checkpoint), "--core", "tiny-8x8", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--help",), ("Compile trained oscillator models", "Check that a model fits a core")),
        (("solve", "--help"), ("Run a compiled problem on the behavioural array", "Spins come from the read-out")),
        (("data", "fetch", "--help"), ("Fetch a data set",)),
    ],
)
def test_help_is_there_without_docstrings(
    arguments: tuple[str, ...], said: tuple[str, ...], oscc: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole, _ = oscc(*arguments)
    for verb in (*command.VERBS, command):
        for function in vars(verb).values():
            if inspect.isfunction(function):
                # As `python -OO` leaves them.
                monkeypatch.setattr(function, "__doc__", None)
    status, text, _ = oscc(*arguments)
    assert (status, text) == (0, whole)
    assert all(words in " ".join(text.split()) for words in said)


def test_errors_about_odd_names_are_one_line(oscc: Run, tmp_path: Path) -> None:
    for name, shown in (("two\nlines", "two\\nlines"), (os.fsdecode(b"\xff"), "\\xff"), ("\x1b[2J", "\\x1b[2J")):
        status, _, err = oscc("check", tmp_path / name, "--core", "tiny-8x8")
        assert status == 1
        assert err == f"oscc: {tmp_path}/{shown}: cannot be read: No such file or directory\n"


INTERRUPTED = """
import signal, sys
from oscc.cli import main
from oscc.rtl.weights.weight_bank import WeightBank

build = WeightBank.elaborate

def stop(self, platform):
    # Built, and not used yet: Amaranth warns of each such part.
    built = build(self, platform)
    signal.raise_signal(signal.SIGINT)

WeightBank.elaborate = stop
sys.argv = ["oscc", "emit", "--core", "tiny-8x8", "-o", sys.argv[1]]
main.run()
"""


def test_an_interrupt_of_emit_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not re.fullmatch(r"oscc: .*, \d+ s", line)]
    assert (done.returncode, lines) == (130, ["oscc: interrupted"])
    assert list(tmp_path.iterdir()) == []


TERMINATED = """
import os, sys
from pathlib import Path
from oscc.cli import main
from oscc.base import child_process, output_folder
from oscc.core import spec_file

number, out = int(sys.argv[1]), Path(sys.argv[2])

# A child that sleeps, and in that time the request, twice, as from `timeout`.
CHILD = \'\'\'
import os, time
with open({pids!r}, "w") as file:
    file.write(f"{{os.getpid()}} {{os.getcwd()}}")
for _ in range(2):
    os.kill({process}, {number})
time.sleep(60)
\'\'\'

def work(*_, **__):
    with output_folder.replace_folder(out), child_process.scratch_folder() as folder:
        code = CHILD.format(pids=str(out) + ".pids", process=os.getpid(), number=number)
        child_process.run_child([sys.executable, "-S", "-c", code], folder)

spec_file.load_core = work
sys.argv = ["oscc", "check", "m.safetensors", "--core", "tiny-8x8"]
main.run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_is_one_line_and_nothing_is_left(number: signal.Signals, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED, str(int(number)), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not re.fullmatch(r"oscc: .*, \d+ s", line)]
    said = f"oscc: ended by signal {int(number)} ({signal.strsignal(number)})"
    assert (done.returncode, lines) == (128 + number, [said])
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.pids"]
    child, folder = (tmp_path / "out.pids").read_text().split()
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


def test_a_request_to_end_that_comes_into_a_compiled_function(
    oscc: Run, failing: Callable[[BaseException], None]
) -> None:
    error = SystemError("returned a result with an exception set")
    error.__cause__ = TerminatedError(signal.SIGTERM)
    failing(error)
    assert oscc(*CHECK) == (143, "", "oscc: ended by signal 15 (Terminated)\n")


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("bash", {"COMP_WORDS": "oscc co", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "oscc co"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "oscc co", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_shells_complete_verbs(shell: str, asked: dict[str, str]) -> None:
    script = start(capture_output=True, env={**os.environ, "_OSCC_COMPLETE": f"source_{shell}"})
    assert (script.returncode, script.stderr) == (0, "")
    assert f"_OSCC_COMPLETE=complete_{shell}" in script.stdout
    done = start(capture_output=True, env={**os.environ, **asked, "_OSCC_COMPLETE": f"complete_{shell}"})
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"\w+", done.stdout)) >= {"compile", "cosim"}
    assert "check" not in done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oscc check m --core ais-5", ["ais-56x56", "ais-56x56-diamond"]),
        ("oscc compile m --clip f", ["field"]),
        ("oscc check m --placer s", ["symmetry"]),
        ("oscc yield m --frontend g", ["graphml", "gset"]),
        ("oscc verify m --engine p", ["pysim"]),
        ("oscc synth --target e", ["ecp5"]),
        ("oscc evaluate m --noise s", ["strong"]),
        ("oscc compile m --core no-such", []),
    ],
)
def test_shells_complete_what_options_take(words: str, found: list[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_OSCC_COMPLETE": "complete_bash"}
    done = start(capture_output=True, env={**os.environ, **asked})
    assert (done.stdout.split(), done.stderr) == (found, "")


def test_shells_show_the_names_that_an_option_takes() -> None:
    asked = {"_TYPER_COMPLETE_ARGS": "oscc cosim m --eng", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = start(capture_output=True, env={**os.environ, **asked, "_OSCC_COMPLETE": "complete_fish"})
    assert (done.stdout.strip(), done.stderr) == ("--engine\tarray, pysim, icarus or verilator.", "")


def test_completion_that_cannot_be_installed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {**os.environ, "HOME": str(tmp_path / "file")}
    # The shell that completion is installed for is the one that calls.
    command = f'"{sys.executable}" -c "from oscc.cli.main import run; run()" --install-completion; exit $?'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"oscc: {tmp_path}/file")
    assert first.endswith("cannot be written: File exists")
    assert second.startswith("print the script with --show-completion")
