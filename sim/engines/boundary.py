"""From the shim's copies to the behavioural macro and back: what all RTL engines share."""

from __future__ import annotations

import re
from collections.abc import Callable

from oscc.core.array_contract import rule
from oscc.rtl.delivery.array_shim import COPIED
from oscc.sim.array.macro import ArrayMacro, EdgeInputs, MacroContractError
from oscc.sim.array.phase_readout import pack_taps


def take_event(macro: ArrayMacro, seen: Callable[[str], int]) -> bool:
    """Hand one event of the shim to the macro.

    Parameters
    ----------
    macro : ArrayMacro
    seen : callable
        Value of the shim's ``seen_<name>``.

    Returns
    -------
    bool
        Whether it was a sample, so that the shim's ``frame`` has to be written.
    """
    strobe = bool(seen("load_strobe"))
    inputs = EdgeInputs(
        cycle=seen("cycle"),
        load_strobe=strobe,
        commit=bool(seen("commit")),
        init=bool(seen("init")),
        run=bool(seen("run")),
        sample=bool(seen("sample")),
        # The row bus is thousands of bits wide: it is only looked at when it means something.
        load_row=seen("load_row") if strobe else 0,
        load_data=seen("load_data") if strobe else 0,
        noise_seed=seen("noise_seed"),
        noise_index=seen("noise_index"),
        tap_row=seen("tap_row"),
    )
    macro.edge(inputs)
    return inputs.sample


def frame_word(macro: ArrayMacro) -> int:
    """Return the latched taps of all readable rows as the shim's ``frame``, row 0 in the lowest bits.

    Parameters
    ----------
    macro : ArrayMacro
        Of one sample (batch 1).
    """
    return pack_taps(macro.latched_taps()[:, :, 0])


def contract_signals(code: str) -> tuple[str, ...]:
    """Return the signals of the macro that a rule of its contract is about.

    Parameters
    ----------
    code : str
        Of the rule: ``A001``.
    """
    words = re.findall(r"\w+", rule(code).statement)
    # Rules about rows speak of the signals that write them.
    named = [name for name in COPIED if name in words]
    return tuple(named) or ("load_row", "load_strobe")


def broken_contract(error: MacroContractError, instance: str) -> MacroContractError:
    """Return the error of a broken rule with the signals that it is about, and the macro that they go to.

    Parameters
    ----------
    error : MacroContractError
        Its message begins with the code of the rule, and names the cycle.
    instance : str
        Name of the macro, and where it stands.
    """
    code = str(error)[:4]
    try:
        signals = ", ".join(contract_signals(code))
    except LookupError:
        return error
    return MacroContractError(f"{error}; {signals} of {instance}")
