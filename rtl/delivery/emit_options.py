"""What a user may choose about what is emitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmitOptions:
    """Choices about the files of a core.

    Parameters
    ----------
    wrappers : tuple of str
        Top modules around the core, as `oscc.rtl.delivery.wrappers.WRAPPERS` names them.
    initial_values : bool
        Give registers and memories the content with which an FPGA begins, by initial blocks. Without it they are X in
        a simulation until the reset, or until they are written, as in silicon.
    """

    wrappers: tuple[str, ...] = ()
    initial_values: bool = False
