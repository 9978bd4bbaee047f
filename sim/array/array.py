"""The analog array, behaviourally: DAC codes and initial phases in, phases out, advanced by whole clock cycles.

The array itself knows only units of the hardware: a code is worth full_scale / top_code [rad/s], time is clock cycles.
An error in the scale of model time therefore shows when it is compared with the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError
from oscc.compiler.ir.timed import TimedGraph
from oscc.core.families import FAMILIES, KURASHIL, Family
from oscc.core.groups import Groups
from oscc.core.spec import CoreSpec
from oscc.core.weight_word import codes_per_cell, split_word
from oscc.models.dynamics.integrators import integrator_named
from oscc.models.dynamics.sincos import sincos_constants
from oscc.sim.array.array_steps import run_steps
from oscc.sim.array.dynamics import NodeRates, integrate_phases, list_couplings

BLOCK_STEPS = 16
"""Steps between two calls of a progress callback."""


@dataclass(frozen=True, eq=False)
class Rates(Groups[NDArray[np.float64]]):
    """What the DACs of an array deliver. Arrays are read-only.

    Parameters
    ----------
    coupling : float64[rows, cols, model slots]
        K into each cell [rad/s], slots of the model stencil: both directions of a reciprocal pair.
    shil, field, detuning : float64[rows, cols]
        S, h, w [rad/s].
    """

    def __post_init__(self) -> None:
        freeze(self)


def code_rates(core: CoreSpec, codes: Groups[NDArray[np.int8]]) -> Rates:
    """Return what ideal DACs deliver, code x full_scale / top_code, with the gain of each cell's coupling units.

    Parameters
    ----------
    core : CoreSpec
    codes : Groups of int8
        Signed codes of one chunk: ``coupling`` [rows, cols, slots], the others [rows, cols].

    Raises
    ------
    ValueError
        When the shape is not that of the core.
    """
    _check_shapes(core, codes, core.slots)

    def rate(group: str) -> NDArray[np.float64]:
        return codes[group].astype(np.float64) * (core.dac(group).full_scale_rad_s / core.dac(group).top_code)

    rates = Groups.of(rate)
    units = rates.coupling * core.unit_gain[..., None]
    return Rates(expand_units(core, units), *rates.nodes())


def _check_shapes(core: CoreSpec, given: Groups[NDArray[Any]], slots: int) -> None:
    """Check that arrays of groups have the shape of a core.

    Raises
    ------
    ValueError
    """
    grid = (core.rows, core.cols)
    for group, array in given.items():
        expected = (*grid, slots) if group == "coupling" else grid
        if array.shape != expected:
            raise ValueError(f"{group} has shape {list(array.shape)}, expected {list(expected)}")


def model_rates(placed: TimedGraph, chunk: int) -> Rates:
    """Return what DACs of unlimited resolution would deliver: the model's parameters / tau, not quantized.

    Parameters
    ----------
    placed : TimedGraph
        Its couplings lie within the stencil.
    chunk : int

    Raises
    ------
    ValueError
        When a coupling reaches beyond the stencil.
    """
    core, graph = placed.core, placed.graph
    per_tau = 1.0 / float(placed.time_scale.tau_s[chunk])
    displacement = placed.displacement()
    slot = core.model_stencil.slots_of(displacement[:, 0], displacement[:, 1])
    if np.any(slot < 0):
        raise ValueError(f"{int((slot < 0).sum())} couplings reach beyond the stencil")
    coupling = np.zeros((core.rows, core.cols, len(core.model_stencil)))
    destination = placed.cell[graph.dst]
    # In double precision: the reference takes the model's single-precision numbers as they are, too.
    coupling[destination[:, 0], destination[:, 1], slot] = graph.weight[chunk].astype(np.float64) * per_tau

    def on_grid(values: NDArray[np.float32]) -> NDArray[np.float64]:
        grid = np.zeros((core.rows, core.cols))
        grid[placed.cell[:, 0], placed.cell[:, 1]] = values[chunk].astype(np.float64) * per_tau
        return grid

    return Rates(coupling, on_grid(graph.shil), on_grid(graph.field), on_grid(graph.detuning))


def expand_units(core: CoreSpec, units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return strengths of the coupling units as strengths of the couplings that they make.

    Parameters
    ----------
    core : CoreSpec
    units : float64[rows, cols, slots]
        Of the unit stencil. Units that point over the border make no coupling, whatever they hold.

    Returns
    -------
    float64[rows, cols, model slots]
        On a directed core the same. On a reciprocal core a unit of cell i towards cell j couples j into i and, equally,
        i into j.
    """
    if core.couplings == "directed":
        return units
    stencil = core.model_stencil
    full = np.zeros((core.rows, core.cols, len(stencil)))
    for unit, (drow, dcol) in enumerate(core.unit_stencil.offsets):
        full[..., stencil.offsets.index((drow, dcol))] = units[..., unit]
        # The source cell (row + drow, col + dcol) receives from the unit's cell, at the opposite offset.
        opposite = full[..., stencil.offsets.index((-drow, -dcol))]
        holders, partners = _overlap(core.rows, drow), _overlap(core.rows, -drow)
        holder_cols, partner_cols = _overlap(core.cols, dcol), _overlap(core.cols, -dcol)
        opposite[partners, partner_cols] = units[holders, holder_cols, unit]
    return full


def _overlap(length: int, offset: int) -> slice:
    """Return positions p along an axis for which p + offset lies on the axis too; empty when there are none."""
    return slice(max(0, -offset), max(0, min(length, length - offset)))


@dataclass(frozen=True)
class Integration:
    """How the equation of an array is integrated.

    Parameters
    ----------
    dtype : dtype
        float64 or float32.
    integrator : str
        A name of `oscc.models.dynamics.integrators.INTEGRATORS`.
    step_cycles : Fraction or int
        Integration step [cycles]; `step_cycles_for` gives a good one.
    """

    dtype: DTypeLike = np.float64
    integrator: str = "rk4"
    step_cycles: Fraction | int = 1


DEFAULT = Integration()


class OscillatorArray:
    """The oscillators of a core, B samples beside each other, ideal.

    `advance` only counts; the phases are computed when someone looks at them or changes the rates. A run therefore
    comes out the same, bit for bit, whether it is advanced at once or cycle by cycle.

    Parameters
    ----------
    core : CoreSpec
    family : Family
        Of the model; it must be one of oscillators.
    batch : int
        B.
    integration : Integration
    progress : callable, optional
        Called with the number of cycles by which the phases have moved, now and then and at the end of a run; the
        numbers add up to the cycles of the run.

    Raises
    ------
    OsccError
        ``array.family``, ``array.dtype``, ``array.integrator`` or ``array.step``.
    """

    def __init__(
        self,
        core: CoreSpec,
        *,
        family: Family = KURASHIL,
        batch: int = 1,
        integration: Integration = DEFAULT,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        if not family.has_hardware:
            able = [name for name in FAMILIES.own if FAMILIES[name].has_hardware]
            raise OsccError(
                "array.family",
                f"no array exists for family '{family.name}'",
                hint=f"families with an array: {', '.join(able)}",
            )
        if integration.step_cycles <= 0:
            raise OsccError("array.step", f"a step of {integration.step_cycles} cycles is not positive")
        self.core = core
        self.batch = batch
        self.dtype = np.dtype(integration.dtype)
        self.step_cycles = Fraction(integration.step_cycles)
        sincos_constants(self.dtype)  # refuses other dtypes now, not at the first run
        self._integrator = integrator_named(integration.integrator)
        self._progress = progress
        self._pending = 0
        self._theta: NDArray[Any] = np.zeros((core.cells, batch), dtype=self.dtype)
        self._codes: Groups[NDArray[np.int8]] | None = None
        self.set_codes(split_word(np.zeros((core.rows, core.cols, codes_per_cell(core)), dtype=np.int8), core))

    @property
    def codes(self) -> Groups[NDArray[np.int8]] | None:
        """The active codes, as `code_rates` takes them; None after `set_rates`."""
        return self._codes

    @property
    def rates(self) -> Rates:
        """What the DACs deliver at present."""
        return self._rates

    def set_codes(self, codes: Groups[NDArray[np.int8]]) -> None:
        """Make codes active, as a commit does.

        Parameters
        ----------
        codes : Groups of int8
            As `code_rates` takes them.

        Raises
        ------
        ValueError
            When the shape is not that of the core.
        """
        self.set_rates(code_rates(self.core, codes))
        active = codes.map(np.copy)
        freeze(active)
        self._codes = active

    def set_rates(self, rates: Rates) -> None:
        """Make rates active that no DAC needs to be able to deliver.

        Parameters
        ----------
        rates : Rates

        Raises
        ------
        ValueError
            When a shape is not that of the core.
        """
        stencil = self.core.model_stencil
        _check_shapes(self.core, rates, len(stencil))
        self._settle()
        clock_s = self.core.clock_s
        self._codes = None
        self._rates = rates
        self._lists = list_couplings(rates.coupling * clock_s, stencil, self.dtype)
        self._nodes = NodeRates(*((rate * clock_s).ravel().astype(self.dtype) for rate in rates.nodes()))

    def set_phases(self, theta: NDArray[Any]) -> None:
        """Start from these phases.

        Parameters
        ----------
        theta : float[rows, cols, B] or float[rows, cols]
            [rad]; without the last axis every sample starts from the same.

        Raises
        ------
        ValueError
            When the shape fits neither.
        """
        shape = (self.core.rows, self.core.cols, self.batch)
        if theta.shape not in (shape, shape[:2]):
            raise ValueError(f"phases have shape {list(theta.shape)}, expected {list(shape)}")
        full = theta if theta.ndim == 3 else np.broadcast_to(theta[..., None], shape)
        self._pending = 0
        self._theta = np.array(full, dtype=self.dtype, order="C").reshape(self.core.cells, self.batch)

    def advance(self, cycles: int) -> None:
        """Let the array evolve for whole clock cycles.

        Parameters
        ----------
        cycles : int
            Not negative.

        Raises
        ------
        ValueError
        """
        if cycles < 0:
            raise ValueError(f"the array cannot go back by {-cycles} cycles")
        self._pending += cycles

    def phases(self) -> NDArray[Any]:
        """Return phases of all cells as they are now, float[rows, cols, B], rad, not wrapped; a copy."""
        self._settle()
        return self._theta.reshape(self.core.rows, self.core.cols, self.batch).copy()

    def _settle(self) -> None:
        """Compute the cycles that `advance` counted."""
        if not self._pending:
            return
        steps = run_steps(self._pending, self.step_cycles)
        self._pending = 0
        for start in range(0, len(steps), BLOCK_STEPS):
            part = steps[start : start + BLOCK_STEPS]
            integrate_phases(self._theta, self._lists, self._nodes, part, self._integrator)
            if self._progress:
                self._progress(float(part.sum()))
