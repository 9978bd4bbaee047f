"""Data to train on: images within -1 and 1, or points in the plane."""

from __future__ import annotations

import hashlib
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError, did_you_mean

IMAGE_FILES = {"mnist": "mnist.npz", "fashion-mnist": "fashion-mnist.npz"}
"""Name of each image data set's file in a data folder."""

IMAGE_SETS = ("digits", *IMAGE_FILES)
"""Data sets of images."""

NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set of images. Arrays are read-only.

    Parameters
    ----------
    name : str
    train, test : float32[n, rows, cols]
        Within -1 and 1: the range of a read-out.
    train_labels, test_labels : int64[n]
    sha256 : str
        Of the training images as they are stored, before any pooling, in hexadecimal.
    """

    name: str
    train: NDArray[np.float32]
    test: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]
    sha256: str

    def __post_init__(self) -> None:
        freeze(self)


def pooled(data: ImageData, factor: int) -> ImageData:
    """Return the data set with smaller images: each pixel the mean of ``factor`` x ``factor``.

    Parameters
    ----------
    data : ImageData
    factor : int
        1 changes nothing.

    Raises
    ------
    OsccError
        ``data.pool`` when it does not divide the images.
    """
    rows, cols = data.train.shape[1:]
    if rows % factor or cols % factor:
        fitting = [size for size in range(1, min(rows, cols) + 1) if rows % size == cols % size == 0]
        raise OsccError(
            "data.pool",
            f"images of {rows} x {cols} pixels cannot be pooled {factor} x {factor}",
            where="data.pool",
            hint=f"one of {', '.join(map(str, fitting))}",
        )

    def small(images: NDArray[np.float32]) -> NDArray[np.float32]:
        blocks = images.reshape(len(images), rows // factor, factor, cols // factor, factor)
        means: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32)
        return means

    return data if factor == 1 else replace(data, train=small(data.train), test=small(data.test))


def pool_factor(data: ImageData, image_shape: tuple[int, int]) -> int:
    """Return how many times smaller, in both directions, the images of a model are than those of a data set.

    Parameters
    ----------
    data : ImageData
    image_shape : tuple of (int, int)
        Of the model.

    Raises
    ------
    OsccError
        ``data.pool`` when it is no integer, or not the same in both directions.
    """
    rows, cols = data.train.shape[1:]
    factor: int = max(1, rows // image_shape[0])
    if (rows, cols) != (factor * image_shape[0], factor * image_shape[1]):
        raise OsccError(
            "data.pool",
            f"the model shows {image_shape[0]} x {image_shape[1]} pixels; '{data.name}' has {rows} x {cols}, "
            "which must be as many or a whole multiple",
        )
    return factor


def check_labels(data: ImageData, classes: int, what: str) -> None:
    """Check that the labels of a data set are 0 to ``classes`` - 1.

    Parameters
    ----------
    data : ImageData
    classes : int
    what : str
        What tells so many classes, for the message.

    Raises
    ------
    OsccError
        ``data.labels``.
    """
    for part, labels in (("train", data.train_labels), ("test", data.test_labels)):
        least, most = int(labels.min()), int(labels.max())
        if least < 0 or most >= classes:
            raise OsccError(
                "data.labels",
                f"y_{part}: labels are {least} to {most}, {what} takes {classes} classes, 0 to {classes - 1}",
                where=data.name,
            )


def load_images(name: str, folder: Path | None) -> ImageData:
    """Load a data set of images.

    Parameters
    ----------
    name : str
        ``digits`` (8 x 8, with scikit-learn), or a key of `IMAGE_FILES`.
    folder : Path or None
        Where the file is; ``digits`` needs none.

    Raises
    ------
    OsccError
        ``data.name``, ``data.missing`` or what `read_images` raises.
    """
    if name == "digits":
        return _digits()
    if name in POINT_SETS:
        raise OsccError("data.name", f"'{name}' is a set of points; images are wanted: {', '.join(IMAGE_SETS)}")
    if name not in IMAGE_FILES:
        raise OsccError("data.name", f"'{name}' is no data set{did_you_mean(name, [*IMAGE_SETS, *POINT_SETS])}")
    if folder is None or not (folder / IMAGE_FILES[name]).is_file():
        raise OsccError(
            "data.missing",
            f"{IMAGE_FILES[name]} is not there",
            where=str(folder) if folder else "data.folder",
            hint=f"fetch it: oscc data fetch {name}, or name a folder that holds it",
        )
    return read_images(name, folder / IMAGE_FILES[name])


_UNREADABLE = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error),
    # An archive with a password or of a compression that nobody knows; a header that asks for more than there is.
    *(RuntimeError, MemoryError, OverflowError, SyntaxError, tokenize.TokenError),
)
"""Exceptions that numpy and zipfile raise of files that are damaged or of another kind."""


def read_images(name: str, path: Path) -> ImageData:
    """Read the images of an ``.npz`` file with the keys of `NPZ_KEYS`.

    Parameters
    ----------
    name : str
    path : Path
        Images are uint8[n, rows, cols], or floats within 0 and 1; labels are integers.

    Raises
    ------
    OsccError
        ``data.read``, ``data.keys``, ``data.empty``, ``data.shape`` or ``data.values``.
    """
    where = str(path)
    try:
        # Opened here: of a damaged archive numpy leaves the file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            missing = [key for key in NPZ_KEYS if key not in file.files]
            if missing:
                raise OsccError(
                    "data.keys", f"{', '.join(missing)} missing; expected {', '.join(NPZ_KEYS)}", where=where
                )
            arrays = {key: np.asarray(file[key]) for key in NPZ_KEYS}
    except _UNREADABLE as error:
        raise OsccError("data.read", f"not a readable .npz file ({type(error).__name__})", where=where) from None
    return _checked(name, arrays, where)


def _checked(name: str, arrays: dict[str, NDArray[Any]], where: str) -> ImageData:
    for key in NPZ_KEYS:
        values, dimensions = arrays[key], 3 if key.startswith("x") else 1
        if values.ndim != dimensions:
            expected = "[n, rows, columns]" if dimensions == 3 else "[n]"
            raise OsccError("data.shape", f"{key}: shape {list(values.shape)}, expected {expected}", where=where)
        if not values.size:
            raise OsccError("data.empty", f"{key} is empty", where=where)
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if len(images) != len(labels):
            raise OsccError("data.shape", f"{part}: {len(images)} images, {len(labels)} labels", where=where)
        if images.shape[1:] != arrays["x_train"].shape[1:]:
            raise OsccError("data.shape", "x_train and x_test hold images of different sizes", where=where)
        if not np.issubdtype(labels.dtype, np.integer):
            raise OsccError("data.values", f"y_{part}: {labels.dtype}, expected integers", where=where)
    return ImageData(
        name=name,
        train=_unit_range(arrays["x_train"], "x_train", where),
        test=_unit_range(arrays["x_test"], "x_test", where),
        train_labels=arrays["y_train"].astype(np.int64),
        test_labels=arrays["y_test"].astype(np.int64),
        sha256=hashlib.sha256(np.ascontiguousarray(arrays["x_train"]).tobytes()).hexdigest(),
    )


def _unit_range(images: NDArray[Any], key: str, where: str) -> NDArray[np.float32]:
    """Bring images from 0..255 or 0..1 to -1..1."""
    if images.dtype == np.uint8:
        return (images.astype(np.float32) / 127.5 - 1).astype(np.float32)
    if not np.issubdtype(images.dtype, np.floating):
        raise OsccError("data.values", f"{key}: {images.dtype}, expected uint8, or floats within 0 and 1", where=where)
    bad = np.argwhere(~np.isfinite(images) | (images < 0) | (images > 1))
    if len(bad):
        value = images[tuple(bad[0])]
        bytes_of = np.all((images >= 0) & (images <= 255)) and np.max(images) > 2
        raise OsccError(
            "data.values",
            f"{key}: {len(bad)} values are not within 0 and 1, the first {value} at {bad[0].tolist()}"
            + ("; grey values up to 255 are stored as uint8, or divided by 255" if bytes_of else ""),
            where=where,
        )
    return (2 * images - 1).astype(np.float32)


def _digits() -> ImageData:
    """Load the 1,797 digits of 8 x 8 pixels that come with scikit-learn, every sixth one for testing."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise OsccError(
            "data.missing", "data set 'digits' comes with scikit-learn", hint="install: pip install 'oscc[torch]'"
        ) from None
    found = load_digits()
    images, labels = found.images / 16.0, found.target
    test = np.arange(len(images)) % 6 == 5
    arrays = {
        "x_train": images[~test],
        "y_train": labels[~test],
        "x_test": images[test],
        "y_test": labels[test],
    }
    return _checked("digits", arrays, "digits")


def _eight_gaussians(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    angle = random.integers(8, size=count) * np.pi / 4
    return 0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.06 * random.standard_normal((count, 2))


def _two_moons(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    angle, lower = np.pi * random.random(count), random.integers(2, size=count)
    x, y = np.cos(angle), np.sin(angle)
    moons = np.stack([np.where(lower, 1 - x, x), np.where(lower, 0.5 - y, y)], axis=1)
    return 0.5 * (moons - [0.5, 0.25]) + 0.03 * random.standard_normal((count, 2))


def _spiral(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    turn = np.sqrt(random.random(count)) * 3 * np.pi
    points = (turn / (3 * np.pi))[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    noisy: NDArray[np.float64] = 0.85 * points + 0.02 * random.standard_normal((count, 2))
    return noisy


def _checkerboard(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    column = random.integers(4, size=count)
    row = 2 * random.integers(2, size=count) + column % 2
    points: NDArray[np.float64] = (np.stack([column, row], axis=1) + random.random((count, 2))) * 0.45 - 0.9
    return points


POINT_SETS: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "8-gaussians": _eight_gaussians,
    "two-moons": _two_moons,
    "spiral": _spiral,
    "checkerboard": _checkerboard,
}
"""Distributions of points in the plane, nearly all within -1 and 1: what two pixels can show."""


def draw_points(name: str, random: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Draw points of a distribution, float32[count, 2], within -1 and 1.

    Parameters
    ----------
    name : str
        A key of `POINT_SETS`.
    random : numpy.random.Generator
    count : int

    Raises
    ------
    OsccError
        ``data.name``.
    """
    if name not in POINT_SETS:
        raise OsccError("data.name", f"'{name}' is no set of points{did_you_mean(name, POINT_SETS)}")
    points: NDArray[np.float32] = np.clip(POINT_SETS[name](random, count), -1, 1).astype(np.float32)
    return points
