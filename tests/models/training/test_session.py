from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.models.data.datasets import ImageData
from oscc.models.training import session
from oscc.models.training.session import TrainingOptions, train
from oscc.models.training.training_watch import TrainingWatch


class Follower:
    """Everything that a training says, shows and draws."""

    def __init__(self):
        self.lines, self.begun, self.figures, self.sheets = [], [], [], []

    @contextmanager
    def progress(self, name, done, total):
        self.begun.append((name, done, total))
        yield lambda iteration, figures: self.figures.append((iteration, dict(figures)))

    @property
    def watch(self):
        return TrainingWatch(self.lines.append, self.progress, lambda images, path: self.sheets.append((images, path)))


def arrays(graph):
    return {
        field.name: getattr(graph, field.name)
        for field in dataclasses.fields(graph)
        if isinstance(getattr(graph, field.name), np.ndarray)
    }


@pytest.fixture
def pictures(tmp_path):
    """Folder with mnist.npz, whose images have 2 x 3 pixels."""
    values = np.random.default_rng(0).integers(0, 256, (30, 2, 3)).astype(np.uint8)
    labels = np.arange(30) % 10
    np.savez(tmp_path / "mnist.npz", x_train=values, y_train=labels, x_test=values[:9], y_test=labels[:9])
    return tmp_path


def test_in_memory_and_in_a_folder_the_same_model_comes_out(points_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = points_config()
    inside, written = train(config), train(config, TrainingOptions(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing is written without a folder"
    assert inside.model is None
    assert inside.to_dict()["model"] is None
    model = tmp_path / "out" / "model.safetensors"
    assert written.model == model
    one, other, read = (arrays(graph) for graph in (inside.graph, written.graph, read_checkpoint(model)))
    assert one.keys() == other.keys() == read.keys()
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes() == read[name].tobytes(), name
    assert inside.losses == written.losses
    assert (inside.iterations, inside.resumed_at, inside.remarks, inside.checked) == (6, 0, (), None)


def test_a_training_goes_on_unless_it_is_to_be_fresh(points_config, tmp_path):
    folder, follower = tmp_path / "out", Follower()
    train(points_config(schedule={"iterations": 2, "final_rate": 0.1}), TrainingOptions(folder))
    config = points_config(schedule={"iterations": 5, "final_rate": 0.1})
    result = train(config, TrainingOptions(folder), follower.watch)
    remark = "5 iterations instead of 2: at iteration 3 the learning rate goes from 0.1 to 0.914 of full"
    assert (result.resumed_at, result.iterations, result.remarks) == (2, 5, (remark,))
    assert follower.lines == [f"points: {remark}"]
    assert follower.begun == [("points", 2, 5)]
    assert [iteration for iteration, _ in follower.figures] == [3, 4, 5]
    assert follower.sheets == [], "points have none"
    fresh = train(config, TrainingOptions(folder, fresh=True))
    assert (fresh.resumed_at, fresh.remarks) == (0, ())


def test_sheets_are_of_samples_at_the_end_of_the_iteration(images_config, pictures, tmp_path):
    follower = Follower()
    config = images_config(schedule={"iterations": 5, "sheet_every": 2})
    train(config, TrainingOptions(tmp_path / "out", data=pictures), follower.watch)
    assert [path for _, path in follower.sheets] == [
        tmp_path / "out" / "samples" / f"00000{number}.png" for number in (2, 4, 5)
    ]
    assert all(images.shape == (session.SHEET_IMAGES, 2, 3) for images, _ in follower.sheets)
    assert all(np.abs(images).max() <= 1 for images, _ in follower.sheets)
    assert not np.array_equal(follower.sheets[0][0], follower.sheets[1][0])
    alone = Follower()
    train(config, TrainingOptions(data=pictures), alone.watch)
    assert alone.sheets == [], "without a folder there is no place for them"
    assert alone.figures == follower.figures


def test_the_model_is_checked_on_its_core(images_config, images_of, monkeypatch):
    data = images_of((4, 4))
    monkeypatch.setattr(session, "load_data", lambda config, folder: data)
    follower = Follower()
    config = images_config(
        model={"grid": None, "stencil": None, "step": None, "weight_std": 0.02},
        hardware={"core": "tiny-8x8", "bits": 3},
        schedule={"iterations": 2},
    )
    result = train(config, watch=follower.watch)
    assert result.checked is not None
    assert result.checked.feasible
    in_use = np.count_nonzero(result.graph.weight) / result.graph.weight.size
    assert follower.figures[-1][1][session.IN_USE] == pytest.approx(in_use)
    (line,) = follower.lines
    assert line.endswith("training from larger model.weight_std would use more")
    content = result.to_dict()
    assert json.loads(json.dumps(content, allow_nan=False))["code_use"] == result.checked.summary()["code_use"]
    assert [warning["code"] for warning in content["warnings"]] == ["W001"]


def test_it_is_said_that_an_encoder_is_trained_first(images_config, tiny_images: ImageData, monkeypatch):
    monkeypatch.setattr(session, "load_data", lambda config, folder: tiny_images)
    monkeypatch.setattr("oscc.models.training.feature_matching.train_encoder", lambda *given: None)
    follower = Follower()
    train(images_config(loss={"features": 1.0}, schedule={"iterations": 1}), watch=follower.watch)
    assert follower.lines == ["images: an encoder for loss.features is trained first, about a minute"]


def test_a_folder_that_cannot_be_made_is_found_before_training(points_config, tmp_path):
    (tmp_path / "file").write_text("")
    follower = Follower()
    with pytest.raises(OsccError) as caught:
        train(points_config(), TrainingOptions(tmp_path / "file"), follower.watch)
    assert (caught.value.code, caught.value.where) == ("output.unwritable", str(tmp_path / "file" / "samples"))
    assert caught.value.message == "cannot be made: Not a directory"
    assert follower.begun == []
