"""What the tests of training share: images of any size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oscc.models.data.datasets import ImageData


@pytest.fixture(scope="session")
def images_of() -> Callable[..., ImageData]:
    """``images_of(shape, value=None)``: forty random images to train on, or as many equal ones, half to test with."""

    def make(shape: tuple[int, int], value: np.ndarray | None = None) -> ImageData:
        random = np.random.default_rng(0)
        train = random.uniform(-1, 1, (40, *shape)) if value is None else np.broadcast_to(value, (40, *shape))
        images, labels = train.astype(np.float32), np.arange(40) % 10
        return ImageData("mnist", images, images[:20], labels, labels[:20], "ab" * 32)

    return make
