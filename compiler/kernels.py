"""Calling compiled kernels so that an interrupt from the keyboard is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


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
    """Whether a system error is an interrupt that came while a compiled function ran."""
    return isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
