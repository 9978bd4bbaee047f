from __future__ import annotations

from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.core_modules import core_modules
from oscc.sim.engines.core_sources import CoreVerilog, changed_files, emitted_verilog, read_core_verilog


@pytest.fixture
def rtl(tmp_path: Path, small_core: CoreSpec) -> Path:
    """A folder with two files, one of which the list leaves out, and the black box of the array."""
    folder = tmp_path / "rtl"
    (folder / "src").mkdir(parents=True)
    for name in ("a", "b", "unlisted"):
        (folder / "src" / f"{name}.v").write_text(f"module {name}; endmodule\n")
    (folder / "tiny_8x8_array_stub.v").write_text("module tiny_8x8_array; endmodule\n")
    listed = "// a comment\n# another\nsrc/b.v\n\nsrc/a.v // last\ntiny_8x8_array_stub.v\n"
    (folder / "tiny_8x8_core.f").write_text(listed)
    return folder


def test_the_list_says_which_files_there_are(rtl: Path, tiny_core: CoreSpec) -> None:
    found = read_core_verilog(rtl, tiny_core)
    assert found is not None
    # In its order, without the black box in whose place the array stands.
    assert dict(found.files) == {"src/b.v": "module b; endmodule\n", "src/a.v": "module a; endmodule\n"}
    assert list(found.files) == ["src/b.v", "src/a.v"]
    assert found.origin == "rtl/, 2 files"
    assert found.text == "module b; endmodule\nmodule a; endmodule\n"
    assert (found.file_with("module a"), found.file_with("module c")) == ("src/a.v", "")


def test_without_a_list_there_is_nothing(rtl: Path, tiny_core: CoreSpec) -> None:
    (rtl / "tiny_8x8_core.f").unlink()
    assert read_core_verilog(rtl, tiny_core) is None
    assert read_core_verilog(rtl / "none", tiny_core) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("src/gone.v", "gone.v: No such file or directory"),
        ("../other.v", "'../other.v' is no name of a file in rtl/"),
        ("/etc/passwd", "'/etc/passwd' is no name of a file in rtl/"),
        ("+incdir+src", "'+incdir+src' is no name of a file in rtl/"),
        ("-v lib.v", "'-v lib.v' is no name of a file in rtl/"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(line: str, message: str, rtl: Path, tiny_core: CoreSpec) -> None:
    (rtl / "tiny_8x8_core.f").write_text(f"src/a.v\n{line}\n")
    with pytest.raises(OsccError) as caught:
        read_core_verilog(rtl, tiny_core)
    assert (caught.value.code, caught.value.message) == ("rtl.file-list", message)
    assert caught.value.where == str(rtl / "tiny_8x8_core.f")


def test_changed_files_are_named(small_core: CoreSpec) -> None:
    emitted = emitted_verilog(small_core)
    assert emitted.origin == "emitted anew"
    assert changed_files(emitted, small_core) == []
    files = dict(emitted.files)
    first, second = list(files)[:2]
    files[first] += "// by hand\n"
    del files[second]
    files["src/more.v"] = ""
    assert changed_files(CoreVerilog(files, "edited"), small_core) == [first, second, "src/more.v"]


def test_files_for_fpgas_are_those_of_this_version_too(small_core: CoreSpec) -> None:
    files = {f"src/{name}": text for name, text in core_modules(small_core, initial=True).items()}
    assert files != dict(emitted_verilog(small_core).files)
    assert changed_files(CoreVerilog(files, "for FPGAs"), small_core) == []
