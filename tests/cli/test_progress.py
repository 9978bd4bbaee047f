from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from oscc.cli.progress import LINE_EVERY, progress_bar, training_progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Standard error is, or is not, a terminal."""

    def arrange(answer: bool) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: answer)
        # What rich takes for a terminal's size and colours must not depend on where the tests run.
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")

    return arrange


def test_without_a_terminal_nothing_is_printed(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    with progress_bar() as report:
        assert report is None
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_work_is_named_on_standard_error(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(True)
    with progress_bar() as report:
        assert report is not None
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
        assert report is not None
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
            assert report is not None
            report("working", 0.5)
            raise ValueError("stop")

    with pytest.raises(ValueError, match=r"^stop$"):
        work()
    # The last thing written erases the line and shows the cursor again.
    err = capsys.readouterr().err
    assert err.rfind("\x1b[2K") > err.rfind("working")
    assert err.rfind("\x1b[?25h") > err.rfind("\x1b[?25l")


# Trainings


def test_a_training_without_a_terminal_tells_a_line_now_and_then(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    total = 2 * LINE_EVERY + 7
    with training_progress("name", 0, total) as show:
        for iteration in range(1, total + 1):
            show(iteration, {"distance": iteration / 2, "loss": -0.12345})
            told = iteration in (LINE_EVERY, 2 * LINE_EVERY, total)
            line = f"name: {iteration}/{total}  distance {iteration / 2:.3f}  loss -0.123\n"
            assert capsys.readouterr() == ("", line if told else "")
    assert capsys.readouterr() == ("", "")


def test_a_training_that_goes_on_tells_the_iterations_of_the_whole(
    terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(False)
    with training_progress("name", 98, 101) as show:
        for iteration in (99, 100, 101):
            show(iteration, {"loss": 1.0})
    assert capsys.readouterr().err == "name: 100/101  loss 1.000\nname: 101/101  loss 1.000\n"


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
