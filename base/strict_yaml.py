"""YAML files that people write by hand: read strictly, and every fault told in their own words."""

from __future__ import annotations

import re
import types
import typing
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from oscc.base.errors import OsccError, did_you_mean, one_line

MAX_SHOWN = 60
"""Characters of a faulty value that a message shows."""

MOST_ALIASED = 100_000
"""Values that all aliases of a text may stand for: each of ten aliases of ten others stands for a hundred."""

Model = TypeVar("Model", bound=BaseModel)


class _Refused(yaml.MarkedYAMLError):
    """YAML that is well formed, but more than these files need."""


class _StrictLoader(yaml.SafeLoader):
    """YAML without what surprises: keys that stand twice, tags, sexagesimal and octal numbers, dates.

    ``1:30``, ``010`` and ``2020-01-01`` are texts here, which no number accepts.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) not in (None, "!"):
            raise _Refused(None, None, "tags are not used here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _Refused(None, None, f"key '{key.value}' stands here a second time", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_StrictLoader.yaml_implicit_resolvers = {
    first: [entry for entry in resolvers if entry[0].rpartition(":")[2] not in ("int", "float", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"),
    list("-+0123456789."),
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)


def read_yaml(content: str, model: type[Model], *, where: str, what: str, code: str) -> Model:
    """Return what a YAML text describes.

    Parameters
    ----------
    content : str
    model : type of pydantic model
        Of the whole text; its keys have their aliases.
    where : str
        Name of the text, for messages.
    what : str
        What it describes, for messages: ``a core``.
    code : str
        First part of the code of errors.

    Raises
    ------
    OsccError
        ``<code>.yaml``, ``<code>.unknown-key`` or ``<code>.invalid``; every fault that was found, in one message: key
        by key, with what would be accepted.
    """
    try:
        data = load_yaml(content, where=where, code=code)
        if not isinstance(data, dict):
            keys = ", ".join(field.alias or name for name, field in list(model.model_fields.items())[:3])
            raise OsccError(f"{code}.invalid", f"{what} is a mapping of keys ({keys}, ...)", where=where)
        return model.model_validate(data)
    except RecursionError:
        raise OsccError(f"{code}.yaml", f"nested too deeply to be {what}", where=where) from None
    except ValidationError as error:
        faults = [_phrase(fault, model) for fault in error.errors()]
        unknown = any(fault["type"] == "extra_forbidden" for fault in error.errors())
        kind = "unknown-key" if unknown else "invalid"
        raise OsccError(f"{code}.{kind}", one_line("; ".join(dict.fromkeys(faults))), where=where) from None


def load_yaml(content: str, *, where: str, code: str) -> Any:
    """Return what stands in a YAML text, whatever it describes.

    Parameters
    ----------
    content : str
    where : str
        Name of the text, for messages.
    code : str
        First part of the code of errors.

    Raises
    ------
    OsccError
        ``<code>.yaml``.
    """
    try:
        loader = _StrictLoader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_aliases(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        # It has the number of the character, or the character.
        code_point = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"line {line}: not YAML: character U+{code_point:04X} is not allowed"
        raise OsccError(f"{code}.yaml", message, where=where) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = one_line(str(error.problem)) if isinstance(error, _Refused) else "not YAML"
        raise OsccError(f"{code}.yaml", f"{place}{problem}", where=where) from None
    except ValueError:
        raise OsccError(f"{code}.yaml", "an integer in it has too many digits", where=where) from None


def _check_aliases(root: yaml.Node) -> None:
    """Refuse aliases that make more of a text than anybody wrote, or what never ends.

    Raises
    ------
    yaml.YAMLError
    """
    sizes: dict[yaml.Node, int] = {}
    inside: set[yaml.Node] = set()
    waiting = [root]
    while waiting:
        node = waiting[-1]
        children = _children(node)
        if node in inside or not children:
            inside.discard(node)
            waiting.pop()
            # Every one that has not been counted was entered through this one, and is gone through by now.
            sizes[node] = 1 + sum(sizes[child] for child in children)
            continue
        inside.add(node)
        for child in children:
            if child in inside:
                raise _Refused(None, None, "an alias of what it stands in", child.start_mark)
            if child not in sizes:
                waiting.append(child)
    if sizes[root] - len(sizes) > MOST_ALIASED:
        raise _Refused(None, None, f"aliases stand for more than {MOST_ALIASED} values", root.start_mark)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []


def _phrase(fault: Any, model: type[BaseModel]) -> str:
    """Phrase one pydantic fault as ``key: what is wrong (was ...)``."""
    loc = fault["loc"]
    # The user's own key comes last in these, whatever it looks like.
    own = loc[-1:] if fault["type"] in ("extra_forbidden", "invalid_key") else ()
    path = (*(part for part in loc[: len(loc) - len(own)] if not _is_kind(part)), *own)
    key = ".".join(str(part) for part in path)
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key{did_you_mean(str(path[-1]), _accepted_keys(path[:-1], model))}"
    if fault["type"] == "missing":
        return f"{key}: missing"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message.startswith("Input") else message
    if fault["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key}: {message} (was {_shown(fault['input'])})"


def _is_kind(part: int | str) -> bool:
    """Return whether a part of a path is no key, but one of the kinds that a value may have, as pydantic names them."""
    return isinstance(part, str) and (part == "str" or "[" in part)


def _shown(value: Any) -> str:
    """Return a value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _accepted_keys(path: tuple[Any, ...], model: type[BaseModel]) -> list[str]:
    """Return the keys that the section at ``path`` has."""
    section = model
    for part in path:
        field = next(f for name, f in section.model_fields.items() if (f.alias or name) == part)
        is_union = isinstance(field.annotation, types.UnionType)
        kinds = typing.get_args(field.annotation) if is_union else [field.annotation]
        section = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [field.alias or name for name, field in section.model_fields.items()]
