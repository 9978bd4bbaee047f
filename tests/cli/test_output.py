from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.cli.output import check_file_target, read_program_of, write_file
from oscc.compiler.errors import OsccError
from oscc.compiler.program_file import encode_program
from oscc.compiler.spec import CoreSpec
from oscc.compiler.spec_file import dump_core


def refused(path: Path) -> OsccError:
    with pytest.raises(OsccError) as caught:
        check_file_target(path)
    return caught.value


def names(path: Path) -> list[str]:
    """What is in a folder."""
    return sorted(entry.name for entry in path.iterdir())


def test_core_and_program_are_those_of_the_folder(compiled: Path, tiny_core: CoreSpec) -> None:
    core, program = read_program_of(compiled)
    assert core == tiny_core
    assert encode_program(program) == (compiled / "program.bin").read_bytes()


def test_a_folder_that_is_no_output_is_refused(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "no output folder of oscc"), (tmp_path / "absent", "no such folder")):
        with pytest.raises(OsccError) as caught:
            read_program_of(path)
        assert caught.value.code == "output.not-found"
        assert message in str(caught.value)
        assert caught.value.where == str(path)


def test_a_program_for_another_core_is_refused(folder: Path, make_core: Callable[..., CoreSpec]) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(reference_hz=5e7)))
    with pytest.raises(OsccError) as caught:
        read_program_of(folder)
    assert caught.value.code == "program.invalid"
    assert caught.value.where == str(folder / "program.bin")
    assert caught.value.message.startswith("B001: the program is for core tiny-8x8 (")
    assert caught.value.hint == "compile the model for this core"


def test_a_damaged_program_is_refused(folder: Path) -> None:
    (folder / "program.bin").write_bytes((folder / "program.bin").read_bytes()[:-1])
    with pytest.raises(OsccError, match="truncated"):
        read_program_of(folder)


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_text("old")

    def write(path: Path) -> None:
        assert path.parent == tmp_path
        assert path.suffix == ".png"
        assert target.read_text() == "old"
        path.write_text("new")

    write_file(target, write)
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt(), ValueError("bad")])
def test_half_a_file_is_never_left(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.png"
    target.write_text("old")

    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    with pytest.raises(type(error)):
        write_file(target, write)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.png"]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(OsccError) as caught:
        write_file(tmp_path / "a.png", write)
    assert caught.value.code == "output.unwritable"
    assert str(caught.value) == f"{tmp_path}/a.png: cannot be written: No space left on device"
    assert names(tmp_path) == []


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.code, str(error)) == ("output.is-folder", f"{tmp_path}: a folder; the output is a file")
    with pytest.raises(OsccError, match="a folder; the output is a file"):
        write_file(tmp_path, lambda path: None)


def test_the_folder_of_a_file_must_exist(tmp_path: Path) -> None:
    error = refused(tmp_path / "absent" / "a.png")
    assert (error.code, error.message) == ("output.unwritable", f"there is no folder {tmp_path}/absent")
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file" / "a.png").message == f"there is no folder {tmp_path}/file"


def test_the_folder_of_a_file_must_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may write anywhere, so that the answer of the system is arranged.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    error = refused(tmp_path / "a.png")
    assert (error.code, error.message) == ("output.unwritable", f"no permission to write into {tmp_path}")


def test_a_good_target_is_not_touched(tmp_path: Path) -> None:
    check_file_target(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("old")
    check_file_target(tmp_path / "b.png")
    assert names(tmp_path) == ["b.png"]
