from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.changed_model import changed_model
from oscc.compiler.checkpoint import read_checkpoint
from oscc.compiler.errors import OsccError
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.spec import CoreSpec


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
