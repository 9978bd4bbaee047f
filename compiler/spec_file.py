"""Reading and writing CoreSpec files, and the presets that ship with the package."""

from __future__ import annotations

import re
import types
import typing
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from oscc.compiler.errors import OsccError, did_you_mean
from oscc.compiler.spec import CoreSpec

MAX_SHOWN = 60
"""Characters of a faulty value that a message shows."""


class _Refused(yaml.MarkedYAMLError):
    """YAML that is well formed, but not part of a core."""


class _CoreLoader(yaml.SafeLoader):
    """YAML without what surprises in a core: keys that stand twice, tags, sexagesimal and octal numbers, dates.

    ``1:30``, ``010`` and ``2020-01-01`` are texts here, which no number accepts.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) not in (None, "!"):
            raise _Refused(None, None, "a core has no tags", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _Refused(None, None, f"key '{key.value}' stands here a second time", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_CoreLoader.yaml_implicit_resolvers = {
    first: [entry for entry in resolvers if entry[0].rpartition(":")[2] not in ("int", "float", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"),
    list("-+0123456789."),
)
_CoreLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))


def preset_names() -> list[str]:
    """Names of the cores that ship with the package, sorted."""
    folder = resources.files("oscc.compiler") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_core(name_or_path: str | Path) -> CoreSpec:
    """The core of a preset name or of a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        A preset name has neither a slash nor a suffix; anything else is a path.

    Raises
    ------
    OsccError
        ``spec.not-found``, ``spec.yaml``, ``spec.unknown-key`` or ``spec.invalid``.
    """
    text = str(name_or_path)
    if text in preset_names():
        return parse_core((resources.files("oscc.compiler") / "presets" / f"{text}.yaml").read_text(), where=text)
    path = Path(text)
    if "/" not in text and not path.suffix and not path.exists():
        guess = did_you_mean(text, preset_names())
        raise OsccError("spec.not-found", f"'{text}' is neither a preset nor a file{guess}", where="--core")
    try:
        content = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise OsccError(
            "spec.not-found", f"cannot be read: {reason}", where=text, hint=f"presets: {', '.join(preset_names())}"
        ) from None
    return parse_core(content, where=text)


def parse_core(content: str, *, where: str) -> CoreSpec:
    """The core that a YAML text describes.

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
    try:
        return _core_of(_read_yaml(content, where), where)
    except RecursionError:
        raise OsccError("spec.yaml", "nested too deeply to be a core", where=where) from None


def _read_yaml(content: str, where: str) -> Any:
    try:
        loader = _CoreLoader(content)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = error.problem if isinstance(error, _Refused) else "not YAML"
        raise OsccError("spec.yaml", f"{place}{problem}", where=where) from None
    except ValueError:
        raise OsccError("spec.yaml", "a whole number in it has too many digits", where=where) from None


def _core_of(data: Any, where: str) -> CoreSpec:
    if not isinstance(data, dict):
        raise OsccError("spec.invalid", "a core is a mapping of keys (schema, name, grid, ...)", where=where)
    try:
        return CoreSpec.model_validate(data)
    except ValidationError as error:
        faults = [_phrase(fault) for fault in error.errors()]
        unknown = any(fault["type"] == "extra_forbidden" for fault in error.errors())
        raise OsccError(
            "spec.unknown-key" if unknown else "spec.invalid", "; ".join(dict.fromkeys(faults)), where=where
        ) from None


def dump_core(core: CoreSpec) -> str:
    """A core as YAML that `parse_core` reads back to an equal one, every default written out."""
    return yaml.safe_dump(core.model_dump(mode="json", by_alias=True), sort_keys=False, default_flow_style=None)


def _phrase(fault: Any) -> str:
    """One pydantic fault as ``key: what is wrong (was ...)``."""
    path = tuple(part for part in fault["loc"] if part not in ("str", "list[list[int]]"))
    key = ".".join(str(part) for part in path)
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key{did_you_mean(str(path[-1]), _accepted_keys(path[:-1]))}"
    if fault["type"] == "missing":
        return f"{key}: missing"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message.startswith("Input") else message
    if fault["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key}: {message} (was {_shown(fault['input'])})"


def _shown(value: Any) -> str:
    """A value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _accepted_keys(path: tuple[Any, ...]) -> list[str]:
    """Keys that the section at ``path`` has."""
    section: type[BaseModel] = CoreSpec
    for part in path:
        field = next(f for name, f in section.model_fields.items() if (f.alias or name) == part)
        is_union = isinstance(field.annotation, types.UnionType)
        kinds = typing.get_args(field.annotation) if is_union else [field.annotation]
        section = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [field.alias or name for name, field in section.model_fields.items()]
