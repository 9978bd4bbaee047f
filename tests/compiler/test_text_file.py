from __future__ import annotations

from pathlib import Path

import pytest

from oscc.compiler.errors import OsccError
from oscc.compiler.text_file import read_text_file


def test_text_is_read_as_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("tau \u03c4\n".encode())
    assert read_text_file(tmp_path / "a", "x.read") == "tau \u03c4\n"


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "No such file or directory"), (".", "Is a directory"), ("bytes", "not a text file")]
)
def test_what_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OsccError) as caught:
        read_text_file(tmp_path / name, "x.read", "a file")
    error = caught.value
    assert (error.code, error.message, error.hint) == ("x.read", f"cannot be read: {reason}", "a file")
    assert error.where == str(tmp_path / name)
