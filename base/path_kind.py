"""What a path that a user gave seems to be, and what to say where something else was meant."""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.manifest import MANIFEST

SUFFIXES = {
    ".safetensors": "checkpoint",
    ".graphml": "graphml",
    ".gset": "gset",
    ".bqm": "bqm",
    ".coo": "bqm",
    ".json": "bqm",
}
"""Front end of a file, where none is named: by its suffix, in letters of any case."""

_MODEL, _CORE, _STATE = "model.safetensors", "core.yaml", "state.safetensors"

_HEAD = 1 << 16
"""Bytes at the beginning of a file that are looked at."""

_KEY = rb"(?:^|[{,]\s*)['\"]?%s['\"]?[ \t]*:[ \t]*"
"""Of YAML, or of JSON, which is YAML, too."""

_SCHEMA = re.compile(_KEY % b"schema" + rb"['\"]?oscc\.(core|train|die|thresholds)/", re.MULTILINE)
_CORE_KEYS = tuple(re.compile(_KEY % name, re.MULTILINE) for name in (b"grid", b"coupling_dac"))
_GSET = re.compile(rb"\s*[0-9]+[ \t]+[0-9]+[ \t]*\r?\n\s*[0-9]+[ \t]+[0-9]+(?:[ \t]+[-+.0-9eE]+)?[ \t]*(?:\r?\n|\Z)")

_WORDS = {
    "missing": "nothing",
    "compilation": "an output folder of oscc compile",
    "emitted": "a folder of oscc emit or oscc synth",
    "training": "a folder of oscc train",
    "folder": "a folder",
    "checkpoint": "a checkpoint",
    "program": "a compiled program",
    "problem": "a problem",
    "core": "the spec of a core",
    "train": "a training configuration",
    "die": "what the test of a die found",
    "thresholds": "a file of thresholds",
    "file": "a file",
    "special": "a device, a pipe or a socket",
}

_ANY_FILE = {"file", "special", "missing"}

_TAKEN = {
    "output": ("an output folder of oscc compile", {"compilation", "emitted", "missing"}),
    "model": ("a model", {"checkpoint", "problem", *_ANY_FILE}),
    "checkpoint": ("a checkpoint", {"checkpoint", *_ANY_FILE}),
    **{name: (_WORDS[name], {name, *_ANY_FILE}) for name in ("core", "train", "die", "thresholds")},
}
"""How what is wanted is called, and what a path may be: a file that says nothing is left to its reader."""


@dataclass(frozen=True)
class PathKind:
    """What a path seems to be.

    Parameters
    ----------
    name : str
        A key of `_WORDS`, such as ``checkpoint``.
    frontend : str
        Of a problem: how it is read; empty for all others.
    """

    name: str
    frontend: str = ""

    @property
    def words(self) -> str:
        """What to call it in a message."""
        if self.frontend == "graphml":
            return "a graph (graphml)"
        return f"{_WORDS[self.name]} ({self.frontend})" if self.frontend else _WORDS[self.name]


def kind_of(path: str | Path) -> PathKind:
    """Return what a path seems to be, by what is there; by its suffix only where the content does not tell.

    Nothing but the beginning of a regular file is read, and a manifest.

    Parameters
    ----------
    path : str or Path
    """
    place = Path(path)
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError):
        return PathKind("missing")
    if stat.S_ISDIR(mode):
        return PathKind(_kind_of_folder(place))
    if not stat.S_ISREG(mode):
        return PathKind("special")
    try:
        with place.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        head = b""
    return _kind_of_content(head, SUFFIXES.get(place.suffix.lower(), ""))


def wrong_kind(path: str | Path, wanted: str, code: str = "path.kind") -> OsccError | None:
    """Return the error for a path that is plainly something else than what is wanted; None where it may be that.

    Parameters
    ----------
    path : str or Path
    wanted : {"output", "model", "checkpoint", "core", "train", "die", "thresholds"}
        Of which ``output`` is a folder of ``oscc compile``, and ``model`` a checkpoint, a graph or a problem.
    code : str
        Of the error.
    """
    kind = kind_of(path)
    words, taken = _TAKEN[wanted]
    if kind.name in taken:
        return None
    return OsccError(code, f"{kind.words}, not {words}", where=str(path), hint=_advice(Path(path), kind, wanted))


def refuse_wrong_kind(path: str | Path, wanted: str) -> None:
    """Raise what `wrong_kind` returns.

    Parameters
    ----------
    path, wanted
        As it takes them.

    Raises
    ------
    OsccError
        ``path.kind``.
    """
    if (error := wrong_kind(path, wanted)) is not None:
        raise error


def near_path(path: str | Path, is_meant: Callable[[Path], bool]) -> str:
    """Return a question after the path beside a missing one whose name is like it; empty where there is none.

    Parameters
    ----------
    path : str or Path
    is_meant : callable
        Whether a path is of the kind that was meant.
    """
    given = Path(path)
    try:
        names = sorted(os.listdir(given.parent))  # noqa: PTH208 - names alone, of a folder that may be large
    except (OSError, ValueError):
        return ""
    for name in difflib.get_close_matches(given.name, names, n=3, cutoff=0.75):
        if is_meant(given.with_name(name)):
            return f"did you mean {given.with_name(name)}?"
    return ""


def _kind_of_folder(folder: Path) -> str:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and str(manifest.get("schema", "")).startswith("oscc.output/"):
            return "compilation" if "summary" in manifest else "emitted"
    except (OSError, ValueError, RecursionError):
        pass
    is_trained = (folder / _STATE).is_file() and (folder / _MODEL).is_file()
    return "training" if is_trained else "folder"


def _kind_of_content(head: bytes, by_suffix: str) -> PathKind:
    if head.startswith(b"OSCCPROG"):
        return PathKind("program")
    # A length, then JSON; pickles are left to the reader of checkpoints, which knows them.
    if head[8:9] == b"{" and b"\0" in head[:8]:
        return PathKind("checkpoint")
    if found := _SCHEMA.search(head):
        return PathKind(found[1].decode())
    if all(key.search(head) for key in _CORE_KEYS):
        return PathKind("core")
    if by_suffix == "checkpoint":
        return PathKind("checkpoint")
    # Anything may be JSON, also the spec of a core.
    if by_suffix and head.lstrip()[:1] != b"{":
        return PathKind("problem", by_suffix)
    if b"<graphml" in head:
        return PathKind("problem", "graphml")
    if b'"BinaryQuadraticModel"' in head or b"vartype" in head.partition(b"\n")[0]:
        return PathKind("problem", "bqm")
    return PathKind("problem", "gset") if _GSET.match(head) else PathKind("file")


def _advice(path: Path, kind: PathKind, wanted: str) -> str:
    """Return what to give instead."""
    if wanted == "output":
        return _way_to_output(path, kind)
    beside = path if path.is_dir() else path.parent
    if wanted == "core":
        for core in (path / _CORE, path / "rtl" / _CORE):
            if core.is_file():
                return f"its core: {core}"
        return (
            "a model is the argument MODEL, a core is given by --core" if kind.name in ("checkpoint", "problem") else ""
        )
    if wanted in ("model", "checkpoint"):
        if kind.name in ("compilation", "training", "program") and (beside / _MODEL).is_file():
            return f"its model: {beside / _MODEL}"
        if kind.name == "problem":
            return f"make one: {_compiling(path, kind)}; it is DIR/{_MODEL} then"
    ways = {"core": f"--core {path}", "die": f"--die {path}", "train": f"oscc train {path}"}
    if kind.name in ways:
        return f"it is taken by: {ways[kind.name]}"
    return "a model is a checkpoint (.safetensors), a graph or a problem" if wanted == "model" else ""


def _way_to_output(path: Path, kind: PathKind) -> str:
    for folder in list(path.absolute().parents)[:2]:
        # Also a model or a core: those of a compilation are in it because it was made.
        if _kind_of_folder(folder) == "compilation":
            return f"give its folder: {folder if path.is_absolute() else os.path.relpath(folder)}"
    if kind.name in ("checkpoint", "problem"):
        return f"make one: {_compiling(path, kind)}; then give DIR"
    if kind.name == "training":
        return f"make one: oscc compile {path / _MODEL} --core SPEC -o DIR; then give DIR"
    core = path if kind.name == "core" else "SPEC"
    return f"make one: oscc compile MODEL --core {core} -o DIR"


def _compiling(path: Path, kind: PathKind) -> str:
    says_how = path.suffix.lower() in SUFFIXES or not kind.frontend
    return f"oscc compile {path}{'' if says_how else f' --frontend {kind.frontend}'} --core SPEC -o DIR"
