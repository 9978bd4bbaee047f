from __future__ import annotations

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.training.training_data import load_data


def test_data_of_a_configuration(images_config, points_config, tmp_path):
    assert load_data(points_config(), tmp_path) is None
    digits = load_data(images_config(data={"name": "digits"}), None)
    assert digits is not None
    assert digits.train.shape[1:] == (8, 8)
    for folder in ("own", "given"):
        (tmp_path / folder).mkdir()
        value = np.full((2, 2, 3), 10 if folder == "own" else 20, np.uint8)
        np.savez(tmp_path / folder / "mnist.npz", x_train=value, y_train=[1, 2], x_test=value, y_test=[1, 2])
    config = images_config(data={"folder": str(tmp_path / "own")})
    # --data comes before the configuration's own folder.
    for chosen, grey in ((None, 10), (tmp_path / "given", 20)):
        data = load_data(config, chosen)
        assert data is not None
        assert data.train[0, 0, 0] == pytest.approx(grey / 127.5 - 1, abs=1e-6)
    with pytest.raises(OsccError) as caught:
        load_data(images_config(), None)
    assert (caught.value.code, caught.value.where) == ("data.missing", "data.folder")
    smaller = load_data(images_config(data={"name": "digits", "pool": 4}), None)
    assert smaller is not None
    np.testing.assert_allclose(
        smaller.train[:, 1, 0], digits.train[:, 4:, :4].mean(axis=(1, 2), dtype=float), rtol=0, atol=1e-6
    )
