"""Assemble: packs codes and schedule into the program of a core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.core.program import Program
from oscc.core.weight_word import pack_words


@dataclass(frozen=True)
class AssemblePass:
    """Makes the program of a scheduled model; it has no options."""

    name: ClassVar[str] = "assemble"
    description: ClassVar[str] = "pack codes into weight words, bank after bank"

    def run(self, level: ScheduledGraph) -> Program:
        """Return the program: whole banks, with zeros in the chunks that the model does not use."""
        placed, graph, core = level.placed, level.placed.graph, level.placed.core
        unused = core.chunks - level.chunks

        def in_banks(codes: NDArray[np.int8]) -> NDArray[np.int8]:
            """Return codes [C, rows, cols, ...] of all chunks that the core holds, column by column."""
            whole = np.concatenate([codes, np.zeros((unused, *codes.shape[1:]), dtype=np.int8)])
            return np.moveaxis(whole, 2, 0).reshape(core.cols, core.bank_depth, *codes.shape[3:])

        return Program(
            name=graph.name,
            family=graph.family,
            core_name=core.name,
            spec_hash=core.hash,
            model_hash=graph.model_hash,
            init=graph.init,
            image_shape=graph.image_shape,
            pixel=_frame_positions(placed),
            chunk_duration=graph.chunk_duration.astype(np.float64),
            tau_s=placed.time_scale.tau_s,
            lsb=level.lsb,
            schedule=level.schedule,
            words=pack_words(level.codes.map(in_banks), core),
        )


def _frame_positions(placed: PlacedGraph) -> NDArray[np.int32]:
    """Return the (row, column) in the read-out frame of each pixel's cell, int32[P, 2]."""
    readout = placed.core.readout
    origin, step = np.array(readout.origin, dtype=np.int32), np.array(readout.step, dtype=np.int32)
    return (placed.cell[placed.graph.readout] - origin) // step
