"""Strict numbers and sections for configuration files: unknown keys are refused, and nothing can be changed.

What a YAML file writes as a text, a truth value or a fraction is no integer.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")


def _number(value: Any) -> Any:
    """Return a number, also of a text such as ``1.8e6``: YAML 1.1 wants a sign in the exponent."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


def _within_float(value: float) -> float:
    """Return a number whose products and squares stay within float64; refuse any other."""
    if not 1e-30 <= value <= 1e30:
        raise ValueError(f"{value:g} is not between 1e-30 and 1e30")
    return value


Integer = Annotated[int, Field(strict=True)]
"""An integer."""


Positive = Annotated[
    float,
    BeforeValidator(_number),
    Field(strict=True, gt=0, allow_inf_nan=False),
    AfterValidator(_within_float),
]
"""A frequency, a rate or an angle; within limits that keep all that follows from it within float64."""


NotNegative = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=0, allow_inf_nan=False, le=1e30)]
"""A finite number that may be zero."""


Finite = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=-1e30, le=1e30)]
"""A number of either sign."""


Fraction = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=0, le=1)]
"""A fraction, 0 to 1."""


Angle = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=-math.pi, le=math.pi)]
"""An angle within one turn about 0 [rad]."""

Gain = Annotated[float, BeforeValidator(_number), Field(strict=True, ge=0.5, le=2.0)]
"""A gain relative to the nominal one."""


class Section(BaseModel):
    """What all sections have in common: unknown keys are refused, and nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=False)
