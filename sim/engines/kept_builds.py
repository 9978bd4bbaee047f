"""Builds of Verilator's that are kept from run to run, in the user's cache folder, by the hash of what they are of."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import platform
import secrets
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.sim.engines.simulators import OPTIMIZE, SIMULATORS, search_path
from oscc.sim.engines.verilog_build import TRACED, VerilogBuild

_LOG = logging.getLogger(__name__)

MOST_BYTES = 512 * 2**20
"""Size of all that is kept; what was used longest ago goes first."""

_ABOUT = "build.json"


def build_cache() -> Path | None:
    """Return the folder of kept builds; None where there is no place that is the user's alone.

    What lies there is executed: a folder that others can write is not used.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
        if not base.is_absolute():
            return None
        folder = base / "oscc" / "builds"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError):
        return None
    if not os.access(folder, os.W_OK | os.X_OK):
        return None
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return folder if own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None


class KeptBuilds:
    """Builds of Verilator's in a folder. Any number of processes may use it at the same time.

    Of a build only the program is kept. It is written aside and moved into place whole, and used by copying it out, so
    that another process may remove it at any time.

    Parameters
    ----------
    folder : Path
        Which the user alone can write.
    most_bytes : int
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def key(self, wanted: VerilogBuild) -> str:
        """Return the name under which a build is kept: a hash of its sources and of what builds it."""
        tools = [_version("verilator"), _version("cocotb"), platform.machine(), platform.libc_ver()]
        paths = [shutil.which(program, path=search_path()) for program in SIMULATORS[wanted.simulator].programs]
        # The program finds cocotb's libraries by their place.
        return hashlib.sha256(json.dumps([wanted.identity, tools, paths, _library_folder()]).encode()).hexdigest()

    def fetch(self, wanted: VerilogBuild, folder: Path) -> bool:
        """Copy a kept build into a folder, as `build_verilog` would leave it; return whether there was a whole one.

        Parameters
        ----------
        wanted : VerilogBuild
        folder : Path
        """
        kept = self._folder / self.key(wanted)
        try:
            about = json.loads((kept / _ABOUT).read_text(encoding="utf-8"))
            program = (kept / "program").read_bytes()
            if hashlib.sha256(program).hexdigest() != about["sha256"]:
                raise ValueError("damaged")
            os.utime(kept / _ABOUT)
        except (OSError, ValueError, TypeError, KeyError):
            shutil.rmtree(kept, ignore_errors=True)
            return False
        target = folder / "build" / wanted.top
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(program)
        target.chmod(0o755)
        if wanted.waves:
            (folder / TRACED).touch()
        _LOG.info("%s: taking the build of the same Verilog from %s", wanted.simulator, kept)
        return True

    def keep(self, wanted: VerilogBuild, folder: Path) -> None:
        """Keep what `build_verilog` left in a folder; a disk that is full only costs time.

        Parameters
        ----------
        wanted : VerilogBuild
        folder : Path
        """
        with suppress(OSError):
            program = (folder / "build" / wanted.top).read_bytes()
            aside = self._folder / f".{os.getpid()}-{secrets.token_hex(4)}"
            try:
                aside.mkdir(mode=0o700)
                (aside / "program").write_bytes(program)
                about = {"sha256": hashlib.sha256(program).hexdigest(), "top": wanted.top, "optimize": wanted.optimize}
                (aside / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
                # Where another process was faster, its build is as good.
                aside.rename(self._folder / self.key(wanted))
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            self._trim()

    def _trim(self) -> None:
        """Remove what was used longest ago, until what is left is small enough."""
        found: list[tuple[int, int, Path]] = []
        for kept in self._folder.iterdir():
            # Another process may be removing it, too.
            with suppress(OSError):
                size = sum(file.stat().st_size for file in kept.iterdir())
                found.append(((kept / _ABOUT).stat().st_mtime_ns, size, kept))
        total = 0
        for _, size, kept in sorted(found, reverse=True):
            total += size
            if total > self._most_bytes:
                shutil.rmtree(kept, ignore_errors=True)


def build_or_fetch(wanted: VerilogBuild, folder: Path, build: Callable[[], None]) -> bool:
    """Have a build in a folder: one that was kept, or else a new one, which is kept; return whether it was kept.

    Where one that is better optimised was kept, it is taken.

    Parameters
    ----------
    wanted : VerilogBuild
    folder : Path
        Of this run alone.
    build : callable
        Builds it there.

    Raises
    ------
    OsccError
        As ``build`` raises it.
    """
    place = build_cache() if wanted.simulator == "verilator" else None
    if place is None:
        build()
        return False
    kept = KeptBuilds(place)
    if any(kept.fetch(each, folder) for each in (dataclasses.replace(wanted, optimize=OPTIMIZE), wanted)):
        return True
    build()
    kept.keep(wanted, folder)
    return False


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _library_folder() -> str:
    """Return the folder of cocotb's libraries."""
    try:
        from cocotb_tools import config
    except ImportError as error:
        raise OsccError("engine.missing", "cocotb is not installed", hint="pip install 'oscc[cosim]'") from error
    return str(config.libs_dir)
