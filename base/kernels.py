"""Compiled kernels: whether they are kept on disk is decided here, and an interrupt from the keyboard is one."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from oscc.base.errors import OsccError

Result = TypeVar("Result")

SETTINGS_FILE = ".numba_config.yaml"
"""File of the working folder from which numba takes settings."""


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is first called, once for all processes where the compiled code can be kept.

    That is ``NUMBA_CACHE_DIR``, the folder of the function's source, or the user's cache folder. Where none can be
    written the kernel is compiled in each process anew; no folder that others can write is used, because what lies
    there is executed.

    Parameters
    ----------
    **options
        As numba's ``njit`` takes them, but for ``cache``.

    Raises
    ------
    OsccError
        ``environment.numba``, when a variable makes numba fail.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        njit = load_numba().njit
        if not _may_be_kept(function):
            return njit(**options)(function)
        try:
            made = njit(cache=True, **options)(function)
        except RuntimeError:
            # It looked for a place, and found none.
            return njit(**options)(function)
        if (kept := getattr(made, "_cache", None)) is not None:
            made._cache = _Spare(kept)
        return made

    return compiled


def load_numba() -> ModuleType:
    """Import the compiler of kernels, which takes half a second, and return it.

    Raises
    ------
    OsccError
        ``environment.numba``, when a variable makes it fail.
    """
    try:
        with warnings.catch_warnings():
            # Of a value that it cannot read it warns in five lines, and goes on with another.
            warnings.filterwarnings("error", message="Environment variable", category=RuntimeWarning)
            import numba
    except ImportError:
        raise
    except Exception as error:
        given = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("NUMBA_"))
        if Path(SETTINGS_FILE).exists():
            given.append(f"{SETTINGS_FILE} in this folder")
        if not given:
            raise
        reason = str(error).partition("\n")[0]
        raise OsccError(
            "environment.numba",
            f"the compiler of kernels refuses its settings: {reason}",
            where=", ".join(given),
            hint="unset it" if len(given) == 1 else "unset what is wrong of them",
        ) from None
    found: ModuleType = numba
    return found


def _may_be_kept(function: Callable[..., Any]) -> bool:
    """Return whether numba may look for a place: without a home folder it would make one that is named "~"."""
    if os.environ.get("NUMBA_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME", "")).is_absolute():
        return True
    beside = Path(inspect.getfile(function)).parent
    beside = beside / "__pycache__" if (beside / "__pycache__").is_dir() else beside
    if os.access(beside, os.W_OK | os.X_OK):
        return True
    try:
        return Path.home().is_absolute()
    except RuntimeError:
        return False


class _Spare:
    """What numba keeps on disk, without which it can do: a full disk or a damaged file only costs time.

    Parameters
    ----------
    cache : numba.core.caching.Cache
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return what was compiled before, or None."""
        # A file that was cut off makes its reader raise whatever it stumbles over.
        with suppress(Exception):
            return self._cache.load_overload(signature, context)
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, where that is possible."""
        with suppress(Exception):
            self._cache.save_overload(signature, compiled)


def run_kernel(kernel: Callable[..., Result], *arguments: Any) -> Result:
    """Call a compiled function; an interrupt that comes while it runs is raised when it has returned.

    Parameters
    ----------
    kernel : callable
    *arguments

    Raises
    ------
    KeyboardInterrupt
        Python finds an exception beside a result, and calls that a system error.
    """
    try:
        return kernel(*arguments)
    except SystemError as error:
        if is_interrupt(error):
            raise KeyboardInterrupt from None
        raise


def is_interrupt(error: SystemError) -> bool:
    """Return whether a system error is an interrupt that came while a compiled function ran."""
    return isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
