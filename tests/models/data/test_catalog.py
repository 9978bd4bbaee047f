from __future__ import annotations

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.data.catalog import DATA_SETS, DataSet
from oscc.models.data.datasets import draw_points, load_images


def test_every_data_set_is_listed_once():
    assert [each.name for each in DATA_SETS] == [
        *("digits", "mnist", "fashion-mnist"),
        *("8-gaussians", "two-moons", "spiral", "checkerboard"),
    ]
    assert DATA_SETS[1].to_dict() == {"name": "mnist", "kind": "images", "fetched": True}


@pytest.mark.parametrize("each", DATA_SETS, ids=lambda each: each.name)
def test_what_is_said_of_a_data_set_is_so(each: DataSet):
    if each.kind == "points":
        assert draw_points(each.name, np.random.default_rng(0), 3).shape == (3, 2)
    elif each.fetched:
        with pytest.raises(OsccError) as caught:
            load_images(each.name, None)
        assert caught.value.hint == f"fetch it: oscc data fetch {each.name}, or name a folder that holds it"
    else:
        assert load_images(each.name, None).name == each.name
