from __future__ import annotations

import dataclasses
import errno
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from oscc.base.errors import OsccError
from oscc.base.findings import FindingsError
from oscc.base.tensor_file import read_tensors
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.models.data.datasets import ImageData
from oscc.models.training import encoder, feature_matching, losses
from oscc.models.training.code_share import code_share
from oscc.models.training.generator import Generator, Solver
from oscc.models.training.topology import reverse_couplings
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


FLOW = {"kind": "flow-matching", "projections": None}


def images_of(shape, value=None):
    """Forty random images, or as many equal ones."""
    random = np.random.default_rng(0)
    train = random.uniform(-1, 1, (40, *shape)) if value is None else np.broadcast_to(value, (40, *shape))
    labels = np.arange(40) % 10
    return ImageData("mnist", train.astype(np.float32), train[:20].astype(np.float32), labels, labels[:20], "ab" * 32)


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def parameters(generator):
    return [parameter.detach().clone() for parameter in generator.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# Determinism


@pytest.fixture(params=["images", "features", "sliced-wasserstein", "flow-matching", "core"])
def make_trainer(request, images_config, points_config, tiny_images, monkeypatch):
    """Makes a trainer, with all that is random about training; one for each loss, and one in a core's codes."""
    noisy = {"weight_noise": 0.02, "mismatch": 0.05, "transient_noise": 0.1}

    def make(seed=3, **schedule):
        match request.param:
            case "images":
                loss = {"critic_steps": 2, "sensitivity": 0.1}
                config = images_config(
                    seed=seed,
                    loss=loss,
                    hardware={**noisy, "clip_start": 0.3},
                    schedule={"final_rate": 0.1, **schedule},
                )
                return Trainer(config, tiny_images)
            case "features":
                monkeypatch.setattr(encoder, "TRAINING_STEPS", 5)
                return Trainer(images_config(seed=seed, loss={"features": 30.0}, schedule=schedule), tiny_images)
            case "core":
                hardware = {**noisy, "core": "tiny-8x8", "bits": 5, "readout": True}
                config = images_config(seed=seed, model=TINY["model"], hardware=hardware, schedule=schedule)
                return Trainer(config, images_of((4, 4)))
            case "flow-matching":
                steady = {key: value for key, value in noisy.items() if key != "transient_noise"}
                return Trainer(points_config(seed=seed, loss=FLOW, hardware=steady, schedule=schedule), None)
            case _:
                return Trainer(points_config(seed=seed, hardware=noisy, schedule=schedule), None)

    return make


def test_the_same_seed_gives_the_same_parameters(make_trainer, tmp_path):
    runs = []
    for seed, noise in ((3, 1), (3, 2), (4, 1)):
        # What else draws random numbers must not matter.
        torch.manual_seed(noise)
        np.random.seed(noise)  # noqa: NPY002
        trainer = make_trainer(seed)
        reports = []
        for report in trainer.run(tmp_path / "state"):
            torch.rand(noise)
            reports.append(report.losses)
        runs.append((parameters(trainer.generator), parameters(trainer.average), reports))
    assert same(runs[0][0], runs[1][0])
    assert same(runs[0][1], runs[1][1])
    assert runs[0][2] == runs[1][2]
    assert not same(runs[0][0], runs[2][0])


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_training_that_was_stopped_goes_on_bit_for_bit(make_trainer, tmp_path, stop):
    whole = make_trainer()
    losses = {report.iteration: report.losses for report in whole.run(tmp_path / "whole")}
    first = make_trainer()
    for report in first.run(tmp_path / "parts"):
        if report.iteration == stop:
            break
    # The state is saved in every second iteration: after the third that of the second is there.
    second = make_trainer()
    second.resume(tmp_path / "parts")
    assert second.progress.iteration == stop // 2 * 2
    reports = drawn(second, tmp_path / "parts")
    assert [report.iteration for report in reports] == list(range(stop // 2 * 2 + 1, 7))
    assert all(report.losses == losses[report.iteration] for report in reports)
    one, other = (read_tensors(tmp_path / name).tensors for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name
    assert torch.equal(whole.samples(5), second.samples(5))


def test_an_iteration_is_a_function_of_the_state_and_of_its_number(make_trainer, tmp_path):
    # A run that was planned longer draws the same numbers.
    short, long = make_trainer(iterations=2), make_trainer(iterations=4)
    assert drawn(short, tmp_path / "a")[0].losses == next(iter(long.run(tmp_path / "b"))).losses


def test_more_iterations_may_follow(points_config, tmp_path):
    state = tmp_path / "state"
    drawn(Trainer(points_config(schedule={"iterations": 4}), None), state)
    more = Trainer(points_config(schedule={"iterations": 7}), None)
    more.resume(state)
    assert [report.iteration for report in drawn(more, state)] == [5, 6, 7]
    again = Trainer(points_config(schedule={"iterations": 7}), None)
    again.resume(state)
    assert drawn(again, state) == []


@pytest.mark.parametrize(
    ("planned", "asked", "schedule", "hardware", "remark"),
    [
        (
            4,
            40,
            {"final_rate": 0.1},
            {},
            "40 iterations instead of 4: at iteration 5 the learning rate goes from 0.1 to 1 of full",
        ),
        (
            4,
            8,
            {"final_rate": 0.1},
            {"clip_start": 0.2, "clip": 0.6},
            # Late by a quarter of the last half: 0.1 + 0.9 (1 + cos(pi / 4)) / 2.
            "8 iterations instead of 4: at iteration 5 the learning rate goes from 0.1 to 0.868 of full, the clip goes "
            "from 0.6 to 0.45 of full",
        ),
        (4, 40, {}, {}, ""),
        (4, 4, {"final_rate": 0.1}, {}, ""),
        (4, 2, {"final_rate": 0.1}, {}, "4 iterations are done, 2 are asked for: none follows"),
    ],
)
def test_how_the_schedule_goes_on_is_said(points_config, tmp_path, planned, asked, schedule, hardware, remark):
    first = points_config(schedule={**schedule, "iterations": planned}, hardware=hardware)
    drawn(Trainer(first, None), tmp_path / "state")
    more = Trainer(points_config(schedule={**schedule, "iterations": asked}, hardware=hardware), None)
    assert more.resume(tmp_path / "state") == ((remark,) if remark else ())


def test_a_state_of_another_configuration_is_refused(points_config, tmp_path):
    drawn(Trainer(points_config(), None), tmp_path / "state")
    with pytest.raises(OsccError) as caught:
        Trainer(points_config(seed=4), None).resume(tmp_path / "state")
    assert caught.value.code == "training.other"


# Reports and states


def test_reports_states_and_history(points_config, tmp_path):
    config = points_config(schedule={"iterations": 45, "save_every": 10, "batch": 2}, loss={"projections": 1})
    trainer, saved, reports = Trainer(config, None), [], []
    for report in trainer.run(tmp_path / "state"):
        reports.append(report)
        assert trainer.progress.iteration == report.iteration
        if report.saved:
            again = Trainer(config, None)
            again.resume(tmp_path / "state")
            saved.append(again.progress.iteration)
            assert same(parameters(again.generator), parameters(trainer.generator))
    assert [report.iteration for report in reports] == list(range(1, 46))
    assert saved == [10, 20, 30, 40, 45]
    assert all(set(report.losses) == {"loss"} and report.losses["loss"] > 0 for report in reports)
    expected = [{"iteration": number, **reports[number - 1].losses} for number in (20, 40, 45)]
    assert trainer.progress.history == again.progress.history == expected
    assert 0 < again.progress.seconds <= trainer.progress.seconds


def test_losses_of_images(images_config, tiny_images, tmp_path):
    plain = Trainer(images_config(schedule={"iterations": 1}), tiny_images)
    assert set(drawn(plain, tmp_path / "a")[0].losses) == {"distance", "penalty", "loss"}
    watched = Trainer(images_config(schedule={"iterations": 1}, loss={"sensitivity": 0.5}), tiny_images)
    assert set(drawn(watched, tmp_path / "b")[0].losses) == {"distance", "penalty", "loss", "sensitivity"}


def test_the_encoder_of_feature_matching_is_trained_once_on_the_classes_of_data(
    images_config, tiny_images, tmp_path, monkeypatch
):
    given = []

    def train(made, images, labels, random):
        given.append((images, labels))

    monkeypatch.setattr(feature_matching, "train_encoder", train)
    config = images_config(loss={"features": 3.0}, schedule={"iterations": 4, "save_every": 2})
    trainer = Trainer(config, tiny_images)
    assert trainer.fits_features
    reports = trainer.run(tmp_path / "a")
    assert set(next(reports).losses) == {"distance", "penalty", "loss", "features"}
    next(reports)
    resumed = Trainer(config, tiny_images)
    resumed.resume(tmp_path / "a")
    assert not resumed.fits_features
    drawn(resumed, tmp_path / "b")
    assert len(given) == 1
    assert given[0][0] is tiny_images.train
    assert given[0][1] is tiny_images.train_labels


def test_features_are_matched(images_config, tiny_images, tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 20)
    ends = []
    for weight in (1e-6, 100.0):
        loss = {"features": weight, "critic_rate": 1e-6}
        config = images_config(loss=loss, schedule={"iterations": 60, "rate": 0.03, "batch": 32})
        ends.append([report.losses["features"] for report in Trainer(config, tiny_images).run(tmp_path / f"{weight}")])
    assert ends[1][0] == pytest.approx(ends[0][0], rel=1e-3)
    assert ends[1][-1] < 0.7 * ends[0][-1]


def test_a_full_disk_stops_the_training_with_the_state_before(points_config, tmp_path, monkeypatch):
    config, state, written = points_config(), tmp_path / "state", []
    write = Path.write_bytes

    def fill(self, data):
        written.append(data)
        if len(written) > 2:
            write(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    trainer = Trainer(config, None)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        with pytest.raises(OsccError) as caught:
            drawn(trainer, state)
    assert (caught.value.code, str(caught.value)) == (
        "file.write",
        f"{state}: cannot be written: No space left on device",
    )
    assert [file.name for file in tmp_path.iterdir()] == ["state"]
    again = Trainer(config, None)
    again.resume(state)
    assert again.progress.iteration == 4
    drawn(again, state)
    whole = Trainer(config, None)
    drawn(whole, tmp_path / "whole")
    assert same(parameters(again.average), parameters(whole.average))


def test_a_training_that_diverges_stops(images_config, tiny_images, tmp_path):
    state, advice = tmp_path / "state", "begin anew (--fresh) with a smaller schedule.rate or loss.critic_rate"
    overflow = "iteration 2: the second moment of the gradient of critic.layers.0.weight has "
    later = f"{advice} or a shorter model.duration; {state} holds the last good state"
    for rate, number, message, hint in ((1e25, 1, "iteration 1: distance ", advice), (1e3, 2, overflow, later)):
        trainer = Trainer(images_config(loss={"critic_rate": rate}, schedule={"save_every": 1}), tiny_images)
        with pytest.raises(OsccError) as caught:
            drawn(trainer, state)
        assert caught.value.code == "training.diverged"
        assert caught.value.message.startswith(message)
        assert number == 2 or {"nan", "inf", "-inf"} & set(caught.value.message.replace(",", "").split())
        assert caught.value.hint == hint
        assert trainer.progress.iteration == number - 1
        assert state.exists() is (number == 2)
    again = Trainer(trainer.config, tiny_images)
    again.resume(state)
    assert again.progress.iteration == 1
    assert all(torch.isfinite(values).all() for values in parameters(again.generator))


WILD: dict[str, Any] = {
    "seed": 0,
    "model": {"grid": [6, 6], "step": [6, 3], "stencil": "box-2", "chunks": 1, "weight_std": 6.0, "field_std": 3.0},
    "hardware": {"bound": 20},
    "solver": {"step": 0.05},
    "schedule": {"iterations": 2, "batch": 4, "save_every": 1},
}
"""Couplings so strong that runs are chaotic: in a long one a gradient grows beyond what float32 holds."""


@pytest.mark.parametrize(
    ("duration", "quantity"), [(100.0, "the gradient of coupling"), (25.0, "the second moment of the gradient of")]
)
def test_gradients_and_moments_that_overflow_stop_the_training(points_config, tmp_path, duration, quantity):
    model = {**WILD["model"], "duration": duration, "shil": 3.0}
    trainer = Trainer(points_config(**{**WILD, "model": model}), None)
    before = parameters(trainer.average)
    with pytest.raises(OsccError) as caught:
        drawn(trainer, tmp_path / "state")
    assert caught.value.code == "training.diverged"
    assert caught.value.message.startswith(f"iteration 1: {quantity}")
    assert caught.value.message.endswith(" values that are NaN or infinite")
    assert caught.value.hint == (
        "its runs amplify too much before any training: use a smaller model.weight_std or model.duration"
    )
    assert not (tmp_path / "state").exists()
    assert same(parameters(trainer.average), before), "the step does not count"
    assert trainer.progress.iteration == 0
    # The advice helps.
    for change in ({"weight_std": 0.3}, {"duration": 2.0}):
        advised = points_config(**{**WILD, "model": {**model, **change}})
        assert len(drawn(Trainer(advised, None), tmp_path / f"{change}")) == 2


def test_the_last_good_state_is_kept_when_gradients_overflow_later(points_config, tmp_path, monkeypatch):
    state, losses_of = tmp_path / "state", Trainer._points
    config = points_config(schedule={"save_every": 1})

    def overflow(self, random):
        if self.progress.iteration == 3:
            self.generator.get_parameter("field").register_hook(lambda slope: slope * 1e30)
        return losses_of(self, random)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_points", overflow)
        with pytest.raises(OsccError) as caught:
            drawn(Trainer(config, None), state)
    assert caught.value.message == (
        "iteration 4: the second moment of the gradient of field has 24 of 24 values that are NaN or infinite"
    )
    assert caught.value.hint == (
        f"begin anew (--fresh) with a smaller schedule.rate or a shorter model.duration; {state} holds the last good "
        "state"
    )
    again, whole = Trainer(config, None), Trainer(config, None)
    again.resume(state)
    assert again.progress.iteration == 3
    drawn(again, state)
    drawn(whole, tmp_path / "whole")
    assert same(parameters(again.average), parameters(whole.average))


def test_runs_that_diverge_stop_the_training(points_config, tmp_path):
    # x' = -x^3 from where steps of 0.25 jump over it, farther out every time.
    model = {"family": "poly_ising", "duration": [5.0, 5.0], "init": {"std": 20.0}}
    trainer = Trainer(points_config(model=model), None)
    with pytest.raises(OsccError) as caught:
        drawn(trainer, tmp_path / "state")
    assert caught.value.code == "training.diverged"
    assert caught.value.message == "iteration 1: 8 of 8 runs end in pixels that are not numbers"
    assert caught.value.hint == "use a smaller solver.step"


def test_a_state_of_another_training_is_not_called_the_last_good_one(points_config, tmp_path):
    state = tmp_path / "state"
    drawn(Trainer(points_config(), None), state)
    with pytest.raises(OsccError) as caught:
        drawn(Trainer(points_config(**{**WILD, "model": {**WILD["model"], "duration": 100.0}}), None), state)
    assert "last good state" not in caught.value.hint


def test_labels_must_be_classes_where_features_are_matched(images_config, tiny_images):
    shifted = dataclasses.replace(tiny_images, train_labels=tiny_images.train_labels + 1)
    with pytest.raises(OsccError) as caught:
        Trainer(images_config(loss={"features": 1.0}), shifted)
    assert (caught.value.code, str(caught.value)) == (
        "data.labels",
        "mnist: y_train: labels are 1 to 10, loss.features takes 10 classes, 0 to 9",
    )
    # Labels are not looked at without it.
    Trainer(images_config(), shifted)


@pytest.mark.parametrize("count", [1, 3])
def test_images_that_are_alike_have_no_features_to_match(images_config, tiny_images, tmp_path, monkeypatch, count):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 2)
    monkeypatch.setattr(encoder, "LARGEST_NOISE", 0.0)
    alike = np.repeat(tiny_images.train[:1], count, axis=0)
    data = dataclasses.replace(tiny_images, train=alike, train_labels=tiny_images.train_labels[:count])
    with pytest.raises(OsccError) as caught:
        drawn(Trainer(images_config(loss={"features": 1.0}), data), tmp_path / "state")
    assert (caught.value.code, caught.value.message) == (
        "data.features",
        f"the {count} training images are all alike to the encoder: there is nothing to match",
    )


# Where a training begins


def test_images_must_be_of_the_size_that_the_model_shows(images_config, points_config, tiny_images):
    for config, data, message in (
        (images_config(), images_of((3, 2)), "data 'mnist' has 3 x 2 pixels, the model shows 2 x 3"),
        (images_config(model={"step": [1, 1]}), tiny_images, "data 'mnist' has 2 x 3 pixels, the model shows 4 x 6"),
        (points_config(model={"origin": [2, 0]}), None, None),
        (points_config(model={"step": [1, 2]}), None, "data 'two-moons' has 1 x 2 pixels, the model shows 3 x 2"),
        (points_config(model={"origin": [3, 0]}), None, "data 'two-moons' has 1 x 2 pixels, the model shows 0 x 2"),
    ):
        if message is None:
            Trainer(config, data)
            continue
        with pytest.raises(OsccError) as caught:
            Trainer(config, data)
        assert (caught.value.code, caught.value.where, caught.value.message) == ("training.image", "model", message)
        assert caught.value.hint.startswith("choose grid, origin and step")


def test_more_chunks_than_the_core_holds(images_config):
    config = images_config(model={**TINY["model"], "chunks": 5, "duration": 1.0}, hardware=TINY["hardware"])
    with pytest.raises(OsccError, match="the model has 5 chunks, core tiny-8x8 holds 4"):
        Trainer(config, images_of((4, 4)))


@pytest.mark.parametrize(
    ("model", "message"),
    [({"init": {"std": 0.5}}, "standard deviation 1 rad"), ({"family": "tanh_ising", "shil": 0.0}, "tanh_ising")],
)
def test_what_would_not_fit_the_core_is_not_trained(images_config, model, message):
    config = images_config(model={**TINY["model"], **model}, hardware=TINY["hardware"])
    with pytest.raises(FindingsError) as caught:
        Trainer(config, images_of((4, 4)))
    assert any(message in finding.message for finding in caught.value.findings)


def test_an_unknown_device_is_refused(points_config):
    with pytest.raises(OsccError) as caught:
        Trainer(points_config(), None, 1, "gpu9")
    assert (caught.value.code, str(caught.value)) == (
        "training.device",
        "--device: 'gpu9' is no device that this PyTorch can use",
    )


def test_a_fresh_model_of_few_bits_is_not_rounded_away(images_config):
    config = images_config(model={**TINY["model"], "duration": 2.0}, hardware={"core": "tiny-8x8", "bits": 3})
    # 62 % of a normal distribution are beyond half of its standard deviation.
    share = code_share(Trainer(config, images_of((4, 4))).generator)
    assert share == pytest.approx(0.617, abs=0.03)


# The steps of training


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
def test_the_readout_of_the_core_may_be_in_the_loop(images_config, tmp_path, batches, readout):
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


def test_images_are_learnt(images_config, tmp_path):
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


# What comes out


def test_samples_are_those_of_the_averaged_model(images_config, tiny_images, tmp_path):
    noisy = {"mismatch": 0.2, "transient_noise": 0.2}
    trainer = Trainer(images_config(hardware=noisy, schedule={"rate": 0.1}), tiny_images)
    drawn(trainer, tmp_path / "state")
    images = trainer.samples(7, seed=5)
    assert torch.equal(images, trainer.samples(7, seed=5))
    assert not torch.equal(images, trainer.samples(7, seed=6))
    ideal = Generator(trainer.average.to_graph({}), solver=Solver(step=0.25))
    start = ideal.noise(7, torch.Generator().manual_seed(5))
    expected = torch.cos(ideal(start, ideal.delivered()))[trainer.generator.graph.readout.tolist()]
    np.testing.assert_allclose(images, expected.T.reshape(7, 2, 3).detach(), rtol=0, atol=1e-6)


def test_what_was_trained_for_a_core_compiles_for_it(images_config, tmp_path):
    config = images_config(
        model={**TINY["model"], "duration": [0.3, 0.7], "weight_std": 3.0},
        hardware={"core": "tiny-8x8", "bits": 3},
        schedule={"rate": 0.5},
    )
    trainer = Trainer(config, images_of((4, 4)))
    drawn(trainer, tmp_path / "state")
    write_checkpoint(tmp_path / "model.safetensors", trainer.average.to_graph({}))
    assert config.core is not None
    result = compile_model(tmp_path / "model.safetensors", config.core)
    assert result.findings == ()
    for numbers in result.summary()["quantization"]["groups"].values():
        assert (numbers["clipped"], numbers["rms_lsb"] < 1e-6) == (0, True)
    grid = config.dac_grid()
    assert grid is not None
    assert result.summary()["run_cycles"] == grid.run_cycles.tolist()


def test_reciprocal_couplings_stay_equal_in_both_directions(points_config, tmp_path):
    trainer = Trainer(points_config(model={"couplings": "reciprocal"}, schedule={"rate": 0.1}), None)
    drawn(trainer, tmp_path / "state")
    graph = trainer.average.to_graph({})
    weights = {
        pair: graph.weight[:, edge].tolist()
        for edge, pair in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    }
    assert all(values == weights[dst, src] for (src, dst), values in weights.items())


@pytest.fixture
def reciprocal_core(make_core, tmp_path):
    """File of tiny-8x8 with units that make both directions."""
    path = tmp_path / "core.yaml"
    path.write_text(yaml.safe_dump(make_core(couplings="reciprocal").model_dump(mode="json", by_alias=True)))
    return str(path)


def test_errors_of_a_reciprocal_core_are_equal_in_both_directions(images_config, reciprocal_core):
    noisy = {"mismatch": 0.1, "weight_noise": 0.05}
    for core, equal in ((reciprocal_core, True), ("tiny-8x8", False)):
        model = {**TINY["model"], "couplings": "reciprocal"}
        trainer = Trainer(images_config(model=model, hardware={"core": core, **noisy}), images_of((4, 4)))
        values = trainer.generator.delivered(trainer.imperfections, torch.Generator().manual_seed(0))["coupling"]
        partner = torch.from_numpy(reverse_couplings(trainer.generator.graph))
        # On a directed core each direction has a unit of its own, also of a model that is equal in both.
        assert torch.equal(values, values[:, partner]) is equal


def test_directed_couplings_are_not_trained_for_a_reciprocal_core(images_config, reciprocal_core):
    config = images_config(model=TINY["model"], hardware={"core": reciprocal_core})
    with pytest.raises(OsccError) as caught:
        Trainer(config, images_of((4, 4)))
    assert (caught.value.code, caught.value.where, caught.value.hint) == (
        "training.model",
        "model.couplings",
        "couplings: reciprocal",
    )
    assert caught.value.message == (
        "one unit of core tiny-8x8 makes both directions of a coupling, which training must keep equal"
    )


def test_what_was_trained_is_read_back(points_config, tmp_path):
    trainer = Trainer(points_config(), None)
    drawn(trainer, tmp_path / "state")
    graph = trainer.average.to_graph({"a": 1})
    write_checkpoint(tmp_path / "model.safetensors", graph)
    again = read_checkpoint(tmp_path / "model.safetensors")
    for field in dataclasses.fields(graph):
        if isinstance(getattr(graph, field.name), np.ndarray):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(graph, field.name))
