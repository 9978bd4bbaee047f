"""Child processes: an environment that is made and not inherited, a folder of their own, and an end with this process.

What a user's shell happens to set for other builds (``CXXFLAGS``, ``WAVES``, another tool's root) must not reach the
tools that a result depends on, and files of the user's working folder must not be taken for modules of Python.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from oscc.base.errors import OsccError

_LOG = logging.getLogger(__name__)

KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "PYTHONNOUSERSITE",
    "PYTHONHASHSEED",
    "SDKROOT",
    "DEVELOPER_DIR",
    "XDG_CACHE_HOME",
    "NUMBA_CACHE_DIR",
    "NUMBA_NUM_THREADS",
    "YOWASP_CACHE_DIR",
)
"""Variables that a child finds as they are: where programs, libraries and caches are, and how many threads are used."""

_KEPT_PREFIX = "NIX_"
"""Begin of the names by which the compilers of Nix find headers and libraries."""

_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)
"""Names of folders that make, the simulators and their scripts take for one word."""


@contextmanager
def scratch_folder(prefix: str = "oscc-") -> Iterator[Path]:
    """Make a folder for temporary files, which is removed with all that is in it when the block ends.

    Its path is one word to make and to the simulators, whatever ``TMPDIR`` says.

    Parameters
    ----------
    prefix : str

    Yields
    ------
    Path

    Raises
    ------
    OsccError
        ``environment.temporary``, when there is no place for one.
    """
    folder = make_scratch(prefix)
    try:
        yield folder
    finally:
        # What a child that was ended still writes there must not hide an error of the block.
        shutil.rmtree(folder, ignore_errors=True)


def make_scratch(prefix: str) -> Path:
    """Make a folder as `scratch_folder` does; the caller decides later whether it is removed.

    Parameters
    ----------
    prefix : str

    Raises
    ------
    OsccError
        ``environment.temporary``.
    """
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=_temporary_folder()))
    except OSError as error:
        raise OsccError(
            "environment.temporary",
            f"no temporary files can be made: {error.strerror}",
            hint="set TMPDIR to a folder that can be written and has room",
        ) from None


def _temporary_folder() -> str:
    given = str(Path(tempfile.gettempdir()).absolute())
    if _PLAIN.fullmatch(given):
        return given
    others = (place for place in ("/tmp", "/var/tmp") if os.access(place, os.W_OK | os.X_OK))
    return next(others, given)


def child_environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child process.

    Parameters
    ----------
    folder : Path
        For its temporary files, and for caches where the user has no place for them.
    more : mapping of str to str, optional
        What it needs besides.
    """
    environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(_KEPT_PREFIX)}
    if "XDG_CACHE_HOME" in environment and not Path(environment["XDG_CACHE_HOME"]).is_absolute():
        del environment["XDG_CACHE_HOME"]
    environment.setdefault("PATH", os.defpath)
    home = Path(environment.get("HOME", ""))
    if not home.is_absolute():
        home = _home() or folder
        environment["HOME"] = str(home)
    # A home that is only named, as that of a service, is not made for the sake of caches.
    cache = Path(environment["XDG_CACHE_HOME"]) if "XDG_CACHE_HOME" in environment else home / ".cache"
    if not ("XDG_CACHE_HOME" in environment or home.is_dir()) or not _can_be_written(cache):
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
    # Entries that are no absolute paths would be looked up in the working folder.
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(entry).is_absolute()]
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(path)
    return environment | {
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(folder),
        # Neither the working folder nor that of a script holds modules.
        "PYTHONSAFEPATH": "1",
        **(more or {}),
    }


def run_child(
    command: Sequence[str | Path],
    folder: Path,
    *,
    text: str | None = None,
    console: IO[bytes] | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end in a made environment; it ends with this process, and hears no key of the terminal.

    Parameters
    ----------
    command : sequence of str or Path
    folder : Path
        Where it runs, and which it may write.
    text : str, optional
        Its standard input; nothing without it.
    console : file, optional
        Gets what it prints, which is otherwise in the result.
    timeout_s : float, optional

    Raises
    ------
    OSError
        When it cannot be started.
    subprocess.TimeoutExpired
        When it was ended because it took too long.
    """
    begun = time.monotonic()
    _LOG.info("calling %s in %s", shlex.join(map(str, command)), folder)
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=child_environment(folder),
        stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
        stdout=subprocess.PIPE if console is None else console,
        stderr=subprocess.PIPE if console is None else subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # An interrupt from the keyboard goes to every process of the terminal's group, and each would tell of it.
        start_new_session=True,
    )
    try:
        out, err = child.communicate(text, timeout=timeout_s)
    except BaseException:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise
    _LOG.info("%s: exit status %d after %.1f s", Path(command[0]).name, child.returncode, time.monotonic() - begun)
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def end_children_of(folder: Path) -> None:
    """End the processes whose `child_environment` was made for a folder, and theirs, on systems that tell of them.

    It is for children that a library starts: it ends its own child alone, and a compiler that ``make`` had started
    would go on, and write into the folder while that is removed.

    Parameters
    ----------
    folder : Path
    """
    wanted = os.fsencode(f"TMPDIR={folder}")
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end by themselves, too, and those of others cannot be read.
        with suppress(OSError):
            if int(process.name) != os.getpid() and wanted in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def _home() -> Path | None:
    """Return the home folder of the user, as the system knows it, whatever the environment says."""
    try:
        import pwd

        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        return None
    return home if home.is_absolute() else None


def _can_be_written(path: Path) -> bool:
    """Return whether a folder for caches can be written; make it where that is possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        return os.access(path, os.W_OK | os.X_OK)
    except OSError:
        return False
