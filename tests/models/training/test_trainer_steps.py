from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from oscc.models.training import losses
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


FLOW = {"kind": "flow-matching", "projections": None}


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def parameters(generator):
    return [parameter.detach().clone() for parameter in generator.parameters()]


@pytest.fixture
def rates(monkeypatch):
    """Learning rates of the steps of all optimizers, in order: (number of parameters, rate)."""
    found, step = [], torch.optim.Adam.step

    def spy(self, *arguments):
        group = self.param_groups[0]
        found.append((len(group["params"]), group["lr"], tuple(group["betas"])))
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    return found


def test_learning_rates_fall_along_a_cosine_over_the_last_half(points_config, tmp_path, rates):
    schedule = {"iterations": 8, "rate": 0.01, "final_rate": 0.2}
    drawn(Trainer(points_config(schedule=schedule), None), tmp_path / "state")
    falling = [0.2 + 0.8 * (1 + math.cos(math.pi * part)) / 2 for part in (0.25, 0.5, 0.75, 1.0)]
    assert [rate for _, rate, _ in rates] == pytest.approx([0.01] * 4 + [0.01 * part for part in falling], rel=1e-12)
    assert rates[-1][1] == pytest.approx(0.002)
    # Couplings, SHIL, field and detuning.
    assert {(count, betas) for count, _, betas in rates} == {(4, (0.0, 0.9))}


def test_the_critic_takes_its_own_steps(images_config, tiny_images, tmp_path, rates):
    schedule, loss = {"iterations": 2, "rate": 0.01, "final_rate": 0.5}, {"critic_steps": 3, "critic_rate": 0.02}
    drawn(Trainer(images_config(schedule=schedule, loss=loss), tiny_images), tmp_path / "state")
    # Of eight parameters of the critic; the second and last iteration is at the end of the cosine.
    assert [count for count, _, _ in rates] == [8, 8, 8, 4] * 2
    assert [rate for _, rate, _ in rates] == pytest.approx([0.02] * 3 + [0.01] + [0.01] * 3 + [0.005])


def test_the_checkpoint_is_a_moving_average(points_config, tmp_path):
    trainer = Trainer(points_config(schedule={"average": 0.4, "rate": 0.1}), None)
    expected = [values.double() for values in parameters(trainer.generator)]
    for report in trainer.run(tmp_path / "state"):
        number = report.iteration
        # At first it forgets faster: 2/11, 3/12, ... until 0.4.
        keep = min(0.4, (1 + number) / (10 + number))
        expected = [
            keep * before + (1 - keep) * now
            for before, now in zip(expected, parameters(trainer.generator), strict=True)
        ]
        for found, wanted in zip(parameters(trainer.average), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in trainer.average.parameters())


def test_limits_of_parameters_change_along_the_training(points_config, tmp_path):
    hardware = {"bound": 2.0, "clip_start": 0.2, "clip": 0.8}
    # A rate at which every parameter is at its limit after each iteration.
    trainer = Trainer(points_config(hardware=hardware, schedule={"rate": 1e3}, model={"weight_std": 5}), None)
    assert trainer.generator.get_parameter("coupling").abs().max().item() == pytest.approx(2.0 * 0.2)
    for report in trainer.run(tmp_path / "state"):
        limit = 2.0 * (0.2 + 0.6 * report.iteration / 6)
        for group in ("coupling", "field", "detuning"):
            assert trainer.generator.get_parameter(group).abs().max().item() == pytest.approx(limit, rel=1e-6)
    assert limit == pytest.approx(1.6)


@pytest.fixture
def batches(monkeypatch):
    """Real and generated images that the critic has seen."""
    found, penalty = [], losses.gradient_penalty

    def spy(critic, real, fake, mixture):
        found.append((real.clone(), fake.clone(), mixture.clone()))
        return penalty(critic, real, fake, mixture)

    monkeypatch.setattr("oscc.models.training.trainer.gradient_penalty", spy)
    return found


def test_the_critic_sees_images_of_the_data_and_of_the_model(images_config, tiny_images, tmp_path, batches):
    drawn(Trainer(images_config(), tiny_images), tmp_path / "state")
    assert len(batches) == 6
    known = {image.tobytes(): number for number, image in enumerate(tiny_images.train)}
    seen = [known[image.numpy().tobytes()] for real, _, _ in batches for image in real]
    assert len(seen) == 24
    assert len(set(seen)) > 12, "drawn from all images"
    for real, fake, mixture in batches:
        assert real.shape == fake.shape == (4, 1, 2, 3)
        assert (fake.abs() <= 1).all()
        assert mixture.shape == (4,)
        assert ((mixture >= 0) & (mixture < 1)).all()
        assert len(set(mixture.tolist())) == 4


def test_the_critic_judges_packs(images_config, tiny_images, tmp_path, batches):
    for pack in (1, 2):
        config = images_config(loss={"critic_pack": pack}, schedule={"iterations": 1})
        drawn(Trainer(config, tiny_images), tmp_path / "state")
    (alone, made_alone, _), (packs, made, mixture) = batches
    assert packs.shape == made.shape == (2, 2, 2, 3)
    assert mixture.shape == (2,), "one mixture per pack"
    # The images are those that were judged one by one, neighbours together.
    assert torch.equal(packs.reshape(4, 1, 2, 3), alone)
    assert torch.equal(made.reshape(4, 1, 2, 3), made_alone)


@pytest.mark.parametrize("readout", [True, False])
def test_the_readout_of_the_core_may_be_in_the_loop(images_config, tmp_path, batches, readout, images_of):
    config = images_config(model=TINY["model"], hardware={"core": "tiny-8x8", "readout": readout})
    drawn(Trainer(config, images_of((4, 4))), tmp_path / "state")
    # 64 steps per turn have 32 cosines.
    levels = np.cos((np.arange(32) + 0.5) * 2 * np.pi / 64)
    off = [np.abs(fake.numpy().ravel()[:, None] - levels).min(axis=1).max() for _, fake, _ in batches]
    assert bool(max(off) < 1e-5) is readout


def test_noise_of_the_hardware_is_in_the_loop(images_config, tiny_images, tmp_path, batches):
    for hardware in ({}, {"mismatch": 0.1}, {"weight_noise": 0.1}, {"transient_noise": 0.1}):
        drawn(Trainer(images_config(hardware=hardware, schedule={"iterations": 1}), tiny_images), tmp_path / "state")
    fakes = [fake for _, fake, _ in batches]
    # The initial noise is the same except where errors of the parameters were drawn before it.
    assert all(not torch.equal(fakes[0], other) for other in fakes[1:])
    assert (fakes[0] - fakes[3]).abs().max() < 0.5


def test_sensitivity_is_the_growth_of_small_perturbations(images_config, tiny_images, tmp_path):
    # Without couplings and fields dx/dt = -x: over 1.3 units of time what is small shrinks by exp(-1.3).
    trainer = Trainer(
        images_config(
            model={"family": "tanh_ising", "weight_std": 0, "field_std": 0},
            loss={"sensitivity": 1.0},
            schedule={"iterations": 1, "batch": 400},
            solver={"step": 0.05},
        ),
        tiny_images,
    )
    (report,) = drawn(trainer, tmp_path / "state")
    # Of 50 twins on 24 nodes.
    assert report.losses["sensitivity"] == pytest.approx(math.exp(-2.6), rel=5 * math.sqrt(2 / 1200))


def test_sensitivity_is_minimised(images_config, tiny_images, tmp_path):
    ends = []
    for weight in (1e-9, 100.0):
        loss = {"sensitivity": weight, "critic_rate": 1e-6}
        schedule = {"iterations": 40, "rate": 0.03, "batch": 16}
        trainer = Trainer(images_config(loss=loss, schedule=schedule, hardware={"bound": 3.0}), tiny_images)
        ends.append([report.losses["sensitivity"] for report in trainer.run(tmp_path / f"{weight}")])
    assert np.mean(ends[1][-5:]) < 0.7 * np.mean(ends[1][:5])
    assert np.mean(ends[1][-5:]) < 0.7 * np.mean(ends[0][-5:])


@pytest.mark.parametrize("kind", ["sliced-wasserstein", "flow-matching"])
def test_points_are_learnt(points_config, tmp_path, kind):
    schedule = {"iterations": 80, "batch": 64, "rate": 0.05}
    loss = FLOW if kind == "flow-matching" else {}
    config = points_config(loss=loss, schedule=schedule, hardware={"bound": 5.0})
    losses = [report.losses["loss"] for report in Trainer(config, None).run(tmp_path / "state")]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])


def test_images_are_learnt(images_config, tmp_path, images_of):
    shown = np.array([[1, -1, 1], [-1, 1, -1]]) * 0.8
    schedule = {"iterations": 80, "batch": 16, "rate": 0.05, "average": 0.5}
    trainer = Trainer(
        images_config(schedule=schedule, loss={"critic_rate": 0.01, "critic_channels": 4}, hardware={"bound": 6.0}),
        images_of((2, 3), shown),
    )

    def error():
        return (trainer.samples(200) - torch.tensor(shown)).square().mean().item()

    before = error()
    drawn(trainer, tmp_path / "state")
    assert error() < 0.6 * before
