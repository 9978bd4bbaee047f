from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from oscc.compiler.errors import OsccError
from oscc.compiler.manifest import SCHEMA
from oscc.compiler.output_folder import (
    MANIFEST,
    PROGRAM,
    check_target,
    file_hash,
    read_output_folder,
    replace_folder,
    replace_subfolder,
    write_json,
)


def make_output(path: Path, *, program: bytes = b"program") -> None:
    with replace_folder(path) as folder:
        (folder / PROGRAM).write_bytes(program)
        outputs = {PROGRAM: {"sha256": file_hash(folder / PROGRAM), "bytes": len(program)}}
        write_json(folder / MANIFEST, {"schema": SCHEMA, "outputs": outputs})


def listing(path: Path) -> list[str]:
    """Everything below a folder, hidden entries too."""
    return sorted(entry.relative_to(path).as_posix() for entry in path.rglob("*"))


class StopError(Exception):
    """An error of the block."""


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with replace_folder(target) as folder:
        (folder / "x").write_text("1")
        assert not target.exists()
        assert folder.parent == target.parent
    assert listing(tmp_path) == ["a", "a/b", "a/b/x"]


def test_an_output_folder_is_replaced_whole(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    (tmp_path / "out" / "rtl").mkdir()
    make_output(tmp_path / "out", program=b"other")
    assert listing(tmp_path) == ["out", f"out/{MANIFEST}", f"out/{PROGRAM}"]
    assert (tmp_path / "out" / PROGRAM).read_bytes() == b"other"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    make_output(tmp_path / "out")
    assert listing(tmp_path / "out") == [MANIFEST, PROGRAM]


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_after_an_error_everything_is_as_before(error: type[BaseException], tmp_path: Path) -> None:
    make_output(tmp_path / "out")

    def fail(path: Path) -> None:
        with replace_folder(path) as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(error):
        fail(tmp_path / "out")
    with pytest.raises(error):
        fail(tmp_path / "new" / "deep" / "er")
    assert listing(tmp_path) == ["out", f"out/{MANIFEST}", f"out/{PROGRAM}"]


def test_a_rename_that_fails_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_output(tmp_path / "out")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OsccError, match="No space left on device") as caught:
        make_output(tmp_path / "out", program=b"other")
    assert caught.value.code == "output.unwritable"
    assert listing(tmp_path) == ["out", f"out/{MANIFEST}", f"out/{PROGRAM}"]
    assert (tmp_path / "out" / PROGRAM).read_bytes() == b"program"


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": "vite/1"}', '{"name": "app"}'])
def test_folders_of_others_are_refused(content: str | None, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    if content is not None:
        (target / MANIFEST).write_text(content)
    before = listing(tmp_path)
    with pytest.raises(OsccError, match="a folder that oscc did not make") as caught:
        make_output(target)
    assert caught.value.code == "output.foreign"
    assert listing(tmp_path) == before


def test_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OsccError, match="file") as caught:
            check_target(target)
        assert caught.value.code in ("output.is-file", "output.unwritable")
        assert len(str(caught.value).splitlines()) == 1
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    with pytest.raises(OsccError, match="a file; the output is a folder"):
        check_target(tmp_path / "link")


def test_folders_without_permission_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write anywhere, so that a locked folder would not do.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OsccError, match="no permission to write") as caught:
        check_target(tmp_path / "new" / "out")
    assert caught.value.code == "output.unwritable"


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    with pytest.raises(OsccError, match="File name too long") as caught, replace_folder(long):
        pass
    assert caught.value.code == "output.unwritable"
    assert listing(tmp_path) == []


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    make_output(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    make_output(tmp_path / "link", program=b"other")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / PROGRAM).read_bytes() == b"other"


def test_reading_an_output_folder(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    folder = read_output_folder(tmp_path / "out")
    assert folder.program.read_bytes() == b"program"
    assert folder.model == tmp_path / "out" / "model.safetensors"
    assert folder.core == tmp_path / "out" / "core.yaml"
    assert folder.changed_files() == []
    folder.program.write_bytes(b"changed")
    assert folder.changed_files() == [PROGRAM]
    folder.program.unlink()
    assert folder.changed_files() == [PROGRAM]


def test_reading_what_is_no_output_folder(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="no such folder"):
        read_output_folder(tmp_path / "absent")
    with pytest.raises(OsccError, match="no output folder of oscc") as caught:
        read_output_folder(tmp_path)
    assert caught.value.hint == "make one: oscc compile MODEL --core SPEC -o DIR"
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": "oscc.output/99", "outputs": {}}))
    with pytest.raises(OsccError, match="damaged or of another version"):
        read_output_folder(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": SCHEMA, "outputs": {}}))
    with pytest.raises(OsccError, match="holds no program\ncompile one into it") as caught:
        read_output_folder(tmp_path)
    assert caught.value.code == "output.no-program"
    summary: dict[str, object] = {"feasible": False, "model": "m", "family": "kurashil", "core": "c", "findings": []}
    summary |= dict.fromkeys(("nodes", "couplings", "max_degree", "chunks", "weight_bits"), 1)
    core = {"name": "c", "sha256": "", "spec_hash": ""}
    inputs = {"model": {"file": "m.safetensors", "sha256": ""}, "core": core, "options": {}}
    tool = {"name": "oscc", "version": "1.0.0"}
    manifest = {"schema": SCHEMA, "tool": tool, "inputs": inputs, "outputs": {}, "summary": summary}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(OsccError, match="holds no program: the model did not fit the core") as caught:
        read_output_folder(tmp_path)
    assert caught.value.code == "output.infeasible"


def test_a_subfolder_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    for content in ("one", "two"):
        with replace_subfolder(tmp_path / "out", "rtl") as folder:
            (folder / content).write_text(content)
    assert listing(tmp_path / "out") == [MANIFEST, PROGRAM, "rtl", "rtl/two"]


def test_a_subfolder_survives_an_error(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    with replace_subfolder(tmp_path / "out", "rtl") as folder:
        (folder / "good").write_text("good")

    def fail() -> None:
        with replace_subfolder(tmp_path / "out", "rtl") as folder:
            (folder / "half").write_text("half")
            raise StopError

    with pytest.raises(StopError):
        fail()
    assert listing(tmp_path / "out") == [MANIFEST, PROGRAM, "rtl", "rtl/good"]


def test_subfolders_need_an_output_folder(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="no output folder of oscc"), replace_subfolder(tmp_path, "rtl"):
        pass
    assert listing(tmp_path) == []


def test_json_refuses_what_json_lacks(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5]})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": 1,\n  "a": [\n    1.5\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"outputs": {"x": 5}}, "outputs.x: "),
        ({"outputs": {"x": {"sha256": "0"}}}, "outputs.x.bytes: field required"),
        ({"outputs": []}, "outputs: "),
        ({}, "outputs: field required"),
        ({"outputs": {}, "inputs": []}, "inputs: "),
        ({"outputs": {}, "summary": {}}, "tool: field required"),
    ],
)
def test_a_damaged_manifest_is_one_line(content: dict[str, object], fault: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": SCHEMA, **content}))
    with pytest.raises(OsccError) as caught:
        read_output_folder(tmp_path)
    assert caught.value.code == "output.manifest"
    assert f"damaged or of another version: {fault}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_that_no_file_can_have_are_missing_files(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    manifest["outputs"]["x" * 5000] = {"sha256": "0", "bytes": 1}
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(manifest))
    assert read_output_folder(tmp_path / "out").changed_files() == ["x" * 5000]


def test_a_manifest_that_is_cut_off(tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    content = (tmp_path / "out" / MANIFEST).read_text()
    (tmp_path / "out" / MANIFEST).write_text(content[: len(content) // 2])
    with pytest.raises(OsccError, match=r"manifest.json is no JSON object") as caught:
        read_output_folder(tmp_path / "out")
    assert caught.value.hint == "remove the folder, and compile again"
