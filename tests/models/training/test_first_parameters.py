from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.models.training.first_parameters import first_parameters
from oscc.models.training.generator import Generator, Solver, random_stream
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


@pytest.mark.parametrize(("family", "shil"), [("kurashil", 0.3), ("kuramoto", 0.0), ("poly_ising", 0.3)])
def test_first_parameters(points_config, family, shil):
    model = {"family": family, "grid": [30, 40], "step": [30, 20], "weight_std": 0.5, "field_std": 0.25, "shil": 0.3}
    trainer = Trainer(points_config(model=model, hardware={"bound": 5.0}), None)
    generator = trainer.generator
    assert generator.get_parameter("coupling").std().item() == pytest.approx(0.5, rel=0.02)
    assert generator.get_parameter("field").std().item() == pytest.approx(0.25, rel=0.06)
    assert set(generator.get_parameter("shil").flatten().tolist()) == {float(np.float32(shil))}
    assert not generator.get_parameter("detuning").any()
    for begun, average in zip(generator.parameters(), trainer.average.parameters(), strict=True):
        assert torch.equal(begun, average)


@pytest.mark.parametrize(
    ("hardware", "coupling", "field"),
    [
        # Full scales of the core, in two chunks of 468 cycles of 10 ns for 2 of model time: steps of 1.8 and 2.4 over
        # the top code, at 2.34 us.
        ({"core": "tiny-8x8", "bits": 2}, 1.8 * 2.34, 2.4 * 2.34 / 7),
        ({"core": "tiny-8x8", "bits": 3}, 1.8 * 2.34 / 3, 2.4 * 2.34 / 7),
        # A step of 0.03: what was left out before stays as wide as it was.
        ({"core": "tiny-8x8", "bits": 8}, 0.2, 2.4 * 2.34 / 7),
        # With codes of no group there is nothing to follow.
        ({"core": "tiny-8x8", "bits": 0}, 0.2, 0.1),
    ],
)
def test_spreads_follow_the_code_step(images_config, hardware, coupling, field):
    model = {"grid": None, "stencil": None, "step": None, "chunks": 2, "duration": 2.0}
    # The first parameters, before rounding and before the limits of the DACs.
    config = images_config(model={**TINY["model"], **model}, hardware=hardware)
    first = first_parameters(config.graph(), config, random_stream(0, 0))
    assert first.weight.std() == pytest.approx(coupling, rel=0.06)
    assert first.field.std() == pytest.approx(field, rel=0.15)
    # What is asked for comes first.
    given = images_config(model={**TINY["model"], **model, "weight_std": 0.01, "field_std": 0.02}, hardware=hardware)
    first = first_parameters(given.graph(), given, random_stream(0, 0))
    assert first.weight.std() == pytest.approx(0.01, rel=0.06)
    assert first.field.std() == pytest.approx(0.02, rel=0.15)


def test_chunks_of_other_length_have_other_spreads(images_config):
    model = {**TINY["model"], "chunks": 2, "duration": [1.0, 3.0]}
    config = images_config(model=model, hardware={"core": "tiny-8x8", "bits": 3})
    grid, spread = config.dac_grid(), config.first_spread("coupling")
    assert spread.shape == (2, 1)
    np.testing.assert_allclose(spread, grid.step("coupling"))


@pytest.mark.parametrize(("given", "means"), [(0.2, (0.2, 0.2)), ([0.5, -0.1], (0.5, -0.1))])
def test_couplings_begin_around_a_mean(points_config, given, means):
    model = {"grid": [30, 40], "step": [30, 20], "weight_mean": given, "weight_std": 0.1}
    coupling = Trainer(points_config(model=model, hardware={"bound": 5.0}), None).generator.get_parameter("coupling")
    assert coupling.mean(dim=1).tolist() == pytest.approx(means, abs=0.01)
    assert coupling.std(dim=1).tolist() == pytest.approx((0.1, 0.1), rel=0.03)


def test_training_may_go_on_from_a_checkpoint(points_config, tmp_path):
    start = tmp_path / "start.safetensors"
    before = Trainer(points_config(model={"weight_std": 0.5}), None).generator.to_graph({})
    write_checkpoint(start, before)
    # The first chunk becomes twice as long, the second as long as half before.
    config = points_config(model={"start": str(start), "duration": [1.0, 0.4]}, hardware={"bound": 9.0})
    generator = Trainer(config, None).generator
    for group, name in (("coupling", "weight"), ("shil", "shil"), ("field", "field"), ("detuning", "detuning")):
        expected = getattr(before, name) * np.array([[0.5], [2.0]])
        np.testing.assert_allclose(generator.get_parameter(group).detach(), expected, rtol=1e-6)
    assert generator.graph.chunk_duration.tolist() == [1.0, np.float32(0.4)]
    # The states at the end are the same: only time passes at another rate.
    noise = generator.noise(3, torch.Generator().manual_seed(0))
    ends = [
        each(noise, each.delivered())
        for each in (
            Generator(before, solver=Solver(step=0.01)),
            Generator(generator.to_graph({}), solver=Solver(step=0.01)),
        )
    ]
    np.testing.assert_allclose(ends[0].detach(), ends[1].detach(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"stencil": "box-2"},
        {"grid": [4, 4], "step": [4, 2]},
        {"chunks": 3, "duration": 1.0},
        {"family": "kuramoto"},
        {"origin": [1, 0]},
    ],
)
def test_a_checkpoint_of_another_model_is_refused(points_config, tmp_path, changes):
    start = tmp_path / "start.safetensors"
    write_checkpoint(start, Trainer(points_config(), None).generator.to_graph({}))
    with pytest.raises(OsccError) as caught:
        Trainer(points_config(model={**changes, "start": str(start)}), None)
    assert (caught.value.code, caught.value.where) == ("training.start", str(start))
    assert caught.value.message == (
        "a kurashil model with 12 nodes, 58 couplings and 2 chunks; the configuration describes another one"
    )


def test_a_checkpoint_that_is_not_there(points_config, tmp_path):
    with pytest.raises(OsccError, match="cannot be read: No such file or directory"):
        Trainer(points_config(model={"start": str(tmp_path / "no")}), None)
