"""Cores that are as small as the logic under proof allows."""

from __future__ import annotations

from typing import Any

from oscc.core.spec import CoreSpec

DAC = {"bits": 2, "full_scale_rad_s": 1.0e6}


def small_core(**changes: Any) -> CoreSpec:
    """A core of 3 x 2 cells with 2 chunks, one coupling unit per cell, 2-bit codes, and what ``changes`` says.

    A weight word has 8 bits, so that it is one beat of 32.
    """
    described: dict[str, Any] = {
        "schema": "oscc.core/1",
        "name": "formal",
        "grid": [3, 2],
        "stencil": [[0, 1]],
        "chunks": 2,
        "coupling_dac": DAC,
        "shil_dac": DAC,
        "field_dac": DAC,
        "detuning_dac": DAC,
        "stream_width": 32,
        **changes,
    }
    return CoreSpec.model_validate(described)
