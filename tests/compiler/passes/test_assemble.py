from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.passes.assemble import AssemblePass
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.schedule import SchedulePass
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def scheduled(graph: CouplingGraph, core: CoreSpec) -> ScheduledGraph:
    return SchedulePass().run(QuantizePass().run(ScalePass().run(RoutePass().run(PlacePass(core).run(graph)))))


def test_a_bank_is_a_column_and_an_address_is_a_row_of_a_chunk(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[5, 6], chunks=3)
    level = scheduled(make_graph(core, chunks=2), core)
    program = AssemblePass().run(level)
    assert program.words.shape == (6, 15, 16)
    for chunk, row, col in [(0, 0, 0), (1, 4, 5), (1, 2, 3), (0, 3, 1)]:
        word = int.from_bytes(program.words[col, chunk * 5 + row].tobytes(), "little")
        codes = [*level.codes.coupling[chunk, row, col].tolist()]
        nodes = (level.codes.shil, level.codes.field, level.codes.detuning)
        codes += [int(group[chunk, row, col]) for group in nodes]
        expected = sum((abs(code) | (8 if code < 0 else 0)) << (4 * place) for place, code in enumerate(codes))
        assert word == expected
    # The third chunk is not used.
    assert not program.words[:, 10:].any()


def test_codes_come_back_whole(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    level = scheduled(make_graph(tiny_core), tiny_core)
    codes = AssemblePass().run(level).codes(tiny_core)
    np.testing.assert_array_equal(codes.coupling, level.codes.coupling)
    np.testing.assert_array_equal(codes.shil, level.codes.shil)
    np.testing.assert_array_equal(codes.field, level.codes.field)
    np.testing.assert_array_equal(codes.detuning, level.codes.detuning)


def test_pixels_are_frame_positions_of_the_read_out_cells(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(readout={"origin": [1, 0], "step": [2, 3]})
    graph = make_graph(core)
    shuffled = replace(graph, readout=graph.readout[::-1].copy())
    program = AssemblePass().run(scheduled(shuffled, core))
    assert program.pixel.dtype == np.int32
    assert graph.position is not None
    for pixel, node in enumerate(shuffled.readout.tolist()):
        row, col = program.pixel[pixel].tolist()
        assert (1 + 2 * row, 3 * col) == tuple(graph.position[node].tolist())


def test_identity_and_time_travel_along(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = replace(make_graph(tiny_core), model_hash="ab" * 32)
    level = scheduled(graph, tiny_core)
    program = AssemblePass().run(level)
    assert (program.name, program.family, program.core_name) == (graph.name, "kurashil", "tiny-8x8")
    assert (program.spec_hash, program.model_hash) == (tiny_core.hash, "ab" * 32)
    assert program.chunk_duration.tolist() == [2.0] * 4
    np.testing.assert_array_equal(program.tau_s, level.placed.time_scale.tau_s)
    for group in ("coupling", "shil", "field", "detuning"):
        np.testing.assert_array_equal(program.lsb[group], level.lsb[group])
