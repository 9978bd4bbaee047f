from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import read_output_folder
from oscc.base.path_kind import kind_of, near_path, wrong_kind
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.front_end import read_source
from oscc.core.spec_file import dump_core, load_core

CORE = dump_core(load_core("tiny-8x8"))


def safetensors(header: str = "{}") -> bytes:
    return len(header).to_bytes(8, "little") + header.encode()


@pytest.mark.parametrize(
    ("name", "content", "wanted", "words"),
    [
        ("m.safetensors", safetensors(), "checkpoint", "a checkpoint"),
        ("m.bin", safetensors(), "checkpoint", "a checkpoint"),
        ("damaged.safetensors", b"", "checkpoint", "a checkpoint"),
        ("p", b"OSCCPROG\1\0", "program", "a compiled program"),
        ("c.yaml", CORE, "core", "the spec of a core"),
        ("c.json", json.dumps({"name": "c", "schema": "oscc.core/1"}), "core", "the spec of a core"),
        ("named.gset", CORE, "core", "the spec of a core"),
        ("old.yaml", "# Without its schema.\ngrid: [8, 8]\ncoupling_dac: {bits: 4}\n", "core", "the spec of a core"),
        ("t.yaml", "name: t\nschema: 'oscc.train/1'\n", "train", "a training configuration"),
        ("d.yaml", "schema: oscc.die/1\n", "die", "what the test of a die found"),
        ("l.yaml", "schema: oscc.thresholds/1\n", "thresholds", "a file of thresholds"),
        ("s.gset", "", "problem", "a problem (gset)"),
        ("G1", "2 1\n1 2\n", "problem", "a problem (gset)"),
        ("text", "4 4\n1 2 -1.5e3\n", "problem", "a problem (gset)"),
        ("ising", "# vartype=SPIN\n0 0 1\n", "problem", "a problem (bqm)"),
        ("q.json", '{"type": "BinaryQuadraticModel"}', "problem", "a problem (bqm)"),
        ("g.xml", '<?xml version="1.0"?>\n<graphml>', "problem", "a graph (graphml)"),
        ("G.GraphML", "", "problem", "a graph (graphml)"),
        ("record.json", '{"engine": "array"}', "file", "a file"),
        ("notes.yaml", "grid: yes\n", "file", "a file"),
        ("empty", "", "file", "a file"),
        ("old.pt", pickle.dumps([1]), "file", "a file"),
    ],
)
def test_files(name: str, content: bytes | str, wanted: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = kind_of(tmp_path / name)
    assert (kind.name, kind.words) == (wanted, words)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gset")
    assert kind_of(tmp_path / "pipe.gset").name == "special"
    assert kind_of(tmp_path / "absent.gset").name == "missing"
    assert kind_of("a\0b").name == "missing"
    assert kind_of("a" * 5000).name == "missing"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of each, where the shell stands."""
    monkeypatch.chdir(tmp_path)
    for folder, manifest in (
        ("out", {"schema": "oscc.output/1", "summary": {}, "outputs": {}}),
        ("emitted", {"schema": "oscc.output/1", "outputs": {"rtl/core.v": {"sha256": "", "bytes": 0}}}),
        ("other", {"schema": "package/1"}),
        ("damaged", [1]),
        ("trained", None),
    ):
        Path(folder, "rtl").mkdir(parents=True)
        if manifest is not None:
            Path(folder, "manifest.json").write_text(json.dumps(manifest))
    for name in ("m.safetensors", "out/model.safetensors", "trained/model.safetensors", "trained/state.safetensors"):
        Path(name).write_bytes(safetensors())
    Path("out/program.bin").write_bytes(b"OSCCPROG")
    for name in ("c.yaml", "out/core.yaml", "emitted/rtl/core.yaml"):
        Path(name).write_text(CORE)
    Path("t.yaml").write_text("schema: oscc.train/1\n")
    Path("d.yaml").write_text("schema: oscc.die/1\n")
    Path("s.gset").write_text("2 1\n1 2\n")
    Path("G1").write_text("2 1\n1 2\n")
    Path("notes").write_text("?")
    return tmp_path


def test_folders(place: Path) -> None:
    assert {name: kind_of(place / name).name for name in ("out", "emitted", "other", "damaged", "trained")} == {
        "out": "compilation",
        "emitted": "emitted",
        "other": "folder",
        "damaged": "folder",
        "trained": "training",
    }


OUTPUT = "not an output folder of oscc compile"
MODELS = "a model is a checkpoint (.safetensors), a graph or a problem"
SWAPPED = "a model is the argument MODEL, a core is given by --core"


@pytest.mark.parametrize(
    ("path", "wanted", "message", "hint"),
    [
        (
            "s.gset",
            "output",
            f"a problem (gset), {OUTPUT}",
            "make one: oscc compile s.gset --core SPEC -o DIR; then give DIR",
        ),
        (
            "G1",
            "output",
            f"a problem (gset), {OUTPUT}",
            "make one: oscc compile G1 --frontend gset --core SPEC -o DIR; then give DIR",
        ),
        (
            "m.safetensors",
            "output",
            f"a checkpoint, {OUTPUT}",
            "make one: oscc compile m.safetensors --core SPEC -o DIR; then give DIR",
        ),
        (
            "trained",
            "output",
            f"a folder of oscc train, {OUTPUT}",
            "make one: oscc compile trained/model.safetensors --core SPEC -o DIR; then give DIR",
        ),
        ("c.yaml", "output", f"the spec of a core, {OUTPUT}", "make one: oscc compile MODEL --core c.yaml -o DIR"),
        ("notes", "output", f"a file, {OUTPUT}", "make one: oscc compile MODEL --core SPEC -o DIR"),
        ("out/program.bin", "output", f"a compiled program, {OUTPUT}", "give its folder: out"),
        ("out/model.safetensors", "output", f"a checkpoint, {OUTPUT}", "give its folder: out"),
        ("out/rtl", "output", f"a folder, {OUTPUT}", "give its folder: out"),
        ("out", "model", "an output folder of oscc compile, not a model", "its model: out/model.safetensors"),
        ("out/program.bin", "model", "a compiled program, not a model", "its model: out/model.safetensors"),
        ("trained", "model", "a folder of oscc train, not a model", "its model: trained/model.safetensors"),
        ("emitted", "model", "a folder of oscc emit or oscc synth, not a model", MODELS),
        ("other", "model", "a folder, not a model", MODELS),
        ("c.yaml", "model", "the spec of a core, not a model", "it is taken by: --core c.yaml"),
        ("t.yaml", "model", "a training configuration, not a model", "it is taken by: oscc train t.yaml"),
        ("d.yaml", "model", "what the test of a die found, not a model", "it is taken by: --die d.yaml"),
        (
            "s.gset",
            "checkpoint",
            "a problem (gset), not a checkpoint",
            "make one: oscc compile s.gset --core SPEC -o DIR; it is DIR/model.safetensors then",
        ),
        ("out", "core", "an output folder of oscc compile, not the spec of a core", "its core: out/core.yaml"),
        (
            "emitted",
            "core",
            "a folder of oscc emit or oscc synth, not the spec of a core",
            "its core: emitted/rtl/core.yaml",
        ),
        ("m.safetensors", "core", "a checkpoint, not the spec of a core", SWAPPED),
        ("s.gset", "core", "a problem (gset), not the spec of a core", SWAPPED),
        ("t.yaml", "core", "a training configuration, not the spec of a core", ""),
        ("c.yaml", "die", "the spec of a core, not what the test of a die found", "it is taken by: --core c.yaml"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_is_wanted_and_what_is_given(path: str, wanted: str, message: str, hint: str) -> None:
    error = wrong_kind(path, wanted)
    assert error is not None
    assert (error.code, error.where, error.message, error.hint) == ("path.kind", path, message, hint)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("out", "output"),
        ("emitted", "output"),
        ("m.safetensors", "model"),
        ("s.gset", "model"),
        # Who reads them knows best what is wrong with them.
        ("notes", "model"),
        ("notes", "core"),
        ("absent", "output"),
        ("absent", "model"),
        ("c.yaml", "core"),
        ("t.yaml", "train"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_may_be_what_is_wanted(path: str, wanted: str) -> None:
    assert wrong_kind(path, wanted) is None


@pytest.mark.usefixtures("place")
def test_a_near_path_is_of_the_kind_that_is_meant() -> None:
    assert near_path("outt", lambda path: path.is_dir()) == "did you mean out?"
    assert near_path("outt", lambda path: path.is_file()) == ""
    assert near_path("m.safetensor", lambda path: True) == "did you mean m.safetensors?"
    assert near_path("none/m.safetensors", lambda path: True) == ""
    assert near_path("zzz", lambda path: True) == ""


@pytest.mark.usefixtures("place")
def test_the_readers_ask() -> None:
    def said(error: OsccError) -> tuple[str, str, str]:
        return error.code, error.message, error.hint.partition(" presets: ")[0]

    tiny = load_core("tiny-8x8")
    with pytest.raises(OsccError) as caught:
        read_output_folder("s.gset")
    assert said(caught.value)[:2] == ("output.not-found", f"a problem (gset), {OUTPUT}")
    with pytest.raises(OsccError) as caught:
        read_output_folder("outt")
    meant = "did you mean out? Or make one: oscc compile MODEL --core SPEC -o DIR"
    assert said(caught.value) == ("output.not-found", "no such folder", meant)
    with pytest.raises(OsccError) as caught:
        read_output_folder("emitted")
    assert said(caught.value)[:2] == ("output.no-program", "holds no program, but what oscc emit wrote")
    with pytest.raises(OsccError) as caught:
        read_checkpoint("s.gset")
    assert said(caught.value)[:2] == ("path.kind", "a problem (gset), not a checkpoint")
    missing = "cannot be read: No such file or directory"
    for name, hint in (("tiny-8x8.yaml", "did you mean the preset tiny-8x8?"), ("cc.yaml", "did you mean c.yaml?")):
        with pytest.raises(OsccError) as caught:
            load_core(name)
        assert said(caught.value) == ("spec.not-found", missing, hint)
    for name, code, message, hint in (
        ("c.yaml", "path.kind", "the spec of a core, not a model", "it is taken by: --core c.yaml"),
        ("tiny-8x8", "file.not-found", "no such file", "a core has this name: --core tiny-8x8"),
        ("ss.gset", "file.not-found", "no such file", "did you mean s.gset?"),
    ):
        with pytest.raises(OsccError) as caught:
            read_source(Path(name), None, tiny)
        assert said(caught.value) == (code, message, hint)
