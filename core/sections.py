"""The sections of a CoreSpec file: DACs, init, read-out and defects; and the numbers that all of them are made of.

Numbers are strict: what a YAML file writes as a text, a truth value or a fraction is no integer.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from oscc.base.config import Angle, Gain, Integer, Positive, Section


class DacSpec(Section):
    """A group of sign-magnitude DACs.

    Attributes
    ----------
    bits : int
        Width of a code, 2 to 8: the sign in the most significant bit, the magnitude below.
    full_scale_rad_s : float
        Strength at the top code [rad/s].
    forbidden : tuple of int
        Signed codes that must never be programmed (silicon errata); 0 cannot be forbidden.
    """

    bits: Integer = Field(ge=2, le=8)
    full_scale_rad_s: Positive
    forbidden: tuple[Integer, ...] = ()

    @property
    def top_code(self) -> int:
        """Largest magnitude: 2^(bits - 1) - 1."""
        return int(2 ** (self.bits - 1) - 1)

    @property
    def allowed_codes(self) -> tuple[int, ...]:
        """Every signed code that may be programmed, ascending."""
        return tuple(c for c in range(-self.top_code, self.top_code + 1) if c not in self.forbidden)

    @model_validator(mode="after")
    def _check_forbidden(self) -> DacSpec:
        for code in self.forbidden:
            if abs(code) > self.top_code:
                raise ValueError(
                    f"forbidden code {code} is no code of {self.bits} bits (-{self.top_code}..{self.top_code})"
                )
            if code == 0:
                raise ValueError("code 0 cannot be forbidden: unused slots hold it")
        return self


class InitSpec(Section):
    """The noise from which a sample starts.

    Attributes
    ----------
    kind : {"normal", "uniform"}
        Distribution of the initial phases; ``uniform`` is over [-pi, pi).
    std_rad : float
        Standard deviation of ``normal`` [rad]; ignored for ``uniform``.
    mean_rad : float
        Mean of ``normal`` [rad], -pi to pi; 0 for ``uniform``. Where it is 0 it is not written, so that the hash of a
        core without it is what it was.
    cycles : int
        Clock cycles for which the array is held in noise.
    """

    kind: Literal["normal", "uniform"] = "normal"
    std_rad: Positive = 1.0
    mean_rad: Angle = 0.0
    cycles: Integer = Field(default=64, ge=1, lt=2**24)

    @model_validator(mode="after")
    def _check_mean(self) -> InitSpec:
        if self.kind == "uniform" and self.mean_rad:
            raise ValueError(
                f"mean_rad {self.mean_rad:.9g} means nothing for uniform phases, which cover the circle: leave it out"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_mean(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        if not self.mean_rad:
            content.pop("mean_rad", None)
        return content


class ReadoutSpec(Section):
    """Which cells can be read, and how finely.

    Attributes
    ----------
    origin, step : tuple of (int, int)
        Readable cells are (origin + k step), by row and by column.
    taps : int
        Taps of the delay line: one Johnson code has 2 taps steps. 2 to 8.
    subphases : int
        Shifted latches between two taps; a power of two from 1 to 16.
    """

    origin: tuple[Integer, Integer] = (0, 0)
    step: tuple[Integer, Integer] = (1, 1)
    taps: Integer = Field(default=8, ge=2, le=8)
    subphases: Integer = Field(default=4, ge=1, le=16)

    @field_validator("origin")
    @classmethod
    def _check_origin(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 0:
            raise ValueError(f"origin {list(value)} lies outside the grid")
        return value

    @field_validator("step")
    @classmethod
    def _check_step(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 1:
            raise ValueError(f"step {list(value)} must be at least 1 in both directions")
        return value

    @model_validator(mode="after")
    def _check_steps(self) -> ReadoutSpec:
        if self.taps & (self.taps - 1) or self.subphases & (self.subphases - 1):
            raise ValueError(f"taps ({self.taps}) and subphases ({self.subphases}) must be powers of two")
        if self.phase_steps > 256:
            raise ValueError(f"2 x taps x subphases is {self.phase_steps}; a code has at most 8 bits (256 steps)")
        return self

    @property
    def phase_steps(self) -> int:
        """Steps per turn: 2 x taps x subphases."""
        return 2 * self.taps * self.subphases

    @property
    def tap_bits(self) -> int:
        """Latched bits of one oscillator: taps x subphases."""
        return self.taps * self.subphases


class DefectSpec(Section):
    """What the test of this die found: cells and slots that must not be used, and cells whose couplings are off.

    Attributes
    ----------
    cells : tuple of (row, col)
    slots : tuple of (row, col, slot)
    gain : tuple of (row, col, gain)
        Strength of all coupling units of a cell, relative to what their codes say; 0.5 to 2, and 1 where it is not
        listed. What is not there is not written either, so that the hash of a core without it is what it was.
    """

    cells: tuple[tuple[Integer, Integer], ...] = ()
    slots: tuple[tuple[Integer, Integer, Integer], ...] = ()
    gain: tuple[tuple[Integer, Integer, Gain], ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        if not self.gain:
            content.pop("gain", None)
        return content
