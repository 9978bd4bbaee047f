from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors
from oscc.models.training import encoder, feature_matching
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


FLOW = {"kind": "flow-matching", "projections": None}


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def parameters(generator):
    return [parameter.detach().clone() for parameter in generator.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(params=["images", "features", "sliced-wasserstein", "flow-matching", "core"])
def make_trainer(request, images_config, points_config, tiny_images, monkeypatch, images_of):
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
