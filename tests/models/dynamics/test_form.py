from __future__ import annotations

import dataclasses
import importlib
import sys

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core import families
from oscc.core.families import FAMILIES, KURASHIL, TANH_ISING, FamilyTable, family_named
from oscc.models.dynamics.form import Form, form_of
from oscc.models.dynamics.reference import AISModel
from oscc.models.training.generator import Generator, Solver
from oscc.models.training.session import TrainingOptions, train

PACKAGE = """
import numpy as np
from oscc.core.families import Family

FAMILY = Family(
    name="leaky",
    state="real",
    interaction="linear",
    self_term="leak",
    form="leaky_package:FORM",
    node_parameters=("field",),
    equation="dx_i/dt = -x_i + sum_j J_ij x_j + h_i",
)


def slope(signals, sums, parameters, weight, slope, total):
    slope[:] = sums[0] + parameters[1][:, None] - signals[0]
    total += weight * slope


def slope_vjp(signals, sums, parameters, given, sum_slopes, own, parameter_slopes):
    sum_slopes[0] = given
    own[:] = -given
    parameter_slopes[1] += given.sum(axis=1)


def torch_slope(state, weight, parameters, couplings):
    from oscc.models.dynamics.torch_sums import coupled_sums

    return coupled_sums(state[None], weight, couplings)[0] + parameters[1][:, None] - state


def __getattr__(name):
    # The declaration alone imports nothing heavy.
    if name != "FORM":
        raise AttributeError(name)
    from oscc.models.dynamics.form import Form
    from oscc.models.dynamics.node_kernels import NodeKernels, reals_vjp, show_reals

    return Form((("linear", "leak"),), NodeKernels(1, show_reals, slope, slope_vjp, reals_vjp), torch_slope)
"""


@pytest.fixture
def leaky(tmp_path, monkeypatch):
    """A family of an installed package: real states that leak, with linear couplings."""
    (tmp_path / "leaky_package.py").write_text(PACKAGE)
    described = tmp_path / "leaky_package-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky-package\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[oscc.families]\nleaky = leaky_package:FAMILY\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.setattr(families, "FAMILIES", FamilyTable(KURASHIL, TANH_ISING))
    yield family_named("leaky")
    sys.modules.pop("leaky_package", None)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_form_of_a_family_is_one_of_its_terms(family):
    form = form_of(family)
    assert (family.interaction, family.self_term) in form.terms
    assert form.kernels.signals == (2 if family.state == "phase" else 1)


def test_a_form_of_other_terms_is_refused():
    with pytest.raises(OsccError) as caught:
        form_of(dataclasses.replace(KURASHIL, form="leak"))
    assert (caught.value.code, caught.value.message) == (
        "family.form",
        "no kernels for interaction 'sin-difference' with self term 'shil' in form 'leak' of family 'kurashil'",
    )


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("math:pi", "is a float, not a Form"),
        ("math:tau_", "cannot be imported: AttributeError: module 'math' has no attribute 'tau_'"),
        ("nowhere", "cannot be imported: ModuleNotFoundError: No module named 'oscc.models.dynamics.forms.nowhere'"),
        ("no_such_package:FORM", "cannot be imported: ModuleNotFoundError: No module named 'no_such_package'"),
    ],
)
def test_what_is_no_form_is_refused(form, reason):
    with pytest.raises(OsccError) as caught:
        form_of(dataclasses.replace(KURASHIL, form=form))
    assert caught.value.code == "family.form"
    assert caught.value.message == f"form '{form}' of family 'kurashil' {reason}"


def test_a_family_of_a_package_runs_as_the_reference_does(leaky, small_graph):
    assert isinstance(form_of(leaky), Form)
    graph = dataclasses.replace(small_graph("tanh_ising"), family="leaky")
    generator, state = Generator(graph, solver=Solver(step=0.125)), torch.randn(6, 3)
    model = AISModel.from_graph(graph)
    values = generator.delivered()
    found, expected = generator(state, values), model.integrate(state, model.even_steps(0.125))[-1]
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=0, atol=1e-5)
    slopes = torch.autograd.grad(found.square().sum(), [values["coupling"], values["field"]])
    wanted = torch.autograd.grad(expected.square().sum(), [model.weight, model.field])
    for mine, theirs in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_family_of_a_package_is_trained(leaky, points_config, tmp_path):
    config = points_config(model={"family": "leaky"}, schedule={"iterations": 2})
    result = train(config, TrainingOptions(tmp_path / "out"))
    assert result.model is not None
    assert read_checkpoint(result.model).family == "leaky"
    assert not leaky.has_hardware
