from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from oscc.compiler.copies.splitting import split_nodes
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.ising_problem import max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.precision.code_use import ALIKE, GroupUse, code_use, distinct_numbers
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def quantized(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def counted(values: np.ndarray, lsb: np.ndarray, bits: int) -> dict[str, Any]:
    """The same counts, number by number."""
    top = 2 ** (bits - 1) - 1
    steps = [[float(value) / float(step) for value in row] for row, step in zip(values, lsb, strict=True)]
    codes = [[max(-top, min(top, round(value))) for value in row] for row in steps]
    flat = [
        (value, code) for row, made in zip(steps, codes, strict=True) for value, code in zip(row, made, strict=True)
    ]
    pairs = [
        (a, b)
        for row, made in zip(values.tolist(), codes, strict=True)
        for a, b in combinations([pair for pair in zip(row, made, strict=True) if pair[0] != 0], 2)
        if a[0] != b[0]
    ]
    crowds = [
        len({value for value, its in zip(row, made, strict=True) if its == code and value != 0})
        for row, made in zip(values.tolist(), codes, strict=True)
        for code in range(-top, top + 1)
    ]
    sizes = [abs(value) for value, _ in flat if value != 0]
    return {
        "bits": bits,
        "parameters": len(flat),
        "not_zero": len(sizes),
        "codes_not_zero": sum(code != 0 for _, code in flat),
        "codes_used": len({code for _, code in flat}),
        "codes_available": 2 * top + 1,
        "at_ends": sum(abs(code) == top for _, code in flat),
        "saturated": sum(abs(value) > top + 0.5 for value, _ in flat),
        "zeroed": sum(code == 0 and value != 0 for value, code in flat),
        "sign_changed": 0,
        "smallest_lsb": pytest.approx(min(sizes)),
        "largest_lsb": pytest.approx(max(sizes)),
        "values": max(len({value for value in row if value != 0}) for row in values.tolist()),
        "crowd": max(crowds),
        "merged": pytest.approx(sum(a[1] == b[1] for a, b in pairs) / len(pairs)),
        "error": pytest.approx(
            tuple(
                (sum((c - v) ** 2 for v, c in zip(row, made, strict=True)) / sum(v**2 for v in row)) ** 0.5
                for row, made in zip(steps, codes, strict=True)
            )
        ),
        "norm": pytest.approx(tuple(np.sqrt((values**2).sum(axis=1)).tolist())),
    }


@pytest.mark.parametrize("options", [ScaleOptions(), ScaleOptions(per_chunk=True), ScaleOptions(clip=("coupling",))])
def test_counts_of_every_group(options: ScaleOptions, make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(
        grid=[3, 4], stencil="king", chunks=2, cycles_per_sample=2000, coupling_dac={"bits": 3}, field_dac={"bits": 5}
    )
    graph = make_graph(core, seed=4, chunks=2)
    # Another spread in the second chunk, some that are 0, some that are equal.
    weight = (graph.weight * np.array([[1.0], [0.2]])).astype(np.float32)
    weight[:, :3], weight[0, 3:9], weight[0, 9] = 0.0, 0.25, 5.0
    graph = replace(graph, weight=weight)
    coded = quantized(graph, core, options)
    use = code_use(coded)
    assert use.problem is None
    for group, bits in (("coupling", 3), ("shil", 4), ("field", 5), ("detuning", 4)):
        values = (weight if group == "coupling" else getattr(graph, group)).astype(np.float64)
        assert vars(use.groups[group]) == counted(values, coded.lsb[group], bits), group
    if options.clip:
        assert use.groups["coupling"].saturated > 0


def test_json_says_the_same(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[3, 3], stencil="king", chunks=1)
    use = code_use(quantized(make_graph(core), core))
    content = use.as_dict()
    assert set(content) == {"groups"}
    assert set(content["groups"]) == {"coupling", "shil", "field", "detuning"}
    for group, each in use.groups.items():
        assert TypeAdapter(GroupUse).validate_json(json.dumps(content["groups"][group])) == each
        assert each.share == each.codes_not_zero / each.parameters


def test_a_group_of_zeros(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[3, 3], stencil="king", chunks=2)
    graph = make_graph(core, chunks=2)
    use = code_use(quantized(replace(graph, field=np.zeros_like(graph.field)), core)).groups["field"]
    assert (use.parameters, use.not_zero, use.codes_not_zero, use.codes_used) == (18, 0, 0, 1)
    assert (use.smallest_lsb, use.largest_lsb, use.values, use.crowd, use.merged) == (0.0, 0.0, 0, 0, 0.0)
    assert (use.error, use.norm, use.share) == ((0.0, 0.0), (0.0, 0.0), 0.0)


def test_a_reciprocal_pair_counts_once(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[3, 4], stencil="king", couplings="reciprocal", chunks=1)
    graph = make_graph(core)
    assert code_use(quantized(graph, core)).groups["coupling"].parameters == graph.couplings // 2


def test_cells_of_other_gain_are_measured_by_what_their_dacs_deliver(
    make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = make_core(grid=[2, 2], stencil="king", chunks=1, defects={"gain": [[0, 0, 0.5]]})
    graph = make_graph(core)
    graph = replace(graph, weight=np.full_like(graph.weight, 0.5))
    use = code_use(quantized(graph, core)).groups["coupling"]
    # The weak cell takes twice the code; the model's parameters are one and the same number.
    assert use.largest_lsb == pytest.approx(2 * use.smallest_lsb)
    assert (use.values, use.crowd, use.merged) == (1, 1, 0.0)


def test_couplings_that_hold_copies_together_do_not_count(make_core: MakeCore) -> None:
    # A star of nine on a king's core: the middle has more neighbours than slots.
    core = make_core("king-48x41", grid=[8, 8], name="king-8x8")
    first, second = np.zeros(9, np.int32), np.arange(1, 10, dtype=np.int32)
    problem = max_cut("star", first, second, np.ones(9), tuple(map(str, range(10))))
    split = split_nodes(lower_problem(problem, core), core)
    assert split.graph is not None
    assert split.copies is not None
    assert split.copies.extra > 0
    use = code_use(quantized(split.graph, core)).groups["coupling"]
    owner = split.copies.owner
    assert use.parameters == split.graph.chunks * np.count_nonzero(owner[split.graph.src] != owner[split.graph.dst])
    assert use.parameters < split.graph.weight.size


def test_numbers_that_differ_by_rounding_are_one() -> None:
    values = np.array([1.0, 1.0 + ALIKE / 4, 0.5, -1.0, 0.0, 1.0 - 3 * ALIKE])
    numbers = distinct_numbers(values)
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 5
    assert numbers[4] == 0
    assert distinct_numbers(np.zeros(3)).tolist() == [0, 0, 0]
    assert distinct_numbers(np.zeros(0)).tolist() == []


def test_the_models_in_examples_use_their_codes(example_path: Any) -> None:
    from oscc.compiler.compile import check_model

    result = check_model(read_checkpoint(example_path), load_core("ais-56x56"))
    assert result.code_use is not None
    use = result.code_use.groups["coupling"]
    # As docs/training.md says.
    assert (use.codes_not_zero, use.parameters, use.codes_used) == (225_380, 287_760, 15)
