from __future__ import annotations

import dataclasses
import hashlib
import pickle
import sys
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from oscc.base.errors import OsccError
from oscc.models.data.datasets import (
    POINT_SETS,
    check_labels,
    draw_points,
    load_images,
    pool_factor,
    pooled,
    read_images,
)

GOOD: dict[str, Any] = {
    "x_train": np.array([[[0, 255, 51]], [[102, 0, 204]]], np.uint8),
    "y_train": np.array([3, 9], np.uint8),
    "x_test": np.array([[[255, 0, 0]]], np.uint8),
    "y_test": np.array([1], np.int64),
}


@pytest.fixture
def refused(tmp_path):
    """The error on reading a file of arrays, some of which were changed; one line, naming the file."""
    path = tmp_path / "mnist.npz"

    def change(content=None, **arrays):
        if content is None:
            np.savez(path, **{key: value for key, value in {**GOOD, **arrays}.items() if value is not None})
        else:
            path.write_bytes(content)
        with pytest.raises(OsccError) as caught:
            read_images("mnist", path)
        assert caught.value.where == str(path)
        assert "\n" not in str(caught.value)
        return caught.value

    return change


def test_bytes_become_numbers_within_minus_one_and_one(tmp_path):
    np.savez(tmp_path / "mnist.npz", **GOOD)
    data = load_images("mnist", tmp_path)
    assert data.name == "mnist"
    np.testing.assert_allclose(data.train, [[[-1, 1, -0.6]], [[-0.2, -1, 0.6]]], rtol=0, atol=1e-7)
    assert data.test.tolist() == [[[1, -1, -1]]]
    assert {data.train.dtype, data.test.dtype} == {np.dtype(np.float32)}
    assert (data.train_labels.tolist(), data.test_labels.tolist()) == ([3, 9], [1])
    assert data.train_labels.dtype == np.int64
    assert data.sha256 == hashlib.sha256(bytes([0, 255, 51, 102, 0, 204])).hexdigest()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_within_zero_and_one_become_numbers_within_minus_one_and_one(tmp_path, dtype):
    images = np.array([[[0.0, 0.25], [0.5, 1.0]]], dtype)
    np.savez_compressed(tmp_path / "a.npz", **{**GOOD, "x_train": images, "y_train": [0], "x_test": 1 - images})
    data = read_images("x", tmp_path / "a.npz")
    assert data.train.tolist() == [[[-1, -0.5], [0, 1]]]
    assert data.test.tolist() == [[[1, 0.5], [0, -1]]]
    assert data.train.dtype == np.float32


def test_images_cannot_be_changed(tmp_path):
    np.savez(tmp_path / "mnist.npz", **GOOD)
    data = load_images("mnist", tmp_path)
    for array in (data.train, data.test, data.train_labels, data.test_labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_pooling_takes_the_mean(tmp_path):
    random = np.random.default_rng(0)
    images: dict[str, Any] = {
        f"x_{part}": random.integers(0, 256, (3, 4, 6)).astype(np.uint8) for part in ("train", "test")
    }
    np.savez(tmp_path / "mnist.npz", **images, y_train=np.arange(3), y_test=np.arange(3))
    data = load_images("mnist", tmp_path)
    small = pooled(data, 2)
    assert (small.train.shape, small.train.dtype, small.sha256) == ((3, 2, 3), np.dtype(np.float32), data.sha256)
    for part in ("train", "test"):
        for row, column in np.ndindex(2, 3):
            block = images[f"x_{part}"][:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].astype(float)
            np.testing.assert_allclose(
                getattr(small, part)[:, row, column], block.mean(axis=(1, 2)) / 127.5 - 1, rtol=0, atol=1e-6
            )
    np.testing.assert_array_equal(pooled(data, 1).train, data.train)
    assert [pool_factor(data, shape) for shape in ((4, 6), (2, 3))] == [1, 2]
    with pytest.raises(OsccError, match="images of 4 x 6 pixels cannot be pooled 3 x 3") as caught:
        pooled(data, 3)
    assert (caught.value.where, caught.value.hint) == ("data.pool", "one of 1, 2")
    for shape in ((3, 3), (1, 3), (2, 6), (8, 12), (4, 5)):
        with pytest.raises(OsccError) as caught:
            pool_factor(data, shape)
        assert caught.value.code == "data.pool"


def test_digits_need_no_file():
    data = load_images("digits", None)
    assert (data.name, data.train.shape[1:], len(data.train) + len(data.test)) == ("digits", (8, 8), 1797)
    assert len(data.test) == 1797 // 6
    assert (data.train.min(), data.train.max(), data.test.min(), data.test.max()) == (-1, 1, -1, 1)
    assert set(data.train_labels.tolist()) == set(data.test_labels.tolist()) == set(range(10))
    # Of the images of scikit-learn, 0 to 16, the sixth is the first for testing.
    from sklearn.datasets import load_digits

    np.testing.assert_allclose(data.test[0], load_digits().images[5] / 8 - 1, rtol=0, atol=1e-7)
    np.testing.assert_allclose(data.train[5], load_digits().images[6] / 8 - 1, rtol=0, atol=1e-7)
    assert data.train_labels[:6].tolist() == [0, 1, 2, 3, 4, 6]


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(OsccError) as caught:
        load_images("digits", None)
    assert caught.value.code == "data.missing"
    assert str(caught.value) == "data set 'digits' comes with scikit-learn\ninstall: pip install 'oscc[torch]'"


def test_unknown_name():
    with pytest.raises(OsccError) as caught:
        load_images("mnits", None)
    assert (caught.value.code, str(caught.value)) == ("data.name", "'mnits' is no data set; did you mean 'mnist'?")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_missing_file(tmp_path, name):
    for folder, where in ((None, "data.folder"), (tmp_path, str(tmp_path)), (tmp_path / "no", str(tmp_path / "no"))):
        with pytest.raises(OsccError) as caught:
            load_images(name, folder)
        assert (caught.value.code, caught.value.where) == ("data.missing", where)
        assert caught.value.message == f"{name}.npz is not there"
        assert f"oscc data fetch {name}" in caught.value.hint


def test_missing_arrays_are_named(refused):
    error = refused(x_test=None, y_train=None)
    assert (error.code, error.message) == (
        "data.keys",
        "y_train, x_test missing; expected x_train, y_train, x_test, y_test",
    )


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"x_train": np.zeros((0, 1, 3), np.uint8), "y_train": np.zeros(0, int)}, "empty", "x_train is empty"),
        ({"x_test": np.zeros((1, 0, 3), np.uint8)}, "empty", "x_test is empty"),
        ({"y_train": np.zeros(0, int)}, "empty", "y_train is empty"),
        ({"x_train": np.zeros((2, 3))}, "shape", "x_train: shape [2, 3], expected [n, rows, columns]"),
        ({"x_test": np.zeros((1, 1, 3, 1))}, "shape", "x_test: shape [1, 1, 3, 1], expected [n, rows, columns]"),
        ({"y_test": np.zeros((1, 1), int)}, "shape", "y_test: shape [1, 1], expected [n]"),
        ({"y_train": np.zeros(3, int)}, "shape", "train: 2 images, 3 labels"),
        ({"x_test": np.zeros((1, 3, 1))}, "shape", "x_train and x_test hold images of different sizes"),
        ({"y_train": np.zeros(2)}, "values", "y_train: float64, expected integers"),
        (
            {"x_train": np.zeros((2, 1, 3), np.int16)},
            "values",
            "x_train: int16, expected uint8, or floats within 0 and 1",
        ),
        (
            {"x_test": np.array([[[0.5, np.nan, np.inf]]])},
            "values",
            "x_test: 2 values are not within 0 and 1, the first nan at [0, 0, 1]",
        ),
        (
            {"x_train": np.array([[[0.5, 1, 0]], [[1, 1.5, -0.5]]])},
            "values",
            "x_train: 2 values are not within 0 and 1, the first 1.5 at [1, 0, 1]",
        ),
    ],
)
def test_bad_arrays(refused, changes, code, message):
    error = refused(**changes)
    assert (error.code, error.message) == (f"data.{code}", message)


def test_grey_values_as_floats_are_told_how_to_be_stored(refused):
    error = refused(x_train=np.array([[[0.0, 255, 51]], [[102, 0, 204]]]))
    assert error.message == (
        "x_train: 4 values are not within 0 and 1, the first 255.0 at [0, 0, 1]; grey values up to 255 are stored as "
        "uint8, or divided by 255"
    )


def test_labels_are_classes():
    data = load_images("digits", None)
    check_labels(data, 10, "it")
    for classes, message in ((9, "digits: y_train: labels are 0 to 9, it takes 9 classes, 0 to 8"),):
        with pytest.raises(OsccError) as caught:
            check_labels(data, classes, "it")
        assert (caught.value.code, str(caught.value)) == ("data.labels", message)
    negative = dataclasses.replace(data, test_labels=data.test_labels - 1)
    with pytest.raises(OsccError, match="y_test: labels are -1 to 8, it takes 10 classes"):
        check_labels(negative, 10, "it")


def npz_bytes(tmp_path, save=np.savez):
    path = tmp_path / "good.npz"
    save(path, **GOOD)
    return path.read_bytes()


def test_a_pickle_is_not_opened(refused):
    opened: list[int] = []

    class Trap:
        def __reduce__(self):
            return opened.append, (1,)

    for content in (pickle.dumps(GOOD), pickle.dumps(Trap())):
        error = refused(content)
        assert (error.code, error.message) == ("data.read", "not a readable .npz file (ValueError)")
    error = refused(x_train=np.array([1, {}], dtype=object))
    assert (error.code, error.message) == ("data.read", "not a readable .npz file (ValueError)")
    assert opened == []


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_with_any_bytes_changed_are_read_or_refused_in_one_line(tmp_path, data):
    content = bytearray(npz_bytes(tmp_path, data.draw(st.sampled_from([np.savez, np.savez_compressed]))))
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = value
    (tmp_path / "mnist.npz").write_bytes(content)
    refusal = None
    try:
        read_images("mnist", tmp_path / "mnist.npz")
    except OsccError as error:
        refusal = error
    assert refusal is None or (refusal.code.startswith("data.") and len(str(refusal).splitlines()) == 1)


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [(6, 1, "encrypted"), (8, 99, "of a compression that nobody knows")],
)
def test_archives_that_python_cannot_open(tmp_path, refused, place, value, what):
    content = bytearray(npz_bytes(tmp_path))
    # In the header of every member, and in the archive's list of them.
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        found = content.find(signature)
        while found >= 0:
            content[found + place + shift] = value
            found = content.find(signature, found + 4)
    error = refused(bytes(content))
    assert (error.code, what) == ("data.read", what)


def test_a_header_that_asks_for_more_memory_than_there_is(tmp_path, refused):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999, 999, 999), }".ljust(117) + b"\n"
    member = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        for key in GOOD:
            archive.writestr(f"{key}.npy", member)
    assert refused((tmp_path / "big.npz").read_bytes()).code == "data.read"


@pytest.mark.parametrize("kind", ["empty", "text", "single array", "cut short", "damaged", "damaged and compressed"])
def test_files_of_another_kind_and_damaged_ones(tmp_path, refused, kind):
    good = npz_bytes(tmp_path)
    packed = npz_bytes(tmp_path, np.savez_compressed)
    np.save(tmp_path / "one.npy", GOOD["x_train"])
    content = {
        "empty": b"",
        "text": b"hello world",
        "single array": (tmp_path / "one.npy").read_bytes(),
        "cut short": good[: len(good) // 2],
        "damaged": good[:100] + bytes(8) + good[108:],
        "damaged and compressed": packed[:60] + b"\xff" * 30 + packed[90:],
    }[kind]
    error = refused(content)
    assert error.code == "data.read"
    assert error.message.startswith("not a readable .npz file (")


def test_what_is_no_array_within_an_archive(tmp_path, refused):
    import zipfile

    path = tmp_path / "odd.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for key in GOOD:
            archive.writestr(f"{key}.npy", b"nonsense")
    error = refused(path.read_bytes())
    assert (error.code, error.message) == ("data.shape", "x_train: shape [], expected [n, rows, columns]")


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    for path, kind in ((tmp_path, "IsADirectoryError"), (tmp_path / "no.npz", "FileNotFoundError")):
        with pytest.raises(OsccError) as caught:
            read_images("mnist", path)
        assert (caught.value.code, caught.value.message) == ("data.read", f"not a readable .npz file ({kind})")


# Points


@given(name=st.sampled_from(sorted(POINT_SETS)), seed=st.integers(0, 2**32), count=st.integers(0, 300))
def test_points_lie_in_the_square(name, seed, count):
    points = draw_points(name, np.random.default_rng(seed), count)
    assert (points.shape, points.dtype) == ((count, 2), np.dtype(np.float32))
    assert (np.abs(points) <= 1).all()
    again = draw_points(name, np.random.default_rng(seed), count)
    np.testing.assert_array_equal(points, again)


def drawn(name, count=4000):
    """Many points, of which next to none were moved to the border."""
    points = draw_points(name, np.random.default_rng(0), count).astype(float)
    assert (np.abs(points) == 1).any(axis=1).mean() < 0.01
    return points


def test_eight_gaussians_are_eight_equal_heaps_on_a_circle():
    points = drawn("8-gaussians")
    angles = np.arange(8) * np.pi / 4
    centres = 0.7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    distance = np.linalg.norm(points[:, None] - centres, axis=2)
    nearest = distance.argmin(axis=1)
    assert (distance.min(axis=1) < 0.27).all(), "4.5 standard deviations"
    counts = np.bincount(nearest, minlength=8)
    assert (np.abs(counts - 500) < 100).all()
    for heap in range(8):
        off = points[nearest == heap] - centres[heap]
        np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.012)
        np.testing.assert_allclose(off.std(axis=0), 0.06, rtol=0.15)


def test_two_moons_are_two_half_circles_that_interlock():
    points = drawn("two-moons")
    angle = np.linspace(0, np.pi, 400)
    upper = np.stack([-0.25 + 0.5 * np.cos(angle), -0.125 + 0.5 * np.sin(angle)], axis=1)
    # The other moon is the first, turned by half a turn about the origin.
    distance = np.stack([cdist(points, moon).min(axis=1) for moon in (upper, -upper)])
    assert (distance.min(axis=0) < 0.15).all(), "five standard deviations"
    counts = np.bincount(distance.argmin(axis=0))
    assert (np.abs(counts - 2000) < 200).all()
    for place, moon in enumerate((upper, -upper)):
        nearest = cdist(points[distance.argmin(axis=0) == place], moon).argmin(axis=1)
        # Equally dense along the moon.
        np.testing.assert_allclose(np.quantile(nearest, [0.25, 0.5, 0.75]), [100, 200, 300], atol=20)


def test_spiral_has_one_arm_of_one_turn_and_a_half():
    points = drawn("spiral")
    radius, angle = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
    # On the arm the radius is 0.85 turn / 3 pi, and the angle the turn.
    turns = angle[:, None] + 2 * np.pi * np.arange(-1, 3)
    off = np.abs(radius[:, None] - 0.85 * turns / (3 * np.pi))
    assert (off[radius > 0.15].min(axis=1) < 0.1).all()
    assert 0.8 < radius.max() < 0.95
    # The turn is the root of a uniform number: its square is uniform, and so is that of the radius.
    np.testing.assert_allclose(
        np.quantile(radius**2, [0.25, 0.5, 0.75]), 0.85**2 * np.array([0.25, 0.5, 0.75]), atol=0.02
    )


def test_checkerboard_fills_eight_of_sixteen_fields():
    points = drawn("checkerboard")
    assert (np.abs(points) <= 0.9).all()
    column, row = np.floor((points + 0.9) / 0.45).astype(int).T
    assert ((column + row) % 2 == 0).all()
    counts = np.bincount(4 * row + column, minlength=16)
    assert sorted(counts)[:8] == [0] * 8
    assert (np.abs(np.array(sorted(counts)[8:]) - 500) < 100).all()
    # Within a field the points are uniform.
    inside = (points + 0.9) / 0.45 - np.floor((points + 0.9) / 0.45)
    np.testing.assert_allclose(
        np.quantile(inside, [0.25, 0.5, 0.75], axis=0), [[0.25] * 2, [0.5] * 2, [0.75] * 2], atol=0.03
    )


def test_unknown_set_of_points():
    with pytest.raises(OsccError) as caught:
        draw_points("two-mons", np.random.default_rng(0), 3)
    assert (caught.value.code, str(caught.value)) == (
        "data.name",
        "'two-mons' is no set of points; did you mean 'two-moons'?",
    )
