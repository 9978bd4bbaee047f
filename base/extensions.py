"""Tables of what goes by a name, to which other packages add by entry points.

A table holds what is oscc's own. Installed distributions are looked at, once, when a name is asked for that is none of
those, or when names are listed; and none of them is imported before its name is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from oscc.base.errors import OsccError
from oscc.base.findings import FindingError, FindingsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = TypeVar("Kind")

NAME = re.compile(r"[A-Za-z0-9][-_.A-Za-z0-9]*")
"""What a name may be; others are passed over."""

OTHERS_HINT = "it is no part of oscc: ask its authors, or uninstall it"


class ExtensionTable(Mapping[str, Kind], Generic[Kind]):
    """What goes by a name: oscc's own, and what installed distributions add.

    Parameters
    ----------
    group : str
        Of entry points, such as ``oscc.placers``.
    noun : str
        What messages call one of them, such as ``placer``.
    own : mapping
        oscc's own, in the order in which they are listed.
    is_kind : callable
        Whether what an entry point loads is one of them.
    """

    def __init__(
        self, group: str, noun: str, own: Mapping[str, Kind], is_kind: Callable[[object], bool] = callable
    ) -> None:
        self.group = group
        self.noun = noun
        self._own = dict(own)
        self._is_kind = is_kind
        self._loaded: dict[str, Kind] = {}

    @property
    def where(self) -> str:
        """Where errors about other distributions say that they are."""
        return f"entry points {self.group}"

    @property
    def own(self) -> tuple[str, ...]:
        """The names of oscc's own."""
        return tuple(self._own)

    def __iter__(self) -> Iterator[str]:
        """Yield all names: oscc's own, then the others in alphabetical order."""
        return iter((*self._own, *(name for name in sorted(self._others) if name not in self._own)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._others

    def __getitem__(self, name: str) -> Kind:
        """Return what goes by a name; that of another distribution is imported now.

        Parameters
        ----------
        name : str

        Raises
        ------
        KeyError
            When nothing does.
        OsccError
            ``extension.name`` where two share a name, ``extension.broken`` where one cannot be imported, or is
            something else.
        """
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(self._entry(name))
        return self._loaded[name]

    def origin(self, name: str) -> str:
        """Return the distribution that a name comes from, with its version; empty for oscc's own.

        Parameters
        ----------
        name : str
        """
        if name in self._own or name not in self._others:
            return ""
        return _origin(self._others[name][0])

    @contextmanager
    def blaming(self, name: str, *passing: type[Exception]) -> Iterator[None]:
        """Turn what another distribution's code raises within the block into an error that names it.

        What oscc itself raises for users passes, and so does everything of oscc's own.

        Parameters
        ----------
        name : str
        *passing : type
            Further exceptions that are part of what was promised.

        Raises
        ------
        OsccError
            ``extension.failed``.
        """
        try:
            yield
        except Exception as error:
            origin = self.origin(name)
            if not origin or isinstance(error, (OsccError, FindingError, FindingsError, *passing)):
                raise
            message = f"{self.noun} '{name}' of {origin} failed: {_cause(error)}"
            raise OsccError("extension.failed", message, where=self.where, hint=OTHERS_HINT) from error

    @cached_property
    def _others(self) -> dict[str, list[EntryPoint]]:
        from importlib.metadata import entry_points

        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            if not NAME.fullmatch(entry.name):
                # It could not be typed, or would be a path.
                continue
            # A distribution that is on two folders of the path stands there twice.
            if entry not in found.setdefault(entry.name, []):
                found[entry.name].append(entry)
        return {name: sorted(entries, key=lambda entry: entry.value) for name, entries in sorted(found.items())}

    def _entry(self, name: str) -> EntryPoint:
        for taken in self._own.keys() & self._others.keys():
            entry = self._others[taken][0]
            raise self._error("name", f"{self.noun} '{taken}' of {_origin(entry)} has a name of oscc's own")
        first, *more = self._others.get(name, (None,))
        if first is None:
            raise KeyError(name)
        if more:
            both = f"{_origin(first)} and of {_origin(more[0])}"
            raise self._error("name", f"{self.noun} '{name}' is one of {both}")
        return first

    def _load(self, entry: EntryPoint) -> Kind:
        try:
            found = entry.load()
        except Exception as error:
            # Whatever its modules do when they are imported.
            message = f"{self.noun} '{entry.name}' of {_origin(entry)} cannot be imported: {_cause(error)}"
            raise self._error("broken", message) from error
        if not self._is_kind(found):
            message = f"{self.noun} '{entry.name}' of {_origin(entry)}: {entry.value} is no {self.noun}"
            raise self._error("broken", message)
        kind: Kind = found
        return kind

    def _error(self, code: str, message: str) -> OsccError:
        return OsccError(f"extension.{code}", message, where=self.where, hint=OTHERS_HINT)


def _origin(entry: EntryPoint) -> str:
    return "another distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _cause(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
