from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from oscc.base.errors import OsccError
from oscc.models.quality.inception import FEATURES, InceptionDistance, as_rgb


class Metric:
    """Stands for torchmetrics' FID: keeps what it is given; the distance is that of mean grey values."""

    def __init__(self, feature: int, reset_real_features: bool, feature_extractor_weights_path: str) -> None:
        assert (feature, reset_real_features) == (FEATURES, False)
        self.state = torch.load(feature_extractor_weights_path, weights_only=True)
        if "fc.weight" not in self.state:
            raise RuntimeError("Error(s) in loading state_dict")
        self.given: dict[bool, list[Tensor]] = {True: [], False: []}

    def reset(self) -> None:
        self.given[False] = []

    def update(self, images: Tensor, real: bool) -> None:
        assert (images.dtype, images.shape[1]) == (torch.uint8, 3)
        assert len(images) <= 50
        self.given[real].append(images)

    def compute(self) -> Tensor:
        real, fake = (torch.cat(self.given[which]).double() for which in (True, False))
        return (real.mean() - fake.mean()).abs() + len(fake) / 1000


@pytest.fixture
def torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    fid = types.ModuleType("torchmetrics.image.fid")
    fid.FrechetInceptionDistance = Metric  # type: ignore[attr-defined]
    for name in ("torchmetrics", "torchmetrics.image"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", fid)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(2)}, path)
    return path


def grey(count: int, level: float) -> np.ndarray:
    return np.full((count, 4, 4), level, np.float32)


def test_grey_images_become_bytes_in_three_channels() -> None:
    images = np.array([[[-1, 1], [0, 2]]], np.float32)
    rgb = as_rgb(images)
    assert (rgb.shape, rgb.dtype) == ((1, 3, 2, 2), torch.uint8)
    assert rgb[0, 0].tolist() == rgb[0, 2].tolist() == [[0, 255], [128, 255]]


@pytest.mark.usefixtures("torchmetrics")
def test_every_set_is_compared_with_the_reference_alone(weights: Path) -> None:
    distance = InceptionDistance(weights, grey(120, -1.0))
    assert distance(grey(60, 1.0)) == pytest.approx(255 + 0.06)
    assert distance(grey(130, -1.0)) == pytest.approx(0 + 0.13), "what was measured before is forgotten"


@pytest.mark.usefixtures("torchmetrics")
def test_files_of_another_kind(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(2)}, other)
    text = tmp_path / "text.pth"
    text.write_text("no tensors")
    code: Any = tmp_path / "code.pth"
    torch.save({"fc.weight": Path("x")}, code)
    for path, message in (
        (other, "tensors are not those of inception-v3-compat"),
        (text, "not a PyTorch file of tensors"),
        (code, "not a PyTorch file of tensors"),
        (tmp_path / "no", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(OsccError) as caught:
            InceptionDistance(path, grey(2, 0))
        assert (caught.value.code, caught.value.where) == ("metrics.inception", str(path))
        assert caught.value.message == message


@pytest.mark.usefixtures("torchmetrics")
@pytest.mark.parametrize("part", [0, 0.01, 0.1, 0.5, 0.8, 0.97])
@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files(part: float, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(20)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(OsccError, match="not a PyTorch file of tensors"):
        InceptionDistance(path, grey(2, 0))


def test_without_torchmetrics(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(OsccError) as caught:
        InceptionDistance(weights, grey(2, 0))
    assert caught.value.code == "metrics.missing"
    assert caught.value.hint == "install: pip install 'oscc[inception]'"
