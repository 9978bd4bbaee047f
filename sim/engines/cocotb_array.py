"""The behavioural array behind the shim of a core in a Verilog simulator."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import ValueChange

from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.boundary import frame_word, take_event


async def serve_shim(shim: Any, macro: ArrayMacro) -> None:
    """Hand events of the shim to the behavioural macro, and latched taps back, for ever.

    Parameters
    ----------
    shim : cocotb handle
        An instance of the module that `oscc.rtl.delivery.array_shim.shim_verilog` writes.
    macro : ArrayMacro

    Raises
    ------
    MacroContractError
        When the core breaks the macro's contract.
    """
    while True:
        await ValueChange(shim.seen_event)
        if take_event(macro, lambda name: int(getattr(shim, f"seen_{name}").value)):
            shim.frame.value = frame_word(macro)
