"""Fetching the image data sets from where their authors publish them, checked and packed into one file each."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError, did_you_mean
from oscc.base.file_output import check_file_target, write_bytes
from oscc.models.data.datasets import IMAGE_FILES, NPZ_KEYS, read_images

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
"""The files of both data sets, by the key of what they hold."""

UNSIGNED_BYTE = 8
"""Code of the type in an IDX file (Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database)."""


@dataclass(frozen=True)
class Published:
    """Where a data set is published.

    Parameters
    ----------
    mirrors : tuple of str
        Addresses of folders, tried in turn.
    md5 : dict of str to str
        Checksum of each file of `IDX_FILES`, by its key: those that the authors, or torchvision, publish.
    """

    mirrors: tuple[str, ...]
    md5: dict[str, str]


SOURCES = {
    "mnist": Published(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        {
            "x_train": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "y_train": "d53e105ee54ea40749a09fcbcd1e9432",
            "x_test": "9fb629c4189551a2d022fa330f9573f3",
            "y_test": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": Published(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        {
            "x_train": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "y_train": "25c81989df183df01b3e8a0aad5dffbe",
            "x_test": "bef4ecab320f06d8554ea6380940ec79",
            "y_test": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
}
"""Every image data set that can be fetched."""


@dataclass(frozen=True)
class FetchedData:
    """A data set that was fetched, checked and packed.

    Parameters
    ----------
    file : Path
    train, test : int
        Images to train and to test with.
    train_sha256 : str
        Of the training images, in hexadecimal.
    """

    file: Path
    train: int
    test: int
    train_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Return what was fetched as JSON."""
        return asdict(self) | {"file": str(self.file)}


def fetch_images(name: str, folder: Path) -> FetchedData:
    """Fetch a data set, and read what it holds.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    folder : Path

    Raises
    ------
    OsccError
        As `fetch` and `oscc.models.data.datasets.read_images` do.
    """
    path = fetch(name, folder)
    images = read_images(name, path)
    return FetchedData(path, len(images.train), len(images.test), images.sha256)


def fetch(name: str, folder: Path, source: Published | None = None) -> Path:
    """Fetch a data set, check it and pack it.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    folder : Path
        Made when it is missing; downloads are kept in its sub-folder ``download``.
    source : Published, optional
        Another place than the authors'.

    Returns
    -------
    Path
        The file that `oscc.models.data.datasets.read_images` reads; it appears whole or not at all.

    Raises
    ------
    OsccError
        ``data.name``, ``data.fetch`` when no mirror delivers a file with the right checksum, ``data.idx`` when a file
        is not what it should be, ``data.pooch`` when the downloader is not installed, ``file.write``.
    """
    if name not in SOURCES:
        raise OsccError("data.name", f"'{name}' cannot be fetched{did_you_mean(name, SOURCES)}")
    chosen = SOURCES[name] if source is None else source
    target = folder / IMAGE_FILES[name]
    try:
        (folder / "download").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OsccError("file.write", f"cannot be made: {error.strerror}", where=str(folder)) from None
    check_file_target(target, "file.write")
    arrays = {key: read_idx(_download(name, key, chosen, folder / "download")) for key in NPZ_KEYS}
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    write_bytes(target, packed.getvalue(), "file.write")
    return target


def _download(name: str, key: str, source: Published, folder: Path) -> Path:
    """Fetch a file as it is published into the folder, unless it is there already with the right checksum."""
    target = folder / f"{name}-{IDX_FILES[key]}"
    try:
        kept = hashlib.md5(target.read_bytes(), usedforsecurity=False).hexdigest() if target.is_file() else ""
    except OSError as error:
        raise OsccError(
            "file.read", f"cannot be read: {error.strerror}", where=str(target), hint="remove it; it is fetched anew"
        ) from None
    if kept == source.md5[key]:
        return target
    check_file_target(target, "file.write")
    try:
        import pooch
    except ImportError:
        raise OsccError("data.pooch", "downloads need pooch", hint="install: pip install 'oscc[torch]'") from None
    # It tells every download on standard error.
    pooch.get_logger().setLevel("ERROR")
    reasons = []
    for mirror in source.mirrors:
        try:
            with scratch_folder() as scratch:
                found = pooch.retrieve(
                    mirror + IDX_FILES[key],
                    known_hash=f"md5:{source.md5[key]}",
                    fname=target.name,
                    path=scratch,
                    progressbar=False,
                )
                content = Path(found).read_bytes()
        except ValueError:
            reasons.append(f"{mirror}: another checksum")
            continue
        except OSError as error:
            # What the libraries below say of it takes half a page.
            reasons.append(f"{mirror}: {type(error).__name__}")
            continue
        write_bytes(target, content, "file.write")
        return target
    raise OsccError(
        "data.fetch",
        f"{IDX_FILES[key]}: {'; '.join(reasons)}",
        where=name,
        hint=f"or put {IMAGE_FILES[name]} into a folder and name it with --data",
    )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read the array in a gzipped IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``data.idx``.
    """
    where = str(path)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError):
        raise OsccError("data.idx", "not a readable gzip file", where=where) from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise OsccError("data.idx", "not an IDX file of unsigned bytes", where=where)
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise OsccError("data.idx", "cut short within its header", where=where)
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise OsccError("data.idx", f"{len(content) - start} bytes of data for shape {list(shape)}", where=where)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
