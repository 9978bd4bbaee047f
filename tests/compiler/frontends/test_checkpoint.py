from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.base.tensor_file import pack_tensors, read_tensors
from oscc.compiler.copies.copied_graph import copy_map_of
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
Refused = Callable[..., OsccError]


def _same(one: CouplingGraph, other: CouplingGraph) -> bool:
    for field in dataclasses.fields(CouplingGraph):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or not np.array_equal(a, b):
                return False
        elif field.name != "model_hash" and a != b:
            return False
    return True


@pytest.fixture
def refused(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> Refused:
    """The error on reading a checkpoint whose tensors, metadata or model were changed; one line, naming the file."""
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(tiny_core, density=0.3))
    good = read_tensors(path)

    def change(
        tensors: dict[str, Any] | None = None, metadata: dict[str, str | None] | None = None, **model: Any
    ) -> OsccError:
        arrays = dict(good.tensors)
        for name, array in (tensors or {}).items():
            arrays[name] = array(arrays[name]) if callable(array) else array
        described = json.loads(good.metadata["oscc.model"])
        for key, value in model.items():
            if value is _ABSENT:
                del described[key]
            else:
                described[key] = value
        texts = {**good.metadata, "oscc.model": json.dumps(described), **(metadata or {})}
        kept = {name: array for name, array in arrays.items() if array is not None}
        path.write_bytes(pack_tensors(kept, {key: text for key, text in texts.items() if text is not None}))
        with pytest.raises(OsccError) as caught:
            read_checkpoint(path)
        assert caught.value.where == str(path)
        assert "\n" not in caught.value.message
        assert "\n" not in caught.value.hint
        return caught.value

    return change


_ABSENT = object()


def _set(index: Any, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        changed = array.copy()
        changed[index] = value
        return changed

    return change


# What is good


def test_example_is_read(example_path: Path) -> None:
    graph = read_checkpoint(example_path)
    assert (graph.name, graph.family) == ("kurashil-mnist-56x56", "kurashil")
    assert (graph.nodes, graph.couplings, graph.chunks) == (3136, 71940, 4)
    assert int(graph.in_degree().max()) == 24
    assert graph.image_shape == (28, 28)
    assert graph.init == InitialPhases("normal", 0.0, 1.0)
    assert graph.chunk_duration.tolist() == [2.0, 2.0, 2.0, 2.0]
    assert graph.time_scale_s == pytest.approx((5.85e-7,))
    assert graph.training["schema"] == "oscc.receipt/1"
    assert graph.training["config"]["hardware"]["core"] == "ais-56x56"
    assert graph.model_hash == hashlib.sha256(example_path.read_bytes()).hexdigest()


def test_example_is_written_back_unchanged(example_path: Path, tmp_path: Path) -> None:
    graph = read_checkpoint(example_path)
    write_checkpoint(tmp_path / "again.safetensors", graph)
    assert _same(read_checkpoint(tmp_path / "again.safetensors"), graph)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 1000),
    chunks=st.integers(1, 4),
    family=st.sampled_from(["kurashil", "kuramoto", "poly_ising", "tanh_ising"]),
    positions=st.booleans(),
    per_chunk=st.sampled_from([None, False, True]),
    init=st.sampled_from([InitialPhases(), InitialPhases("uniform", 0.25, 1.8137993642342178)]),
)
def test_round_trip(
    make_graph: MakeGraph,
    tiny_core: CoreSpec,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    chunks: int,
    family: str,
    positions: bool,
    per_chunk: bool | None,
    init: InitialPhases,
) -> None:
    path = tmp_path_factory.mktemp("trip") / "model.safetensors"
    scale = None if per_chunk is None else tuple(1e-6 * (c + 1) for c in range(chunks if per_chunk else 1))
    graph = make_graph(tiny_core, seed=seed, chunks=chunks, family=family, positions=positions, time_scale_s=scale)
    graph = dataclasses.replace(graph, init=init, training={"seed": seed, "nested": {"a": [1, 2.5, None]}})
    write_checkpoint(path, graph)
    assert _same(read_checkpoint(path), graph)


def test_equal_models_give_equal_bytes(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_checkpoint(tmp_path / name, make_graph(tiny_core))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_hash_is_that_of_the_file(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", make_graph(tiny_core, seed=1))
    write_checkpoint(tmp_path / "b", make_graph(tiny_core, seed=2))
    one, other = read_checkpoint(tmp_path / "a"), read_checkpoint(tmp_path / "b")
    assert one.model_hash == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    assert one.model_hash != other.model_hash


def test_foreign_metadata_is_ignored(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> None:
    # PyTorch's own writers add "format": "pt".
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(tiny_core))
    file = read_tensors(path)
    path.write_bytes(pack_tensors(file.tensors, {**file.metadata, "format": "pt"}))
    assert read_checkpoint(path).nodes == 64


# Files


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match=r"no\.safetensors: cannot be read: No such file or directory$"):
        read_checkpoint(tmp_path / "no.safetensors")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="a folder, not a checkpoint"):
        read_checkpoint(tmp_path)


def test_truncated_file(example_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(example_path.read_bytes()[:100_000])
    whole = example_path.stat().st_size
    with pytest.raises(OsccError, match=rf"cut short: header and tensors need {whole} bytes, the file has 100000$"):
        read_checkpoint(path)


def test_pickle_renamed_to_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"shil": np.zeros(3)}))
    with pytest.raises(OsccError, match="a pickle, whatever its name says") as caught:
        read_checkpoint(path)
    assert caught.value.code == "file.pickle"


def test_other_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "lenet.safetensors"
    path.write_bytes(pack_tensors({"conv.weight": np.zeros(3, dtype=np.float32)}, {"format": "pt"}))
    with pytest.raises(OsccError) as caught:
        read_checkpoint(path)
    assert caught.value.code == "checkpoint.schema"
    assert caught.value.message == "metadata has no 'oscc.schema': this safetensors file is not an oscc checkpoint"


# Tensors


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("coupling.src", "int32 [couplings]"),
        ("coupling.dst", "int32 [couplings]"),
        ("coupling.weight", "float32 [chunks, couplings]"),
        ("shil", "float32 [chunks, nodes]"),
        ("field", "float32 [chunks, nodes]"),
        ("detuning", "float32 [chunks, nodes]"),
        ("chunk_duration", "float32 [chunks]"),
        ("readout.node", "int32 [pixels]"),
    ],
)
def test_missing_tensor(refused: Refused, name: str, wanted: str) -> None:
    error = refused({name: None})
    assert error.code == "checkpoint.tensor"
    assert error.message == f"{name}: missing; expected {wanted}"


@pytest.mark.parametrize(
    ("name", "dtype", "wanted"),
    [
        ("coupling.weight", "float64", "float32 [chunks, couplings]"),
        ("coupling.weight", "float16", "float32 [chunks, couplings]"),
        ("coupling.src", "int64", "int32 [couplings]"),
        ("node.position", "float32", "int32 [nodes, 2]"),
        ("readout.node", "uint8", "int32 [pixels]"),
    ],
)
def test_wrong_type(refused: Refused, name: str, dtype: str, wanted: str) -> None:
    error = refused({name: lambda array: array.astype(dtype)})
    assert error.code == "checkpoint.tensor"
    assert error.message == f"{name}: type {dtype}, expected {wanted}"


def test_type_that_numpy_lacks(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(tiny_core))
    # 16-bit floats, renamed in the header.
    file = read_tensors(path)
    halves = file.tensors["coupling.weight"].astype(np.float16)
    data = pack_tensors({**file.tensors, "coupling.weight": halves}, file.metadata)
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(b'"dtype":"F16"', b'"dtype":"BF16"')
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    with pytest.raises(OsccError, match=r"coupling\.weight: type BF16, expected float32 \[chunks, couplings\]$"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("shil", lambda a: a[0], "shil: shape [64], expected float32 [chunks, nodes]"),
        ("chunk_duration", lambda a: a[:, None], "chunk_duration: shape [4, 1], expected float32 [chunks]"),
        ("coupling.src", lambda a: a[None], "coupling.src: shape [1, {E}], expected int32 [couplings]"),
        ("detuning", lambda a: a[:, :5], "detuning: shape [4, 5], expected [4, 64]"),
        ("coupling.weight", lambda a: a[:2], "coupling.weight: shape [2, {E}], expected [4, {E}]"),
        ("coupling.dst", lambda a: a[:-1], "coupling.dst: shape [{E1}], expected [{E}]"),
        ("node.position", lambda a: a[:, :1], "node.position: shape [64, 1], expected [64, 2]"),
    ],
)
def test_wrong_shape(
    refused: Refused,
    make_graph: MakeGraph,
    tiny_core: CoreSpec,
    name: str,
    change: Callable[[np.ndarray], np.ndarray],
    message: str,
) -> None:
    couplings = make_graph(tiny_core, density=0.3).couplings
    error = refused({name: change})
    assert error.code == "checkpoint.G001"
    assert error.message == message.format(E=couplings, E1=couplings - 1)


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("coupling.wieght", "; did you mean 'coupling.weight'?"),
        ("node.positions", "; did you mean 'node.position'?"),
        ("bias", "; accepted: chunk_duration, coupling.dst"),
    ],
)
def test_unknown_tensor(refused: Refused, name: str, guess: str) -> None:
    # A misspelt optional tensor would otherwise be lost without a word.
    error = refused({name: np.zeros(3, dtype=np.float32)})
    assert error.code == "checkpoint.tensor"
    assert error.message.startswith(f"'{name}' is not a tensor of a checkpoint{guess}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_or_infinite(refused: Refused, value: float) -> None:
    error = refused({"coupling.weight": _set((1, 5), value)})
    assert error.code == "checkpoint.G002"
    assert error.message == "coupling.weight: 1 values are NaN or infinite, the first at [1, 5]"
    assert error.hint == "train again or repair the checkpoint; only finite numbers can be programmed"


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_duration_not_positive(refused: Refused, value: float) -> None:
    error = refused({"chunk_duration": _set(2, value)})
    assert error.code == "checkpoint.G003"
    assert error.message.startswith(f"chunk_duration: [2.0, 2.0, {value}, 2.0] must be")


@pytest.mark.parametrize("value", [-1, 64])
@pytest.mark.parametrize("name", ["coupling.src", "coupling.dst", "readout.node"])
def test_index_out_of_range(refused: Refused, name: str, value: int) -> None:
    error = refused({name: _set(7, value)})
    assert error.code == "checkpoint.G004"
    assert error.message == f"{name}: 1 indices out of range, the first {value} at [7]; nodes are 0..63"


def test_self_coupling(refused: Refused) -> None:
    error = refused({"coupling.src": _set(0, 5), "coupling.dst": _set(0, 5)})
    assert error.code == "checkpoint.G005"
    assert error.message == "coupling [0] couples node 5 to itself; 1 such couplings"


def test_duplicate_coupling(refused: Refused) -> None:
    error = refused({name: lambda a: np.concatenate([a[1:2], a[1:]]) for name in ("coupling.src", "coupling.dst")})
    assert error.code == "checkpoint.G006"
    assert "is given 2 times; 1 couplings are repeated" in error.message


def test_two_pixels_of_one_node(refused: Refused) -> None:
    assert refused({"readout.node": _set(1, 0)}).code == "checkpoint.G007"


def test_negative_position(refused: Refused) -> None:
    error = refused({"node.position": _set((3, 0), -1)})
    assert error.code == "checkpoint.G008"


@pytest.mark.parametrize(("family", "name"), [("kuramoto", "shil"), ("poly_ising", "detuning"), ("tanh_ising", "shil")])
def test_parameter_that_the_family_does_not_read(
    make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path, family: str, name: str
) -> None:
    graph = make_graph(tiny_core, family=family)
    stray = getattr(graph, name).copy()
    stray[2, 9] = stray[3, 1] = 0.5
    message = f"{name}: family '{family}' does not read it, so it must be zero; 2 values are not, the first at [2, 9]"
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, graph)
    file = read_tensors(path)
    path.write_bytes(pack_tensors({**file.tensors, name: stray}, file.metadata))
    for refuse in (
        lambda: read_checkpoint(path),
        lambda: write_checkpoint(path, dataclasses.replace(graph, **{name: stray})),
    ):
        with pytest.raises(OsccError) as caught:
            refuse()
        assert (caught.value.code, caught.value.message) == ("checkpoint.unread", message)


# Metadata


@pytest.mark.parametrize(
    ("metadata", "code", "message"),
    [
        ({"oscc.schema": None}, "schema", "metadata has no 'oscc.schema'"),
        ({"oscc.schema": "2"}, "schema", "oscc.schema is '2'; this version reads '1'"),
        ({"oscc.model": None}, "metadata", "metadata has no 'oscc.model'"),
        ({"oscc.model": "{"}, "metadata", "oscc.model: not JSON ("),
        ({"oscc.model": "[" * 100_000}, "metadata", "oscc.model: not JSON ("),
        ({"oscc.model": '{"name": NaN}'}, "metadata", "oscc.model: not JSON (JSON has no NaN)"),
        ({"oscc.model": '{"name": 1, "name": 2}'}, "metadata", "oscc.model: not JSON (key 'name' stands twice)"),
        ({"oscc.model": "[1]"}, "metadata", "oscc.model: [1], expected an object with name, family, image_shape"),
    ],
)
def test_bad_metadata(refused: Refused, metadata: dict[str, str | None], code: str, message: str) -> None:
    error = refused(metadata=metadata)
    assert error.code == f"checkpoint.{code}"
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": _ABSENT}, "oscc.model: key 'name' is missing"),
        ({"image_shape": _ABSENT}, "oscc.model: key 'image_shape' is missing"),
        ({"init": _ABSENT}, "oscc.model: key 'init' is missing"),
        ({"readout": _ABSENT}, "oscc.model: key 'readout' is missing"),
        ({"time_scale": 1e-6}, "oscc.model: unknown key 'time_scale'; did you mean 'time_scale_s'?"),
        ({"name": ""}, "name: '', expected a line of text"),
        ({"name": "a\nb"}, "name: 'a\\nb', expected a line of text"),
        ({"name": 5}, "name: 5, expected a line of text"),
        ({"image_shape": [16]}, "image_shape: [16], expected [rows, columns], two positive integers"),
        ({"image_shape": [-4, -4]}, "image_shape: [-4, -4], expected [rows, columns]"),
        ({"image_shape": [4.0, 4]}, "image_shape: [4.0, 4], expected [rows, columns]"),
        ({"image_shape": [5, 4]}, "image_shape: 5 x 4 is 20 pixels, but readout.node has 16"),
        ({"init": {"kind": "normal", "mean": 0}}, "init: key 'std' is missing"),
        ({"init": {"kind": "normal", "mean": 0, "std": 1, "seed": 1}}, "init: unknown key 'seed'; accepted: kind, "),
        ({"init": {"kind": "norml", "mean": 0, "std": 1}}, "init.kind: 'norml' is not known; did you mean 'normal'?"),
        ({"init": {"kind": 3, "mean": 0, "std": 1}}, "init.kind: 3 is not known; accepted: normal, uniform"),
        ({"init": {"kind": "normal", "mean": "0", "std": 1}}, "init.mean: '0', expected a finite number [rad]"),
        ({"init": {"kind": "normal", "mean": True, "std": 1}}, "init.mean: True, expected a finite number [rad]"),
        ({"init": {"kind": "normal", "mean": 0, "std": -1}}, "init.std: -1, expected a finite number [rad], not neg"),
        ({"init": {"kind": "normal", "mean": 10**400, "std": 1}}, "init.mean: 1000"),
        ({"init": []}, "init: [], expected an object with kind, mean, std"),
        ({"readout": {"kind": "sin"}}, "readout.kind: 'sin' is not known; accepted: cos"),
        ({"time_scale_s": 0.0}, "time_scale_s: 0.0, expected positive finite seconds"),
        ({"time_scale_s": -1e-6}, "time_scale_s: -1e-06, expected positive finite seconds"),
        ({"time_scale_s": "fast"}, "time_scale_s: 'fast', expected positive finite seconds"),
        (
            {"time_scale_s": [1e-6, 1e-6]},
            "time_scale_s: 2 values for 4 chunks, expected one number or one per chunk [s]",
        ),
        ({"time_scale_s": [1e-6, 1e-6, 0, 1e-6]}, "time_scale_s: 0, expected positive finite seconds"),
    ],
)
def test_bad_model_description(refused: Refused, model: dict[str, Any], message: str) -> None:
    error = refused(**model)
    assert error.code == "checkpoint.metadata"
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("kurashill", "family: 'kurashill' is not a family; did you mean 'kurashil'?"),
        ("xyz", "family: 'xyz' is not a family; accepted: kuramoto, kurashil, poly_ising, tanh_ising"),
        (3, "family: '3' is not a family; accepted: kuramoto, kurashil, poly_ising, tanh_ising"),
    ],
)
def test_unknown_family(refused: Refused, family: Any, message: str) -> None:
    error = refused(family=family)
    assert (error.code, error.message) == ("checkpoint.family", message)


@pytest.mark.parametrize(
    ("family", "kind", "other"),
    [
        ("kurashil", "cos", "state"),
        ("kuramoto", "cos", "state"),
        ("poly_ising", "state", "cos"),
        ("tanh_ising", "state", "cos"),
    ],
)
def test_readout_is_that_of_the_family(
    make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path, family: str, kind: str, other: str
) -> None:
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(tiny_core, family=family))
    file = read_tensors(path)
    described = json.loads(file.metadata["oscc.model"])
    assert described["readout"] == {"kind": kind}
    assert read_checkpoint(path).family == family
    for wrong, guess in ((other, f"; accepted: {kind}"), (3, f"; accepted: {kind}")):
        described["readout"] = {"kind": wrong}
        path.write_bytes(pack_tensors(file.tensors, {**file.metadata, "oscc.model": json.dumps(described)}))
        with pytest.raises(OsccError) as caught:
            read_checkpoint(path)
        assert caught.value.code == "checkpoint.metadata"
        assert caught.value.message == f"readout.kind: {wrong!r} is not known{guess}"


def test_a_family_is_known_before_its_readout(refused: Refused) -> None:
    error = refused(family="kurashill", readout={"kind": "sin"})
    assert error.code == "checkpoint.family"


# Writing


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chunk_duration": np.zeros(4, dtype=np.float32)}, "checkpoint.G003"),
        ({"chunk_duration": np.ones(4)}, "checkpoint.G001"),
        ({"family": "kurashill"}, "checkpoint.family"),
        ({"init": InitialPhases("normal", 0.0, float("nan"))}, "checkpoint.metadata"),
        ({"time_scale_s": (1e-6, 2e-6)}, "checkpoint.metadata"),
        ({"training": {"loss": float("nan")}}, "checkpoint.metadata"),
        ({"training": {"when": object()}}, "checkpoint.metadata"),
        ({"name": " "}, "checkpoint.metadata"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(OsccError) as caught:
        write_checkpoint(path, dataclasses.replace(make_graph(tiny_core), **change))
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_write_into_a_missing_folder(make_graph: MakeGraph, tiny_core: CoreSpec, tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="there is no folder"):
        write_checkpoint(tmp_path / "no" / "model.safetensors", make_graph(tiny_core))


@pytest.mark.parametrize("training", [["a", {"b": 1}], "by hand", 3, True, None, {"loss": 0.5}])
def test_anything_may_be_recorded_of_a_training(
    training: Any, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    graph = dataclasses.replace(make_graph(tiny_core, density=0.2), training=training)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    again = read_checkpoint(tmp_path / "m.safetensors")
    assert again.training == training
    assert copy_map_of(again) is None
