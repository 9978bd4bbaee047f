from __future__ import annotations

from typing import Any

import pytest
import torch

from oscc.base.errors import OsccError
from oscc.models.training.trainer import Trainer


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def parameters(generator):
    return [parameter.detach().clone() for parameter in generator.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_training_that_diverges_stops(images_config, tiny_images, tmp_path):
    state, advice = tmp_path / "state", "begin anew (--fresh) with a smaller schedule.rate or loss.critic_rate"
    overflow = "iteration 2: the second moment of the gradient of critic.layers.0.weight has "
    later = f"{advice} or a shorter model.duration; {state} holds the last good state"
    for rate, number, message, hint in ((1e25, 1, "iteration 1: distance ", advice), (1e3, 2, overflow, later)):
        trainer = Trainer(images_config(loss={"critic_rate": rate}, schedule={"save_every": 1}), tiny_images)
        with pytest.raises(OsccError) as caught:
            drawn(trainer, state)
        assert caught.value.code == "training.diverged"
        assert caught.value.message.startswith(message)
        assert number == 2 or {"nan", "inf", "-inf"} & set(caught.value.message.replace(",", "").split())
        assert caught.value.hint == hint
        assert trainer.progress.iteration == number - 1
        assert state.exists() is (number == 2)
    again = Trainer(trainer.config, tiny_images)
    again.resume(state)
    assert again.progress.iteration == 1
    assert all(torch.isfinite(values).all() for values in parameters(again.generator))


WILD: dict[str, Any] = {
    "seed": 0,
    "model": {"grid": [6, 6], "step": [6, 3], "stencil": "box-2", "chunks": 1, "weight_std": 6.0, "field_std": 3.0},
    "hardware": {"bound": 20},
    "solver": {"step": 0.05},
    "schedule": {"iterations": 2, "batch": 4, "save_every": 1},
}
"""Couplings so strong that runs are chaotic: in a long one a gradient grows beyond what float32 holds."""


@pytest.mark.parametrize(
    ("duration", "quantity"), [(100.0, "the gradient of coupling"), (25.0, "the second moment of the gradient of")]
)
def test_gradients_and_moments_that_overflow_stop_the_training(points_config, tmp_path, duration, quantity):
    model = {**WILD["model"], "duration": duration, "shil": 3.0}
    trainer = Trainer(points_config(**{**WILD, "model": model}), None)
    before = parameters(trainer.average)
    with pytest.raises(OsccError) as caught:
        drawn(trainer, tmp_path / "state")
    assert caught.value.code == "training.diverged"
    assert caught.value.message.startswith(f"iteration 1: {quantity}")
    assert caught.value.message.endswith(" values that are NaN or infinite")
    assert caught.value.hint == (
        "its runs amplify too much before any training: use a smaller model.weight_std or model.duration"
    )
    assert not (tmp_path / "state").exists()
    assert same(parameters(trainer.average), before), "the step does not count"
    assert trainer.progress.iteration == 0
    # The advice helps.
    for change in ({"weight_std": 0.3}, {"duration": 2.0}):
        advised = points_config(**{**WILD, "model": {**model, **change}})
        assert len(drawn(Trainer(advised, None), tmp_path / f"{change}")) == 2


def test_the_last_good_state_is_kept_when_gradients_overflow_later(points_config, tmp_path, monkeypatch):
    state, losses_of = tmp_path / "state", Trainer._points
    config = points_config(schedule={"save_every": 1})

    def overflow(self, random):
        if self.progress.iteration == 3:
            self.generator.get_parameter("field").register_hook(lambda slope: slope * 1e30)
        return losses_of(self, random)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_points", overflow)
        with pytest.raises(OsccError) as caught:
            drawn(Trainer(config, None), state)
    assert caught.value.message == (
        "iteration 4: the second moment of the gradient of field has 24 of 24 values that are NaN or infinite"
    )
    assert caught.value.hint == (
        f"begin anew (--fresh) with a smaller schedule.rate or a shorter model.duration; {state} holds the last good "
        "state"
    )
    again, whole = Trainer(config, None), Trainer(config, None)
    again.resume(state)
    assert again.progress.iteration == 3
    drawn(again, state)
    drawn(whole, tmp_path / "whole")
    assert same(parameters(again.average), parameters(whole.average))


def test_runs_that_diverge_stop_the_training(points_config, tmp_path):
    # x' = -x^3 from where steps of 0.25 jump over it, farther out every time.
    model = {"family": "poly_ising", "duration": [5.0, 5.0], "init": {"std": 20.0}}
    trainer = Trainer(points_config(model=model), None)
    with pytest.raises(OsccError) as caught:
        drawn(trainer, tmp_path / "state")
    assert caught.value.code == "training.diverged"
    assert caught.value.message == "iteration 1: 8 of 8 runs end in pixels that are not numbers"
    assert caught.value.hint == "use a smaller solver.step"


def test_a_state_of_another_training_is_not_called_the_last_good_one(points_config, tmp_path):
    state = tmp_path / "state"
    drawn(Trainer(points_config(), None), state)
    with pytest.raises(OsccError) as caught:
        drawn(Trainer(points_config(**{**WILD, "model": {**WILD["model"], "duration": 100.0}}), None), state)
    assert "last good state" not in caught.value.hint
