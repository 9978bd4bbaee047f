"""Read-only arrays: what makes a dataclass of arrays immutable."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray


def freeze(level: Any) -> None:
    """Make every array field of a dataclass instance, and of those in it, read-only, C-contiguous and its own.

    Parameters
    ----------
    level : dataclass instance
        A strided array, or one that somebody else could still change, is replaced by a copy.
    """
    for field in dataclasses.fields(level):
        value = getattr(level, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            freeze(value)
        elif isinstance(value, np.ndarray) and (_can_change(value) or not value.flags.c_contiguous):
            copy = np.array(value, order="C")
            copy.flags.writeable = False
            object.__setattr__(level, field.name, copy)


def _can_change(array: NDArray[Any]) -> bool:
    """Return whether an array, or the memory of which it is a read-only view, can be written."""
    memory: Any = array
    while isinstance(memory, np.ndarray):
        if memory.flags.writeable:
            return True
        memory = memory.base
    return memory is not None and not isinstance(memory, bytes)
