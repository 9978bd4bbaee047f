"""Output folders: written beside and moved into place whole, so that nobody ever sees half of one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.compiler.errors import OsccError
from oscc.compiler.file_output import write_text
from oscc.compiler.manifest import manifest_fault

MANIFEST = "manifest.json"
MODEL = "model.safetensors"
CORE = "core.yaml"
PROGRAM = "program.bin"
PROBLEM = "problem"
LABELS = "labels.json"
WIRES = "wires.safetensors"
DIE = "die.yaml"
REPORTS = "reports"


@dataclass(frozen=True)
class OutputFolder:
    """An output folder of ``oscc compile``.

    Parameters
    ----------
    path : Path
    manifest : dict
        Content of manifest.json; docs/formats.md describes it.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def model(self) -> Path:
        """The checkpoint, as it was used."""
        return self.path / MODEL

    @property
    def core(self) -> Path:
        """The core, every default written out."""
        return self.path / CORE

    @property
    def program(self) -> Path:
        """The program."""
        return self.path / PROGRAM

    @property
    def wires(self) -> Path:
        """The wires and their tracks."""
        return self.path / WIRES

    @property
    def problem(self) -> Path:
        """The file that the model was lowered from, where there was one."""
        return self.path / PROBLEM

    @property
    def labels(self) -> tuple[str, ...]:
        """What the file that the model was lowered from calls each node; empty where there was none, or no list of it.

        `oscc.compiler.node_labels.node_label` takes them.
        """
        content = _read_object(self.path / LABELS)
        if not isinstance(content, list) or not all(isinstance(label, str) for label in content):
            return ()
        return tuple(content)

    def changed_files(self) -> list[str]:
        """Outputs that are missing, or whose content is no longer what the manifest says, by their relative names."""
        return [name for name, entry in self.manifest["outputs"].items() if not self._holds(name, entry["sha256"])]

    def _holds(self, name: str, sha256: str) -> bool:
        try:
            return file_hash(self.path / name) == sha256
        except OSError:
            return False


def read_output_folder(path: str | Path) -> OutputFolder:
    """The output folder at a path, which must hold a program.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``output.not-found`` when it is no output folder, ``output.manifest`` when its manifest is damaged,
        ``output.infeasible`` when the model did not fit, ``output.no-program`` when nothing was compiled into it.
    """
    output = read_any_output_folder(path)
    manifest = output.manifest
    if PROGRAM not in manifest["outputs"]:
        if "summary" not in manifest:
            raise OsccError(
                "output.no-program",
                "holds no program",
                where=str(path),
                hint="compile one into it: oscc compile MODEL --core SPEC -o DIR",
            )
        raise OsccError(
            "output.infeasible",
            "holds no program: the model did not fit the core",
            where=str(path),
            hint=f"see {REPORTS}/ in it",
        )
    return output


def read_any_output_folder(path: str | Path) -> OutputFolder:
    """The output folder at a path, whether or not a program came out.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``output.not-found`` when it is no output folder, ``output.manifest`` when its manifest is damaged.
    """
    folder = Path(path)
    manifest = _read_manifest(folder)
    if manifest is None and (folder / MANIFEST).is_file():
        raise OsccError(
            "output.manifest",
            f"{MANIFEST} is no JSON object",
            where=str(path),
            hint="remove the folder, and compile again",
        )
    if manifest is None or not _is_ours(manifest):
        raise OsccError(
            "output.not-found",
            f"no output folder of oscc (it has no {MANIFEST} of oscc)" if folder.is_dir() else "no such folder",
            where=str(path),
            hint="make one: oscc compile MODEL --core SPEC -o DIR",
        )
    if fault := manifest_fault(manifest):
        raise OsccError("output.manifest", f"{MANIFEST} is damaged or of another version: {fault}", where=str(path))
    return OutputFolder(folder, manifest)


def check_target(path: str | Path) -> None:
    """Refuse an output path that must not be replaced, before any work is done.

    An absent or empty folder is taken, and so is an output folder of oscc, which is replaced.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``output.is-file``, ``output.foreign`` or ``output.unwritable``.
    """
    target, where = Path(path), str(path)
    try:
        if target.is_dir():
            if any(target.iterdir()) and not _is_ours(_read_manifest(target)):
                raise OsccError(
                    "output.foreign",
                    f"a folder that oscc did not make (it has no {MANIFEST} of oscc), and not empty",
                    where=where,
                    hint="name a new folder, or empty this one",
                )
        elif target.exists() or target.is_symlink():
            raise OsccError("output.is-file", "a file; the output is a folder", where=where)
        ancestor = target.absolute().parent
        while not ancestor.exists():
            ancestor = ancestor.parent
    except OSError as error:
        raise OsccError("output.unwritable", f"cannot be used: {error.strerror}", where=where) from None
    if not ancestor.is_dir():
        raise OsccError("output.is-file", f"{ancestor} is a file, so nothing can be put into it", where=where)
    if not os.access(ancestor, os.W_OK | os.X_OK):
        raise OsccError("output.unwritable", f"no permission to write into {ancestor}", where=where)


@contextmanager
def replace_folder(path: str | Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of ``path`` when the block ends without an error.

    It is made beside ``path``, so that the final step is a rename. After an error everything is as it was before.

    Parameters
    ----------
    path : str or Path
        As `check_target` allows it; missing parents are made.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    OsccError
        What `check_target` raises, or ``output.unwritable`` when the file system refuses.
    """
    check_target(path)
    target = Path(path).resolve()
    made = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
    beside = target.with_name(f".{target.name}.new-{os.getpid()}")
    done = False
    try:
        beside.mkdir(parents=True)
        yield beside
        _move_into_place(beside, target)
        done = True
    except OSError as error:
        name = error.filename or path
        raise OsccError("output.unwritable", f"cannot write {name}: {error.strerror}", where=str(path)) from None
    finally:
        if not done:
            shutil.rmtree(beside, ignore_errors=True)
            for parent in made:
                with suppress(OSError):
                    parent.rmdir()


@contextmanager
def replace_subfolder(folder: str | Path, name: str) -> Iterator[Path]:
    """A new sub-folder of an output folder to fill; it replaces that of its name when the block ends without an error.

    Parameters
    ----------
    folder : str or Path
        An output folder of oscc.
    name : str
        The sub-folder, such as ``rtl``.

    Yields
    ------
    Path
        The folder to write into; it has the same parent as the final one.

    Raises
    ------
    OsccError
        What `read_any_output_folder` raises, or ``output.unwritable`` when the file system refuses.
    """
    target = read_any_output_folder(folder).path.resolve() / name
    beside = target.with_name(f".{name}.new-{os.getpid()}")
    try:
        beside.mkdir()
        yield beside
        _move_into_place(beside, target)
    except OSError as error:
        name = error.filename or name
        raise OsccError("output.unwritable", f"cannot write {name}: {error.strerror}", where=str(folder)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and tools: indented, keys in the order given, a line end at the end."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _move_into_place(beside: Path, target: Path) -> None:
    """Rename a finished folder to its final name, with whatever was there out of the way first."""
    if not target.exists():
        beside.rename(target)
        return
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    target.rename(old)
    try:
        beside.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _is_ours(manifest: dict[str, Any] | None) -> bool:
    """Whether a manifest is one of oscc, of any version: other tools write files of this name, too."""
    return manifest is not None and str(manifest.get("schema", "")).startswith("oscc.output/")


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """The JSON object in the manifest of a folder; None where there is none."""
    manifest = _read_object(folder / MANIFEST)
    return manifest if isinstance(manifest, dict) else None


def _read_object(path: Path) -> Any:
    """The content of a file of JSON; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
