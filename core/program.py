"""`Program`: what makes a core run a model - weight banks, schedule, and what is needed to read the result."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.core.drive import PLAIN, Drive
from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import Instruction, decode_schedule
from oscc.core.spec import CoreSpec
from oscc.core.weight_word import marked_cells, unpack_words

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Program:
    """The image of a model for one core. Arrays are read-only.

    Parameters
    ----------
    name, family : str
        Of the model.
    core_name : str
    spec_hash, model_hash : str
        SHA-256 in hexadecimal of the core specification and of the model file.
    init : InitialPhases
    image_shape : tuple of (int, int)
    pixel : int32[P, 2]
        (row, column) in the read-out frame of each pixel, raster order.
    chunk_duration : float64[C]
        Duration of each chunk of the model [model time].
    tau_s : float64[C]
        Seconds per unit of model time.
    lsb : Groups of float64[C]
        Worth of one code step [rad per unit of model time].
    schedule : uint32[I]
        Encoded instructions.
    words : uint8[cols, bank_depth, word_bytes]
        Weight words, little-endian, padded to whole stream beats; C order is the order of the stream.
    drive : Drive
        Inputs, feedback and settling; `PLAIN` for a core without inputs.
    """

    name: str
    family: str
    core_name: str
    spec_hash: str
    model_hash: str
    init: InitialPhases
    image_shape: tuple[int, int]
    pixel: NDArray[np.int32]
    chunk_duration: NDArray[np.float64]
    tau_s: NDArray[np.float64]
    lsb: Groups[NDArray[np.float64]]
    schedule: NDArray[np.uint32]
    words: NDArray[np.uint8]
    drive: Drive = PLAIN

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def chunks(self) -> int:
        """C, the chunks that the model uses; the rest of a bank is zero."""
        return int(self.tau_s.size)

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the schedule, decoded."""
        return decode_schedule(self.schedule, self.drive.driven)

    def stream(self) -> bytes:
        """Return the program stream: bank after bank, address after address; then the sections of a driven core."""
        return self.words.tobytes() + self.drive.sections()

    def stream_crc(self) -> int:
        """Compute the CRC-32 (zlib) of `stream`; the host writes it to register PROGRAM_CRC."""
        return zlib.crc32(self.stream())

    def codes(self, core: CoreSpec) -> Groups[NDArray[np.int8]]:
        """Return the signed codes in the banks.

        Parameters
        ----------
        core : CoreSpec
            The core that the program is for.

        Returns
        -------
        Groups of int8
            ``coupling`` [chunks capacity, rows, cols, slots], the others [chunks capacity, rows, cols].

        Raises
        ------
        ValueError
            When a word holds an illegal code.
        """
        return unpack_words(self._cell_words(core), core)

    def marked(self, core: CoreSpec) -> NDArray[np.bool_]:
        """Return where a load after a ``feed`` takes field codes from the input memory.

        Parameters
        ----------
        core : CoreSpec
            The core that the program is for.

        Returns
        -------
        bool[chunks capacity, rows, cols]
        """
        return marked_cells(self._cell_words(core), core)

    def _cell_words(self, core: CoreSpec) -> NDArray[np.uint8]:
        """Return the words by cell, uint8[chunks capacity, rows, cols, word_bytes]."""
        return np.moveaxis(self.words.reshape(core.cols, core.chunks, core.rows, -1), 0, 2)

    def image_of(self, frame: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return frames [..., frame rows, frame cols] as images [..., image rows, image cols]."""
        pixels = frame[..., self.pixel[:, 0], self.pixel[:, 1]]
        return pixels.reshape(*frame.shape[:-2], *self.image_shape)
