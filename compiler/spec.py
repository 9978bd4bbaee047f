"""CoreSpec: one piece of hardware, as a YAML file describes it.

What is written in the file is a field; everything that follows from it is a property of `CoreSpec`, so that the
compiler, the RTL and the simulation never compute the same number twice.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from oscc.compiler.stencil import Stencil, listed_stencil, named_stencil

SCHEMA = "oscc.core/1"

LOADER_LATENCY = 4
"""Cycles from the edge on which a load starts to its first row at the array: address, read, syndrome, correction."""

READOUT_ROW_CYCLES = 3
"""Cycles of the read-out per row, besides its beats: select the row, wait for the tap bus, latch it."""

READOUT_LATENCY = 1
"""Cycles from `sample` to the first row being selected."""

FETCH_CYCLES = 2
"""Cycles in which the sequencer fetches and decodes one instruction."""

FETCH_LATENCY = 1
"""Cycles from a group of instructions taking effect to the fetch of the next group."""

GROUPS = ("coupling", "shil", "field", "detuning")
"""DAC groups in the order in which their codes stand in a weight word, from bit 0 up."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Cells = Annotated[int, Field(ge=1, le=512)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=False)


class DacSpec(_Section):
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

    bits: int = Field(ge=2, le=8)
    full_scale_rad_s: Positive
    forbidden: tuple[int, ...] = ()

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


class InitSpec(_Section):
    """The noise from which a sample starts.

    Attributes
    ----------
    kind : {"normal", "uniform"}
        Distribution of the initial phases; ``uniform`` is over [-pi, pi).
    std_rad : float
        Standard deviation of ``normal`` [rad]; ignored for ``uniform``.
    cycles : int
        Clock cycles for which the array is held in noise.
    """

    kind: Literal["normal", "uniform"] = "normal"
    std_rad: Positive = 1.0
    cycles: int = Field(default=64, ge=1, lt=2**24)


class ReadoutSpec(_Section):
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

    origin: tuple[int, int] = (0, 0)
    step: tuple[int, int] = (1, 1)
    taps: int = Field(default=8, ge=2, le=8)
    subphases: int = Field(default=4, ge=1, le=16)

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


class DefectSpec(_Section):
    """Cells and slots of this die that must not be used.

    Attributes
    ----------
    cells : tuple of (row, col)
    slots : tuple of (row, col, slot)
    """

    cells: tuple[tuple[int, int], ...] = ()
    slots: tuple[tuple[int, int, int], ...] = ()


class CoreSpec(_Section):
    """An oscillator core.

    Attributes
    ----------
    name : str
        Lower-case letters, digits and hyphens; it names the generated files.
    grid : tuple of (int, int)
        Rows and columns of cells.
    stencil : str or list of [drow, dcol]
        Where a cell can receive couplings from.
    couplings : {"directed", "reciprocal"}
        ``reciprocal``: one unit serves both directions of a pair.
    chunks : int
        Capacity, in chunks, of the weight memory.
    coupling_dac, shil_dac, field_dac, detuning_dac : DacSpec
    reference_hz, clock_hz : float
        Frequency of the reference oscillation and of the digital clock [Hz].
    init : InitSpec
    cycles_per_sample : int
        Budget of a sample, init included [clock cycles].
    readout : ReadoutSpec
    tracks_per_boundary : int
        Wires that fit over the boundary of two neighbouring cells; by default what the full stencil needs.
    stream_width : {32, 64, 128}
        Width of the program and image streams [bits].
    protection : {"secded", "none"}
        Check bits on every weight word.
    defects : DefectSpec
    """

    schema_: Literal["oscc.core/1"] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    grid: tuple[Cells, Cells]
    stencil: str | list[list[int]]
    couplings: Literal["directed", "reciprocal"] = "directed"
    chunks: int = Field(ge=1, le=64)
    coupling_dac: DacSpec
    shil_dac: DacSpec
    field_dac: DacSpec
    detuning_dac: DacSpec
    reference_hz: Positive = 100.0e6
    clock_hz: Positive = 100.0e6
    init: InitSpec = InitSpec()
    cycles_per_sample: int = Field(default=1000, ge=2, lt=2**24)
    readout: ReadoutSpec = ReadoutSpec()
    tracks_per_boundary: int = Field(default=0, ge=0)
    stream_width: Literal[32, 64, 128] = 64
    protection: Literal["secded", "none"] = "secded"
    defects: DefectSpec = DefectSpec()

    @field_validator("stencil")
    @classmethod
    def _check_stencil(cls, value: str | list[list[int]]) -> str | list[list[int]]:
        _parse_stencil(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _default_tracks(cls, data: Any) -> Any:
        # The default depends on two other fields, so it is filled in before validation; bad values of those are
        # left for their own validators to report.
        if isinstance(data, dict) and "tracks_per_boundary" not in data:
            try:
                stencil = _parse_stencil(data["stencil"])
            except (KeyError, ValueError, TypeError):
                return data
            hardware = stencil.half() if data.get("couplings") == "reciprocal" and stencil.is_symmetric else stencil
            data = {**data, "tracks_per_boundary": hardware.peak_wires()}
        return data

    @model_validator(mode="after")
    def _check_together(self) -> CoreSpec:
        if self.couplings == "reciprocal" and not self.model_stencil.is_symmetric:
            raise ValueError("stencil: reciprocal couplings need a symmetric stencil (every offset with its opposite)")
        if self.readout.origin[0] >= self.rows or self.readout.origin[1] >= self.cols:
            raise ValueError(
                f"readout.origin: {list(self.readout.origin)} lies outside the {self.rows} x {self.cols} grid"
            )
        for cell in self.defects.cells:
            if not (0 <= cell[0] < self.rows and 0 <= cell[1] < self.cols):
                raise ValueError(f"defects.cells: {list(cell)} lies outside the {self.rows} x {self.cols} grid")
        for row, col, slot in self.defects.slots:
            if not (0 <= row < self.rows and 0 <= col < self.cols and 0 <= slot < self.slots):
                raise ValueError(
                    f"defects.slots: {[row, col, slot]} is no slot; rows 0..{self.rows - 1}, "
                    f"columns 0..{self.cols - 1}, slots 0..{self.slots - 1}"
                )
        shortest = self.init.cycles + self.load_cycles
        if shortest > self.cycles_per_sample:
            raise ValueError(
                f"cycles_per_sample: {self.cycles_per_sample} cannot hold init ({self.init.cycles}) and one run of at "
                f"least a load ({self.load_cycles})"
            )
        return self

    # Geometry

    @property
    def rows(self) -> int:
        """Rows of cells."""
        return self.grid[0]

    @property
    def cols(self) -> int:
        """Columns of cells, and weight banks."""
        return self.grid[1]

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.rows * self.cols

    @cached_property
    def model_stencil(self) -> Stencil:
        """The stencil that a model may use: both directions of a pair, also on a reciprocal core."""
        return _parse_stencil(self.stencil)

    @cached_property
    def unit_stencil(self) -> Stencil:
        """The stencil of the coupling units of a cell: half of `model_stencil` on a reciprocal core."""
        return self.model_stencil.half() if self.couplings == "reciprocal" else self.model_stencil

    @property
    def slots(self) -> int:
        """Coupling units per cell."""
        return len(self.unit_stencil)

    # Weight memory

    def dac(self, group: str) -> DacSpec:
        """The DACs of a group of `GROUPS`."""
        dacs = {
            "coupling": self.coupling_dac,
            "shil": self.shil_dac,
            "field": self.field_dac,
            "detuning": self.detuning_dac,
        }
        return dacs[group]

    @property
    def word_bits(self) -> int:
        """Bits of one cell's codes for one chunk: slots x coupling bits + SHIL + field + detuning bits."""
        node = self.shil_dac.bits + self.field_dac.bits + self.detuning_dac.bits
        return self.slots * self.coupling_dac.bits + node

    @property
    def check_bits(self) -> int:
        """SECDED check bits per word: the fewest r with 2^r >= word + r + 1, plus overall parity; 0 unprotected."""
        if self.protection == "none":
            return 0
        r = 1
        while 2**r < self.word_bits + r + 1:
            r += 1
        return r + 1

    @property
    def bank_depth(self) -> int:
        """Words per bank: chunks x rows; the address is chunk x rows + row."""
        return self.chunks * self.rows

    @property
    def weight_bits(self) -> int:
        """Bits of all codes of all chunks, without check bits and padding."""
        return self.cells * self.chunks * self.word_bits

    @property
    def row_bits(self) -> int:
        """Width of the row bus to the array: columns x word_bits; column 0 in the lowest bits."""
        return self.cols * self.word_bits

    # Program stream

    @property
    def word_beats(self) -> int:
        """Stream beats per weight word; a word is padded with zeros to whole beats."""
        return -(-self.word_bits // self.stream_width)

    @property
    def program_beats(self) -> int:
        """Beats of the whole program stream, and the fewest cycles in which it loads."""
        return self.cols * self.bank_depth * self.word_beats

    @property
    def program_bytes(self) -> int:
        """Bytes of the whole program stream; the CRC-32 is over exactly these."""
        return self.program_beats * self.stream_width // 8

    # Timing

    @property
    def load_cycles(self) -> int:
        """Cycles from the start of a chunk load to the earliest commit: rows + loader latency."""
        return self.rows + LOADER_LATENCY

    @property
    def clock_s(self) -> float:
        """Clock period [s]."""
        return 1.0 / self.clock_hz

    # Read-out

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Readable rows and columns."""
        (row0, col0), (drow, dcol) = self.readout.origin, self.readout.step
        return len(range(row0, self.rows, drow)), len(range(col0, self.cols, dcol))

    @property
    def code_bits(self) -> int:
        """Bits of a read-out code: log2(phase_steps)."""
        return (self.readout.phase_steps - 1).bit_length()

    @property
    def codes_per_beat(self) -> int:
        """Read-out codes per image beat; each stands in a byte of its own."""
        return self.stream_width // 8

    @property
    def row_beats(self) -> int:
        """Image beats per readable row; a row starts with a new beat."""
        return -(-self.frame_shape[1] // self.codes_per_beat)

    @property
    def frame_beats(self) -> int:
        """Image beats per sample."""
        return self.frame_shape[0] * self.row_beats

    @property
    def row_tap_bits(self) -> int:
        """Width of the tap bus from the array: readable columns x taps x sub-phases."""
        return self.frame_shape[1] * self.readout.tap_bits

    @property
    def readout_cycles(self) -> int:
        """Cycles from `sample` until the latches are free again, when the output FIFO has room."""
        return self.frame_shape[0] * (self.row_beats + READOUT_ROW_CYCLES) + READOUT_LATENCY

    # Identity

    def canonical_json(self) -> str:
        """The specification with every default filled in, keys sorted: what `hash` is taken over."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of `canonical_json`, in hexadecimal; it binds a program to a core."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def _parse_stencil(value: str | list[list[int]]) -> Stencil:
    return named_stencil(value) if isinstance(value, str) else listed_stencil(value)
