"""`Drive`: what a program for a driven core has besides weight words: input map, feedback tables, watch, and scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.core.driven_times import DriveTimes
from oscc.core.latencies import MAP_BITS, TABLE_BITS, WATCH_BITS
from oscc.core.spec import CoreSpec

FED_BACK = np.uint64(1 << 63)
"""Bit of an entry of the input map: feedback writes this input."""


@dataclass(frozen=True, eq=False)
class Drive:
    """What a program says of inputs, feedback and settling. Arrays are read-only; all are empty on a plain core.

    Parameters
    ----------
    capacity : int
        Entries of the input map: ``inputs`` of the core; 0 on a plain one.
    beat_bytes : int
        Bytes of a stream beat; 0 on a plain core.
    field_bits : int
        Width of a field code; 0 on a plain core.
    cell : int32[I, 2]
        (row, column) of each input of the program, in the order of a vector.
    pixel : int32[I, 2]
        (row, column) in the read-out frame of what is fed back to each input; -1 where nothing is.
    base : float64[C, I]
        Field of each input's cell at an input of 0 [rad per unit of model time].
    gain : float64[C, I]
        What an input of 1 adds [rad per unit of model time]; 0 in chunks in which it does not act.
    table : uint8[core chunks, phase_steps]
        Field code, sign-magnitude, that feedback gives for each read-out code before each chunk.
    watched : bool[frame rows, frame columns]
        Cells that a look compares.
    tolerance : int
        Read-out steps by which a watched cell may differ from one look to the next and not have moved.
    allowed : int
        Watched cells that may have moved between two looks of an array at rest.
    """

    capacity: int
    beat_bytes: int
    field_bits: int
    cell: NDArray[np.int32]
    pixel: NDArray[np.int32]
    base: NDArray[np.float64]
    gain: NDArray[np.float64]
    table: NDArray[np.uint8]
    watched: NDArray[np.bool_]
    tolerance: int = 0
    allowed: int = 0

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def unused(cls, core: CoreSpec, chunks: int) -> Drive:
        """Return that of a program without inputs and without looks; of a plain core, `PLAIN`.

        Parameters
        ----------
        core : CoreSpec
        chunks : int
            Chunks of the program.
        """
        if not core.driven:
            return PLAIN
        return cls(
            core.inputs,
            core.stream_width // 8,
            core.field_dac.bits,
            np.zeros((0, 2), dtype=np.int32),
            np.zeros((0, 2), dtype=np.int32),
            np.zeros((chunks, 0)),
            np.zeros((chunks, 0)),
            np.zeros((core.chunks, core.readout.phase_steps), dtype=np.uint8),
            np.zeros(core.frame_shape, dtype=np.bool_),
        )

    @property
    def driven(self) -> bool:
        """Whether the program is for a driven core."""
        return self.capacity > 0

    @property
    def inputs(self) -> int:
        """I, the codes of a vector: content of register INPUT_COUNT."""
        return len(self.cell)

    @property
    def fed_back(self) -> NDArray[np.bool_]:
        """Inputs that feedback writes, bool[I]."""
        return np.asarray(self.pixel[:, 0] >= 0, dtype=np.bool_)

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row of the frame that a look reads: content of register SETTLE_ROWS; 0, 0 for none."""
        rows = np.flatnonzero(self.watched.any(axis=1))
        return (int(rows[0]), int(rows[-1])) if rows.size else (0, 0)

    @property
    def times(self) -> DriveTimes:
        """What the times of looks and feedback follow from."""
        first, last = self.rows
        return DriveTimes(self.inputs, last - first + 1)

    def settle_word(self) -> int:
        """Return the content of register SETTLE."""
        return self.tolerance | self.allowed << 16

    def settle_rows_word(self) -> int:
        """Return the content of register SETTLE_ROWS."""
        first, last = self.rows
        return first | last << 16

    def sections(self) -> bytes:
        """Return what follows the weight words in the program stream: map, tables, watch; nothing on a plain core."""
        if not self.driven:
            return b""
        return self._map_beats().tobytes() + self._table_beats().tobytes() + self._watch_beats().tobytes()

    def _map_beats(self) -> NDArray[np.uint8]:
        entry = np.zeros(self.capacity, dtype=np.uint64)
        cell, pixel = self.cell.astype(np.uint64), np.maximum(self.pixel, 0).astype(np.uint64)
        # The place of a read-out code is that of its byte in the frame as it is streamed: rows begin with a beat.
        place = pixel[:, 0] * np.uint64(self._row_beats * self.beat_bytes) + pixel[:, 1]
        used = cell[:, 0] | cell[:, 1] << np.uint64(16)
        fed_back = np.where(self.fed_back, FED_BACK | place << np.uint64(32), np.uint64(0))
        entry[: self.inputs] = used | fed_back
        return self._padded(entry.astype("<u8").view(np.uint8).reshape(-1, MAP_BITS // 8))

    def _table_beats(self) -> NDArray[np.uint8]:
        entry = self.table.astype("<u4").reshape(-1, 1)
        return self._padded(entry.view(np.uint8).reshape(-1, TABLE_BITS // 8))

    def _watch_beats(self) -> NDArray[np.uint8]:
        rows, cols = self.watched.shape
        lanes = np.zeros((rows, self._row_beats * self.beat_bytes), dtype=np.uint32)
        lanes[:, :cols] = self.watched
        weights = (1 << np.arange(self.beat_bytes, dtype=np.uint32)).astype(np.uint32)
        entry = (lanes.reshape(-1, self.beat_bytes) * weights).sum(axis=1, dtype=np.uint32).astype("<u4")
        return self._padded(entry.view(np.uint8).reshape(-1, WATCH_BITS // 8))

    @property
    def _row_beats(self) -> int:
        return -(-int(self.watched.shape[1]) // self.beat_bytes)

    def _padded(self, entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return entries [n, bytes], each padded with zeros to whole beats."""
        size = -(-entries.shape[1] // self.beat_bytes) * self.beat_bytes
        whole = np.zeros((len(entries), size), dtype=np.uint8)
        whole[:, : entries.shape[1]] = entries
        return whole


PLAIN = Drive(
    0,
    0,
    0,
    np.zeros((0, 2), dtype=np.int32),
    np.zeros((0, 2), dtype=np.int32),
    np.zeros((0, 0)),
    np.zeros((0, 0)),
    np.zeros((0, 0), dtype=np.uint8),
    np.zeros((0, 0), dtype=np.bool_),
)
"""That of every program for a core without inputs."""
