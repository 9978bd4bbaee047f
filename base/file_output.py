"""Writing files: the one way in which anything is written under a name that a user gave.

What a name stands for stays what it is. A regular file is written beside its place and moved there when it is whole; it
keeps its mode, and other names of it (hard links) keep the content before. A symbolic link is followed and stays. A
terminal, a pipe or another character device is written into. Folders, block devices and sockets are refused, but for a
socket that this process has open, such as its standard output.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

from oscc.base.errors import OsccError

UNWRITABLE = "output.unwritable"

_NOT_BESIDE = {errno.EACCES, errno.EBUSY, errno.EPERM, errno.EROFS, errno.EXDEV}
"""How the system says that no file can be moved over one that may still be written itself: its folder is locked, the
file is a mount point, or the new one could not be given its owner or its access control list."""

_OWN = re.compile(r"/(?:dev|proc/self)/fd/(\d+)", re.ASCII)
"""Names of this process's descriptors."""


def check_file_target(path: str | Path, code: str = UNWRITABLE) -> None:
    """Refuse a path at which no file can be written, before any work is done.

    Parameters
    ----------
    path : str or Path
    code : str
        Of the error where it is not one of those that have their own.

    Raises
    ------
    OsccError
        ``output.is-folder``, ``output.special`` for a block device or a socket, or ``code``.
    """
    found = _found(path, code)
    if found is None:
        _check_new(path, code)
    elif stat.S_ISDIR(found.st_mode):
        raise OsccError("output.is-folder", "a folder; the output is a file", where=str(path))
    elif stat.S_ISBLK(found.st_mode) or (stat.S_ISSOCK(found.st_mode) and _own_descriptor(path, found) is None):
        kind = "block device" if stat.S_ISBLK(found.st_mode) else "socket"
        raise OsccError("output.special", f"a {kind}; the output is a file", where=str(path))
    elif not os.access(path, os.W_OK):
        mode = stat.S_IMODE(found.st_mode)
        raise OsccError(code, f"no permission to write it (mode {mode:03o})", where=str(path))


def write_bytes(path: str | Path, content: bytes, code: str = UNWRITABLE) -> None:
    """Write a file, whole or not at all, without making anything else of what stands at the path.

    Parameters
    ----------
    path : str or Path
    content : bytes
    code : str
        As for `check_file_target`.

    Raises
    ------
    OsccError
        What `check_file_target` raises, or ``code`` when the file system refuses.
    """
    check_file_target(path, code)
    try:
        found = _found(path, code)
        final = Path(os.path.realpath(path))
        if found is None:
            _move_into_place(final, content, None)
        elif (own := _own_descriptor(path, found)) is not None:
            _write_to(os.dup(own), content)
        elif not stat.S_ISREG(found.st_mode):
            _write_to(os.open(path, os.O_WRONLY | os.O_NOCTTY), content)
        elif not _is_file(final, found):
            # A name without a place, such as /dev/fd/3 for a file that was removed.
            _overwrite(Path(path), content)
        else:
            _replace(final, content, found)
    except OSError as error:
        raise OsccError(code, f"cannot be written: {error.strerror}", where=str(path)) from None


def write_text(path: str | Path, text: str, code: str = UNWRITABLE) -> None:
    """Write a text as UTF-8, as `write_bytes` writes.

    Parameters
    ----------
    path : str or Path
    text : str
        What UTF-8 has no bytes for, such as a byte of a file's name that is no character, is written as an escape.
    code : str
        As for `check_file_target`.

    Raises
    ------
    OsccError
        What `write_bytes` raises.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), code)


def _found(path: str | Path, code: str) -> os.stat_result | None:
    """Return what a path leads to; None where there is nothing yet, also behind a symbolic link."""
    try:
        return os.stat(path)  # noqa: PTH116 - a name that is too long must not count as absent
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OsccError(code, f"cannot be written: {error.strerror}", where=str(path)) from None


def _check_new(path: str | Path, code: str) -> None:
    folder = Path(os.path.realpath(path)).parent
    shown = Path(path).parent if not Path(path).is_symlink() else folder
    if not folder.is_dir():
        raise OsccError(code, f"there is no folder {shown}", where=str(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OsccError(code, f"no permission to write into {shown}", where=str(path))


def _own_stream(found: os.stat_result) -> int | None:
    """Return the descriptor of this process's output that is the very file, so that what was printed before stays."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), found):
                if stream is not None:
                    stream.flush()
                return descriptor
    return None


def _own_descriptor(path: str | Path, found: os.stat_result) -> int | None:
    """Return the descriptor of this process that is the very file, where it must be written through that."""
    named = _OWN.fullmatch(str(path))
    # A socket cannot be opened by its name.
    if named is not None and stat.S_ISSOCK(found.st_mode):
        with suppress(OSError, OverflowError):
            if os.path.samestat(os.fstat(int(named[1])), found):
                return int(named[1])
    return _own_stream(found)


def _is_file(path: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), found)
    except OSError:
        return False


def _replace(path: Path, content: bytes, found: os.stat_result) -> None:
    try:
        _move_into_place(path, content, found)
    except OSError as error:
        if error.errno not in _NOT_BESIDE:
            raise
        _overwrite(path, content)


def _move_into_place(path: Path, content: bytes, found: os.stat_result | None) -> None:
    """Write a regular file beside its place and move it there; ``found`` is the one that it replaces."""
    # The name is short, so that it is legal wherever the user's own is.
    beside = path.with_name(f".oscc-{os.getpid()}-{secrets.token_hex(4)}")
    # A new file gets the mode that the umask wants; one that replaces another shows nothing before it has its mode.
    mode = 0o666 if found is None else 0o600
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        beside.write_bytes(content)
        if found is not None:
            _take_over(path, beside, found)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _take_over(path: Path, beside: Path, found: os.stat_result) -> None:
    """Give a new file owner, mode and attributes of the one that it replaces."""
    made = beside.stat()
    if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
        os.chown(beside, found.st_uid, found.st_gid)
    if hasattr(os, "listxattr"):
        names = _attributes(path)
        # A folder may give its new files an access control list.
        for name in _attributes(beside):
            if _is_access_list(name) and name not in names:
                os.removexattr(beside, name)
        for name in names:
            try:
                os.setxattr(beside, name, os.getxattr(path, name))
            except OSError:
                # Labels of the system, for one, are not for everyone to set.
                if _is_access_list(name):
                    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM)) from None
    beside.chmod(stat.S_IMODE(found.st_mode))


def _attributes(path: Path) -> list[str]:
    """Return the names of a file's extended attributes; none where the file system has none."""
    try:
        return os.listxattr(path)
    except OSError:
        return []


def _is_access_list(attribute: str) -> bool:
    return attribute.startswith("system.") and "acl" in attribute


def _overwrite(path: Path, content: bytes) -> None:
    """Write into a regular file itself; after an error it gets back what it held, where that may be read."""
    try:
        before = path.read_bytes()
    except PermissionError:
        before = None
    try:
        path.write_bytes(content)
    except OSError:
        with suppress(OSError):
            if before is not None:
                path.write_bytes(before)
        raise


def _write_to(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(content)


def open_lines(path: str | Path, code: str = UNWRITABLE) -> int:
    """Open a file whose lines are written while work goes on, as a log's are: what it holds stays, new lines follow.

    A regular file is written where it is, since it can never be moved into its place as a whole.

    Parameters
    ----------
    path : str or Path
    code : str
        As for `check_file_target`.

    Returns
    -------
    int
        A descriptor for `write_line`, which the caller closes.

    Raises
    ------
    OsccError
        What `check_file_target` raises, or ``code`` when the file system refuses.
    """
    check_file_target(path, code)
    try:
        found = _found(path, code)
        if found is not None and (own := _own_descriptor(path, found)) is not None:
            return os.dup(own)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, 0o666)
    except OSError as error:
        raise OsccError(code, f"cannot be written: {error.strerror}", where=str(path)) from None


def write_line(descriptor: int, line: str) -> None:
    """Write a line at the end of a file, in one piece where the system takes it so.

    Parameters
    ----------
    descriptor : int
        As `open_lines` gives it.
    line : str
        Without its end.

    Raises
    ------
    OSError
    """
    content = memoryview(f"{line}\n".encode("utf-8", "backslashreplace"))
    while content:
        content = content[os.write(descriptor, content) :]
