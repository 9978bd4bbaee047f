from __future__ import annotations

import json
import statistics

import numpy as np
import pytest

from oscc.models.quality.spread import Spread


def test_mean_and_sample_deviation():
    values = [3.0, 5.0, 4.0, 9.0]
    found = Spread.of(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.spread == pytest.approx(np.std(values, ddof=1))
    assert json.dumps(found.to_dict()) == json.dumps({"mean": found.mean, "spread": found.spread})


def test_a_single_figure_has_no_spread():
    assert Spread.of([2.5]) == Spread(2.5, 0.0)


def test_there_is_no_mean_of_nothing():
    with pytest.raises(statistics.StatisticsError):
        Spread.of([])
