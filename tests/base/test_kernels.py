from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oscc.base.kernels import is_interrupt, run_kernel


def test_the_result_is_given_back() -> None:
    assert run_kernel(divmod, 7, 2) == (3, 1)
    with pytest.raises(SystemError, match="own"):
        run_kernel(raising, SystemError("own"))
    assert not is_interrupt(SystemError("own"))


def raising(error: Exception) -> None:
    raise error


SCRIPT = """
import signal, threading, time
import numpy as np
from numba import njit
from oscc.base.kernels import run_kernel

@njit
def long(count, seed):
    total = 0.0
    for place in range(count):
        total += np.sin(place + seed)
    return total, seed

run_kernel(long, 10, 0.0)
threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
try:
    for seed in range(100):
        run_kernel(long, 20_000_000, float(seed))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_while_a_kernel_runs_is_one() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


KERNEL = """
from oscc.base.kernels import kernel

@kernel(nogil=True)
def double(number):
    return 2 * number
"""


def load(path: Path) -> Any:
    """The kernel in a module of its own, loaded anew."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.double


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "doubling.py"
    path.write_text(KERNEL)
    return path


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nb[ic]"))


def test_kernels_are_kept_beside_their_source(source: Path) -> None:
    assert load(source)(4) == 8
    assert len(kept(source.parent)) == 2
    again = load(source)
    assert again(4) == 8
    assert sum(again.stats.cache_hits.values()) == 1


def test_without_a_place_kernels_are_compiled_anew(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    # As for a user without a home folder, where the package lies in a folder of root's.
    monkeypatch.setattr("numba.core.caching.os.makedirs", refuse)
    assert load(source)(4) == 8
    assert kept(source.parent) == []


def test_a_home_that_nobody_knows_makes_no_folder_of_its_name(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> None:
        raise RuntimeError("Could not determine home directory.")

    access = os.access
    monkeypatch.chdir(source.parent)
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK) and access(path, mode))
    assert load(source)(4) == 8
    assert kept(source.parent) == []
    assert not (source.parent / "~").exists()


def test_a_cache_that_fails_later_only_costs_time(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("numba.core.caching.IndexDataCacheFile._open_for_write", refuse)
        assert load(source)(4) == 8
    assert load(source)(4) == 8
    for path in kept(source.parent):
        path.write_bytes(path.read_bytes()[:9])
    assert load(source)(4) == 8


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("NUMBA_NUM_THREADS", "0", "Number of threads specified must be > 0."),
        ("NUMBA_NUM_THREADS", "two", "Environment variable 'NUMBA_NUM_THREADS' is defined but its associated value"),
        ("NUMBA_OPT", "fast", "Environment variable 'NUMBA_OPT' is defined but its associated value"),
    ],
)
def test_settings_that_numba_refuses_are_one_line(name: str, value: str, reason: str, tmp_path: Path) -> None:
    # It reads them once in a process.
    code = """
from oscc.base.errors import OsccError
from oscc.base.kernels import load_numba
try:
    load_numba()
except OsccError as error:
    print(error)
"""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("NUMBA_")} | {name: value}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, hint = done.stdout.splitlines()
    assert (done.stderr, hint) == ("", "unset it")
    assert first.startswith(f"{name}={value}: the compiler of kernels refuses its settings: {reason}")
