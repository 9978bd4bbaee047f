"""Ports: what joins components, declared once as a signature and connected as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Fragment, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class Port:
    """Interface object made of signals that exist already.

    Parameters
    ----------
    signature : wiring.Signature
        Of port members only.
    signals : mapping of str to Signal
        A signal per member of the signature, of its shape.
    """

    def __init__(self, signature: wiring.Signature, signals: Mapping[str, Any]) -> None:
        self.signature = signature
        self.__dict__.update({name: signals[name] for name in signature.members})


class PortSignature(wiring.Signature):
    """Signature whose signals have names of their own choice in Verilog.

    Amaranth would call them ``<member>__<signal>`` after the place where the port is. The names in Verilog are what
    constraints, waveforms and netlists of earlier releases go by, so that they are declared here and stay.

    Parameters
    ----------
    members : mapping of str to wiring.Member
        Seen from the side that begins a transfer. No signatures in it.
    prefix : str
        What stands before the name of a member in Verilog.
    names : mapping of str to str, optional
        Whole names in Verilog of members that are called otherwise.
    """

    def __init__(
        self, members: Mapping[str, wiring.Member], prefix: str = "", names: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(members)
        self._names = {name: f"{prefix}{name}" for name in members} | dict(names or {})

    def create(self, *, path: Any = None, src_loc_at: int = 0) -> Port:
        """Return the signals of a port; they are called as the signature says, wherever it is.

        Parameters
        ----------
        path : tuple, optional
            Place of the port, which does not matter.
        src_loc_at : int
            As in Amaranth.
        """
        return Port(
            self,
            {
                name: Signal(member.shape, init=member.init, name=self._names[name], src_loc_at=1 + src_loc_at)
                for name, member in self.members.items()
            },
        )


def port_of(owner: Any, signature: wiring.Signature, prefix: str = "") -> Port:
    """Return those members of a component that make up a port.

    Parameters
    ----------
    owner : wiring.Component or wiring.Interface
        With a member ``<prefix><name>`` for every member of the signature.
    signature : wiring.Signature
        Its Out members are those that the owner drives.
    prefix : str

    Raises
    ------
    AttributeError
        When the owner lacks a member.
    """
    return Port(signature, {name: getattr(owner, f"{prefix}{name}") for name in signature.members})


def connect(m: Module, first: Any, second: Any) -> None:
    """Connect two ports of which one is the other's counterpart.

    As `amaranth.lib.wiring.connect`, but in the order in which the signature declares its members: the numbers that
    Amaranth appends to names that clash depend on that order, and with them the bytes of the Verilog.

    Parameters
    ----------
    m : Module
        Gets the assignments.
    first, second : wiring.Interface
        Without signatures among their members.

    Raises
    ------
    wiring.ConnectionError
        When the ports do not fit each other.
    AttributeError
        When one of them is no port.
    """
    # Amaranth refuses what does not fit. What it would connect, in the order of the alphabet, is not used; a module
    # that nobody elaborates is warned of.
    checked = Module()
    try:
        wiring.connect(checked, first, second)
    finally:
        Fragment.get(checked, None)
    for name, member in first.signature.members.items():
        one, other = getattr(first, name), getattr(second, name)
        m.d.comb += other.eq(one) if member.flow == Out else one.eq(other)
