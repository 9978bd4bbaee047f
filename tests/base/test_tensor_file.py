from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.base.tensor_file import begins_as_tensors, pack_tensors, read_tensors, write_tensors

TENSORS: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "index": np.array([3, -1], dtype=np.int32),
    "wide": np.array([1.5]),
    "flag": np.array([True, False, True]),
    "empty": np.zeros((0, 4), dtype=np.int8),
    "scalar": np.array(7, dtype=np.uint8),
}
METADATA = {"z": "1", "a": 'quote " and ü', "m": "2", "k": "3"}


def _framed(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def _refused(tmp_path: Path, content: bytes) -> OsccError:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(OsccError) as caught:
        read_tensors(path)
    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value)
    return caught.value


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors(path, TENSORS, METADATA)
    file = read_tensors(path)
    assert file.metadata == METADATA
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.dtypes == {name: array.dtype.name for name, array in TENSORS.items()}
    for name, array in TENSORS.items():
        assert file.tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(file.tensors[name], array)


def test_library_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors(path, TENSORS, METADATA)
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata() == METADATA
        for name, array in TENSORS.items():
            np.testing.assert_array_equal(file.get_tensor(name), array)


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file(TENSORS, path, METADATA)
    file = read_tensors(path)
    assert file.metadata == METADATA
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(file.tensors[name], array)


def test_arrays_that_are_read_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors(path, TENSORS, {})
    with pytest.raises(ValueError, match="read-only"):
        read_tensors(path).tensors["weight"][0, 0] = 1.0


def test_bytes_do_not_depend_on_order_stride_or_byte_order() -> None:
    expected = pack_tensors(TENSORS, METADATA)
    backwards = dict(reversed(TENSORS.items()))
    backwards["weight"] = np.asfortranarray(TENSORS["weight"])
    backwards["index"] = TENSORS["index"].astype(">i4")
    assert pack_tensors(backwards, dict(reversed(METADATA.items()))) == expected


def test_bytes_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib, numpy; from oscc.base.tensor_file import pack_tensors\n"
        "data = pack_tensors({'b': numpy.arange(3), 'a': numpy.ones(2)}, {k: k for k in 'qwertyuiop'})\n"
        "print(hashlib.sha256(data).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


def test_arrays_are_aligned() -> None:
    data = pack_tensors(TENSORS, METADATA)
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            assert entry["data_offsets"][0] % TENSORS[name].itemsize == 0


@pytest.mark.parametrize("metadata", [{}, METADATA])
def test_file_without_tensors(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors(path, {}, metadata)
    file = read_tensors(path)
    assert (file.tensors, file.metadata) == ({}, metadata)


def test_type_without_a_name_in_the_format() -> None:
    with pytest.raises(TypeError, match=r"^x: safetensors has no type for complex128$"):
        pack_tensors({"x": np.zeros(2, dtype=complex)}, {})


def test_type_that_numpy_lacks_is_named_but_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(_framed(b'{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', b"ab"))
    file = read_tensors(path)
    assert file.dtypes == {"x": "BF16"}
    assert file.tensors == {}


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        read_tensors(tmp_path / "no.safetensors")
    assert caught.value.code == "file.not-found"
    assert str(caught.value) == f"{tmp_path / 'no.safetensors'}: cannot be read: No such file or directory"


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="a folder, not a checkpoint") as caught:
        read_tensors(tmp_path)
    assert caught.value.code == "path.kind"


def test_pickle(tmp_path: Path) -> None:
    for protocol in (2, 3, 4, 5):
        error = _refused(tmp_path, pickle.dumps({"weight": [1.0, 2.0]}, protocol=protocol))
        assert error.code == "file.pickle"
        assert error.message == (
            "a pickle, whatever its name says; expected a safetensors file (pickles are never opened)"
        )


def test_zip_of_torch_save(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    error = _refused(tmp_path, path.read_bytes())
    assert error.code == "file.pickle"
    assert error.message.startswith("a zip archive, as torch.save writes it")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; expected a safetensors file"),
        (b"hello", "not a safetensors file (it does not begin with the length of a JSON header)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a safetensors file (it does not begin"),
        (bytes(100), "not a safetensors file (it does not begin"),
        (_framed(b'{"x":1}'), "not a valid safetensors file: "),
        (_framed(b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}}', b"ab"), "not a valid safetensors file: "),
        (_framed(b'{"x": oops'), "not a valid safetensors file: "),
        (_framed(b'{"x":"\xff"}'), "not a valid safetensors file: "),
        (_framed(b'{"__metadata__":{"a":1}}'), "not a valid safetensors file: "),
    ],
)
def test_other_content(tmp_path: Path, content: bytes, message: str) -> None:
    error = _refused(tmp_path, content)
    assert error.code == "file.not-safetensors"
    assert error.message.startswith(message)


def test_truncated_header(tmp_path: Path) -> None:
    whole = pack_tensors(TENSORS, METADATA)
    needed = 8 + int.from_bytes(whole[:8], "little")
    error = _refused(tmp_path, whole[:100])
    assert error.message == f"cut short: its header needs {needed} bytes, the file has 100"


@pytest.mark.parametrize("missing", [1, 20])
def test_truncated_tensors(tmp_path: Path, missing: int) -> None:
    whole = pack_tensors(TENSORS, METADATA)
    error = _refused(tmp_path, whole[:-missing])
    assert error.code == "file.not-safetensors"
    assert error.message == (
        f"cut short: header and tensors need {len(whole)} bytes, the file has {len(whole) - missing}"
    )


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = pack_tensors({"x": np.arange(3)}, {"a": "b"})
    for length in range(len(whole)):
        assert _refused(tmp_path, whole[:length]).code == "file.not-safetensors"


def test_trailing_bytes(tmp_path: Path) -> None:
    whole = pack_tensors(TENSORS, METADATA)
    error = _refused(tmp_path, whole + b"more")
    assert error.message == f"too long: header and tensors need {len(whole)} bytes, the file has {len(whole) + 4}"


def test_write_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="there is no folder") as caught:
        write_tensors(tmp_path / "no" / "x.safetensors", TENSORS, {})
    assert caught.value.code == "file.write"


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "x.safetensors"
    target.mkdir()
    with pytest.raises(OsccError, match="a folder; the output is a file"):
        write_tensors(target, TENSORS, {})
    assert list(tmp_path.iterdir()) == [target]


def test_write_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "x.safetensors"
    target.write_text("old")
    write_tensors(target, TENSORS, {})
    assert read_tensors(target).tensors.keys() == TENSORS.keys()
    assert list(tmp_path.iterdir()) == [target]


TWICE = b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'


@pytest.mark.parametrize(
    "header", [b"{" + TWICE + b"," + TWICE + b"}", b'{"__metadata__":{"a":"1","a":"2"},' + TWICE + b"}"]
)
def test_a_name_that_stands_twice_in_the_header(header: bytes, tmp_path: Path) -> None:
    assert _refused(tmp_path, _framed(header, b"\1")).message == "header: key 'a' stands twice"


@pytest.mark.parametrize(
    ("content", "claimed"),
    [
        (pack_tensors(TENSORS, METADATA), True),
        (pack_tensors(TENSORS, METADATA)[:40], True),
        (pickle.dumps([1.5]), True),
        (b"PK\x03\x04" + bytes(20), True),
        (b"", False),
        (b"4 1\n1 2 1\n3 4 1\n", False),
        (b'{"type": "BinaryQuadraticModel"}', False),
    ],
)
def test_what_begins_as_tensors(content: bytes, claimed: bool, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    assert begins_as_tensors(tmp_path / "x") is claimed


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    assert begins_as_tensors(tmp_path)
    assert begins_as_tensors(tmp_path / "none")
