from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.precision.code_use import group_values
from oscc.compiler.precision.coded_problem import coded_problem
from oscc.compiler.precision.remedy_trials import MOST_BELOW, Bench, Trial, off_by
from oscc.core.groups import GROUPS
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def bench_of(core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> tuple[CodedGraph, Bench]:
    first, second = np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32)
    fields = np.array([0.3, 0.2, -0.25, 0.1])
    problem = IsingProblem("p", "ising", first, second, np.array([1.0, -0.7, 0.4]), fields, 0.0, tuple("abcd"))
    placed = RoutePass().run(PlacePass(core).run(lower_problem(problem, core)))
    coded = QuantizePass().run(ScalePass(options).run(placed))
    return coded, Bench(coded, "field", dict(group_values(coded))["field"])


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_the_error_of_no_change_is_that_of_the_codes(couplings: str, make_core: MakeCore) -> None:
    core = make_core("ising-56x56", grid=[6, 6], name="small", couplings=couplings)
    coded, bench = bench_of(core)
    assert bench.energy_error(Trial("", {}, coded.lsb)) == pytest.approx(coded_problem(coded).largest_error)


def test_trials_come_by_the_bits_that_they_add(make_core: MakeCore) -> None:
    core = make_core("ising-56x56", grid=[6, 6], name="small", field_dac={"bits": 3, "forbidden": [2]})
    _, bench = bench_of(core)
    widths = list(bench.widths())
    # Six widths of the fields, each with five of the couplings.
    assert len(widths) == 5 * 5
    assert [trial.bits for trial in widths] == sorted(trial.bits for trial in widths)
    assert widths[0].bits == 1
    assert widths[-1].bits == 5 + 4 * core.slots
    assert all("field" in trial.dacs for trial in widths)
    # Codes are forbidden of the silicon that has the width.
    assert {trial.dacs["field"].forbidden for trial in widths} == {()}
    rescaled = list(bench.full_scales())
    assert all(trial.dacs["field"].bits > 3 or trial.dacs["field"].forbidden == (2,) for trial in rescaled)
    least = max(core.dac(group).full_scale_rad_s for group in GROUPS) / MOST_BELOW
    assert min(dac.full_scale_rad_s for trial in rescaled for dac in trial.dacs.values()) >= least


def test_what_decided_the_tau_is_told(make_core: MakeCore) -> None:
    core = make_core("ising-56x56", grid=[6, 6], name="small", cycles_per_sample=60_000)
    for options, words in (
        (SMALLEST_TAU, "coupling decided the tau"),
        (ScaleOptions(tau_s=5.5556e-7), "the tau was given"),
    ):
        _, bench = bench_of(core, options)
        trial = next(iter(bench.full_scales()))
        remedy = bench.remedy(trial, 1.25)
        assert remedy is not None
        assert remedy.words.endswith(f" ({words}; energies off by at most 1.25)")


@pytest.mark.parametrize(
    ("kind", "words"), [("max-cut", "cuts off by at most 5"), ("qubo", "energies off by at most 2.5")]
)
def test_errors_are_told_in_the_numbers_of_the_file(kind: str, words: str) -> None:
    assert off_by({"kind": kind}, 2.5) == words
