"""The behavioural array at the macro's ports, for cocotb benches."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cocotb
import numpy as np
from numpy.typing import NDArray

from oscc.core.families import KURASHIL, Family
from oscc.core.spec import CoreSpec
from oscc.sim.array.array import Integration, OscillatorArray
from oscc.sim.array.macro import ArrayMacro, MacroRecord
from oscc.sim.array.phase_readout import decode_taps
from oscc.sim.engines.cocotb_array import serve_shim


class ArrayModel:
    """The array behind the shim ``<core>_array_shim.v``, which stands in the macro's place in the simulated core.

    It draws phases while ``init`` is high, lets them evolve while ``run`` is, takes rows and commits, and answers with
    the taps of the last sample. ``ready`` and ``tap_valid`` are high until `ready` and `tap_valid` say otherwise.

    Parameters
    ----------
    shim : cocotb handle
        The instance of the shim: ``dut.array_macro``.
    core : CoreSpec
    step_cycles : Fraction
        Longest integration step [clock cycles]. The codes to expect were computed with that of the prepared run.
    family : Family
    """

    def __init__(
        self, shim: Any, core: CoreSpec, step_cycles: Fraction = Fraction(1), family: Family = KURASHIL
    ) -> None:
        integration = Integration(np.dtype("float64"), "rk4", step_cycles)
        self._macro = ArrayMacro(core, OscillatorArray(core, family=family, batch=1, integration=integration))
        self._shim = shim
        self._core = core
        self._task: Any = None

    def start(self) -> None:
        """Begin to serve the macro's ports. Where the core breaks the contract, the test fails with the rule."""
        if self._task is None:
            self._task = cocotb.start_soon(serve_shim(self._shim, self._macro))

    def stop(self) -> None:
        """Leave the ports alone: what is latched stays as it is."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def ready(self, level: bool) -> None:
        """Drive ``ready``: low, the array has lost its reference."""
        self._shim.ready_level.value = int(level)

    def tap_valid(self, level: bool) -> None:
        """Drive ``tap_valid``: low, the tap bus is not stable yet."""
        self._shim.tap_valid_level.value = int(level)

    def record(self) -> MacroRecord:
        """Return everything that was seen at the ports so far."""
        return self._macro.record()

    def codes(self) -> NDArray[np.int64]:
        """Return the codes of the sample that is latched, int64[frame rows, frame cols].

        Raises
        ------
        MacroContractError
            When nothing was sampled yet.
        """
        return decode_taps(self._macro.latched_taps(), self._core)[:, :, 0]
