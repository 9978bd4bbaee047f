from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.models.data.datasets import ImageData
from oscc.models.quality.extractor_training import LeNetModule, make_extractor, train_extractor
from oscc.models.quality.features import check_extractor, load_lenet
from oscc.models.training import encoder


def bars(side=8, count=120, rows=None):
    """Images of ten classes: a bright column or row, in noise."""
    random = np.random.default_rng(0)
    images = random.uniform(-1, -0.6, (count, side if rows is None else rows, side)).astype(np.float32)
    labels = np.arange(count) % 10
    for image, label in zip(images, labels, strict=True):
        image[(slice(None), label) if label < 5 else (label - 5, slice(None))] = 0.9
    return ImageData("digits", images, images, labels, labels, "ab")


def test_classes_are_learnt_and_the_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 60)
    data = bars()
    made, content = train_extractor(data, 0)
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    net = load_lenet(path)
    assert net.side == 8
    assert check_extractor(net, data) > 0.9
    assert (made.side, made.sha256) == (net.side, net.sha256)
    assert all(torch.equal(made.weights[name], values) for name, values in net.weights.items())
    assert train_extractor(data, 0)[1] == content
    assert train_extractor(data, 1)[1] != content


def test_what_is_trained_is_what_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 3)
    data, scores = bars(), []
    forward = LeNetModule.forward

    def spy(self, images):
        scores.append((self, forward(self, images)))
        return scores[-1][1]

    monkeypatch.setattr(LeNetModule, "forward", spy)
    (tmp_path / "net").write_bytes(train_extractor(data, 2)[1])
    module, _ = scores[0]
    with torch.no_grad():
        expected = forward(module, torch.from_numpy(data.test.copy())).argmax(dim=1)
    assert load_lenet(tmp_path / "net")(data.test)[1].tolist() == expected.tolist()


def test_few_images_are_not_seen_too_often(monkeypatch):
    seen = []

    def count(module, images, labels, random, passes):
        seen.append(passes)

    monkeypatch.setattr("oscc.models.quality.extractor_training.train_encoder", count)
    train_extractor(bars(), 0)
    assert seen == [40]
    chosen, draw = [], torch.randint

    def spy(*arguments, **options):
        chosen.append(arguments)
        return draw(*arguments, **options)

    monkeypatch.setattr(torch, "randint", spy)
    data = bars()
    module = LeNetModule(8, torch.Generator().manual_seed(0))
    encoder.train_encoder(module, data.train, data.train_labels, torch.Generator().manual_seed(0), 3)
    # 3 x 120 images are 3 batches of 128.
    assert sum(arguments[0] == 120 for arguments in chosen) == 3


@pytest.mark.parametrize(("side", "rows"), [(8, 12), (10, None), (6, 8)])
def test_images_that_no_extractor_takes(side, rows):
    with pytest.raises(OsccError) as caught:
        train_extractor(bars(side, rows=rows), 0)
    assert (caught.value.code, caught.value.message) == (
        "metrics.image",
        f"images of 'digits' have {rows or side} x {side} pixels; an extractor takes square ones, of a multiple of "
        "4 rows",
    )


def test_labels_that_are_no_classes():
    data = bars()
    with pytest.raises(OsccError, match="labels are 1 to 10"):
        train_extractor(ImageData("digits", data.train, data.test, data.train_labels + 1, data.test_labels, "ab"), 0)


def test_an_extractor_is_written_when_it_knows_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 60)
    data = bars()
    monkeypatch.setattr("oscc.models.quality.extractor_training.load_images", lambda name, folder: data)
    target = tmp_path / "net.safetensors"
    made = make_extractor("digits", target, seed=1)
    assert made.to_dict() == {
        "file": str(target),
        "dataset": "digits",
        "seed": 1,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "accuracy": check_extractor(load_lenet(target), data),
    }
    target.unlink()
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 0)
    with pytest.raises(OsccError) as caught:
        make_extractor("digits", target, seed=1)
    assert caught.value.code == "metrics.other-data"
    assert not target.exists()


def test_a_file_that_cannot_be_written_is_found_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("oscc.models.quality.extractor_training.train_extractor", lambda *given: pytest.fail("trained"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OsccError) as caught:
        make_extractor("digits", tmp_path / "file" / "net.safetensors")
    assert caught.value.where == str(tmp_path / "file" / "net.safetensors")
