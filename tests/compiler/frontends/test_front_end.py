from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from oscc.compiler.checkpoint import read_checkpoint
from oscc.compiler.errors import OsccError
from oscc.compiler.frontends.front_end import Source, front_end_of, opened_source, read_problem
from oscc.compiler.spec_file import load_core

SQUARE = "4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n"


@pytest.mark.parametrize(
    ("path", "name", "wanted"),
    [
        ("a.gset", None, "gset"),
        ("a.graphml", None, "graphml"),
        ("a.bqm", None, "bqm"),
        ("a.safetensors", None, "checkpoint"),
        ("a", None, "checkpoint"),
        ("a.txt", "gset", "gset"),
        ("a.gset", "checkpoint", "checkpoint"),
    ],
)
def test_front_end_of_a_file(path: str, name: str | None, wanted: str) -> None:
    assert front_end_of(Path(path), name) == wanted


def test_an_unknown_front_end() -> None:
    with pytest.raises(OsccError) as caught:
        front_end_of(Path("a"), "gsett")
    assert str(caught.value) == "--frontend: 'gsett' is no front end; did you mean 'gset'?"


def test_a_problem_becomes_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "square.gset"
    path.write_text(SQUARE)
    with opened_source(path, None, load_core("ising-56x56")) as source:
        graph = read_checkpoint(source.checkpoint)
        assert (graph.name, graph.nodes, graph.couplings) == ("square", 4, 8)
        assert graph.training["problem"] == {"kind": "max-cut", "spins": 4, "pairs": 4}
        assert source.problem == SQUARE.encode()
        digest = hashlib.sha256(SQUARE.encode()).hexdigest()
        assert source.description == {"file": "square.gset", "sha256": digest, "frontend": "gset"}
        assert source.labels == ("1", "2", "3", "4")
        first = source.checkpoint.read_bytes()
    assert not source.checkpoint.exists()
    with opened_source(path, "gset", load_core("ising-56x56")) as source:
        assert source.checkpoint.read_bytes() == first


def test_a_checkpoint_is_taken_as_it_is(tmp_path: Path) -> None:
    with opened_source(tmp_path / "m.safetensors", None, load_core("tiny-8x8")) as source:
        assert source == Source(tmp_path / "m.safetensors", None, {}, ())


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="cannot be read: No such file or directory"):
        read_problem(tmp_path / "x.gset", "gset")
    (tmp_path / "x.gset").write_bytes(b"\xff\xfe")
    with pytest.raises(OsccError, match="cannot be read: not a text file"):
        read_problem(tmp_path / "x.gset", "gset")
