"""What a warning about codes says: the numbers of what is lost, and what would keep it (codes W001 to W006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oscc.base.number_words import percent, ratio, short
from oscc.compiler.findings.of_codes import (
    DEAD_CODES,
    END_CODES,
    MERGED_CODES,
    ROUGH_CODES,
    SATURATED_CODES,
    VANISHED_CODES,
    CodeWarning,
)
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale
from oscc.compiler.precision.code_limits import DEAD, ROUGH, is_given, is_lost, is_merged, is_vanished, live_share
from oscc.compiler.precision.code_remedies import Remedies, energy_error, listed_remedies, remedies
from oscc.compiler.precision.code_use import CodeUse, GroupUse, GroupValues, group_values
from oscc.compiler.precision.coded_problem import CodedProblem, problem_of
from oscc.compiler.precision.remedy_trials import ENERGY, Still, off_by
from oscc.core.groups import GROUPS

PLURALS = {"coupling": "couplings", "shil": "SHIL parameters", "field": "fields", "detuning": "detunings"}


@dataclass(frozen=True, eq=False)
class Case:
    """A group of a model, and what is known of it."""

    coded: CodedGraph
    group: str
    values: GroupValues
    use: GroupUse
    code_use: CodeUse
    idle: int

    @property
    def problem(self) -> dict[str, Any] | None:
        """What the model's file says of the problem that it was; None for any other model."""
        return problem_of(self.coded.placed.graph)

    @property
    def plural(self) -> str:
        """What the parameters are called, in the words of the file that they came from."""
        if self.group == "coupling" and self.problem is not None and self.problem["kind"] == "max-cut":
            return "weights"
        return PLURALS[self.group]

    def counts(self, *numbers: int) -> list[int]:
        """Return numbers of parameters, of a problem those of its file: there a pair is one, and chunks repeat it."""
        if self.problem is None or self.group in ("shil", "detuning"):
            return list(numbers)
        ways = 2 if self.group == "coupling" and self.coded.placed.core.couplings == "directed" else 1
        whole = self.coded.chunks * ways
        # Copies and cells of other gain break the symmetry: then units are counted.
        return list(numbers) if any(number % whole for number in numbers) else [number // whole for number in numbers]

    @property
    def unit(self) -> float:
        """What a parameter of 1 is in the numbers of the problem's file, or of the model."""
        if self.problem is None:
            return 1.0
        # An edge of weight w is a coupling of w / 2.
        return float(self.problem["unit"]) * (2.0 if self.problem["kind"] == "max-cut" else 1.0)

    @property
    def measured(self) -> str:
        """The unit of the numbers, as it stands behind them; a problem's have none."""
        return "" if self.code_use.problem is not None else " rad per unit of model time"


def dead(case: Case) -> CodeWarning:
    """Return W001: hardly a coupling acts, or all codes of a group are 0.

    Parameters
    ----------
    case : Case
    """
    use, plural = case.use, case.plural
    share, parameters = live_share(case.values, case.idle), use.parameters + case.coded.chunks * case.idle
    numbers: dict[str, Any] = {"group": case.group, "parameters": parameters, "not_zero": use.not_zero}
    numbers |= {"codes_not_zero": use.codes_not_zero, "share": share, "bits": use.bits}
    step = float(case.coded.lsb[case.group].max())
    if not use.codes_not_zero and use.not_zero:
        message = (
            f"all {use.not_zero:,} {plural} that are not 0 in the model have code 0: the largest is "
            f"{short(use.largest_lsb)} code steps"
        )
    else:
        message = (
            f"{use.codes_not_zero:,} of {parameters:,} {plural} have a code other than 0 "
            f"({100 * share:.1f} %): the model hardly couples"
        )
    found = _remedies(case, lambda _, values: live_share(values, case.idle) < DEAD)
    if use.not_zero > use.codes_not_zero or is_given(case.coded.placed.graph):
        advice = _advice(case, found)
    else:
        # What is 0 in the file stays so: there is nothing for the compiler to do.
        advice = (
            f"train it anew from couplings of about a code step, {short(step)} rad per unit of model time here "
            "(model.weight_std, which is at least that where it is left out), with fewer hardware.cycles or for a core "
            "with more bits; where the zeros were meant, leave those couplings out of the model"
        )
    return DEAD_CODES.warning(message, advice, {**numbers, "code_step": step, **_remedy_numbers(found)})


def rough(case: Case, chunks: list[int]) -> CodeWarning:
    """Return W002: rounding takes a large part of a group.

    Parameters
    ----------
    case : Case
    chunks : list of int
        Where.
    """
    use = case.use
    worst = max(chunks, key=lambda chunk: use.error[chunk])
    zeroed, not_zero = case.counts(use.zeroed, use.not_zero)
    lost = f"{zeroed:,} of {not_zero:,} become code 0, " if zeroed else ""
    message = (
        f"rounding takes {percent(use.error[worst])} % of the norm of the {case.plural} in "
        f"{_chunks(chunks, case.coded.chunks)}: {lost}the largest is "
        f"{short(use.largest_lsb)} code steps, and {use.codes_used} of {use.codes_available} codes are used"
        f"{_energy(case)}"
    )

    def still(trial: GroupUse, _: GroupValues) -> bool:
        return any(trial.error[chunk] > ROUGH for chunk in chunks)

    found = _remedies(case, still)
    trained = "train the model for this core (hardware.core), so that it meets its codes"
    given = is_given(case.coded.placed.graph)
    advice = _advice(case, found) if given else listed_remedies(found, "", trained)
    numbers: dict[str, Any] = {"group": case.group, "chunks": chunks, "error": use.error[worst], "zeroed": use.zeroed}
    numbers |= {"not_zero": use.not_zero, "codes_used": use.codes_used, "codes_available": use.codes_available}
    return ROUGH_CODES.warning(
        message, advice, {**numbers, **_remedy_numbers(found), **_energy_numbers(case.code_use.problem)}
    )


def merged(case: Case, one: int | None) -> CodeWarning:
    """Return W003: parameters that differ have one code.

    Parameters
    ----------
    case : Case
    one : int or None
        Chunk in which all of them have; None where only many do.
    """
    use, values = case.use, case.values
    chunk = case.coded.chunks - 1 if one is None else one
    some = values.own[chunk] != 0
    own, codes = values.own[chunk][some] * case.unit, values.codes[chunk][some]
    # A problem's J and h act with the other sign.
    own = -own if case.problem is not None else own
    least, most = float(own.min()), float(own.max())
    step = float(case.coded.lsb[case.group][chunk]) * case.unit
    count = case.counts(int(own.size) * case.coded.chunks)[0] if case.problem is not None else int(own.size)
    numbers: dict[str, Any] = {
        "group": case.group,
        "count": count,
        "values": use.values,
        "merged": use.merged,
        "crowd": use.crowd,
    }
    numbers |= {"least": least, "most": most, "code_step": step}
    if one is not None:
        every = "both" if count == 2 else f"all {count:,}"
        message = (
            f"{every} {case.plural} have the same code, {int(codes[0]):+d}, although they differ by up to "
            f"{short(most - least)} ({least:.6g} to {most:.6g}{case.measured}); a code step is {short(step)}"
        )
    else:
        message = (
            f"{percent(use.merged)} % of all pairs of different {case.plural} have the same code, up to {use.crowd:,} "
            f"of {use.values:,} values on one: from {least:.6g} to {most:.6g}{case.measured} in steps of {short(step)}"
        )

    found = _remedies(case, is_merged)
    return MERGED_CODES.warning(
        message + _energy(case),
        _advice(case, found),
        {**numbers, **_remedy_numbers(found), **_energy_numbers(case.code_use.problem)},
    )


def vanished(case: Case) -> CodeWarning:
    """Return W005: parameters became 0, or changed their sign.

    Parameters
    ----------
    case : Case
    """
    use = case.use
    lost, not_zero = case.counts(use.zeroed + use.sign_changed, use.not_zero)
    scale = float(case.coded.lsb[case.group][-1]) * case.unit
    sizes = np.abs(case.values.own[case.values.own != 0]) * case.unit
    least, most = float(sizes.min()), float(sizes.max())
    signs = f", {use.sign_changed:,} of them one of the other sign" if use.sign_changed else ""
    message = (
        f"{lost:,} of {not_zero:,} {case.plural} are lost in the codes{signs}: they range from {short(least)} to "
        f"{short(most)}{case.measured} ({ratio(most, least)}), and a code step is {short(scale)}"
    )

    found = _remedies(case, lambda trial, _: is_vanished(trial))
    numbers = {"group": case.group, "zeroed": use.zeroed, "sign_changed": use.sign_changed, "not_zero": use.not_zero}
    numbers |= {"least": least, "most": most, "code_step": scale}
    return VANISHED_CODES.warning(
        message + _energy(case),
        _advice(case, found),
        {**numbers, **_remedy_numbers(found), **_energy_numbers(case.code_use.problem)},
    )


def saturated(case: Case) -> CodeWarning | None:
    """Return W004: parameters saturate; None where none does.

    Parameters
    ----------
    case : Case
    """
    use, placed = case.use, case.coded.placed
    if not use.saturated:
        return None
    top = case.values.dac.top_code
    error = max(use.error)
    beyond = use.largest_lsb / top
    others = [PLURALS[group] for group, each in case.code_use.groups.items() if each.not_zero and not each.saturated]
    bent = ""
    if case.code_use.problem is not None and others:
        bent = f"; {' and '.join(others)} do not, so that another problem is solved"
    saturated, parameters = case.counts(use.saturated, use.parameters)
    message = (
        f"{saturated:,} of {parameters:,} {case.plural} saturate at the top code: the largest is {short(beyond)} "
        f"times full scale, and the codes are off by {percent(error)} % of their norm{bent}{_energy(case)}"
    )
    core = placed.core
    numbers: dict[str, Any] = {"group": case.group, "saturated": use.saturated, "parameters": use.parameters}
    numbers |= {"times_full_scale": beyond, "error": error}
    given = "given" in placed.time_scale.bounds_s
    problem, now = (case.problem, case.code_use.problem) if case.group in ENERGY else (None, None)
    clips = [case.group]
    if given or placed.graph.time_scale_s is not None:
        needed = _needed_tau(case.coded, clips)
        beyond_too = [group for group in ENERGY if case.code_use.groups[group].saturated]
        if problem is not None and now is not None and len(beyond_too) > 1:
            # One of two that saturate alone may take energies further away.
            alone = energy_error(case.coded, ScaleOptions(tau_s=needed))
            if alone is not None and alone >= now.largest_error:
                clips, needed = beyond_too, _needed_tau(case.coded, beyond_too)
        numbers["needed_tau_s"] = needed
        what = "use a --tau-s" if given else "train the model with a time_scale_s"
        left_out = " and ".join(f"--clip {group}" for group in clips)
        advice = f"{what} of at least {needed:.6g} s, and leave out {left_out}"
        options = ScaleOptions(tau_s=needed)
    else:
        options = ScaleOptions()
        free = choose_time_scale(programmed_graph(placed), core, options)
        cycles = core.init.cycles + int(free.run_cycles.sum())
        numbers["cycles_without_clip"] = cycles
        budget = core.cycles_per_sample
        short_of = f", for which the core needs cycles_per_sample: {cycles}" if cycles > budget else ""
        advice = f"leave out --clip {case.group}: a sample takes {cycles:,} cycles then{short_of}"
    then = energy_error(case.coded, options) if problem is not None else None
    if problem is not None and now is not None and then is not None:
        numbers["largest_error_without_clip"] = then
        nearer = then < now.largest_error
        advice += f" ({off_by(problem, then)}{'' if nearer else ', which is no less than now'})"
    return SATURATED_CODES.warning(message, advice, {**numbers, **_energy_numbers(case.code_use.problem)})


def ends(case: Case, ratio: float) -> CodeWarning:
    """Return W006: codes crowd at the ends of the DAC.

    Parameters
    ----------
    case : Case
    ratio : float
        As `oscc.compiler.precision.code_limits.ends_ratio` gives it.
    """
    use = case.use
    return END_CODES.warning(
        f"{use.at_ends:,} of {use.codes_not_zero:,} {case.plural} that are not 0 have the largest code, "
        f"{ratio:.1f} times as many as if all codes came equally often: training met the limits of the DAC",
        "train with more hardware.cycles or for a DAC of larger full scale, so that codes are worth more",
        {"group": case.group, "at_ends": use.at_ends, "codes_not_zero": use.codes_not_zero, "ratio": ratio},
    )


def _needed_tau(coded: CodedGraph, groups: list[str]) -> float:
    """Return the least tau at which nothing of groups is beyond full scale [s]."""
    scale = coded.placed.time_scale
    assert scale is not None
    largest = {group: np.abs(values.scaled).max(axis=1) / values.dac.top_code for group, values in group_values(coded)}
    return max(float((largest[group] * scale.tau_s).max()) for group in groups)


def _remedies(case: Case, still: Still) -> Remedies:
    """Return what ends a warning, without another one of the same group where that can be."""
    graph = case.coded.placed.graph
    if is_given(graph) and (case.problem is None or case.group in ENERGY):
        return remedies(case.coded, case.group, case.values, is_lost, still)
    return remedies(case.coded, case.group, case.values, still)


def _advice(case: Case, found: Remedies) -> str:
    """Return what helps a group of a model, or what is left to do where nothing does."""
    apart = is_merged(case.use, case.values) and not is_vanished(case.use)
    nothing = f"nothing that oscc can change keeps them{' apart' if apart else ''}, not 8 bits either"
    if case.use.not_zero and not case.use.codes_not_zero:
        scale = case.coded.placed.time_scale
        active = scale.active if scale is not None else ""
        if case.problem is not None and case.group in ENERGY:
            # SHIL and detuning of a problem follow its terms.
            active = next(group for group in ENERGY if group != case.group)
        beside = PLURALS[active] if active in GROUPS and active != case.group else "rest"
        nothing = "no core gives them codes, not one of 8 bits either, nor one of a smaller full scale that makes sense"
        left = (
            f"make the {case.plural} larger or the {beside} smaller, or leave the {case.plural} out where they do not "
            "matter"
        )
    elif case.problem is None:
        left = "the model needs a smaller range, its smallest parameters made larger or left out"
    else:
        nothing += ", nor do longer runs or copies"
        cut = case.problem["kind"] == "max-cut"
        if cut and apart:
            # All of them are large: none is there to be made smaller.
            left = "where such small differences matter, the problem is none for this hardware"
        else:
            largest = "the largest weights" if cut else "the largest terms of the problem"
            left = f"make {largest} smaller{'' if cut else ', such as the weight of a penalty'}, "
            left += "or solve it in parts" if apart else "leave out what is too small to matter, or solve it in parts"
    return listed_remedies(found, nothing, left)


def _energy(case: Case) -> str:
    """Return what the codes make of the energy of a problem, to be read behind what became of its parameters."""
    problem = case.code_use.problem
    if case.problem is None or problem is None:
        return ""
    if case.problem["kind"] == "max-cut":
        return f"; the weight of a cut is off by at most {short(2 * problem.largest_error)}"
    return (
        f"; the energy is off by at most {short(problem.largest_error)} (h by {percent(problem.field_error)} %, J by "
        f"{percent(problem.coupling_error)} % of their norms)"
    )


def _energy_numbers(problem: CodedProblem | None) -> dict[str, Any]:
    if problem is None:
        return {}
    return {
        "largest_error": problem.largest_error,
        "field_error": problem.field_error,
        "coupling_error": problem.coupling_error,
        "correlation": problem.correlation,
    }


def _remedy_numbers(found: Remedies) -> dict[str, Any]:
    return {"remedies": [each.as_dict() for each in found.found]}


def _chunks(chunks: list[int], count: int) -> str:
    if len(chunks) == count:
        return "every chunk" if count > 1 else "the only chunk"
    return f"chunk {chunks[0]}" if len(chunks) == 1 else f"chunks {', '.join(map(str, chunks))}"
