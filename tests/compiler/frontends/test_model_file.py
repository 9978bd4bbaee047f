from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]


def test_a_checkpoint_is_kept_byte_by_byte(tiny_model: Path) -> None:
    model = ModelFile.read(tiny_model)
    assert (model.name, model.content) == ("tiny.safetensors", tiny_model.read_bytes())
    assert model.graph.model_hash == hashlib.sha256(model.content).hexdigest()
    np.testing.assert_array_equal(model.graph.weight, read_checkpoint(tiny_model).weight)


def test_a_name_is_one_line(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a\nb.safetensors"
    path.write_bytes(tiny_model.read_bytes())
    assert ModelFile.read(path).name == "a\\nb.safetensors"
    assert ModelFile.of(ModelFile.read(path).graph, path).name == "a\\nb.safetensors"


def test_a_changed_model_is_the_checkpoint_that_would_be_written(
    tiny_core: CoreSpec, make_graph: MakeGraph, tmp_path: Path
) -> None:
    graph = dataclasses.replace(make_graph(tiny_core, chunks=1), model_hash="ab" * 32)
    model = ModelFile.of(graph, Path("some/problem.gset"))
    assert model.name == "problem.safetensors"
    write_checkpoint(tmp_path / "m.safetensors", graph)
    assert model.content == (tmp_path / "m.safetensors").read_bytes()
    # The hash is of what is compiled, not of what it was made from.
    assert model.graph.model_hash == hashlib.sha256(model.content).hexdigest()
    np.testing.assert_array_equal(model.graph.weight, graph.weight)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x80\x04\x95\0\0\0\0\0\0\0\0.", "file.pickle"),
        (b"no model", "file.not-safetensors"),
        (None, "file.not-found"),
    ],
)
def test_errors_name_the_file(content: bytes | None, code: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OsccError) as caught:
        ModelFile.read(path)
    assert (caught.value.code, caught.value.where) == (code, str(path))


def test_a_model_that_cannot_be_written_is_of_the_file_of_the_user(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = dataclasses.replace(make_graph(tiny_core, chunks=1), family="kuramoto")
    with pytest.raises(OsccError) as caught:
        ModelFile.of(graph, Path("some/problem.gset"))
    assert (caught.value.code, caught.value.where) == ("checkpoint.unread", "some/problem.gset")


@pytest.mark.parametrize("stem", ["n" * 250, "\u00fc" * 125, "\U0001f600" * 62])
def test_a_name_without_room_for_another_suffix(
    stem: str, tiny_core: CoreSpec, make_graph: MakeGraph, tmp_path: Path
) -> None:
    model = ModelFile.of(make_graph(tiny_core, chunks=1), Path(f"{stem}.coo"))
    kept = model.name.removesuffix(".safetensors")
    assert stem.startswith(kept)
    assert len(kept) > 40
    (tmp_path / model.name).write_bytes(model.content)
    assert ModelFile.read(tmp_path / model.name).graph.chunks == 1
