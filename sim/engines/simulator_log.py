"""What simulators say when something fails: kept whole, and the one line of it that tells why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_IN_FILE = re.compile(
    r"^(?:%Error(?:-\w+)?: )?(?P<file>[^\s:]+\.\w+):(?P<line>\d+):(?:\d+:)? (?P<what>(?:error: |fatal error: )?.+)$"
)
"""A complaint of Icarus, Verilator or g++ about a line of a file."""

_COMPLAINT = re.compile(r"^%Error|error|fatal|segmentation|assertion|killed|cannot", re.IGNORECASE)

_RAISED = re.compile(r"^\s*(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Timeout))(?:: (?P<what>.*))?$")
"""The last line of a traceback."""

_ENDED = re.compile(r"^the simulator (ended|was ended|failed)")
"""What `oscc.sim.engines.bench_run` adds."""


class SimulatorLogs(Exception):  # noqa: N818 - it is never raised but as a cause
    """The whole logs of a simulator, as the cause of the error that tells what they come to.

    Parameters
    ----------
    logs : mapping of str to str
        Text by the file's name.
    """

    def __init__(self, logs: Mapping[str, str]) -> None:
        super().__init__(", ".join(logs))
        self.logs = dict(logs)


def logs_of(error: BaseException) -> dict[str, str]:
    """Return the logs that an error was raised from, text by file name; none where no simulator failed.

    Parameters
    ----------
    error : BaseException
    """
    cause = error.__cause__
    return cause.logs if isinstance(cause, SimulatorLogs) else {}


def read_log(path: Path) -> str:
    """Return a log as text; empty where none was written.

    Parameters
    ----------
    path : Path
    """
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def reason_in(log: str) -> str:
    """Return why a simulator failed, in one line: the first complaint about a line of a file, or else what ended it.

    Parameters
    ----------
    log : str
    """
    if not log.strip():
        return "no log was written"
    for line in log.splitlines():
        found = _IN_FILE.match(line)
        # Verilator tells warnings in the same form.
        if found is not None and not line.startswith("%Warning") and not found["what"].startswith(("warning", "note")):
            what = found["what"].removeprefix("fatal ").removeprefix("error: ")
            return f"{Path(found['file']).name}, line {found['line']}: {what}"
    return _joined(dict.fromkeys(_told(log)))


def _told(log: str) -> Iterator[str]:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    raised = [line for line in lines if _RAISED.match(line)]
    ended = [line for line in lines if _ENDED.match(line)]
    yield from raised[-1:]
    if not raised:
        complaints = [line for line in lines if _COMPLAINT.search(line) and line not in ended]
        yield from complaints[:1]
    yield from ended[-1:]
    if not raised and not ended:
        yield lines[-1]


def _joined(parts: Mapping[str, None]) -> str:
    return "; ".join(parts)
