from __future__ import annotations

import importlib.util
import sys
import types

import pytest

from oscc.models.training.training_log import tensorboard_log


@pytest.fixture
def logged(monkeypatch):
    """What a stand-in of TensorBoard's writer is told."""
    found = []

    class SummaryWriter:
        def __init__(self, folder):
            found.append(folder)

        def add_scalar(self, name, value, step):
            found.append((name, value, step))

        def close(self):
            found.append("closed")

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: fake if name == "tensorboard" else find(name))
    return found


def test_figures_are_logged_by_iteration(logged, tmp_path):
    with tensorboard_log(tmp_path) as log:
        log(3, {"loss": 0.5, "codes in use": 0.25})
    assert logged == [str(tmp_path), ("loss", 0.5, 3), ("codes in use", 0.25, 3), "closed"]


def test_the_log_is_closed_when_a_training_ends_early(logged, tmp_path):
    with pytest.raises(KeyboardInterrupt), tensorboard_log(tmp_path):
        raise KeyboardInterrupt
    assert logged == [str(tmp_path), "closed"]


def test_nothing_is_logged_without_a_folder_or_without_tensorboard(logged, tmp_path, monkeypatch):
    with tensorboard_log(None) as log:
        log(1, {"loss": 0.5})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None)
    with tensorboard_log(tmp_path) as log:
        log(1, {"loss": 0.5})
    assert logged == []
