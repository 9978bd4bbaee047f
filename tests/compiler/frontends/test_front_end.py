from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import OutputFolder
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.front_end import front_end_of, read_kept_problem, read_source
from oscc.compiler.frontends.front_ends import FRONT_ENDS, ProblemReader
from oscc.compiler.frontends.gset import parse_gset
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.spec_file import load_core

DIMOD = (
    b'{"type": "BinaryQuadraticModel", "variable_labels": ["x", "\\u00fc"], "variable_type": "SPIN", "offset": 0, '
    b'"linear_biases": [0, 1], "quadratic_biases": [1], "quadratic_head": [0], "quadratic_tail": [1]}'
)
GRAPHML = (
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected"><node id="\u00e9"/>'
    '<node id="b"/><edge source="\u00e9" target="b"/></graph></graphml>'
)
SQUARE = "4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n"


@pytest.mark.parametrize(
    ("path", "name", "wanted"),
    [
        ("a.gset", None, "gset"),
        ("A.GSET", None, "gset"),
        ("a.graphml", None, "graphml"),
        ("X.GraphML", None, "graphml"),
        ("a.bqm", None, "bqm"),
        ("a.Coo", None, "bqm"),
        ("Y.JSON", None, "bqm"),
        ("a.safetensors", None, "checkpoint"),
        ("a.SafeTensors", None, "checkpoint"),
        ("a", None, "checkpoint"),
        ("a.txt", "gset", "gset"),
        ("a.gset", "checkpoint", "checkpoint"),
    ],
)
def test_front_end_of_a_file(path: str, name: str | None, wanted: str) -> None:
    assert front_end_of(Path(path), name) == wanted


@pytest.mark.parametrize("content", [SQUARE.encode(), b"", b"<graphml/>", b"\xff\xfe\0\0"])
@pytest.mark.parametrize("name", ["G1", "square.txt", ".gset", "a.gset.gz"])
def test_a_file_that_says_nowhere_what_it_is(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OsccError) as caught:
        read_source(tmp_path / name, None, load_core("tiny-8x8"))
    assert str(caught.value) == (
        f"{tmp_path / name}: no checkpoint, and its name ends in none of .safetensors, .graphml, .gset, .bqm, .coo, "
        ".json\nsay what it is: --frontend graphml, gset or bqm"
    )


@pytest.mark.parametrize("suffix", ["", ".bin", ".pt"])
def test_what_begins_as_tensors_is_read_as_a_checkpoint(suffix: str, tmp_path: Path, example_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(example_path.read_bytes()[:2000])
    assert front_end_of(path, None) == "checkpoint"
    path.write_bytes(b"\x80\x04\x95\0\0\0\0\0\0\0\0.")
    assert front_end_of(path, None) == "checkpoint"


def test_an_unknown_front_end() -> None:
    with pytest.raises(OsccError) as caught:
        front_end_of(Path("a"), "gsett")
    assert str(caught.value) == "--frontend: 'gsett' is no front end; did you mean 'gset'?"


def test_a_problem_becomes_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "square.gset"
    path.write_text(SQUARE)
    source = read_source(path, None, load_core("ising-56x56"))
    graph = source.model.graph
    assert (graph.name, graph.nodes, graph.couplings) == ("square", 4, 8)
    # All parameters were divided by J, half of the weight.
    assert graph.training["problem"] == {"kind": "max-cut", "spins": 4, "pairs": 4, "unit": 0.5}
    assert source.problem == SQUARE.encode()
    digest = hashlib.sha256(SQUARE.encode()).hexdigest()
    assert source.description == {"file": "square.gset", "sha256": digest, "frontend": "gset"}
    assert source.labels == ("1", "2", "3", "4")
    assert source.model.name == "square.safetensors"
    assert read_source(path, "gset", load_core("ising-56x56")).model.content == source.model.content


def test_a_checkpoint_is_taken_as_it_is(tiny_model: Path) -> None:
    source = read_source(tiny_model, None, load_core("tiny-8x8"))
    assert source.path == tiny_model
    assert (source.model.name, source.model.content) == (tiny_model.name, tiny_model.read_bytes())
    assert (source.problem, source.description, source.labels, source.lower) == (None, {}, (), None)


@pytest.mark.parametrize("name", ["m.safetensors", "square.gset"])
def test_a_file_is_read_once_and_none_is_made(
    name: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = load_core("tiny-8x8" if name == "m.safetensors" else "ising-56x56")
    path = tmp_path / name
    path.write_bytes(tiny_model.read_bytes() if name == "m.safetensors" else SQUARE.encode())
    # Whatever asks for a temporary file is told that there is no folder for it.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    source = read_source(path, None, core)
    path.unlink()
    result = compile_model(source.model.graph, core)
    assert result.program is not None
    write_output(tmp_path / "out", result, Receipt(source.model, {}, source))
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == source.model.content
    assert result.program.model_hash == hashlib.sha256(source.model.content).hexdigest()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("crlf.gset", b"4 1\r\n1 2 1e0\r\n"),
        ("cr.gset", b"4 1\r1 2 1\r"),
        ("bom.gset", b"\xef\xbb\xbf4 1\n1 2 1\n"),
        ("bom.coo", b"\xef\xbb\xbf# vartype=SPIN\r\n0\t1\t-1e0\r\n\r\n1 0 -0.5\r\n"),
        ("bom.bqm", b"\xef\xbb\xbf" + DIMOD),
        ("crlf.bqm", DIMOD.replace(b",", b",\r\n")),
        ("crlf.graphml", GRAPHML.replace("><", ">\r\n<").encode()),
        ("bom.graphml", b"\xef\xbb\xbf" + GRAPHML.encode()),
        ("utf16.graphml", GRAPHML.encode("utf-16")),
        ("latin.graphml", ('<?xml version="1.0" encoding="latin-1"?>' + GRAPHML).encode("latin-1")),
    ],
)
def test_a_file_is_read_and_kept_byte_by_byte(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    source = read_source(tmp_path / name, None, load_core("ising-56x56"))
    assert source.problem == content
    assert source.description["sha256"] == hashlib.sha256(content).hexdigest()
    assert source.model.graph.couplings == 2


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("x.gset", ("1", "2", "3", "4")),
        ("x.coo", ("3", "10")),
        ("x.graphml", ("\u00e9", "b")),
        ("x.bqm", ("x", "\u00fc")),
        ("mixed.bqm", ("1", '"1"')),
    ],
)
def test_nodes_have_the_names_of_the_file(name: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    content = {
        "x.gset": b"4 1\n1 2 1\n",
        "x.coo": b"# vartype=SPIN\n10 3 1\n",
        "x.graphml": GRAPHML.encode(),
        "x.bqm": DIMOD,
        "mixed.bqm": DIMOD.replace(b'["x", "\\u00fc"]', b'[1, "1"]'),
    }[name]
    (tmp_path / name).write_bytes(content)
    source = read_source(tmp_path / name, None, load_core("ising-56x56"))
    assert source.labels == labels


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"4 1\n1 2 \xe9\n", "cannot be read: not a text file (byte 8, 0xe9, is not UTF-8)"),
        (b"4 1\n1 2 1\0\n", "cannot be read: not a text file (byte 9 is NUL)"),
        ("\ufeff4 1\n1 2 1\n".encode("utf-16-le"), "cannot be read: UTF-16, as its first bytes say; expected UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["x.gset", "x.bqm", "x.coo"])
def test_a_file_that_is_not_there_or_no_text(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(OsccError) as caught:
        read_source(tmp_path / name, None, load_core("tiny-8x8"))
    assert str(caught.value) == f"{tmp_path / name}: {message}"


@pytest.mark.parametrize(
    ("stem", "name"), [("a\nb", "a\\nb"), ("\udcff", "\\xff"), (" ", "model"), ("n" * 250, "n" * 250), ("a b", "a b")]
)
def test_a_model_is_called_as_its_file(stem: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{stem}.gset"
    path.write_text(SQUARE)
    source = read_source(path, None, load_core("ising-56x56"))
    assert source.model.graph.name == name
    assert source.description["file"] == (f"{name}.gset" if stem.strip() else " .gset")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda kept: kept.write_bytes(kept.read_bytes().replace(b" 1\n", b" 2\n")),
            "not the file that was compil",
        ),
        (
            lambda kept: kept.write_bytes(kept.read_bytes().replace(b"\n", b"\r\n")),
            "not the file that was compil",
        ),
        (Path.unlink, "cannot be read: No such file or directory"),
    ],
)
def test_a_kept_problem_that_was_edited(change: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    (tmp_path / "problem").write_text(SQUARE)
    digest = hashlib.sha256(SQUARE.encode()).hexdigest()
    described = {"file": "square.gset", "frontend": "gset", "sha256": digest}
    folder = OutputFolder(tmp_path, {"inputs": {"problem": described}})
    assert read_kept_problem(folder).labels == (1, 2, 3, 4)
    change(folder.problem)
    with pytest.raises(OsccError) as caught:
        read_kept_problem(folder)
    assert caught.value.where == str(tmp_path / "problem")
    assert caught.value.message.startswith(message)


def test_a_problem_is_parsed_once_for_all_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(text: str, **parts: str) -> IsingProblem:
        parsed.append(text)
        return parse_gset(text, **parts)

    monkeypatch.setitem(FRONT_ENDS._own, "gset", ProblemReader(parse))
    (tmp_path / "square.gset").write_text(SQUARE)
    source = read_source(tmp_path / "square.gset", None, load_core("ising-56x56"))
    assert source.lower is not None
    for core in ("ising-56x56", "king-48x41"):
        assert source.lower(load_core(core)).nodes == 4
    assert parsed == [SQUARE]
