"""Whatever happens to the bytes of a text input: it is read, or refused in words, and nothing else is ever raised."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.base.strict_yaml import read_yaml
from oscc.base.tensor_file import pack_tensors, read_tensors
from oscc.base.text_file import UserFile
from oscc.compiler.frontends.checkpoint import MODEL_KEY, read_checkpoint, write_checkpoint
from oscc.compiler.frontends.front_end import source_of_file
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.die import DieSpec
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, load_core, parse_core
from oscc.report.thresholds import Thresholds

GSET = b"4 3\n1 2 1\n2 3 -2.5\n4 3 1e3\n"
COO = b"# vartype=BINARY\n0 0 1.5\n0 3 -2\n3 7 0.25\n"
DIMOD = json.dumps(
    {
        "type": "DictBQM",
        "variable_labels": ["a", 1, ["b", [2]]],
        "variable_type": "SPIN",
        "offset": 0.5,
        "linear_biases": [0, 1.5, -2],
        "quadratic_biases": [1, -0.25],
        "quadratic_head": [0, 1],
        "quadratic_tail": [1, 2],
        "num_variables": 3,
    }
).encode()
GRAPHML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>-0.5</default></key>\n'
    '<key id="r" for="node" attr.name="row" attr.type="int"/>\n'
    '<key id="c" for="node" attr.name="col" attr.type="long"/>\n'
    '<key id="d" for="graph" attr.name="duration" attr.type="string"/>\n'
    '<key id="p" for="node" attr.name="pixel" attr.type="int"/>\n'
    '<graph id="G" edgedefault="undirected"><data key="d">1.5 2</data>\n'
    '<node id="\u00e9"><data key="r">0</data><data key="c">1</data><data key="p">0</data></node>\n'
    '<node id="b"><data key="r">0</data><data key="c">2</data></node>\n'
    '<edge source="\u00e9" target="b" directed="false"><data key="w">0.75</data></edge></graph></graphml>\n'
).encode()
DIE = b"schema: oscc.die/1\ncore: tiny-8x8\ncells: [[3, 1]]\nstuck_dacs: [[2, 1, shil, 3]]\ngain: [[3, 3, 1.08]]\n"
THRESHOLDS = b"schema: oscc.thresholds/1\nmust_fit: true\ncells_moved_share: 0\nrms_lsb: 0.02 # LSB\n"
TRAINING = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_bytes()

TOKENS = [
    *(b"\xff", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\t", b" ", b"\xe2\x80\xa8", b"\xc2\xa0"),
    *(b"nan", b"inf", b"NaN", b"Infinity", b"1e999", b"1e39", b"1_0", b"-", b"-0", b"9" * 20, b"9" * 5000, b"\xd9\xa1"),
    *(b"<", b">", b"&a;", b"<!DOCTYPE a>", b"<graph/>", b"<port/>", b"</graph>", b"]]>", b'"', b"'", b"directed"),
    *(b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"[[[[", b"&x ", b"*x", b"? ", b"!!str ", b"#", b"%", b"|"),
    *(b"\\ud800", b"\\n", b"\xed\xa0\x80", b"<<: "),
]


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 5, 20, 1000])))
        kind = draw(st.sampled_from(["cut", "token", "bytes", "copy", "swap"]))
        put = {
            "cut": b"",
            "token": draw(st.sampled_from(TOKENS)),
            "bytes": draw(st.binary(min_size=1, max_size=3)),
            "copy": 2 * content[start:end],
            "swap": content[start:end].swapcase(),
        }[kind]
        content = content[:start] + put + content[end:]
    return content


def _yaml(model: Any, code: str) -> Callable[[UserFile, CoreSpec], object]:
    return lambda file, core: read_yaml(file.text(f"{code}.read"), model, where="f", what="one", code=code)


def _training(file: UserFile, core: CoreSpec) -> object:
    from oscc.models.training.training_config import parse_training

    return parse_training(file.text("training.read"), where="f")


READERS: dict[str, tuple[bytes, Callable[[UserFile, CoreSpec], object]]] = {
    "gset": (GSET, lambda file, core: source_of_file(file, "gset", Path("g"), core)),
    "coo": (COO, lambda file, core: source_of_file(file, "bqm", Path("g"), core)),
    "dimod": (DIMOD, lambda file, core: source_of_file(file, "bqm", Path("g"), core)),
    "graphml": (GRAPHML, lambda file, core: source_of_file(file, "graphml", Path("g"), core)),
    "core": (dump_core(load_core("tiny-8x8")).encode(), lambda file, core: parse_core(file.text("x"), where="f")),
    "die": (DIE, _yaml(DieSpec, "die")),
    "thresholds": (THRESHOLDS, _yaml(Thresholds, "thresholds")),
    "training": (TRAINING, _training),
}


@pytest.fixture(scope="module")
def core() -> CoreSpec:
    return load_core("ising-56x56")


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_are_read_or_refused_in_words(kind: str, core: CoreSpec) -> None:
    content, read = READERS[kind]
    refused = []

    @settings(max_examples=100, database=None)
    @given(damage(content))
    def try_one(damaged: bytes) -> None:
        try:
            read(UserFile(damaged, "f"), core)
        except OsccError as error:
            refused.append(error)

    try_one()
    assert refused
    for error in refused:
        assert error.message
        assert error.message.isprintable()
        assert error.where.startswith("f") or error.where == ""


@pytest.mark.parametrize("kind", READERS)
def test_what_is_damaged_was_good(kind: str, core: CoreSpec) -> None:
    content, read = READERS[kind]
    read(UserFile(content, "f"), core)


def test_the_description_in_a_damaged_checkpoint(
    tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    path = tmp_path / "m.safetensors"
    write_checkpoint(path, make_graph(tiny_core, density=0.1))
    file = read_tensors(path)
    refused = []

    @settings(max_examples=60, database=None)
    @given(damage(file.metadata[MODEL_KEY].encode()))
    def try_one(damaged: bytes) -> None:
        path.write_bytes(pack_tensors(file.tensors, {**file.metadata, MODEL_KEY: damaged.decode(errors="replace")}))
        try:
            read_checkpoint(path)
        except OsccError as error:
            refused.append(str(error))

    try_one()
    assert refused
    assert all("\n" not in text for text in refused)
