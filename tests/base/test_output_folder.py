from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.manifest import SCHEMA
from oscc.base.output_folder import (
    MANIFEST,
    MODEL,
    PROGRAM,
    REPORTS,
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
    move = shutil.move

    def refuse(source: Path, target: Path) -> object:
        if source.name == PROGRAM and source.parent.name == "new":
            raise OSError(28, "No space left on device")
        return move(source, target)

    monkeypatch.setattr("oscc.base.staged_folder.shutil.move", refuse)
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
            write_json(folder / MANIFEST, {"schema": SCHEMA, "outputs": {content: {"sha256": "0", "bytes": 3}}})
    assert listing(tmp_path / "out") == [MANIFEST, PROGRAM, "rtl", f"rtl/{MANIFEST}", "rtl/two"]


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


def test_the_shells_folder_is_filled_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    make_output(out)
    inode = out.stat().st_ino
    monkeypatch.chdir(out)
    for number, place in enumerate((".", "../out", "./", str(out))):
        make_output(Path(place), program=b"%d" % number)
        assert (Path.cwd(), out.stat().st_ino) == (out, inode)
        assert Path(PROGRAM).read_bytes() == b"%d" % number
    assert listing(tmp_path) == ["out", f"out/{MANIFEST}", f"out/{PROGRAM}"]


def test_a_shell_in_a_folder_below_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    make_output(out)
    for name in ("verify", "report"):
        (out / name).mkdir()
    (out / "verify" / "verdict.txt").write_text("old")
    (out / "report" / "report.html").write_text("old")
    monkeypatch.chdir(out / "verify")
    make_output(Path(".."))
    assert Path.cwd() == out / "verify"
    assert listing(out) == [MANIFEST, PROGRAM, "verify"]


def test_an_empty_shells_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_output(Path())
    assert listing(tmp_path) == [MANIFEST, PROGRAM]


def test_what_oscc_did_not_make_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_output(out)
    ours = ["samples.png", "reports/solve.json", "report/degree.png", "cosim-icarus/codes.npy", "verify/verdict.json"]
    ours += ["synthesis/asic.md", "synthesis/logs/ecp5-synthesis.log"]
    theirs = ["notes.txt", "reports/notes.txt", "report/photo.png", "cosim-icarus/mine.npy", "mine/samples.png"]
    theirs += ["rtl/my_top.v", "synthesis/ecp5.txt", ".git/config"]
    for name in (*ours, *theirs):
        (out / name).parent.mkdir(exist_ok=True, parents=True)
        (out / name).write_text(name)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "verdict.txt").write_text("theirs")
    (out / "mine" / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(out / "pipe")
    make_output(out, program=b"other")
    found = [name for name in listing(out) if not (out / name).is_dir()]
    assert found == sorted([MANIFEST, PROGRAM, *theirs, "pipe"])
    assert all((out / name).read_text() == name for name in theirs)
    assert (out / "mine" / "link").is_symlink()
    assert not (out / "verify").exists()


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_output(out)
    victims = ["victim", "folder/victim"]
    for name in victims:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("theirs")
    (out / "link").symlink_to(tmp_path / "folder")
    names = ["../victim", str(tmp_path / "victim"), "link/victim", "./../victim", "link", "", "/", "a\0b", "x" * 300]
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["outputs"] |= {name: {"sha256": "0", "bytes": 1} for name in names}
    (out / MANIFEST).write_text(json.dumps(manifest))
    make_output(out, program=b"other")
    assert [(tmp_path / name).read_text() for name in victims] == ["theirs", "theirs"]
    assert (out / "link").is_symlink()
    assert (out / PROGRAM).read_bytes() == b"other"


def in_the_way(out: Path, kind: str) -> str:
    """Something of the user's under a name that a compilation needs."""
    if kind == "file":
        (out / MODEL).write_text("years of training")
    elif kind == "link":
        (out / PROGRAM).unlink()
        (out / PROGRAM).symlink_to(out.parent / "elsewhere")
        return PROGRAM
    elif kind == "pipe":
        os.mkfifo(out / MODEL)
    elif kind == "folder":
        (out / MODEL).mkdir()
    elif kind == "linked folder":
        (out / REPORTS).symlink_to(out.parent)
        return REPORTS
    else:
        (out / REPORTS).write_text("x")
        return REPORTS
    return MODEL


@pytest.mark.parametrize("kind", ["file", "link", "pipe", "folder", "linked folder", "file for a folder"])
def test_what_stands_in_the_way_is_refused_before_any_work(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_output(out)
    name = in_the_way(out, kind)
    before = listing(tmp_path)
    with pytest.raises(OsccError) as caught:
        check_target(out)
    assert (caught.value.code, caught.value.where) == ("output.foreign", str(out))
    assert caught.value.message == f"holds {name}, which oscc did not make"
    assert listing(tmp_path) == before


def test_what_stands_in_the_way_at_the_end_changes_nothing(tmp_path: Path) -> None:
    make_output(tmp_path / "out")

    def fill() -> None:
        with replace_folder(tmp_path / "out") as folder:
            (folder / "ir").mkdir()
            (folder / "ir" / "mine.txt").write_text("new")
            (tmp_path / "out" / "ir").mkdir()
            (tmp_path / "out" / "ir" / "mine.txt").write_text("theirs")

    with pytest.raises(OsccError, match=r"holds ir/mine\.txt, a file that oscc did not make") as caught:
        fill()
    assert caught.value.code == "output.foreign"
    assert listing(tmp_path / "out") == ["ir", "ir/mine.txt", MANIFEST, PROGRAM]
    assert (tmp_path / "out" / "ir" / "mine.txt").read_text() == "theirs"


@pytest.mark.parametrize("name", ["rtl", "cosim-array"])
def test_a_subfolder_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    make_output(tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "codes.npy").write_text("theirs")
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    refused = pytest.raises(OsccError, match=f"holds {name}, which oscc did not make")
    with refused, replace_subfolder(tmp_path / "out", name) as folder:
        (folder / "codes.npy").write_text("new")
    assert (tmp_path / "elsewhere" / "codes.npy").read_text() == "theirs"


def test_a_folder_with_locked_parents_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A mount point is such a folder, too: nothing is made beside it.
    out = tmp_path / "out"
    make_output(out)
    access, mkdir = os.access, Path.mkdir

    def locked(self: Path, *given: Any, **options: Any) -> None:
        if self.parent == tmp_path:
            raise PermissionError(13, "Permission denied")
        mkdir(self, *given, **options)

    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and access(path, mode))
    monkeypatch.setattr(Path, "mkdir", locked)
    make_output(out, program=b"other")
    assert (out / PROGRAM).read_bytes() == b"other"


def test_errors_name_the_users_folder(tmp_path: Path) -> None:
    def fill(path: Path) -> None:
        with replace_folder(path) as folder:
            write_json(folder / "no" / "a.json", {})

    make_output(tmp_path / "out")
    for name in ("out", "new"):
        with pytest.raises(OsccError) as caught:
            fill(tmp_path / name)
        assert caught.value.where == f"{tmp_path}/{name}/no/a.json"
        assert ".oscc-" not in caught.value.where
    assert listing(tmp_path) == ["out", f"out/{MANIFEST}", f"out/{PROGRAM}"]


@pytest.mark.parametrize("name", ["a b", "x" * 245, "x" * 255, os.fsdecode(b"out\xff"), "two\nlines"])
def test_every_legal_name_works(name: str, tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        make_output(tmp_path / name, program=content)
        with replace_subfolder(tmp_path / name, "verify") as folder:
            write_json(folder / "verdict.json", {})
        assert read_output_folder(tmp_path / name).program.read_bytes() == content
    assert listing(tmp_path / name) == [MANIFEST, PROGRAM, "verify", "verify/verdict.json"]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_moves_are_undone_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, move = tmp_path / "out", shutil.move
    make_output(out)
    (out / "verify").mkdir()
    (out / "verify" / "verdict.txt").write_text("old")
    before, failing = {name: (out / name).is_file() and (out / name).read_bytes() for name in listing(out)}, 0
    while True:
        count = 0

        def stop(source: Path, target: Path, at: int = failing) -> object:
            nonlocal count
            count += 1
            if count == at + 1:
                raise KeyboardInterrupt
            return move(source, target)

        with monkeypatch.context() as patched:
            patched.setattr("oscc.base.staged_folder.shutil.move", stop)
            try:
                make_output(out, program=b"other")
            except KeyboardInterrupt:
                failing += 1
            else:
                break
        assert {name: (out / name).is_file() and (out / name).read_bytes() for name in listing(out)} == before
    assert failing == 5
    assert listing(out) == [MANIFEST, PROGRAM]


KILLED = """
import os, shutil, sys
from pathlib import Path
from oscc.base.output_folder import replace_folder

stop_at, move, count = int(sys.argv[2]), shutil.move, 0

def stop(source, target):
    global count
    if count == stop_at:
        os._exit(9)
    count += 1
    return move(source, target)

def kill(step):
    global stop_at
    stop_at, shutil.move = step, stop
    with replace_folder(Path(sys.argv[1]) / str(step)) as folder:
        (folder / "sub").mkdir()
        for name in ("program.bin", "sub/new", "manifest.json"):
            (folder / name).write_text(name)
        if step < 0:
            os._exit(9)
    os._exit(0)

for step in range(-1, stop_at):
    if (child := os.fork()) == 0:
        kill(step)
    os.waitpid(child, 0)
"""


def run_killed(folder: Path, steps: int) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(folder), str(steps)], check=True, timeout=60)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in listing(folder) if (folder / name).is_file()}


def test_what_a_killed_process_left_is_undone(tmp_path: Path) -> None:
    steps = 5
    for step in range(-1, steps):
        make_output(tmp_path / str(step))
        (tmp_path / str(step) / "notes").write_text("the user's own")
    before = contents(tmp_path / "0")
    run_killed(tmp_path, steps)
    for step in range(-1, steps):
        out = tmp_path / str(step)
        assert any(entry.name.startswith(".oscc-") for entry in out.iterdir())
        if step <= 0:
            # Nothing was moved: the folder can be read as it is, and is tidied when it is written next.
            assert contents(out).items() > before.items()
            check_target(out)
        assert read_output_folder(out).program.read_bytes() == b"program"
        assert contents(out) == before
        assert not (out / "sub").exists()
        make_output(out, program=b"other")
        assert listing(out) == [MANIFEST, "notes", PROGRAM]


def test_new_files_that_are_all_in_place_stay(tmp_path: Path) -> None:
    make_output(tmp_path / "out", program=b"new")
    before = contents(tmp_path / "out")
    stage = tmp_path / "out" / f".oscc-{dead_process()}-0123abcd"
    for name in ("new/rtl", "old"):
        (stage / name).mkdir(parents=True)
    (stage / "old" / PROGRAM).write_bytes(b"old")
    (stage / "coming.json").write_text(json.dumps([PROGRAM, MANIFEST]))
    check_target(tmp_path / "out")
    assert contents(tmp_path / "out") == before


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-S", "-c", ""])
    done.wait(timeout=60)
    return done.pid


def test_undoing_may_be_killed_and_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, move = 4, shutil.move
    make_output(tmp_path / "3")
    before = contents(tmp_path / "3")
    run_killed(tmp_path, steps)
    failing, place = 0, tmp_path / "3"
    shutil.copytree(place, tmp_path / "left")
    while True:
        count = 0

        def stop(source: Path, target: Path, at: int = failing) -> object:
            nonlocal count
            count += 1
            if count == at + 1:
                raise KeyboardInterrupt
            return move(source, target)

        with monkeypatch.context() as patched:
            patched.setattr("oscc.base.staged_folder.shutil.move", stop)
            try:
                check_target(place)
            except KeyboardInterrupt:
                failing += 1
            else:
                break
        check_target(place)
        assert contents(place) == before
        place = tmp_path / f"again-{failing}"
        shutil.copytree(tmp_path / "left", place)
    assert failing == 3


def test_a_folder_that_is_being_filled_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with replace_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("1")
        # Its number tells nothing where another container counts anew; its lock does.
        other = folder.parent.rename(folder.parent.with_name(f".oscc-{dead_process()}-0123abcd"))
        with pytest.raises(OsccError, match="a folder that oscc did not make"):
            check_target(tmp_path / "out")
        other.rename(folder.parent)
    assert listing(tmp_path / "out") == ["x"]


@pytest.mark.parametrize("name", ["file", "link", ".oscc-1-0123abcd", ".oscc-x-0123abcd", ".oscc-{dead}-0123abcdef"])
def test_what_only_looks_like_a_hidden_folder_of_oscc_stays(name: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_text("1")
    place = tmp_path / "out" / name.format(dead=dead_process())
    place.parent.mkdir()
    if name in ("file", "link"):
        place = place.with_name(f".oscc-{dead_process()}-0123abcd")
        place.write_text("1") if name == "file" else place.symlink_to(tmp_path / "other")
    else:
        place.mkdir()
    with pytest.raises(OsccError, match="a folder that oscc did not make"):
        check_target(tmp_path / "out")
    assert os.path.lexists(place)
    assert (tmp_path / "other" / "a").is_file()


def test_a_new_folder_tidies_what_was_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / f".oscc-{dead_process()}-0123abcd").mkdir()
    make_output(tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
