"""Signals within a component, by the names that its source gives them.

Invariants for induction speak of registers that are no members. Amaranth itself leaves many of them without a name:
of ``a, b = Signal(), Signal()``, only the last gets one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from amaranth.hdl import Fragment, Module
from amaranth.lib.wiring import Component

from oscc.base.errors import OsccError


@dataclass(frozen=True)
class Inside:
    """A component and the local variables of its `elaborate` and of the methods that make parts of the module.

    Parameters
    ----------
    component : Component
    variables : mapping of str to object
        Those of `elaborate` go before those of the methods that it calls.
    """

    component: Any
    variables: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """A local variable, such as a register.

        Raises
        ------
        OsccError
            ``formal.register`` when there is none of that name.
        """
        if name not in self.variables:
            raise OsccError(
                "formal.register",
                f"{type(self.component).__name__} has no '{name}' inside",
                hint="an invariant names a register of the component: adapt it to the source as it is now",
            )
        return self.variables[name]

    def member(self, name: str) -> Any:
        """A member of the component."""
        return getattr(self.component, name)


def elaborated_inside(component: Any) -> tuple[Fragment, dict[str, Inside]]:
    """The component as a fragment, to be added as the submodule, and what is inside it and the components in it.

    Of several components of one class, the one that was elaborated last is given.
    """
    found: dict[str, Inside] = {}
    with _watching(found):
        fragment = Fragment.get(component, None)
    return fragment, found


@contextmanager
def _watching(found: dict[str, Inside]) -> Iterator[None]:
    parts: dict[int, dict[str, Any]] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event != "return" or "self" not in frame.f_locals:
            return
        component, name = frame.f_locals["self"], frame.f_code.co_name
        if name == "elaborate":
            # A module elaborates, too, when its component has made it.
            if not isinstance(component, Module):
                variables = parts.pop(id(component), {}) | dict(frame.f_locals)
                found[type(component).__name__] = Inside(component, variables)
        elif name.startswith("_") and isinstance(component, Component) and isinstance(frame.f_locals.get("m"), Module):
            # A method that makes a part of the module; it returns before `elaborate` does.
            parts.setdefault(id(component), {}).update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
