from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.core.program_file import encode_program
from oscc.core.program_folder import read_program_of
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "DIR", "-n", "1", "-o", "link.png"),
        ("yield", "MODEL", "--core", "tiny-8x8", "--dies", "1", "-o", "link.png"),
        ("report", "DIR", "-o", "link.html"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_verb_writes_through_links_and_keeps_the_mode(
    arguments: tuple[str, ...],
    oscc: Callable[..., tuple[int, str, str]],
    compiled: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
) -> None:
    link, real = tmp_path / arguments[-1], tmp_path / "real"
    link.symlink_to(real)
    real.write_text("old")
    real.chmod(0o600)
    places = {"DIR": compiled, "MODEL": tiny_checkpoint, arguments[-1]: link}
    status, _, err = oscc(*(places.get(argument, argument) for argument in arguments))
    assert (status, err) == (0, "")
    assert link.readlink() == real
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert real.read_bytes()[:4] in (b"\x89PNG", b"<!do", b"<!DO")


@pytest.mark.parametrize("verb", ["solve", "sample", "cosim", "verify", "report", "emit", "diff"])
def test_a_file_where_a_folder_is_expected_is_told_from_one_that_is_missing(
    verb: str, oscc: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    problem = tmp_path / "square.gset"
    problem.write_text("2 1\n1 2 1\n")
    given = [problem, tmp_path] if verb == "diff" else [problem]
    assert oscc(verb, *given) == (
        1,
        "",
        f"oscc: {problem}: a problem (gset), not an output folder of oscc compile\n"
        f"make one: oscc compile {problem} --core SPEC -o DIR; then give DIR\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["square.gset"]
