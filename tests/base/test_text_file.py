from __future__ import annotations

import codecs
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.base.text_file import UserFile, read_text_file, read_user_file


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("tau \u03c4\n".encode(), "tau \u03c4\n"),
        (codecs.BOM_UTF8 + b"a: 1\n", "a: 1\n"),
        (b"a\r\nb\rc\nd", "a\nb\nc\nd"),
        (b"\r\r\n\n", "\n\n\n"),
        # A second mark is a character of the text, and so are the separators that only Python takes for line ends.
        (codecs.BOM_UTF8 + codecs.BOM_UTF8, "\ufeff"),
        ("a\u2028b\x0bc\x85d".encode(), "a\u2028b\x0bc\x85d"),
        (b"", ""),
    ],
)
def test_a_text_whatever_wrote_it(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read_text_file(tmp_path / "a", "x.read") == text
    assert read_user_file(tmp_path / "a", "x.read").content == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ab\xff", "cannot be read: not a text file (byte 2, 0xff, is not UTF-8)"),
        (codecs.BOM_UTF8 + b"a\xe4b", "cannot be read: not a text file (byte 4, 0xe4, is not UTF-8)"),
        (b"caf\xc3", "cannot be read: not a text file (byte 3, 0xc3, is not UTF-8)"),
        # A surrogate and an overlong form, which other decoders take.
        (b"\xed\xa0\x80", "cannot be read: not a text file (byte 0, 0xed, is not UTF-8)"),
        (b"\xc0\x80", "cannot be read: not a text file (byte 0, 0xc0, is not UTF-8)"),
        (codecs.BOM_UTF8 + b"a\0", "cannot be read: not a text file (byte 4 is NUL)"),
        ("\ufeff4 1\n".encode("utf-16-le"), "cannot be read: UTF-16, as its first bytes say; expected UTF-8"),
        ("\ufeff4 1\n".encode("utf-16-be"), "cannot be read: UTF-16, as its first bytes say; expected UTF-8"),
        ("\ufeff4 1\n".encode("utf-32-le"), "cannot be read: UTF-32, as its first bytes say; expected UTF-8"),
        ("4 1\n".encode("utf-16-le"), "cannot be read: not a text file (byte 1 is NUL)"),
    ],
)
def test_bytes_that_are_no_text(content: bytes, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        UserFile(content, "f").text("x.read", "a file")
    error = caught.value
    assert (error.code, error.message, error.where, error.hint) == ("x.read", message, "f", "a file")


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "No such file or directory"), (".", "Is a directory"), ("a\0b", "a NUL in its name")]
)
def test_what_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        read_text_file(tmp_path / name, "x.read", "a file")
    error = caught.value
    assert (error.code, error.message, error.hint) == ("x.read", f"cannot be read: {reason}", "a file")
    assert error.where == str(tmp_path / name)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_text_or_one_line(content: bytes) -> None:
    with contextlib.suppress(OsccError):
        text = UserFile(content, "f").text("x.read")
        assert "\r" not in text
        assert "\0" not in text
        assert len(text.split("\n")) == len(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
