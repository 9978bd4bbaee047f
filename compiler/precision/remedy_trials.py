"""Trials of what would keep a model in its codes: the changes worth trying, and what coding with each makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.number_words import short
from oscc.compiler.feasibility.advice.cores import changed
from oscc.compiler.feasibility.advice.entry import yaml_words
from oscc.compiler.feasibility.advice.times import rounded_up
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.quantize import code_worth, quantize_values, unit_parameters
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.compiler.precision.code_use import ALIKE, GroupUse, GroupValues, measure_use
from oscc.compiler.precision.coded_problem import ProblemTerms, coded_problem, problem_of, problem_terms
from oscc.core.groups import GROUPS, Groups
from oscc.core.spec import CoreSpec, DacSpec

Still = Callable[[GroupUse, GroupValues], bool]
"""Whether a warning would still be given."""

Dacs = dict[str, DacSpec]
"""By group; those that change."""

MOST_BITS = 8
"""Of a DAC, as `DacSpec` allows."""

MOST_BELOW = 127
"""A full scale that is offered is at least this part of the largest of the core: a step of the widest DAC at that. What
is smaller than such a step has no meaning beside the rest, and no circuit that delivers both."""

NEARER = 0.95
"""An energy error that counts as lower is less than this times the one before: less is not worth another core, and a
time scale that is rounded to other cycles can take it back."""

OTHER_BOUNDS = {
    "given": "the tau was given",
    "model": "the tau is the model's own",
    "load": "the length of a load decided the tau",
    "readout": "the length of a read-out decided the tau",
}
"""What decided the time scale, where that was no group."""

ENERGY = ("coupling", "field")
"""Groups of which the energy of a problem is made."""


@dataclass(frozen=True)
class Remedy:
    """A change after which a warning is no longer given.

    Parameters
    ----------
    kind : {"tau", "per-chunk", "bits", "full-scale"}
    value : float or int or None
        Bits, or the full scale [rad/s], of the group that the warning is about; None where that DAC stays.
    words : str
        As advice.
    core : dict
        Keys of the core that change, with what changes of them.
    largest_error : float or None
        Of a problem: as in `CodedProblem`, with the change.
    """

    kind: str
    value: float | int | None
    words: str
    core: dict[str, dict[str, Any]] = field(default_factory=dict)
    largest_error: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the change as JSON."""
        error = {} if self.largest_error is None else {"largest_error": self.largest_error}
        return {"kind": self.kind, "value": self.value, **({"core": self.core} if self.core else {}), **error}


def off_by(problem: dict[str, Any], error: float) -> str:
    """Return by how much energies of a problem are off, in the words of its kind.

    Parameters
    ----------
    problem : dict
        As `problem_of` gives it.
    error : float
        As `CodedProblem.largest_error`.
    """
    # An edge of weight w is a coupling of w / 2.
    what, times = ("cuts", 2.0) if problem["kind"] == "max-cut" else ("energies", 1.0)
    return f"{what} off by at most {short(times * error)}"


@dataclass(frozen=True, eq=False)
class Trial:
    """A change: the DACs that are others, and float64[C, 4], the worth of a code step of each group with them."""

    kind: str
    dacs: Dacs
    lsb: Groups[NDArray[np.float64]]
    bits: int = 0
    words: str = ""


@dataclass(frozen=True, eq=False)
class Bench:
    """What trials are made with: a coded model, and the group that a warning is about."""

    coded: CodedGraph
    group: str
    values: GroupValues

    # What is tried

    def other_tau(self) -> Iterator[Trial]:
        """Yield the smallest tau, or one for each chunk, where the model leaves the choice."""
        placed = self.coded.placed
        graph, core, scale = programmed_graph(placed), placed.core, placed.time_scale
        assert scale is not None
        if graph.time_scale_s is not None:
            return
        given = "given" in scale.bounds_s
        options = ScaleOptions(per_chunk=not given)
        if any(diagnose_time_scale(graph, core, options)):
            return
        lsb = code_worth(core, choose_time_scale(graph, core, options).tau_s)
        if given:
            yield Trial("tau", {}, lsb, words="leave out --tau-s, for the smallest tau")
        else:
            yield Trial("per-chunk", {}, lsb, words="give each chunk its own tau: --tau per-chunk")

    def widths(self) -> Iterator[Trial]:
        """Yield more bits: of the group alone and, of a problem, of the other group of its energy as well."""
        yield from self._trials("bits", lambda dacs: not self._rescaled(dacs))

    def full_scales(self) -> Iterator[Trial]:
        """Yield smaller full scales, alone or with more bits."""
        yield from self._trials("full-scale", lambda dacs: bool(self._rescaled(dacs)))

    def _trials(self, kind: str, wanted: Callable[[Dacs], bool]) -> Iterator[Trial]:
        groups = [self.group]
        if self.terms is not None and self.group in ENERGY:
            groups = list(ENERGY)
        sets: list[Dacs] = [{}]
        for group in groups:
            sets = [{**dacs, **more} for dacs in sets for more in self._choices(group)]
        own = self.core.dac(self.group)
        # Its codes are what they are, whatever other DACs do.
        sets = [dacs for dacs in sets if dacs.get(self.group, own) != own and wanted(dacs)]
        for dacs in sorted(sets, key=lambda dacs: (self._more_bits(dacs), len(dacs), len(self._rescaled(dacs)))):
            yield Trial(kind, dacs, self._worth(dacs), self._more_bits(dacs))

    def _choices(self, group: str) -> Iterator[Dacs]:
        """Yield a DAC as it is, with more bits, with the smallest full scale that makes sense, and with both."""
        dac = self.core.dac(group)
        scales = [dac.full_scale_rad_s]
        # Less than the whole range is used where another group, or the length of a load, decided the time scale.
        largest = self.largest[group]
        least = max(self.core.dac(each).full_scale_rad_s for each in GROUPS) / MOST_BELOW
        smaller = rounded_up(max(least, dac.full_scale_rad_s * largest / dac.top_code))
        if 0 < largest < dac.top_code - 0.5 and smaller < dac.full_scale_rad_s:
            scales.append(smaller)
        for bits in range(dac.bits, MOST_BITS + 1):
            # Forbidden codes are those of the silicon with the old width.
            forbidden = dac.forbidden if bits == dac.bits else ()
            for scale in scales:
                other = DacSpec(bits=bits, full_scale_rad_s=scale, forbidden=forbidden)
                yield {} if other == dac else {group: other}

    # What comes of it

    def ends_warning(self, trial: Trial, still: Still) -> bool:
        """Return whether the warning would no longer be given, and nothing be beyond full scale that is not already."""
        key = (still, *self._key(trial, self.group))
        if key not in self.known:
            use, made = self._coded(trial)
            dac = made.dac
            before = float(np.abs(self.values.scaled).max(initial=0.0)) * (1 + ALIKE) / self.values.dac.top_code
            beyond = use.largest_lsb / dac.top_code
            self.known[key] = beyond <= max(1.0 + 0.5 / dac.top_code, before) and not still(use, made)
        return self.known[key] and self._ramp_is_left(trial)

    def energy_error(self, trial: Trial) -> float | None:
        """Return the largest error of the energy, as `CodedProblem` has it; None of a model that is no problem."""
        if self.terms is None:
            return None
        made = {}
        for group in ENERGY:
            key = self._key(trial, group)
            if key not in self.delivered:
                dac, lsb = trial.dacs.get(group, self.core.dac(group)), float(trial.lsb[group][-1])
                self.delivered[key] = quantize_values(self.asked[group][-1], lsb, dac).astype(np.float64) * lsb
            made[group] = self.delivered[key]
        return self.terms.made_by(made["coupling"][self.unit_of], made["field"]).largest_error

    def brings_nearer(self, trial: Trial, error: float | None) -> bool:
        """Return whether the energy is off by less, or what is coded where there is none."""
        if error is None or self.error is None:
            use, _ = self._coded(trial)
            now, _ = self._coded(Trial("", {}, self.coded.lsb))
            return max(use.error) <= max(now.error) * (1 + ALIKE)
        # SHIL and detuning are no part of the energy.
        return error < self.error * NEARER if self.group in ENERGY else error <= self.error * (1 + ALIKE)

    def remedy(self, trial: Trial, error: float | None) -> Remedy | None:
        """Return the change in words and as keys; None where there is no such core."""
        keys: dict[str, dict[str, Any]] = {}
        for group in (each for each in GROUPS if each in trial.dacs):
            now, dac = self.core.dac(group), trial.dacs[group]
            keys[f"{group}_dac"] = {
                **({"bits": dac.bits} if dac.bits != now.bits else {}),
                **({"full_scale_rad_s": dac.full_scale_rad_s} if group in self._rescaled(trial.dacs) else {}),
            }
        whole = {f"{group}_dac": dac.model_dump(mode="json") for group, dac in trial.dacs.items()}
        if whole and changed(self.core, whole) is None:
            return None
        notes = []
        if self._rescaled(trial.dacs):
            active = self.coded.placed.time_scale.active
            notes.append(OTHER_BOUNDS.get(active, f"{active} decided the tau"))
        problem = problem_of(self.coded.placed.graph)
        if problem is not None and error is not None and self.group in ENERGY:
            notes.append(off_by(problem, error))
        words = trial.words or f"use a core with {yaml_words(keys)}"
        words += f" ({'; '.join(notes)})" if notes else ""
        value = None
        if self.group in trial.dacs:
            own = trial.dacs[self.group]
            value = own.bits if trial.kind == "bits" else own.full_scale_rad_s
        return Remedy(trial.kind, value, words, keys, error)

    def _key(self, trial: Trial, group: str) -> tuple[str, DacSpec, bytes]:
        """Return all that decides what a trial makes of a group: many trials differ in the other one alone."""
        return group, trial.dacs.get(group, self.core.dac(group)), trial.lsb[group].tobytes()

    def _coded(self, trial: Trial) -> tuple[GroupUse, GroupValues]:
        key = self._key(trial, self.group)
        if key not in self.uses:
            dac, lsb = trial.dacs.get(self.group, self.values.dac), trial.lsb[self.group][:, None]
            scaled = self.values.scaled * (self.coded.lsb[self.group][:, None] / lsb)
            made = GroupValues(self.values.own, scaled, quantize_values(scaled, 1.0, dac), dac)
            self.uses[key] = measure_use(made, lsb), made
        return self.uses[key]

    def _ramp_is_left(self, trial: Trial) -> bool:
        """Return whether SHIL and detuning of a problem still have codes: they follow the full scale of couplings."""
        if self.terms is None or "coupling" not in self._rescaled(trial.dacs):
            return True
        ratio = trial.dacs["coupling"].full_scale_rad_s / self.core.coupling_dac.full_scale_rad_s
        ramp = [self.largest[group] for group in GROUPS if group not in ENERGY]
        return all(each * ratio > 0.5 for each in ramp if each > 0.5)

    def _rescaled(self, dacs: Dacs) -> list[str]:
        return [group for group, dac in dacs.items() if dac.full_scale_rad_s != self.core.dac(group).full_scale_rad_s]

    def _more_bits(self, dacs: Dacs) -> int:
        """Return bits by which the word of a cell becomes wider."""
        units = {group: self.core.slots if group == "coupling" else 1 for group in dacs}
        return sum(units[group] * (dac.bits - self.core.dac(group).bits) for group, dac in dacs.items())

    def _worth(self, dacs: Dacs) -> Groups[NDArray[np.float64]]:
        """Return the worth of a code step, float64[C]: the time scale stays."""

        def worth(group: str) -> NDArray[np.float64]:
            now, dac = self.core.dac(group), dacs.get(group, self.core.dac(group))
            lsb = self.coded.lsb[group]
            if group not in dacs:
                return lsb
            return lsb * (dac.full_scale_rad_s / now.full_scale_rad_s * now.top_code / dac.top_code)

        return Groups.of(worth)

    @property
    def core(self) -> CoreSpec:
        """The core that the model was coded for."""
        return self.coded.placed.core

    @cached_property
    def known(self) -> dict[tuple[Still, str, DacSpec, bytes], bool]:
        """Whether a warning ends, by `_key`: filled as it is asked for."""
        return {}

    @cached_property
    def uses(self) -> dict[tuple[str, DacSpec, bytes], tuple[GroupUse, GroupValues]]:
        """The codes of the group, by `_key`: filled as they are asked for."""
        return {}

    @cached_property
    def delivered(self) -> dict[tuple[str, DacSpec, bytes], NDArray[np.float64]]:
        """What the DACs of the last chunk deliver, by `_key`: filled as it is asked for."""
        return {}

    @cached_property
    def asked(self) -> Groups[NDArray[np.float64]]:
        """What DACs must deliver; with what holds copies together, which must not saturate either."""
        return unit_parameters(self.coded.placed)

    @cached_property
    def largest(self) -> dict[str, float]:
        """Of each group [LSB]."""
        lsb = self.coded.lsb
        return {
            group: float(np.abs(asked / lsb[group][:, None]).max(initial=0.0)) for group, asked in self.asked.items()
        }

    @cached_property
    def terms(self) -> ProblemTerms | None:
        """Of a problem."""
        placed = self.coded.placed
        return None if problem_of(placed.graph) is None else problem_terms(placed)

    @cached_property
    def unit_of(self) -> NDArray[np.int64]:
        """Place of each coupling's unit in ``asked``, int64[K]."""
        route = self.coded.placed.route
        units = np.concatenate([route.unit_cell, route.slot[:, None]], axis=1)
        return np.unique(units, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @cached_property
    def error(self) -> float | None:
        """The largest error of the energy now."""
        return None if self.terms is None else coded_problem(self.coded).largest_error
