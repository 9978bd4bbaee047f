"""CoreSpec: one piece of hardware, as a YAML file describes it.

What is written in the file is a field; everything that follows from it is a property of `CoreSpec`, so that the
compiler, the RTL and the simulation never compute the same number twice.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from oscc.base.config import Integer, Positive, Section
from oscc.core.groups import Groups
from oscc.core.instructions import MAX_SAMPLE_CHUNKS
from oscc.core.latencies import (
    BUS_FANOUT,
    LEAST_DRIVEN_INIT,
    LEAST_INIT,
    LONGEST_FETCH,
    MAP_BITS,
    MERGE_LATENCY,
    READ_LATENCY,
    READOUT_LATENCY,
    READOUT_ROW_CYCLES,
    TABLE_BITS,
    WATCH_BITS,
)
from oscc.core.registers import register
from oscc.core.sections import DacSpec as DacSpec
from oscc.core.sections import DefectSpec as DefectSpec
from oscc.core.sections import InitSpec as InitSpec
from oscc.core.sections import ReadoutSpec as ReadoutSpec
from oscc.core.stencil import Stencil, listed_stencil, named_stencil

SCHEMA = "oscc.core/1"

MAX_SLOTS = register("WORD").field("slots").mask >> register("WORD").field("slots").low
"""Coupling units per cell that register WORD can name."""

Cells = Annotated[Integer, Field(ge=1, le=512)]


class CoreSpec(Section):
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
        Capacity, in chunks, of the weight memory; at most `instructions.MAX_SAMPLE_CHUNKS`.
    coupling_dac, shil_dac, field_dac, detuning_dac : DacSpec
    reference_hz : float
        Frequency of the reference oscillation that phases refer to [Hz]. Informational: nothing is computed from it;
        it is part of the specification that a core's files and receipts record.
    clock_hz : float
        Frequency of the digital clock [Hz].
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
    spi : bool
        An SPI slave beside the AXI4-Lite port, that reaches the same registers.
    memory_pins : bool
        Test and redundancy pins of the memories as ports of the core. What the hardware computes does not depend on it:
        `canonical_json` names it only where it is true.
    inputs : int
        Capacity of the input memory, in codes; 0 for none of it. Where it is 0 it is not written, so that the files and
        the hash of a core without inputs are what they were.
    defects : DefectSpec
    """

    schema_: Literal["oscc.core/1"] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    grid: tuple[Cells, Cells]
    stencil: str | list[list[Integer]]
    couplings: Literal["directed", "reciprocal"] = "directed"
    chunks: Integer = Field(ge=1)
    coupling_dac: DacSpec
    shil_dac: DacSpec
    field_dac: DacSpec
    detuning_dac: DacSpec
    reference_hz: Positive = 100.0e6
    clock_hz: Positive = 100.0e6
    init: InitSpec = InitSpec()
    cycles_per_sample: Integer = Field(default=1000, ge=2, lt=2**24)
    readout: ReadoutSpec = ReadoutSpec()
    tracks_per_boundary: Integer = Field(default=0, ge=0)
    stream_width: Literal[32, 64, 128] = 64
    protection: Literal["secded", "none"] = "secded"
    spi: bool = False
    memory_pins: bool = False
    inputs: Integer = Field(default=0, ge=0, le=4096)
    defects: DefectSpec = DefectSpec()

    @model_serializer(mode="wrap")
    def _without_inputs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        if not self.inputs:
            content.pop("inputs", None)
        return content

    @field_validator("stencil")
    @classmethod
    def _check_stencil(cls, value: str | list[list[int]]) -> str | list[list[int]]:
        _parse_stencil(value)
        return value

    @field_validator("stream_width", mode="before")
    @classmethod
    def _check_stream_width(cls, value: object) -> object:
        # A Literal also takes 64.0, which is equal.
        if isinstance(value, float):
            raise ValueError("input should be 32, 64 or 128")
        return value

    @field_validator("chunks")
    @classmethod
    def _check_chunks(cls, value: int) -> int:
        if value > MAX_SAMPLE_CHUNKS:
            raise ValueError(f"the schedule of more than {MAX_SAMPLE_CHUNKS} chunks does not fit the schedule memory")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> CoreSpec:
        if self.couplings == "reciprocal" and not self.model_stencil.is_symmetric:
            raise ValueError("stencil: reciprocal couplings need a symmetric stencil (every offset with its opposite)")
        if self.slots > MAX_SLOTS:
            raise ValueError(
                f"stencil: {self.slots} coupling units per cell; register WORD can name at most {MAX_SLOTS}"
            )
        if "tracks_per_boundary" not in self.model_fields_set:
            # The default depends on two other fields, which are known to be good only here.
            object.__setattr__(self, "tracks_per_boundary", self.unit_stencil.peak_wires())
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
        for row, col, _ in self.defects.gain:
            if not (0 <= row < self.rows and 0 <= col < self.cols):
                raise ValueError(f"defects.gain: {[row, col]} lies outside the {self.rows} x {self.cols} grid")
        if self.inputs > self.cells:
            raise ValueError(f"inputs: {self.inputs} for {self.cells} cells; a cell takes at most one")
        if self.driven and self.field_dac.forbidden:
            raise ValueError(
                "field_dac.forbidden: a host sends field codes to a core with inputs; none can be forbidden"
            )
        least_init = LEAST_DRIVEN_INIT if self.driven else LEAST_INIT
        if self.init.cycles < least_init:
            raise ValueError(
                f"init.cycles: {self.init.cycles} is shorter than the fetch of the run that follows ({least_init})"
            )
        if self.init.cycles + self.least_run_cycles > self.cycles_per_sample:
            raise ValueError(
                f"cycles_per_sample: {self.cycles_per_sample} cannot hold init ({self.init.cycles}) and one run of at "
                f"least a load or a fetch ({self.least_run_cycles})"
            )
        return self

    @property
    def driven(self) -> bool:
        """Whether the core has inputs, and with them the instructions and registers of driven cores."""
        return self.inputs > 0

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

    @cached_property
    def unit_gain(self) -> NDArray[np.float64]:
        """Gain of the coupling units of each cell, float64[rows, cols]; 1 where the test of the die found none."""
        gain = np.ones(self.grid)
        for row, col, value in self.defects.gain:
            gain[row, col] = value
        gain.setflags(write=False)
        return gain

    # Weight memory

    @cached_property
    def dacs(self) -> Groups[DacSpec]:
        """The DACs of each group."""
        return Groups(self.coupling_dac, self.shil_dac, self.field_dac, self.detuning_dac)

    def dac(self, group: str) -> DacSpec:
        """Return the DACs of a group of `oscc.core.groups.GROUPS`."""
        return self.dacs[group]

    @property
    def word_bits(self) -> int:
        """Bits of one cell's codes for one chunk: slots x coupling bits + SHIL + field + detuning bits."""
        return self.slots * self.coupling_dac.bits + sum(dac.bits for dac in self.dacs.nodes())

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
        return self.bank_beats + sum(self.section_beats)

    @property
    def bank_beats(self) -> int:
        """Beats of all weight words."""
        return self.cols * self.bank_depth * self.word_beats

    @property
    def section_beats(self) -> tuple[int, int, int]:
        """Beats of input map, feedback tables and watch, which follow the weight words; none without inputs."""
        if not self.driven:
            return 0, 0, 0
        map_beats, table_beats, watch_beats = (
            -(-bits // self.stream_width) for bits in (MAP_BITS, TABLE_BITS, WATCH_BITS)
        )
        entries = self.chunks * self.readout.phase_steps
        return self.inputs * map_beats, entries * table_beats, self.frame_beats * watch_beats

    @property
    def program_bytes(self) -> int:
        """Bytes of the whole program stream; the CRC-32 is over exactly these."""
        return self.program_beats * self.stream_width // 8

    # Timing

    @property
    def bus_levels(self) -> int:
        """Registers on the way from the banks' buses to a bank: 1 up to 8 columns, 2 up to 64, 3 up to 512."""
        levels = 1
        while BUS_FANOUT**levels < self.cols:
            levels += 1
        return levels

    @property
    def bank_latency(self) -> int:
        """Cycles from the address of a row to the banks' data: bus levels + bank read."""
        return self.bus_levels + READ_LATENCY

    @property
    def loader_latency(self) -> int:
        """Cycles from the edge on which a load starts to its first row at the array: bank latency + merge."""
        return self.bank_latency + (MERGE_LATENCY if self.driven else 0)

    @property
    def load_cycles(self) -> int:
        """Cycles from the start of a chunk load to the earliest commit: rows + loader latency."""
        return self.rows + self.loader_latency

    @property
    def least_run_cycles(self) -> int:
        """Fewest cycles of a run: it must cover a load, and the fetch of the instructions that follow it."""
        return max(self.load_cycles, LONGEST_FETCH)

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

    # Variants

    def changed(self, **keys: Any) -> CoreSpec:
        """Return the same core with other values of some keys.

        Dead units stay where they are: with another stencil, or with units that serve one direction instead of two,
        their slots are numbered anew, and those whose offset is no longer there are left out. All other keys keep what
        they have, also those whose default would follow from a key that changes.

        Parameters
        ----------
        **keys
            Values as a YAML file would hold them.

        Raises
        ------
        ValueError
            When there is no such core.
        """
        described = self.model_dump(mode="json", by_alias=True)
        units = {"stencil", "couplings"} & keys.keys()
        if not units or "defects" in keys or not self.defects.slots:
            return CoreSpec.model_validate({**described, **keys})
        without = {**described["defects"], "slots": []}
        other = CoreSpec.model_validate({**described, **keys, "defects": without})
        slots = sorted({unit for dead in self.defects.slots for unit in _units_anew(dead, self, other)})
        return CoreSpec.model_validate({**described, **keys, "defects": {**without, "slots": slots}})

    def with_coupling_bits(self, bits: int) -> CoreSpec:
        """Return the same core with coupling DACs of another width, and the same full scale.

        Parameters
        ----------
        bits : int
            2 to 8. Forbidden codes are those of the silicon with the old width: the new one has none.
        """
        coupling = self.coupling_dac.model_dump(mode="json", by_alias=True)
        return self.changed(coupling_dac=coupling | {"bits": bits, "forbidden": []})

    # Identity

    def canonical_json(self) -> str:
        """Return the specification with every default filled in, keys sorted: what `hash` is taken over.

        Without ``memory_pins`` where that is false, so that programs for cores of before it remain good.
        """
        described = self.model_dump(mode="json", by_alias=True)
        if not self.memory_pins:
            del described["memory_pins"]
        return json.dumps(described, sort_keys=True, separators=(",", ":"))

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same hardware: what was computed from a core and kept does not count."""
        if not isinstance(other, CoreSpec):
            return NotImplemented
        return self is other or self.canonical_json() == other.canonical_json()

    def __hash__(self) -> int:
        return hash(self.canonical_json())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of `canonical_json`, in hexadecimal; it binds a program to a core."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def _parse_stencil(value: str | list[list[int]]) -> Stencil:
    return named_stencil(value) if isinstance(value, str) else listed_stencil(value)


def _units_anew(dead: tuple[int, int, int], old: CoreSpec, new: CoreSpec) -> list[tuple[int, int, int]]:
    """Return the units of a core that make the couplings which a unit of another core made."""
    row, col, slot = dead
    drow, dcol = old.unit_stencil.offsets[slot]
    couplings = [((row, col), (drow, dcol))]
    if old.couplings == "reciprocal":
        couplings.append(((row + drow, col + dcol), (-drow, -dcol)))
    found = []
    for cell, offset in couplings:
        if offset not in new.unit_stencil.offsets and new.couplings == "reciprocal":
            # The other cell holds the unit of this pair.
            cell, offset = (cell[0] + offset[0], cell[1] + offset[1]), (-offset[0], -offset[1])
        if offset in new.unit_stencil.offsets and 0 <= cell[0] < new.rows and 0 <= cell[1] < new.cols:
            found.append((*cell, new.unit_stencil.offsets.index(offset)))
    return found
