from __future__ import annotations

import gzip
import hashlib
import stat
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.data import data_fetch
from oscc.models.data.data_fetch import IDX_FILES, SOURCES, FetchedData, Published, fetch, fetch_images, read_idx
from oscc.models.data.datasets import read_images

pytest.importorskip("pooch")


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


ARRAYS = {
    "x_train": np.arange(2 * 3 * 4).reshape(2, 3, 4),
    "y_train": np.array([7, 1]),
    "x_test": np.arange(12, 24).reshape(1, 3, 4),
    "y_test": np.array([9]),
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path):
    """A web server with the files of a data set: its address, and their checksums."""
    folder = tmp_path / "published"
    folder.mkdir()
    md5 = {}
    for key, array in ARRAYS.items():
        content = idx(array)
        (folder / IDX_FILES[key]).write_bytes(content)
        md5[key] = hashlib.md5(content).hexdigest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", md5, folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_published_is_packed(mirror, tmp_path: Path) -> None:
    address, md5, _ = mirror
    path = fetch("mnist", tmp_path / "data", Published((address,), md5))
    assert path == tmp_path / "data" / "mnist.npz"
    data = read_images("mnist", path)
    np.testing.assert_allclose(data.train, np.arange(24).reshape(2, 3, 4) / 127.5 - 1, atol=1e-6)
    assert data.test_labels.tolist() == [9]
    assert [entry.name for entry in path.parent.iterdir()].count("mnist.npz") == 1


def test_another_mirror_is_tried(mirror, tmp_path: Path) -> None:
    address, md5, folder = mirror
    source = Published(("http://127.0.0.1:9/", address), md5)
    assert fetch("fashion-mnist", tmp_path, source).name == "fashion-mnist.npz"
    # What is there already with the right checksum is not fetched again.
    for key in ARRAYS:
        (folder / IDX_FILES[key]).unlink()
    assert fetch("fashion-mnist", tmp_path, source).is_file()


def test_a_kept_download_that_may_not_be_read_is_one_line(
    mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, md5, _ = mirror
    source = Published((address,), md5)
    fetch("mnist", tmp_path, source)
    kept, read = tmp_path / "download" / f"mnist-{IDX_FILES['x_test']}", Path.read_bytes

    def refuse(path: Path) -> bytes:
        # Root may read all.
        if path == kept:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OsccError) as caught:
        fetch("mnist", tmp_path, source)
    assert str(caught.value) == f"{kept}: cannot be read: Permission denied\nremove it; it is fetched anew"


def test_a_wrong_checksum_is_refused(mirror, tmp_path: Path) -> None:
    address, md5, folder = mirror
    (folder / IDX_FILES["y_test"]).write_bytes(idx(np.array([8])))
    with pytest.raises(OsccError, match=r"t10k-labels-idx1-ubyte.gz: http://.*/: another checksum") as caught:
        fetch("mnist", tmp_path, Published((address,), md5))
    assert caught.value.code == "data.fetch"
    assert not (tmp_path / "mnist.npz").exists()


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match=r"train-images-idx3-ubyte\.gz: http://127\.0\.0\.1:9/: ") as caught:
        fetch("mnist", tmp_path, Published(("http://127.0.0.1:9/",), SOURCES["mnist"].md5))
    assert "--data" in caught.value.hint
    assert len(str(caught.value).splitlines()) == 2


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="'mnst' cannot be fetched; did you mean 'mnist'"):
        fetch("mnst", tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OsccError, match="cannot be made: ") as caught:
        fetch("mnist", tmp_path / "file" / "data")
    assert caught.value.code == "file.write"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "not a readable gzip file"),
        (idx(np.zeros((2, 2)))[:-6], "not a readable gzip file"),
        (gzip.compress(b"\0\0", mtime=0), "not an IDX file of unsigned bytes"),
        (idx(np.zeros((2, 2)), kind=13), "not an IDX file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08\x02\0\0\0\x02", mtime=0), "cut short within its header"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03ab", mtime=0), r"2 bytes of data for shape \[3\]"),
    ],
)
def test_damaged_files(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    with pytest.raises(OsccError, match=message) as caught:
        read_idx(path)
    assert caught.value.code == "data.idx"


def test_every_source_has_a_checksum_for_every_file() -> None:
    for source in SOURCES.values():
        assert source.md5.keys() == IDX_FILES.keys()
        assert all(len(md5) == 32 and int(md5, 16) >= 0 for md5 in source.md5.values())


def test_files_go_where_links_lead(mirror, tmp_path: Path) -> None:
    address, md5, _ = mirror
    data, disk = tmp_path / "data", tmp_path / "disk"
    (data / "download").mkdir(parents=True)
    disk.mkdir()
    links = [data / "mnist.npz", data / "download" / f"mnist-{IDX_FILES['x_train']}"]
    for link in links:
        link.symlink_to(disk / link.name)
    path = fetch("mnist", data, Published((address,), md5))
    assert len(read_images("mnist", path).train) == 2
    assert all(link.is_symlink() for link in links)
    assert sorted(entry.name for entry in disk.iterdir()) == sorted(link.name for link in links)
    # What is downloaded is as readable as any other file, and something else of the name stays what it is.
    assert stat.S_IMODE((data / "download" / f"mnist-{IDX_FILES['y_test']}").stat().st_mode) & 0o400
    (data / "download" / f"mnist-{IDX_FILES['y_test']}").unlink()
    (data / "download" / f"mnist-{IDX_FILES['y_test']}").mkdir()
    with pytest.raises(OsccError, match="a folder; the output is a file"):
        fetch("mnist", data, Published((address,), md5))


def test_what_was_fetched_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(name: str, folder: Path) -> Path:
        arrays: dict[str, Any] = {key: values.astype(np.uint8) for key, values in ARRAYS.items()}
        np.savez(folder / f"{name}.npz", **arrays)
        return folder / f"{name}.npz"

    monkeypatch.setattr(data_fetch, "fetch", fetched)
    expected = hashlib.sha256(ARRAYS["x_train"].astype(np.uint8).tobytes()).hexdigest()
    found = fetch_images("mnist", tmp_path)
    assert found == FetchedData(tmp_path / "mnist.npz", 2, 1, expected)
    assert found.to_dict() == {
        "file": str(tmp_path / "mnist.npz"),
        "train": 2,
        "test": 1,
        "train_sha256": expected,
    }
