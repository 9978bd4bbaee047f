"""Read-only arrays: what makes a dataclass of arrays immutable."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


def freeze(level: Any) -> None:
    """Make every array field of a dataclass instance read-only, C-contiguous and its own.

    Parameters
    ----------
    level : dataclass instance
        A writable or strided array is replaced by a copy, so that nobody who still holds it can change the level.
    """
    for field in dataclasses.fields(level):
        value = getattr(level, field.name)
        if isinstance(value, np.ndarray) and (value.flags.writeable or not value.flags.c_contiguous):
            copy = np.array(value, order="C")
            copy.flags.writeable = False
            object.__setattr__(level, field.name, copy)
