"""The options of a verb as one record."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def with_options(record: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator of verbs that take a record of options.

    The decorated verb is one that typer calls with each field of the record as an option of its own.

    Parameters
    ----------
    record : type
        A dataclass whose fields are annotated as typer's options. One parameter of a verb is annotated as such a
        record; the others, if there are any, are as typer knows them.
    """
    hints = get_type_hints(record, include_extras=True)
    names = [each.name for each in fields(record)]
    shared = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(record)
    ]

    # What must be given comes first in the help.
    needed = [each for each in shared if each.default is inspect.Parameter.empty]

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(verb, eval_str=True).parameters.values()
        (taken,) = (each.name for each in parameters if each.annotation is record)
        own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters if each.name != taken]
        spelt = [*needed, *own, *(each for each in shared if each not in needed)]

        @functools.wraps(verb)
        def called(**given: Any) -> None:
            options = record(**{name: given.pop(name) for name in names})
            verb(**{taken: options}, **given)

        called.__signature__ = inspect.Signature(spelt)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in spelt}
        return called

    return decorate
