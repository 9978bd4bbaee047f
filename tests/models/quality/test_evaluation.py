from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.core.families import KURASHIL
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import load_core
from oscc.core.stencil import named_stencil
from oscc.models.data.datasets import load_images
from oscc.models.quality.evaluation import evaluate
from oscc.models.quality.evaluation_options import EvaluationOptions
from oscc.models.quality.features import shipped_extractor
from oscc.models.quality.image_evaluation import ImageEvaluation, InceptionFid
from oscc.models.quality.image_quality import Yardstick, measure_images
from oscc.models.quality.point_evaluation import PointEvaluation
from oscc.models.quality.point_quality import measure_points
from oscc.models.quality.sampling import Conditions, draw_images, running_graph
from oscc.models.training.topology import GridLayout, grid_graph


def written(path, grid, step, training):
    layout = GridLayout(grid, named_stencil("king"), (0, 0), step)
    graph = grid_graph("made", KURASHIL, layout, chunk_duration=(0.5,), init=InitialPhases())
    weight = 0.2 * np.random.default_rng(0).normal(size=graph.weight.shape).astype(np.float32)
    write_checkpoint(path, dataclasses.replace(graph, weight=weight, training=training))
    return path


@pytest.fixture
def points(tmp_path):
    """A model of points that says what it was trained on."""
    return written(tmp_path / "points.safetensors", (3, 4), (3, 2), {"data": {"name": "spiral"}})


@pytest.fixture
def digits(tmp_path):
    """A model of images of 4 x 4 pixels: digits at half their size."""
    return written(tmp_path / "digits.safetensors", (8, 8), (2, 2), {"data": {"name": "digits"}})


def test_the_receipt_says_what_a_model_is_measured_against(points):
    told: list[tuple[str, float]] = []
    found = evaluate(points, EvaluationOptions(samples=200, seeds=2), lambda what, done: told.append((what, done)))
    assert isinstance(found, PointEvaluation)
    graph = running_graph(points, None)
    seeds = tuple(measure_points(draw_images(graph, Conditions(seed=seed), 200), "spiral", seed) for seed in (0, 1))
    assert found.seeds == seeds
    assert found.distance.mean == pytest.approx((seeds[0].distance + seeds[1].distance) / 2)
    assert found.floor.spread == pytest.approx(abs(seeds[0].floor - seeds[1].floor) / 2**0.5)
    assert [done for _, done in told] == [0.5, 1.0, 0.5, 1.0]
    assert list(json.loads(json.dumps(found.to_dict()))) == [
        *("model", "dataset", "core", "coupling_bits", "noise", "step"),
        *("seeds", "sliced_wasserstein", "floor"),
    ]
    other = evaluate(points, EvaluationOptions(dataset="two-moons", samples=200))
    assert (other.dataset, other.seeds == seeds[:1]) == ("two-moons", False)


def test_images_are_measured_against_smaller_ones(digits):
    told: list[str] = []
    found = evaluate(digits, EvaluationOptions(samples=6, seeds=2, step=0.25), lambda what, done: told.append(what))
    assert isinstance(found, ImageEvaluation)
    assert (found.dataset, found.pool, found.fid) == ("digits", 2, None)
    net, data = shipped_extractor("digits"), load_images("digits", None)
    assert (found.extractor.sha256, found.extractor.judged) == (net.sha256, len(data.test))
    assert found.extractor.accuracy == np.mean(net(data.test)[1] == data.test_labels)
    means = [part.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4), dtype=np.float32) for part in (data.train, data.test)]
    yardstick = Yardstick.of(dataclasses.replace(data, train=means[0], test=means[1]), net)
    graph = running_graph(digits, None)
    seeds = [measure_images(draw_images(graph, Conditions(step=0.25, seed=seed), 6), yardstick) for seed in (0, 1)]
    assert list(found.seeds) == seeds
    assert told == [
        "reading the data set",
        "drawing samples, set 1 of 2",
        "measuring the images",
        f"drawing samples, set 2 of 2, FD-LeNet {seeds[0].fd_lenet:.1f} before",
        "measuring the images",
    ]
    assert "inception_fid" not in found.to_dict()


def test_fid_is_measured_where_there_are_weights(digits, tmp_path, monkeypatch):
    class Distance:
        sha256 = "5a"

        def __init__(self, path, reference):
            assert path == tmp_path / "weights"
            assert reference.shape[1:] == (4, 4)

        def __call__(self, images):
            return float(len(images))

    monkeypatch.setattr("oscc.models.quality.inception.InceptionDistance", Distance)
    found = evaluate(digits, EvaluationOptions(samples=5, seeds=2, inception=tmp_path / "weights"))
    assert isinstance(found, ImageEvaluation)
    assert found.fid == InceptionFid((5.0, 5.0), "5a")
    assert found.to_dict()["inception_fid"] == {"mean": 5.0, "spread": 0.0, "seeds": [5.0, 5.0], "weights_sha256": "5a"}


def test_conditions_are_alike_but_for_the_seed():
    core = load_core("tiny-8x8").with_coupling_bits(5)
    options = EvaluationOptions(core=core, noise="strong", seeds=3, step=0.2, threads=2)
    assert [each.seed for each in options.conditions] == [0, 1, 2]
    assert {(each.core, each.noise.mismatch, each.step, each.threads) for each in options.conditions} == {
        (core, 0.1, 0.2, 2)
    }
    assert options.to_dict() == {"core": "tiny-8x8", "coupling_bits": 5, "noise": "strong", "step": 0.2}


def test_an_unknown_level_of_noise_is_refused_at_once():
    with pytest.raises(OsccError) as caught:
        EvaluationOptions(noise="storng")
    assert (caught.value.code, caught.value.message) == (
        "evaluation.noise",
        "'storng' is no level of noise; did you mean 'strong'?",
    )


def test_an_unknown_data_set_is_refused(digits):
    with pytest.raises(OsccError, match=r"^'digit' is no data set; did you mean 'digits'\?$"):
        evaluate(digits, EvaluationOptions(dataset="digit", samples=2))


def test_a_model_in_memory_is_measured_as_its_checkpoint_is(points):
    options = EvaluationOptions(samples=50)
    graph = read_checkpoint(points)
    found, of_file = evaluate(graph, options), evaluate(points, options)
    assert found.seeds == of_file.seeds
    assert (found.to_dict()["model"], of_file.to_dict()["model"]) == ("made", str(points))
    core = load_core("tiny-8x8").changed(grid=[3, 4], readout={"step": [3, 2]})
    coded = evaluate(graph, dataclasses.replace(options, core=core))
    assert coded.seeds == evaluate(points, dataclasses.replace(options, core=core)).seeds
    assert coded.seeds != found.seeds
