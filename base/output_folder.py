"""Output folders: filled aside, and changed places with what oscc made there before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.base.errors import OsccError
from oscc.base.file_output import check_file_target, write_text
from oscc.base.manifest import MANIFEST as MANIFEST
from oscc.base.manifest import manifest_fault
from oscc.base.path_kind import kind_of, near_path, wrong_kind
from oscc.base.staged_folder import plain_files, recover_stages, remove_empty, staged_folder

MODEL = "model.safetensors"
CORE = "core.yaml"
PROGRAM = "program.bin"
PROBLEM = "problem"
LABELS = "labels.json"
WIRES = "wires.safetensors"
DIE = "die.yaml"
REPORTS = "reports"

SUBFOLDERS = (REPORTS, "ir", "rtl", "report", "verify", "synthesis")
"""What a compilation or a later verb makes in the folder."""

WRITTEN_LATER = (
    "samples.png",
    "reports/solve.json",
    *(f"report/{name}" for name in ("report.html", "report.json")),
    *(f"report/{name}.png" for name in ("degree", "boundaries", "distributions", "defects", "samples", "solutions")),
    *(f"verify/verdict.{suffix}" for suffix in ("json", "txt")),
    *(f"verify/waves-*.{suffix}" for suffix in ("vcd", "gtkw", "sucl")),
    *(f"verify/*-{name}.log" for name in ("build", "test")),
    *(f"cosim-*/{name}" for name in ("codes.npy", "sheet.png", "cosim.png", "record.json", "record.npz")),
    *(f"cosim-*/waves.{suffix}" for suffix in ("vcd", "gtkw", "sucl")),
    *(f"cosim-*/{name}.log" for name in ("build", "test")),
    *(f"synthesis/{target}.{suffix}" for target in ("asic", "ecp5", "ice40") for suffix in ("json", "md")),
    *(f"synthesis/logs/{target}-*.log" for target in ("asic", "ecp5", "ice40")),
)
"""Files that later verbs write into the folder, and that no manifest lists."""


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

        `oscc.base.node_labels.node_label` takes them.
        """
        content = _read_object(self.path / LABELS)
        if not isinstance(content, list) or not all(isinstance(label, str) for label in content):
            return ()
        return tuple(content)

    def changed_files(self) -> list[str]:
        """Return the outputs that are missing or whose content differs from the manifest, by their relative names."""
        return [name for name, entry in self.manifest["outputs"].items() if not self._holds(name, entry["sha256"])]

    def _holds(self, name: str, sha256: str) -> bool:
        try:
            return file_hash(self.path / name) == sha256
        except OSError:
            return False


def read_output_folder(path: str | Path) -> OutputFolder:
    """Read the output folder at a path, which must hold a program.

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
            others = {"rtl": "oscc emit", "synthesis": "oscc synth"}
            made = " and ".join(
                others[name] for name in others if any(n.startswith(f"{name}/") for n in manifest["outputs"])
            )
            raise OsccError(
                "output.no-program",
                f"holds no program, but what {made} wrote" if made else "holds no program",
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
    """Read the output folder at a path, whether or not a program came out.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``output.not-found`` when it is no output folder, ``output.manifest`` when its manifest is damaged.
    """
    folder = Path(path)
    if not os.path.lexists(folder / MANIFEST):
        recover_stages(folder, MANIFEST)
    manifest = _read_manifest(folder)
    if manifest is None and (folder / MANIFEST).is_file():
        raise OsccError(
            "output.manifest",
            f"{MANIFEST} is no JSON object",
            where=str(path),
            hint="remove the folder, and compile again",
        )
    if manifest is None or not _is_ours(manifest):
        raise _no_output_folder(folder)
    if fault := manifest_fault(manifest):
        raise OsccError("output.manifest", f"{MANIFEST} is damaged or of another version: {fault}", where=str(path))
    return OutputFolder(folder, manifest)


def _no_output_folder(path: Path) -> OsccError:
    code, make_one = "output.not-found", "make one: oscc compile MODEL --core SPEC -o DIR"
    other = wrong_kind(path, "output", code)
    if other is None:
        meant = near_path(path, lambda near: kind_of(near).name == "compilation")
        return OsccError(code, "no such folder", where=str(path), hint=f"{meant} Or {make_one}" if meant else make_one)
    if other.hint == make_one and path.is_dir():
        message = f"no output folder of oscc (it has no {MANIFEST} of oscc)"
        return OsccError(code, message, where=str(path), hint=make_one)
    return other


def check_target(path: str | Path) -> None:
    """Refuse an output path that must not be written, before any work is done.

    An absent or empty folder is taken, and so is an output folder of oscc, whose files are replaced. What a process
    that was killed left half done there is undone first.

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
        place = target.absolute()
        if target.is_dir():
            for each in (target, *(target / name for name in SUBFOLDERS)):
                recover_stages(each, MANIFEST)
            if any(target.iterdir()) and not _is_ours(_read_manifest(target)):
                raise OsccError(
                    "output.foreign",
                    f"a folder that oscc did not make (it has no {MANIFEST} of oscc), and not empty",
                    where=where,
                    hint="name a new folder, or empty this one",
                )
            _check_own_names(target)
        elif target.exists() or target.is_symlink():
            raise OsccError("output.is-file", "a file; the output is a folder", where=where)
        else:
            place = place.parent
            while not place.exists():
                place = place.parent
    except OSError as error:
        raise OsccError("output.unwritable", f"cannot be used: {error.strerror}", where=where) from None
    if not place.is_dir():
        raise OsccError("output.is-file", f"{place} is a file, so nothing can be put into it", where=where)
    if not os.access(place, os.W_OK | os.X_OK):
        raise OsccError("output.unwritable", f"no permission to write into {place}", where=where)


def check_file_beside(path: str | Path) -> None:
    """Refuse a path for one file that cannot be written, or that is a part of a compilation, before any work is done.

    Parameters
    ----------
    path : str or Path
        Where a user wants a picture, a page or a table.

    Raises
    ------
    OsccError
        ``output.part`` for a file that the manifest of its folder lists, and what `check_file_target` raises.
    """
    check_file_target(path)
    final = Path(os.path.realpath(path))
    for folder in final.parents:
        name = final.relative_to(folder).as_posix()
        if _is_ours(_read_manifest(folder)) and name in {MANIFEST, *_listed(folder, "")}:
            raise OsccError(
                "output.part",
                f"is {name} of the output folder {folder}; what was compiled is not written over",
                where=str(path),
                hint="name another file",
            )


def _check_own_names(folder: Path) -> None:
    """Refuse a folder in which something else has a name that a compilation needs."""
    ours = own_files(folder)
    names = (MANIFEST, MODEL, CORE, PROGRAM, PROBLEM, LABELS, WIRES, DIE)
    taken = [name for name in names if name not in ours and os.path.lexists(folder / name)]
    taken += [name for name in SUBFOLDERS if os.path.lexists(folder / name) and (folder / name).is_symlink()]
    taken += [name for name in SUBFOLDERS if (folder / name).exists() and not (folder / name).is_dir()]
    if taken:
        raise OsccError(
            "output.foreign",
            f"holds {', '.join(taken)}, which oscc did not make",
            where=str(folder),
            hint="move it away, or name another folder",
        )


def own_files(folder: Path) -> set[str]:
    """Return the files of a folder that oscc made, relative and with forward slashes.

    They are what its manifest lists, what the manifest of ``rtl/`` lists, and what the other verbs write there. A
    symbolic link, or what is reached through one, is never among them.

    Parameters
    ----------
    folder : Path
    """
    listed = {MANIFEST, *_listed(folder, "")}
    listed |= {f"rtl/{MANIFEST}", *_listed(folder / "rtl", "rtl/")}
    found = {path.relative_to(folder).as_posix() for pattern in WRITTEN_LATER for path in folder.glob(pattern)}
    return plain_files(folder, listed | found)


def _listed(folder: Path, prefix: str) -> set[str]:
    """Return the outputs in the manifest of a folder of oscc."""
    manifest = _read_manifest(folder)
    outputs = manifest.get("outputs") if manifest is not None and _is_ours(manifest) else None
    return {f"{prefix}{name}" for name in outputs} if isinstance(outputs, dict) else set()


@contextmanager
def replace_folder(path: str | Path) -> Iterator[Path]:
    """Provide a new folder to fill, whose files replace those of ``path`` when the block ends without an error.

    After an error everything is as it was before. What oscc did not make stays where it is.

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
        What `check_target` and `staged_folder` raise.
    """
    check_target(path)
    with staged_folder(Path(path), own_files, MANIFEST) as folder:
        yield folder
    remove_empty(Path(path), SUBFOLDERS)


@contextmanager
def replace_subfolder(folder: str | Path, name: str) -> Iterator[Path]:
    """Provide a new sub-folder to fill, whose files replace those of that name as in `replace_folder`.

    Parameters
    ----------
    folder : str or Path
        An output folder of oscc.
    name : str
        The sub-folder, such as ``rtl``.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    OsccError
        What `read_any_output_folder` and `staged_folder` raise; ``output.foreign`` when something else has the name.
    """
    whole = read_any_output_folder(folder).path
    target = whole / name
    if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
        raise OsccError(
            "output.foreign", f"holds {name}, which oscc did not make", where=str(folder), hint="move it away"
        )

    def own_files_below(_: Path) -> set[str]:
        return {file.removeprefix(f"{name}/") for file in own_files(whole) if file.startswith(f"{name}/")}

    with staged_folder(target, own_files_below, MANIFEST) as new:
        yield new


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and tools: indented, keys in the order given, a line end at the end."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _is_ours(manifest: dict[str, Any] | None) -> bool:
    """Return whether a manifest is one of oscc, of any version: other tools write files of this name, too."""
    return manifest is not None and str(manifest.get("schema", "")).startswith("oscc.output/")


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the JSON object in the manifest of a folder; None where there is none."""
    manifest = _read_object(folder / MANIFEST)
    return manifest if isinstance(manifest, dict) else None


def _read_object(path: Path) -> Any:
    """Return the content of a file of JSON; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
