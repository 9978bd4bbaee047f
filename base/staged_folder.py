"""Folders that are filled aside and change places with what was there, file by file.

The folder itself is never removed: a shell may stand in it, or it may be a mount point. Only files that are known to be
replaceable are; all others stay, and where one stands in the way nothing is changed.

A process that is killed leaves its hidden folder behind, perhaps with files that it had moved there. Whoever uses the
folder next calls `recover_stages`, which brings them back.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.file_output import write_text

_STAGE = re.compile(r"\.oscc-(\d+)-[0-9a-f]{8}", re.ASCII)
"""Name of a folder that is being filled, with the number of the process."""

_COMING = "coming.json"
"""The names of the new files; it is in the folder once everything that they replace is out of the way."""


@contextmanager
def staged_folder(path: Path, replaceable: Callable[[Path], set[str]], last: str) -> Iterator[Path]:
    """Provide a new folder to fill, whose files are in ``path`` when the block ends without an error.

    After an error everything is as it was before.

    Parameters
    ----------
    path : Path
        The folder; missing parents are made. Where it is a symbolic link, that stays.
    replaceable : callable
        Gives the files of a folder that are replaced or removed, relative and with forward slashes.
    last : str
        The file that is removed first and comes last: while it is there, all others belong together.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    OsccError
        ``output.foreign`` when something that is not replaceable stands in the way, ``output.unwritable`` when the file
        system refuses; errors of the block about files of the new folder name those of ``path``.
    """
    target = Path(os.path.realpath(path))
    made: list[Path] = []
    stage: Path | None = None
    lock: int | None = None
    try:
        recover_stages(target if target.is_dir() else target.parent, last)
        if target.is_dir():
            # Within it, so that what comes is on the same disk, and a folder with locked parents will do.
            stage = target / _temporary_name()
            stage.mkdir()
            lock = _lock(stage)
            new = stage / "new"
            new.mkdir()
            yield new
            check_way(target, path, new, replaceable(target))
            _change_places(stage, target, replaceable(target), last)
        else:
            made = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
            stage = new = target.with_name(_temporary_name())
            new.mkdir(parents=True)
            lock = _lock(stage)
            yield new
            new.rename(target)
            made = []
    except OSError as error:
        name = path if error.filename is None else _named(str(error.filename), stage, path)
        raise OsccError("output.unwritable", f"cannot write {name}: {error.strerror}", where=str(path)) from None
    except OsccError as error:
        where = _named(error.where, stage, path)
        raise OsccError(error.code, error.message, where=where, hint=error.hint) from error.__cause__
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()


def recover_stages(folder: Path, last: str) -> None:
    """Undo what processes left half done in a folder when they were killed, and remove their hidden folders.

    Parameters
    ----------
    folder : Path
        What is no folder, or cannot be read or written, is left alone.
    last : str
        As for `staged_folder`; it comes back last.
    """
    with suppress(OSError, ValueError):
        for stage in sorted(entry for entry in folder.iterdir() if _STAGE.fullmatch(entry.name)):
            # What another user left is for them to undo.
            own = _kind(stage) == "folder" and stage.lstat().st_uid == os.geteuid()
            if own and (lock := _lock_of_dead(stage)) is not None:
                try:
                    _bring_back(stage, folder, last)
                    shutil.rmtree(stage, ignore_errors=True)
                finally:
                    os.close(lock)


def _bring_back(stage: Path, target: Path, last: str) -> None:
    """Undo what `_change_places` did, where it did not come to its end; it may be called again after being killed."""
    new, old = stage / "new", stage / "old"
    if _kind(old) != "folder" or _kind(new) != "folder":
        return
    coming = _names_in(stage / _COMING)
    if coming is not None and not _files(new):
        return
    for name in plain_files(target, set(coming or ())):
        # What is in both places was not moved yet.
        if not os.path.lexists(new / name):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(target / name, new / name)
    for name in sorted(_files(old), key=lambda name: (name == last, name)):
        # Before the list was written a file in both places was still being copied out, to another disk.
        if coming is not None or not os.path.lexists(target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(old / name, target / name)
    remove_empty(target, {parent.as_posix() for name in coming or () for parent in Path(name).parents if parent.parts})


def _names_in(path: Path) -> list[str] | None:
    """Return the list of names in a file; None where there is none."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _lock(folder: Path) -> int | None:
    """Hold a folder until the process ends, however it ends; None where the file system has no locks of folders.

    Raises
    ------
    BlockingIOError
        When another process holds it.
    """
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


def _lock_of_dead(stage: Path) -> int | None:
    """Hold the folder of a process that is no more; None where it lives, or nobody can tell.

    The number alone does not tell: containers count their processes anew, and share folders.
    """
    found = _STAGE.fullmatch(stage.name)
    assert found is not None
    process = int(found[1])
    if process != os.getpid():
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            pass
        except (OSError, OverflowError):
            return None
        else:
            return None
    try:
        return _lock(stage)
    except BlockingIOError:
        return None


def check_way(target: Path, shown: Path, new: Path, replaceable: set[str]) -> None:
    """Refuse what would replace something that is not replaceable.

    Parameters
    ----------
    target : Path
        The folder.
    shown : Path
        What the user calls it.
    new : Path
        The files that are to come.
    replaceable : set of str

    Raises
    ------
    OsccError
        ``output.foreign``.
    """
    for name in _files(new):
        parts = Path(name).parts
        for depth in range(1, len(parts) + 1):
            kind = _kind(target.joinpath(*parts[:depth]))
            at = "/".join(parts[:depth])
            if kind is None:
                break
            if kind != "folder" if depth < len(parts) else name not in replaceable:
                raise OsccError(
                    "output.foreign",
                    f"holds {at}, a {kind} that oscc did not make",
                    where=str(shown),
                    hint="move it away, or name another folder",
                )


def plain_files(folder: Path, names: set[str]) -> set[str]:
    """Return those of some names that are regular files in a folder, reached through no symbolic link.

    Parameters
    ----------
    folder : Path
    names : set of str
        Relative, with forward slashes; others, and those that lead out of the folder, are left out.
    """
    return {name for name in names if _is_plain(folder, name)}


def _is_plain(folder: Path, name: str) -> bool:
    parts = name.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in name:
        return False
    above = (_kind(folder.joinpath(*parts[:depth])) for depth in range(1, len(parts)))
    return all(kind == "folder" for kind in above) and _kind(folder.joinpath(*parts)) == "file"


def _kind(path: Path) -> str | None:
    """Return what stands at a path itself; None where there is nothing."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return None
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"))
    return next((kind for is_kind, kind in kinds if is_kind(mode)), "special file")


def _temporary_name() -> str:
    """Return a name that is legal wherever the user's own is."""
    return f".oscc-{os.getpid()}-{secrets.token_hex(4)}"


def _named(text: str, stage: Path | None, path: Path) -> str:
    """Return a text with the user's folder in place of the one that is filled."""
    if stage is None:
        return text
    return text.replace(str(stage / "new"), str(path)).replace(str(stage), str(path))


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())


def _change_places(stage: Path, target: Path, replaceable: set[str], last: str) -> None:
    """Move what is replaceable out of a folder and the new files in; after an error all of it is moved back."""
    moves: list[tuple[Path, Path]] = []
    folders: list[Path] = []

    def move(source: Path, destination: Path) -> None:
        missing = [parent for parent in destination.parents if not parent.exists()]
        if missing:
            destination.parent.mkdir(parents=True)
            folders.extend(missing)
        moves.append((source, destination))
        # Where a sub-folder is a mount point, the file is copied.
        shutil.move(source, destination)

    new = stage / "new"
    try:
        for name in sorted(replaceable, key=lambda name: (name != last, name)):
            move(target / name, stage / "old" / name)
        write_text(stage / _COMING, json.dumps(_files(new)))
        for name in sorted(_files(new), key=lambda name: (name == last, name)):
            move(new / name, target / name)
        # Folders that the new content has and that hold nothing.
        for folder in (each for each in new.rglob("*") if each.is_dir()):
            (target / folder.relative_to(new)).mkdir(parents=True, exist_ok=True)
    except BaseException:
        for source, destination in reversed(moves):
            if destination.exists() and not source.exists():
                shutil.move(destination, source)
        for folder in folders:
            with suppress(OSError):
                folder.rmdir()
        raise
    remove_empty(target, {parent.as_posix() for name in replaceable for parent in Path(name).parents if parent.parts})


def remove_empty(target: Path, names: Iterable[str]) -> None:
    """Remove those of some folders that hold nothing, but not that in which the user's shell may stand.

    Parameters
    ----------
    target : Path
    names : iterable of str
        Folders in it.
    """
    for name in sorted(names, key=lambda name: -name.count("/")):
        with suppress(OSError):
            if not _stands_in(target / name):
                (target / name).rmdir()


def _stands_in(folder: Path) -> bool:
    try:
        return folder.samefile(Path.cwd())
    except OSError:
        return False
