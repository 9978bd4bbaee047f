"""The pins that memory macros have for production: test modes, and the chain that brings repairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec

TEST_BITS = 8
"""Pins for whatever test modes, bypasses and margins a macro has; all memories get the same."""

MEMORY_PIN_MEMBERS = {
    "test": In(TEST_BITS),
    "repair_shift": In(1),
    "repair_in": In(1),
    "repair_out": Out(1),
}
"""The pins of a memory, or of what holds several of them: see `memory_pin_members`."""


def memory_pin_members(core: CoreSpec) -> dict[str, wiring.Member]:
    """Return the pins of what holds memories of a core; none where the core does not bring them out.

    ``test``
        Test modes, bypass, margins: what a bit means is up to the macro. Static.
    ``repair_shift``
        The chain of repair registers moves on by a bit per clock cycle.
    ``repair_in``, ``repair_out``
        The chain, through all memories one after another.

    A memory itself always has these pins; nothing drives them where the core does not bring them out, and they are 0.

    Parameters
    ----------
    core : CoreSpec
    """
    return MEMORY_PIN_MEMBERS if core.memory_pins else {}


def chain_pins(m: Module, pins: Any, parts: Iterable[Any]) -> None:
    """Lead the pins to all parts: ``test`` and ``repair_shift`` to each, the chain from the first part to the last.

    Nothing is done where ``pins`` has none.

    Parameters
    ----------
    m : Module
    pins : wiring.Component
        With the members `MEMORY_PIN_MEMBERS`, or without: of what holds the parts, which are in ``m``.
    parts : iterable of wiring.Component
        With these members where ``pins`` has them; in the order of the chain.
    """
    if "repair_in" not in pins.signature.members:
        return
    bit: Value = pins.repair_in
    for part in parts:
        m.d.comb += [part.test.eq(pins.test), part.repair_shift.eq(pins.repair_shift), part.repair_in.eq(bit)]
        bit = part.repair_out
    m.d.comb += pins.repair_out.eq(bit)
