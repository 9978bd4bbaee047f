"""Text files of a user: their bytes as they are, and their text whatever the editor that wrote them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError

_MARKS = {
    # The mark of UTF-32 begins with that of UTF-16.
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


@dataclass(frozen=True)
class UserFile:
    """A file of a user, read once.

    Parameters
    ----------
    content : bytes
        As they are in the file: what is hashed, and kept in an output folder.
    where : str
        Name of the file, for errors.
    """

    content: bytes
    where: str

    def text(self, code: str, hint: str = "") -> str:
        """Return the text, its line ends all those of Unix, without the byte order mark that it may begin with.

        Parameters
        ----------
        code : str
            Of the error.
        hint : str
            What would be accepted.

        Raises
        ------
        OsccError
            ``code``, when the bytes are not UTF-8 or hold a NUL, with the byte at fault.
        """
        content = self.content
        for encoding, marks in _MARKS.items():
            if content.startswith(marks):
                message = f"cannot be read: {encoding}, as its first bytes say; expected UTF-8"
                raise OsccError(code, message, where=self.where, hint=hint)
        start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
        try:
            text = content[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            byte = content[start + error.start]
            message = f"cannot be read: not a text file (byte {start + error.start}, 0x{byte:02x}, is not UTF-8)"
            raise OsccError(code, message, where=self.where, hint=hint) from None
        if (nul := content.find(b"\0")) >= 0:
            raise OsccError(code, f"cannot be read: not a text file (byte {nul} is NUL)", where=self.where, hint=hint)
        return text.replace("\r\n", "\n").replace("\r", "\n")


def read_user_file(path: Path, code: str, hint: str = "") -> UserFile:
    """Return the bytes of a file.

    Parameters
    ----------
    path : Path
    code : str
        Of the error.
    hint : str
        What would be accepted.

    Raises
    ------
    OsccError
        ``code``, when the file cannot be read.
    """
    try:
        return UserFile(path.read_bytes(), str(path))
    except OSError as error:
        reason = error.strerror
    except ValueError:
        # Python refuses such a name before the system sees it.
        reason = "a NUL in its name"
    raise OsccError(code, f"cannot be read: {reason}", where=str(path), hint=hint)


def read_text_file(path: Path, code: str, hint: str = "") -> str:
    """Return the text of a file, as `UserFile.text` has it.

    Parameters
    ----------
    path : Path
    code : str
        Of the error.
    hint : str
        What would be accepted.

    Raises
    ------
    OsccError
        ``code``, when the file cannot be read or holds something else.
    """
    return read_user_file(path, code, hint).text(code, hint)
