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

from oscc.base.errors import OsccError


@dataclass(frozen=True)
class Inside:
    """A component and the local variables of its `elaborate`.

    Parameters
    ----------
    component : Component
    variables : mapping of str to object
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
    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "return" and frame.f_code.co_name == "elaborate" and "self" in frame.f_locals:
            component = frame.f_locals["self"]
            # A module elaborates, too, when its component has made it.
            if not isinstance(component, Module):
                found[type(component).__name__] = Inside(component, dict(frame.f_locals))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
