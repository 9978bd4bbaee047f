"""Levels as text: a line per node, coupling, cell or word, the same for the same level, to be read and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import NODE_TENSORS, CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.store import Level
from oscc.compiler.ir.timed import TimedGraph
from oscc.core.groups import GROUPS
from oscc.core.instructions import decode_schedule
from oscc.core.program import Program


def dump_level(level: Level) -> str:
    """Return a level as text; it shows what the level adds to the one before it.

    Numbers are printed with the fewest digits from which their type reads them back exactly.

    Parameters
    ----------
    level : Level
    """
    match level:
        case CouplingGraph():
            lines = _graph_lines(level)
        case PlacedGraph():
            lines = _placed_lines(level)
        case CodedGraph():
            lines = _coded_lines(level)
        case Program():
            lines = _program_lines(level)
    return "".join(f"{line}\n" for line in lines)


def _row(values: Iterable[Any]) -> str:
    return " ".join(str(value) for value in values)


def _columns(array: NDArray[Any]) -> list[str]:
    """Return an array [C, n] as n texts of C numbers, one for each chunk."""
    return [_row(column) for column in array.T]


def _graph_lines(graph: CouplingGraph) -> Iterator[str]:
    yield f"CouplingGraph {graph.name}"
    yield f"family {graph.family}"
    yield f"model_hash {graph.model_hash or 'none'}"
    yield f"nodes {graph.nodes} couplings {graph.couplings} chunks {graph.chunks}"
    yield f"image {graph.image_shape[0]} x {graph.image_shape[1]}"
    yield f"init {graph.init.kind} mean {graph.init.mean} std {graph.init.std}"
    yield f"chunk_duration {_row(graph.chunk_duration)}"
    if graph.time_scale_s is not None:
        yield f"time_scale_s {_row(graph.time_scale_s)}"
    pixel_of = {node: pixel for pixel, node in enumerate(graph.readout.tolist())}
    columns = {name: _columns(getattr(graph, name)) for name in NODE_TENSORS}
    for node in range(graph.nodes):
        place = "" if graph.position is None else f" at {_row(graph.position[node])}"
        pixel = f" pixel {pixel_of[node]}" if node in pixel_of else ""
        values = "".join(f" {name} {columns[name][node]}" for name in NODE_TENSORS)
        yield f"node {node}{place}{pixel}{values}"
    pairs = zip(graph.dst.tolist(), graph.src.tolist(), _columns(graph.weight), strict=True)
    yield from (f"coupling into {dst} from {src} weight {weights}" for dst, src, weights in pairs)


def _placed_lines(placed: PlacedGraph) -> Iterator[str]:
    yield f"PlacedGraph {placed.graph.name} on {placed.core.name}"
    yield f"spec_hash {placed.core.hash}"
    yield f"transform {placed.transform}"
    if isinstance(placed, TimedGraph):
        scale = placed.time_scale
        yield f"tau_s {_row(scale.tau_s)}"
        yield f"run_cycles {_row(scale.run_cycles)}"
        yield f"bounds_s {_row(f'{name} {bound}' for name, bound in scale.bounds_s.items())}"
        yield f"active {scale.active} by_chunk {_row(scale.active_by_chunk)}"
    yield from (f"node {node} cell {row} {col}" for node, (row, col) in enumerate(placed.cell.tolist()))
    if not isinstance(placed, RoutedGraph):
        return
    units = zip(
        placed.graph.dst.tolist(),
        placed.graph.src.tolist(),
        placed.route.unit_cell.tolist(),
        placed.route.slot.tolist(),
        strict=True,
    )
    yield from (f"coupling into {dst} from {src} unit {row} {col} slot {slot}" for dst, src, (row, col), slot in units)
    for name in ("demand_across_columns", "demand_across_rows"):
        yield from (f"{name} row {row}: {_row(demand)}" for row, demand in enumerate(getattr(placed.route, name)))


def _coded_lines(coded: CodedGraph) -> Iterator[str]:
    yield f"CodedGraph {coded.placed.graph.name} on {coded.placed.core.name}"
    for group, numbers in coded.statistics.items():
        yield f"{group} {_row(f'{name} {value}' for name, value in numbers.as_dict().items())}"
        yield f"{group} histogram {_row(numbers.histogram)}"
    for chunk in range(coded.chunks):
        yield f"chunk {chunk} lsb {_row(f'{group} {lsb[chunk]}' for group, lsb in coded.lsb.items())}"
    for chunk, row, col in np.ndindex(coded.codes.shil.shape):
        nodes = " ".join(f"{group} {coded.codes[group][chunk, row, col]}" for group in GROUPS[1:])
        yield f"chunk {chunk} cell {row} {col} coupling {_row(coded.codes.coupling[chunk, row, col].tolist())} {nodes}"
    if isinstance(coded, ScheduledGraph):
        yield from _schedule_lines(coded.schedule)


def _program_lines(program: Program) -> Iterator[str]:
    yield f"Program {program.name} on {program.core_name}"
    yield f"family {program.family}"
    yield f"spec_hash {program.spec_hash}"
    yield f"model_hash {program.model_hash or 'none'}"
    yield f"init {program.init.kind} mean {program.init.mean} std {program.init.std}"
    for chunk in range(program.chunks):
        worth = " ".join(f"{group} {lsb[chunk]}" for group, lsb in program.lsb.items())
        yield f"chunk {chunk} duration {program.chunk_duration[chunk]} tau_s {program.tau_s[chunk]} lsb {worth}"
    yield from _schedule_lines(program.schedule)
    yield f"image {program.image_shape[0]} x {program.image_shape[1]}"
    yield from (f"pixel {pixel} frame {row} {col}" for pixel, (row, col) in enumerate(program.pixel.tolist()))
    yield f"stream {program.words.size} bytes crc32 {program.stream_crc():08x}"
    for col, bank in enumerate(program.words):
        # Most significant byte first, as a number is written.
        yield from (f"bank {col} address {address} {word[::-1].tobytes().hex()}" for address, word in enumerate(bank))


def _schedule_lines(schedule: NDArray[np.uint32]) -> Iterator[str]:
    for address, instruction in enumerate(decode_schedule(schedule)):
        yield f"instruction {address} {int(schedule[address]):08x} {instruction}"
