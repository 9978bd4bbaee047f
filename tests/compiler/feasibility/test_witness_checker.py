from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.findings import Finding
from oscc.compiler.compile import CompileResult, check_model
from oscc.compiler.diagnosis.causes import as_cause
from oscc.compiler.feasibility.witness_checker import CHECKED, check_witness, check_witnesses
from oscc.compiler.findings.of_placers import NOT_ANNEALED
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
Case = tuple[CouplingGraph, CoreSpec, ScaleOptions, str]

NONE = ScaleOptions()


def moved(graph: CouplingGraph, cells: dict[int, tuple[int, int]]) -> CouplingGraph:
    assert graph.position is not None
    position = graph.position.copy()
    for node, cell in cells.items():
        position[node] = cell
    return dataclasses.replace(graph, position=position)


@pytest.fixture
def cases(make_core: MakeCore, make_graph: MakeGraph) -> dict[str, Case]:
    """Models that do not fit, each for a reason of its own."""
    core = make_core()
    graph = make_graph(core, chunks=2, density=0.7)
    both = make_graph(make_core(couplings="reciprocal"), chunks=2, density=0.7)
    uneven = both.weight.copy()
    uneven[1, 3] += 0.25
    first = (0, 0)
    dead = {"cells": [[2, 3]], "slots": [[4, 4, slot] for slot in range(24)]}
    weak = [[row, col, 0.5] for row in range(8) for col in range(8)]
    return {
        "stencil": (graph, make_core(stencil="king"), NONE, "identity"),
        "pairs of a small stencil": (both, make_core(stencil="king", couplings="reciprocal"), NONE, "identity"),
        "dead": (graph, make_core(defects=dead), NONE, "identity"),
        "dead pairs": (both, make_core(couplings="reciprocal", defects={"slots": [[4, 4, 3]]}), NONE, "identity"),
        "grid": (graph, make_core(grid=[8, 6]), NONE, "identity"),
        "one cell": (moved(graph, {9: first}), core, NONE, "identity"),
        "one direction": (graph, make_core(couplings="reciprocal"), NONE, "identity"),
        "unequal": (dataclasses.replace(both, weight=uneven), make_core(couplings="reciprocal"), NONE, "identity"),
        "read-out": (graph, make_core(readout={"origin": [1, 1]}), NONE, "identity"),
        "grid and tracks": (graph, make_core(grid=[8, 7], tracks_per_boundary=8), NONE, "identity"),
        "short sample": (
            graph,
            make_core(init={"cycles": 3}, readout={"step": [1, 1]}),
            ScaleOptions(tau_s=1e-8),
            "identity",
        ),
        "tracks": (graph, make_core(tracks_per_boundary=8), NONE, "identity"),
        "chunks": (graph, make_core(chunks=1), NONE, "identity"),
        "phases": (dataclasses.replace(graph, init=InitialPhases("normal", 0.0, 0.5)), core, NONE, "identity"),
        "budget": (graph, make_core(cycles_per_sample=90), NONE, "identity"),
        "budget, tau per chunk": (graph, make_core(cycles_per_sample=90), ScaleOptions(per_chunk=True), "identity"),
        "budget, weak cells": (
            graph,
            make_core(cycles_per_sample=90, defects={"gain": weak}),
            ScaleOptions(clip=("shil", "field", "detuning")),
            "identity",
        ),
        "full scale": (graph, core, ScaleOptions(tau_s=1e-8), "identity"),
        "full scale, weak cells": (graph, make_core(defects={"gain": weak}), ScaleOptions(tau_s=1e-7), "identity"),
        "long run": (graph, core, ScaleOptions(tau_s=1.0), "identity"),
        "many nodes": (dataclasses.replace(graph, position=None), make_core(grid=[6, 6]), NONE, "anneal"),
        "few readable": (
            dataclasses.replace(graph, position=None),
            make_core(readout={"step": [8, 8]}),
            NONE,
            "anneal",
        ),
    }


def checked(case: Case, path: Path) -> CompileResult:
    graph, core, options, placer = case
    write_checkpoint(path, dataclasses.replace(graph, model_hash=""))
    result = check_model(read_checkpoint(path), core, options, placing=PlaceOptions(placer))
    assert not result.feasible
    return result


EXPECTED = {
    "stencil": {"R001", "R003"},
    "pairs of a small stencil": {"R001"},
    "dead": {"R004", "R005"},
    "dead pairs": {"R005"},
    "grid": {"R009", "F005"},
    "one cell": {"R007", "R002"},
    "one direction": {"R006"},
    "unequal": {"R006"},
    "read-out": {"F001"},
    "tracks": {"R010"},
    "grid and tracks": {"R009", "R010"},
    "short sample": {"S002", "S003"},
    "chunks": {"F003"},
    "phases": {"F002"},
    "budget": {"S001"},
    "budget, tau per chunk": {"S001"},
    "budget, weak cells": {"S001"},
    "full scale": {"S002", "S004"},
    "full scale, weak cells": {"S004"},
    "long run": {"S005"},
    "many nodes": {"F005"},
    "few readable": {"L007"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_true_findings_hold(name: str, cases: dict[str, Case], tmp_path: Path) -> None:
    result = checked(cases[name], tmp_path / "m.safetensors")
    codes = {finding.code for finding in result.findings}
    assert codes >= EXPECTED[name]
    found = check_witnesses(result.causes, result.graph, result.core, result.placed)
    assert found.checked > 0
    assert found.disagreeing == ()
    assert found.findings == len(result.findings)
    # What is a proof has numbers to re-compute.
    assert not set(found.without_check) & set(CHECKED)


# Of each code, numbers that are changed one at a time: the check must see every one of them.
CLAIMS = {
    "R001": ("stencil", "coupling", "src", "displacement", "source"),
    "R002": ("one cell", "cell", "slot", "offset", "couplings"),
    "R003": ("stencil", "degree", "slots"),
    "R004": ("dead", "node", "cell"),
    "R005": ("dead", "coupling", "cell", "slot"),
    "R006": ("unequal", "coupling", "opposite", "chunk", "weights"),
    "R007": ("one cell", "cell", "nodes"),
    "R009": ("grid", "node", "cell"),
    "R010": ("tracks", "wires", "tracks", "cells"),
    "F001": ("read-out", "pixel", "node", "cell"),
    "F002": ("phases", "model", "core"),
    "F003": ("chunks", "chunks", "capacity"),
    "F005": ("grid", "nodes", "cells"),
    "L007": ("few readable", "nodes", "pixels", "usable", "readable"),
    "S001": ("budget", "run_cycles", "init_cycles", "cycles", "tau_s", "bounds_s", "cycles_per_sample"),
    "S002": ("full scale", "run_cycles", "tau_s", "bounds_s"),
    "S003": ("short sample", "run_cycles", "cycles", "readout_cycles", "tau_s", "bounds_s"),
    "S004": ("full scale", "tau_s", "count", "values", "needed_tau_s", "bounds_s"),
    "S005": ("long run", "most_cycles", "chunk_duration", "clock_hz", "bounds_s"),
}


def other(value: Any) -> Any:
    """A value of the same kind that says something else."""
    match value:
        case bool() | str():
            raise AssertionError("claims are numbers")
        case int():
            return value + 1
        case float():
            return value * 1.01 + 1e-3
        case list() | tuple():
            return [other(value[0]), *value[1:]]
        case dict():
            return {name: each if isinstance(each, str) else other(each) for name, each in value.items()}
    raise AssertionError(type(value))


@pytest.mark.parametrize("code", CLAIMS)
def test_a_claim_that_is_not_so_is_found_out(code: str, cases: dict[str, Case], tmp_path: Path) -> None:
    name, *claims = CLAIMS[code]
    result = checked(cases[name], tmp_path / "m.safetensors")
    finding = next(each for each in result.findings if each.code == code)
    assert check_witness(finding, result.graph, result.core, result.placed) is True
    for claim in claims:
        witness = {**finding.witness, claim: other(finding.witness[claim])}
        wrong = dataclasses.replace(finding, witness=witness)
        assert check_witness(wrong, result.graph, result.core, result.placed) is False, claim


def test_a_fault_of_the_compiler_is_said(cases: dict[str, Case], tmp_path: Path) -> None:
    result = checked(cases["stencil"], tmp_path / "m.safetensors")
    (cause,) = result.causes
    far = next(each for each in result.findings if each.code == "R001")
    wrong = dataclasses.replace(far, witness={**far.witness, "displacement": [1, 1]})
    changed = dataclasses.replace(cause, examples=(wrong, *cause.examples[1:]))
    found = check_witnesses([changed], result.graph, result.core, result.placed)
    assert (found.checked, found.disagreeing) == (len(result.findings), ("R001",))
    absent = dataclasses.replace(far, witness={**far.witness, "coupling": 10**6})
    assert check_witness(absent, result.graph, result.core, result.placed) is False


COUNTED = {
    "R001": "stencil",
    "R002": "one cell",
    "R003": "stencil",
    "R004": "dead",
    "R005": "dead pairs",
    "R006": "one direction",
    "R007": "one cell",
    "R009": "grid",
    "F001": "read-out",
}


@pytest.mark.parametrize("code", COUNTED)
def test_findings_are_counted_anew(code: str, cases: dict[str, Case], tmp_path: Path) -> None:
    result = checked(cases[COUNTED[code]], tmp_path / "m.safetensors")
    assert check_witnesses(result.causes, result.graph, result.core, result.placed).disagreeing == ()
    changed = []
    for cause in result.causes:
        if cause.code == code:
            changed.append(dataclasses.replace(cause, count=cause.count + 1))
        else:
            more = {each: count + (each == code) for each, count in cause.consequences.items()}
            changed.append(dataclasses.replace(cause, consequences=more))
    assert changed != list(result.causes)
    assert code in check_witnesses(changed, result.graph, result.core, result.placed).disagreeing


def test_what_is_neither_counted_nor_re_computed(cases: dict[str, Case], tmp_path: Path) -> None:
    result = checked(cases["stencil"], tmp_path / "m.safetensors")
    more = [*result.causes, as_cause(Finding(NOT_ANNEALED, ("not found",), ("",)))]
    found = check_witnesses(more, result.graph, result.core, result.placed)
    assert found.as_dict() == {
        "schema": "oscc.witnesses/1",
        "checked": len(result.findings),
        "findings": len(result.findings) + 1,
        "without_check": ["L006"],
        "disagreeing": [],
    }


def test_what_is_about_a_placement_needs_one(cases: dict[str, Case], tmp_path: Path) -> None:
    result = checked(cases["stencil"], tmp_path / "m.safetensors")
    assert check_witness(result.findings[0], result.graph, result.core, None) is None
