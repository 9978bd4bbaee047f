from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from oscc.base.errors import OsccError
from oscc.base.tensor_file import pack_tensors
from oscc.models.data.datasets import IMAGE_SETS, ImageData, load_images
from oscc.models.quality import features
from oscc.models.quality.features import check_extractor, load_lenet, shipped_extractor

SHAPES = {"conv1": (32, 1, 5, 5), "conv2": (64, 32, 5, 5), "fc1": (128, 64 * 7 * 7), "fc2": (10, 128)}


@pytest.fixture(scope="module")
def weights():
    random = np.random.default_rng(0)
    found = {}
    for name, shape in SHAPES.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        found[f"{name}.weight"] = (scale * random.normal(size=shape)).astype(np.float32)
        found[f"{name}.bias"] = (0.2 * random.normal(size=shape[0])).astype(np.float32)
    return found


@pytest.fixture
def lenet_file(weights, tmp_path):
    def write(changes=None):
        tensors = {**weights, **(changes or {})}
        path = tmp_path / "lenet.safetensors"
        path.write_bytes(pack_tensors({name: array for name, array in tensors.items() if array is not None}, {}))
        return path

    return write


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(-1, 1, (5, 28, 28)).astype(np.float32)


def plain(weights, image):
    """Features and outputs of one image by scipy's correlation and numpy."""
    maps = [image.astype(float)]
    for layer in ("conv1", "conv2"):
        found = []
        for kernels, bias in zip(weights[f"{layer}.weight"].astype(float), weights[f"{layer}.bias"], strict=True):
            summed = sum(correlate2d(part, kernel, "same") for part, kernel in zip(maps, kernels, strict=True)) + bias
            rectified = np.maximum(summed, 0)
            rows, cols = (size // 2 for size in rectified.shape)
            found.append(rectified.reshape(rows, 2, cols, 2).max(axis=(1, 3)))
        maps = found
    hidden = np.maximum(
        weights["fc1.weight"] @ np.concatenate([part.ravel() for part in maps]) + weights["fc1.bias"], 0
    )
    return hidden, weights["fc2.weight"] @ hidden + weights["fc2.bias"]


def test_features_and_classes_are_those_of_the_layers(lenet_file, weights, images):
    net = load_lenet(lenet_file())
    found, classes = net(images[:2])
    assert (found.shape, classes.shape) == ((2, 128), (2,))
    assert (found.dtype, classes.dtype) == (np.dtype(np.float64), np.dtype(np.int64))
    for number in range(2):
        hidden, outputs = plain(weights, images[number])
        np.testing.assert_allclose(found[number], hidden, rtol=0, atol=5e-5)
        ranked = np.sort(outputs)
        assert ranked[-1] - ranked[-2] > 1e-3
        assert classes[number] == np.argmax(outputs)
    assert (found > 0).any()


@pytest.mark.parametrize("batch", [1, 2, 5, 500])
def test_images_are_taken_in_batches(lenet_file, images, monkeypatch, batch):
    net = load_lenet(lenet_file())
    whole, classes = net(images)
    monkeypatch.setattr(features, "BATCH", batch)
    found, again = net(images)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5)
    assert again.tolist() == classes.tolist()


@pytest.fixture
def every_warning():
    """PyTorch gives each of its warnings every time, not only once in a process."""
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


@pytest.mark.usefixtures("every_warning")
def test_images_of_any_stride_and_such_that_cannot_be_written(lenet_file, images):
    net = load_lenet(lenet_file())
    expected = net(images)[0]
    turned = np.ascontiguousarray(images.transpose(0, 2, 1)).transpose(0, 2, 1)
    assert not turned.flags.c_contiguous
    np.testing.assert_array_equal(net(turned)[0], expected)
    images.flags.writeable = False
    np.testing.assert_array_equal(net(images)[0], expected)


@pytest.mark.parametrize("shape", [(2, 28, 27), (2, 8, 8), (2, 56, 28)])
def test_images_of_another_size_are_refused(lenet_file, shape):
    with pytest.raises(OsccError) as caught:
        load_lenet(lenet_file())(np.zeros(shape, np.float32))
    assert (caught.value.code, str(caught.value)) == (
        "metrics.image",
        "the extractor takes images of 28 x 28 pixels, or smaller by a whole factor; these have "
        f"{shape[1]} x {shape[2]}",
    )


def test_smaller_images_are_enlarged(lenet_file):
    random = np.random.default_rng(3)
    small = random.uniform(-1, 1, (3, 14, 14)).astype(np.float32)
    # Bilinear, pixels as squares: new pixels stand a quarter and three quarters between two old ones, edges repeat.
    wide = np.pad(small, ((0, 0), (1, 1), (1, 1)), "edge").astype(np.float64)
    for axis in (1, 2):
        before, after = np.take(wide, np.arange(15), axis), np.take(wide, np.arange(1, 16), axis)
        pairs = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=axis + 1)
        wide = np.take(pairs.reshape(*wide.shape[:axis], 30, *wide.shape[axis + 1 :]), np.arange(1, 29), axis)
    net = load_lenet(lenet_file())
    np.testing.assert_allclose(net(small)[0], net(wide.astype(np.float32))[0], rtol=1e-4, atol=1e-4)


def test_the_file_is_named_by_its_hash(lenet_file):
    path = lenet_file()
    assert load_lenet(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(tensor.dtype == torch.float32 for tensor in load_lenet(path).weights.values())


@pytest.mark.parametrize("layer", SHAPES)
@pytest.mark.parametrize("part", ["weight", "bias"])
@pytest.mark.parametrize(
    "change", [lambda array: None, lambda array: array[:-1], lambda array: array.astype(np.float64)]
)
def test_another_net_is_refused(lenet_file, weights, layer, part, change):
    name = f"{layer}.{part}"
    path = lenet_file({name: change(weights[name])})
    with pytest.raises(OsccError) as caught:
        load_lenet(path)
    shape = list(SHAPES[layer]) if part == "weight" else [SHAPES[layer][0]]
    assert caught.value.code == "metrics.extractor"
    assert str(caught.value) == f"{path}: tensor '{name}' is missing or not float32 {shape}"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(OsccError, match="cannot be read: No such file or directory"):
        load_lenet(tmp_path / "no")


# Which data it is for


def judged(images, labels):
    return ImageData("mnist", images, images, labels, labels, "00")


def test_an_extractor_is_judged_by_what_it_makes_of_the_data(lenet_file, monkeypatch):
    net = load_lenet(lenet_file())
    images = np.random.default_rng(2).uniform(-1, 1, (40, 28, 28)).astype(np.float32)
    classes = net(images)[1]
    wrong = (classes + 1) % 10
    for right, accuracy in ((40, 1.0), (20, 0.5)):
        labels = np.where(np.arange(40) < right, classes, wrong)
        assert check_extractor(net, judged(images, labels)) == accuracy
    monkeypatch.setattr(features, "JUDGED", 20)
    assert check_extractor(net, judged(images, labels)) == 1.0, "the first ones are looked at"
    with pytest.raises(OsccError) as caught:
        check_extractor(net, judged(images, np.where(np.arange(40) < 9, classes, wrong)))
    assert caught.value.code == "metrics.other-data"
    assert str(caught.value) == (
        "--extractor: the extractor classifies 45.0 % of 20 test images of 'mnist' rightly: it was trained on other "
        "data\ngive one that was trained on 'mnist', or leave --extractor out"
    )


def test_an_extractor_has_ten_classes(lenet_file):
    net = load_lenet(lenet_file())
    with pytest.raises(OsccError) as caught:
        check_extractor(net, judged(np.zeros((3, 28, 28), np.float32), np.array([0, 1, 10])))
    assert str(caught.value) == "mnist: y_train: labels are 0 to 10, the extractor takes 10 classes, 0 to 9"


@pytest.mark.parametrize(("dataset", "side"), [("digits", 8), ("mnist", 28), ("fashion-mnist", 28)])
def test_every_data_set_of_images_has_an_extractor_in_the_package(dataset, side):
    net = shipped_extractor(dataset)
    assert net.side == side
    assert net(np.zeros((2, side, side), np.float32))[0].shape == (2, 128)
    assert set(features.SHIPPED) == set(IMAGE_SETS)


def test_the_shipped_extractor_knows_the_digits():
    digits = load_images("digits", None)
    net = shipped_extractor("digits")
    assert np.mean(net(digits.test)[1] == digits.test_labels) > 0.97
    assert check_extractor(net, digits) > 0.97


def test_a_data_set_without_an_extractor():
    with pytest.raises(OsccError, match=r"'digit' has no extractor; did you mean 'digits'\?"):
        shipped_extractor("digit")


def test_weights_that_are_not_finite_are_refused(lenet_file, weights):
    bad = weights["fc2.bias"].copy()
    bad[3] = np.inf
    with pytest.raises(OsccError, match=r"tensor 'fc2\.bias' is not finite"):
        load_lenet(lenet_file({"fc2.bias": bad}))
