from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors, write_tensors
from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.store import KEY, load_level, save_level
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.route.routing import routed_graph
from oscc.core.program import Program
from oscc.core.spec import CoreSpec


def assert_same(one: Any, other: Any) -> None:
    """Equal in type and in every field, all the way down."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_array_equal(one, other)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


KINDS = {
    "load": CouplingGraph,
    "place": PlacedGraph,
    "route": RoutedGraph,
    "scale": TimedGraph,
    "quantize": CodedGraph,
    "schedule": ScheduledGraph,
    "assemble": Program,
}
"""What each pass returns."""


@pytest.mark.parametrize("name", KINDS)
def test_every_level_round_trips(name: str, tiny_result: CompileResult, tmp_path: Path) -> None:
    level = tiny_result.levels()[name]
    assert type(level) is KINDS[name]
    save_level(tmp_path / "a.safetensors", level)
    loaded = load_level(tmp_path / "a.safetensors")
    assert_same(loaded, level)
    save_level(tmp_path / "b.safetensors", loaded)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_ways_around_others_round_trip(
    make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph], tmp_path: Path
) -> None:
    core = make_core(grid=[6, 5], couplings="reciprocal", tracks_per_boundary=7)
    graph = make_graph(core, chunks=1, density=0.5, seed=3, positions=True)
    assert graph.position is not None
    routed = routed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    assert routed.route.rounds > 0
    save_level(tmp_path / "a", routed)
    assert_same(load_level(tmp_path / "a"), routed)


def test_a_record_without_a_field_is_no_level(tiny_result: CompileResult, tmp_path: Path) -> None:
    # A placed model that claims to be routed, as files of an earlier version did.
    save_level(tmp_path / "a", tiny_result.levels()["place"])
    file = read_tensors(tmp_path / "a")
    claimed = file.metadata[KEY].replace('["PlacedGraph",', '["RoutedGraph",')
    assert claimed != file.metadata[KEY]
    write_tensors(tmp_path / "b", file.tensors, {KEY: claimed})
    with pytest.raises(OsccError, match=r"'oscc\.level' does not describe a level of this version of oscc$"):
        load_level(tmp_path / "b")


def test_a_saved_level_has_one_metadata_key(tiny_result: CompileResult, tmp_path: Path) -> None:
    save_level(tmp_path / "a", tiny_result.levels()["scale"])
    file = read_tensors(tmp_path / "a")
    assert list(file.metadata) == [KEY]
    assert "route.slot" in file.tensors
    assert "graph.weight" in file.tensors


def test_codes_and_code_steps_are_saved_by_group(tiny_result: CompileResult, tmp_path: Path) -> None:
    save_level(tmp_path / "a", tiny_result.levels()["quantize"])
    tensors = read_tensors(tmp_path / "a").tensors
    assert tensors["codes.coupling"].shape == (2, 8, 8, 24)
    for group in ("shil", "field", "detuning"):
        assert tensors[f"codes.{group}"].dtype == np.int8
        assert tensors[f"codes.{group}"].shape == (2, 8, 8)
    assert [tensors[f"lsb.{group}"].shape for group in ("coupling", "shil", "field", "detuning")] == [(2,)] * 4


def test_what_a_trainer_noted_comes_back_as_it_was(
    make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec, tmp_path: Path
) -> None:
    notes = {"list": [1, [2.5, None]], "dict": {"array": "weight", "tuple": True}, "": "\u03b8", "x": [["dict", {}]]}
    graph = dataclasses.replace(
        make_graph(tiny_core, positions=False, density=0.0), training=notes, time_scale_s=(1e-6, 1.0 / 3.0)
    )
    save_level(tmp_path / "a", graph)
    assert_same(load_level(tmp_path / "a"), graph)


def test_other_safetensors_files_are_no_levels(tiny_model: Path) -> None:
    with pytest.raises(
        OsccError, match=r"metadata has no 'oscc\.level': this safetensors file is not a saved level"
    ) as caught:
        load_level(tiny_model)
    assert caught.value.code == "level.content"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '["Program", {}]',
        '["array", "absent"]',
        '["os.system", {"command": "true"}]',
        '["CoreSpec", {"schema": "oscc.core/1"}]',
        "[" * 5000,
        "[1, 2, 3]",
    ],
)
def test_damaged_metadata_is_refused(content: str, tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {}, {KEY: content})
    with pytest.raises(OsccError, match=r"'oscc\.level' does not describe a level of this version of oscc$"):
        load_level(tmp_path / "a")


@pytest.mark.parametrize("content", [3, ["tuple", []], ["InitialPhases", {"kind": "normal", "mean": 0.0, "std": 1.0}]])
def test_parts_of_levels_are_no_levels(content: Any, tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {}, {KEY: json.dumps(content)})
    with pytest.raises(OsccError, match="is not a level"):
        load_level(tmp_path / "a")


def test_files_that_cannot_be_written(tiny_result: CompileResult, tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="there is no folder"):
        save_level(tmp_path / "absent" / "a", tiny_result.levels()["load"])
