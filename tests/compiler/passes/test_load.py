from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.passes.load import LoadPass


def test_load_reads_the_checkpoint(example_path: Path) -> None:
    for path in (example_path, str(example_path)):
        graph = LoadPass(path).run(None)
        assert (graph.nodes, graph.couplings) == (3136, 71940)
        assert graph.model_hash == read_checkpoint(example_path).model_hash


def test_load_passes_errors_on(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_text("no")
    with pytest.raises(OsccError, match="not a safetensors file"):
        LoadPass(tmp_path / "x.safetensors").run(None)


def test_pass_describes_itself_and_cannot_be_changed(example_path: Path) -> None:
    load = LoadPass(example_path)
    assert load.name == "load"
    assert load.description == "read the checkpoint and check that it is well formed"
    with pytest.raises(dataclasses.FrozenInstanceError):
        load.path = "other"  # type: ignore[misc]
