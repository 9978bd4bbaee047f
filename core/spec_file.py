"""Reading and writing CoreSpec files, and the presets that ship with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.path_kind import kind_of, near_path, wrong_kind
from oscc.base.strict_yaml import read_yaml
from oscc.base.text_file import read_text_file
from oscc.core.spec import CoreSpec


def preset_names() -> list[str]:
    """Return the names of the cores that ship with the package, sorted."""
    folder = resources.files("oscc.core") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_core(name_or_path: str | Path) -> CoreSpec:
    """Read the core of a preset name or of a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        A preset name has neither a slash nor a suffix; anything else is a path.

    Raises
    ------
    OsccError
        ``spec.not-found``, ``path.kind`` for a file or folder of another kind, ``spec.yaml``, ``spec.unknown-key`` or
        ``spec.invalid``.
    """
    text = str(name_or_path)
    if text in preset_names():
        return parse_core((resources.files("oscc.core") / "presets" / f"{text}.yaml").read_text(), where=text)
    path = Path(text)
    if "/" not in text and not path.suffix and not path.exists():
        guess = did_you_mean(text, preset_names())
        raise OsccError("spec.not-found", f"'{text}' is neither a preset nor a file{guess}", where="--core")
    presets = f"presets: {', '.join(preset_names())}"
    if (error := wrong_kind(path, "core")) is not None:
        raise OsccError(error.code, error.message, where=error.where, hint=error.hint or presets)
    if kind_of(path).name == "missing":
        stem = path.name.removesuffix(path.suffix)
        meant = near_path(path, lambda near: kind_of(near).name == "core")
        if stem in preset_names():
            meant = f"did you mean the preset {stem}?"
        presets = f"{meant} {presets}".strip()
    content = read_text_file(path, "spec.not-found", presets)
    return parse_core(content, where=text)


def parse_core(content: str, *, where: str) -> CoreSpec:
    """Return the core that a YAML text describes.

    Parameters
    ----------
    content : str
        YAML of design section 5.
    where : str
        Name of the text, for messages.

    Raises
    ------
    OsccError
        Every fault that was found, in one message: key by key, with what would be accepted.
    """
    return read_yaml(content, CoreSpec, where=where, what="a core", code="spec")


def dump_core(core: CoreSpec) -> str:
    """Return a core as YAML that `parse_core` reads back to an equal one, every default written out."""
    return yaml.safe_dump(core.model_dump(mode="json", by_alias=True), sort_keys=False, default_flow_style=None)
