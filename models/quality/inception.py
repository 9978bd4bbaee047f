"""Inception FID, by torchmetrics, for users who have the weights of the network."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError

FEATURES = 2048
"""Outputs of the last pooling layer, as in M. Heusel et al., GANs trained by a two time-scale update rule converge to a
local Nash equilibrium, NeurIPS 2017."""

BATCH = 50


class InceptionDistance:
    """Frechet distance of Inception features to those of a set of images.

    Parameters
    ----------
    weights : Path
        Of the network ``inception-v3-compat``: ``weights-inception-2015-12-05-6726825d.pth`` of torch-fidelity's
        release 0.2.0.
    reference : float32[n, rows, columns]
        Images to compare with, within -1 and 1.

    Attributes
    ----------
    sha256 : str
        Of the file of weights, in hexadecimal.

    Raises
    ------
    OsccError
        ``metrics.missing`` without torchmetrics, ``metrics.inception`` when the file is not that of the network.
    """

    def __init__(self, weights: Path, reference: NDArray[np.float32]) -> None:
        self._metric, self.sha256 = _metric(weights)
        self._add(reference, real=True)

    @torch.no_grad()
    def __call__(self, images: NDArray[np.float32]) -> float:
        """Return the distance of images, float32[n, rows, columns], within -1 and 1; at least two."""
        self._metric.reset()
        self._add(images, real=False)
        return float(self._metric.compute())

    @torch.no_grad()
    def _add(self, images: NDArray[np.float32], real: bool) -> None:
        for start in range(0, len(images), BATCH):
            self._metric.update(as_rgb(images[start : start + BATCH]), real=real)


def as_rgb(images: NDArray[np.float32]) -> Tensor:
    """Return grey images, float32[n, rows, columns] within -1 and 1, as uint8 Tensor[n, 3, rows, columns]."""
    bytes_ = np.rint(np.clip((images + 1) * 127.5, 0, 255)).astype(np.uint8)
    return torch.from_numpy(bytes_)[:, None].repeat(1, 3, 1, 1)


def _metric(weights: Path) -> tuple[Any, str]:
    """Return the metric with the network of a file, and the SHA-256 of the file in hexadecimal."""
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError:
        raise OsccError(
            "metrics.missing",
            "Inception FID needs torchmetrics and torch-fidelity",
            hint="install: pip install 'oscc[inception]'",
        ) from None
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise OsccError("metrics.inception", f"cannot be read: {error.strerror}", where=str(weights)) from None
    try:
        # Only tensors: whatever else the file holds is not executed, and not handed on.
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:
        # Of a damaged file the reader raises whatever its parser stumbles over.
        raise OsccError("metrics.inception", "not a PyTorch file of tensors", where=str(weights)) from None
    with scratch_folder() as folder:
        checked = folder / "weights.pth"
        torch.save(state, checked)
        try:
            metric = FrechetInceptionDistance(
                FEATURES, reset_real_features=False, feature_extractor_weights_path=str(checked)
            )
        except (RuntimeError, TypeError, ValueError, AttributeError):
            raise OsccError(
                "metrics.inception", "tensors are not those of inception-v3-compat", where=str(weights)
            ) from None
        except ModuleNotFoundError as error:
            raise OsccError(
                "metrics.missing",
                f"Inception FID needs {error.name or 'torch-fidelity'}",
                hint="install: pip install 'oscc[inception]'",
            ) from None
    return metric, hashlib.sha256(content).hexdigest()
