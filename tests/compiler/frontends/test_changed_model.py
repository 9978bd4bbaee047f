from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.changed_model import changed_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec


def test_a_checkpoint_for_as_long_as_it_is_needed(
    tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    graph = make_graph(tiny_core, chunks=1)
    with changed_model(graph, Path("some/problem.gset")) as path:
        assert path.name == "problem.safetensors"
        assert read_checkpoint(path).couplings == graph.couplings
    assert not path.exists()


def test_errors_name_the_file_of_the_user(tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]) -> None:
    graph = make_graph(tiny_core, chunks=1)
    with pytest.raises(OsccError) as caught, changed_model(graph, Path("some/problem.gset")) as path:
        raise OsccError("a.b", "is bad", where=f"{path}: weight", hint="mend it")
    assert str(caught.value) == "some/problem.gset: weight: is bad\nmend it"
    with pytest.raises(OsccError) as caught, changed_model(graph, Path("some/problem.gset")):
        raise OsccError("a.b", "is bad", where="--core")
    assert caught.value.where == "--core"


def test_a_model_that_cannot_be_written_is_of_the_file_of_the_user(
    tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    graph = dataclasses.replace(make_graph(tiny_core, chunks=1), family="kuramoto")
    with pytest.raises(OsccError) as caught, changed_model(graph, Path("some/problem.gset")):
        pass
    assert (caught.value.code, caught.value.where) == ("checkpoint.unread", "some/problem.gset")


@pytest.mark.parametrize("stem", ["n" * 250, "\u00fc" * 125, "\U0001f600" * 62])
def test_a_name_without_room_for_another_suffix(
    stem: str, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    with changed_model(make_graph(tiny_core, chunks=1), Path(f"{stem}.coo")) as path:
        assert stem.startswith(path.stem)
        assert len(path.stem) > 40
        assert read_checkpoint(path).chunks == 1
