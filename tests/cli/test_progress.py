from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from oscc.cli import progress
from oscc.cli.progress import progress_bar, progress_line, training_progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Standard error is, or is not, a terminal."""

    def arrange(answer: bool) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: answer)
        # What rich takes for a terminal's size and colours must not depend on where the tests run.
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")

    return arrange


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines come at once, again and again, where there is no terminal."""
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)


def line_with(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The first line on standard error, from now on, that has these words; nothing is on standard output."""
    seen = ""
    while words not in seen:
        out, err = capsys.readouterr()
        assert out == ""
        seen += err
    return next(line for line in seen.splitlines() if words in line)


def test_without_a_terminal_short_work_says_nothing(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    with progress_bar("placing") as report:
        report("annealing, 3 cells too far", 0.5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("hurried")
def test_without_a_terminal_lines_tell_the_last_that_was_reported(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    with progress_bar("placing a model") as report:
        # Also while nothing was reported yet.
        assert line_with("placing", capsys) == "oscc: placing a model, 0 s"
        report("annealing, 3 cells too far", 0.416)
        assert line_with("annealing", capsys) == "oscc: annealing, 3 cells too far: 42 %, 0 s"
        report("growing", 0.0)
        assert line_with("growing", capsys) == "oscc: growing, 0 s"
    capsys.readouterr()
    assert "oscc-progress" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.usefixtures("hurried")
def test_work_goes_on_when_nobody_reads_the_lines(
    terminal: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(False)
    gone = threading.Event()

    def write(line: str) -> int:
        gone.set()
        raise BrokenPipeError

    monkeypatch.setattr(sys.stderr, "write", write)
    with progress_bar() as report:
        assert gone.wait(60)
        report("working", 0.5)


def test_lines_say_how_far_and_how_long() -> None:
    assert progress_line("building", 0.0, 12.4) == "oscc: building, 12 s\n"
    assert progress_line("building", 0.999, 60.0) == "oscc: building: 100 %, 60 s\n"
    assert progress_line("building", 1.3, 3601.0) == "oscc: building: 100 %, 3601 s\n"


def test_what_is_printed_meanwhile_goes_where_it_would(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)
    with progress_bar() as report:
        report("working", 0.5)
        print("a result")
    assert capsys.readouterr().out == "a result\n"


def test_on_a_terminal_the_work_is_named_on_standard_error(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)
    with progress_bar() as report:
        for done in (0.0, 0.25, 0.5):
            report("running the array", done)
        report("reading images", 0.0)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading images" in err


def test_work_that_comes_again_is_shown_again(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)
    with progress_bar() as report:
        for what in ("reference", "array", "reference"):
            report(what, 0.5)
    last = capsys.readouterr().err.rpartition("\x1b[2K")[0].rpartition("\x1b[2K")[2]
    assert "reference" in last
    assert "array" not in last


def test_the_bar_is_gone_afterwards_and_errors_come_through(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)

    def work() -> None:
        with progress_bar() as report:
            report("working", 0.5)
            raise ValueError("stop")

    with pytest.raises(ValueError, match=r"^stop$"):
        work()
    # The last thing written erases the line and shows the cursor again.
    err = capsys.readouterr().err
    assert err.rfind("\x1b[2K") > err.rfind("working")
    assert err.rfind("\x1b[?25h") > err.rfind("\x1b[?25l")


# Trainings


@pytest.mark.usefixtures("hurried")
def test_a_training_without_a_terminal_tells_a_line_now_and_then(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    # Of one that goes on, the iterations of the whole.
    with training_progress("name", 98, 101) as show:
        show(99, {"distance": 49.5, "loss": -0.12345})
        assert line_with("loss", capsys) == "oscc: name, 99/101  distance 49.500  loss -0.123, 0 s"


def test_a_short_training_without_a_terminal_tells_nothing(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    with training_progress("name", 0, 1000) as show:
        for iteration in range(1, 1001):
            show(iteration, {"loss": 1.0})
    assert capsys.readouterr() == ("", "")


def test_a_training_on_a_terminal_shows_a_bar(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)
    with training_progress("my-model", 30, 40) as show:
        for iteration in range(31, 38):
            show(iteration, {"loss": iteration / 100})
    out, err = capsys.readouterr()
    assert out == ""
    # It stays when the training ends.
    last = err.rpartition("my-model")[2]
    assert "37/40" in last
    assert "loss 0.370" in last


def test_errors_of_a_training_come_through(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        with training_progress("my-model", 0, 40) as show:
            show(1, {"loss": 1.0})
            raise ValueError("stop")

    for answer in (True, False):
        terminal(answer)
        with pytest.raises(ValueError, match=r"^stop$"):
            work()
    # The cursor is shown again.
    err = capsys.readouterr().err
    assert err.rfind("\x1b[?25h") > err.rfind("\x1b[?25l")
