from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from oscc.cli.progress import progress_bar


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
