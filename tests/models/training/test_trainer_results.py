from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from oscc.base.errors import OsccError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.models.training.generator import Generator, Solver
from oscc.models.training.topology import reverse_couplings
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def test_samples_are_those_of_the_averaged_model(images_config, tiny_images, tmp_path):
    noisy = {"mismatch": 0.2, "transient_noise": 0.2}
    trainer = Trainer(images_config(hardware=noisy, schedule={"rate": 0.1}), tiny_images)
    drawn(trainer, tmp_path / "state")
    images = trainer.samples(7, seed=5)
    assert torch.equal(images, trainer.samples(7, seed=5))
    assert not torch.equal(images, trainer.samples(7, seed=6))
    ideal = Generator(trainer.average.to_graph({}), solver=Solver(step=0.25))
    start = ideal.noise(7, torch.Generator().manual_seed(5))
    expected = torch.cos(ideal(start, ideal.delivered()))[trainer.generator.graph.readout.tolist()]
    np.testing.assert_allclose(images, expected.T.reshape(7, 2, 3).detach(), rtol=0, atol=1e-6)


def test_what_was_trained_for_a_core_compiles_for_it(images_config, tmp_path, images_of):
    config = images_config(
        model={**TINY["model"], "duration": [0.3, 0.7], "weight_std": 3.0},
        hardware={"core": "tiny-8x8", "bits": 3},
        schedule={"rate": 0.5},
    )
    trainer = Trainer(config, images_of((4, 4)))
    drawn(trainer, tmp_path / "state")
    write_checkpoint(tmp_path / "model.safetensors", trainer.average.to_graph({}))
    assert config.core is not None
    result = compile_model(read_checkpoint(tmp_path / "model.safetensors"), config.core)
    assert result.findings == ()
    for numbers in result.summary()["quantization"]["groups"].values():
        assert (numbers["clipped"], numbers["rms_lsb"] < 1e-6) == (0, True)
    grid = config.dac_grid()
    assert grid is not None
    assert result.summary()["run_cycles"] == grid.run_cycles.tolist()


def test_reciprocal_couplings_stay_equal_in_both_directions(points_config, tmp_path):
    trainer = Trainer(points_config(model={"couplings": "reciprocal"}, schedule={"rate": 0.1}), None)
    drawn(trainer, tmp_path / "state")
    graph = trainer.average.to_graph({})
    weights = {
        pair: graph.weight[:, edge].tolist()
        for edge, pair in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    }
    assert all(values == weights[dst, src] for (src, dst), values in weights.items())


@pytest.fixture
def reciprocal_core(make_core, tmp_path):
    """File of tiny-8x8 with units that make both directions."""
    path = tmp_path / "core.yaml"
    path.write_text(yaml.safe_dump(make_core(couplings="reciprocal").model_dump(mode="json", by_alias=True)))
    return str(path)


def test_errors_of_a_reciprocal_core_are_equal_in_both_directions(images_config, reciprocal_core, images_of):
    noisy = {"mismatch": 0.1, "weight_noise": 0.05}
    for core, equal in ((reciprocal_core, True), ("tiny-8x8", False)):
        model = {**TINY["model"], "couplings": "reciprocal"}
        trainer = Trainer(images_config(model=model, hardware={"core": core, **noisy}), images_of((4, 4)))
        values = trainer.generator.delivered(trainer.imperfections, torch.Generator().manual_seed(0))["coupling"]
        partner = torch.from_numpy(reverse_couplings(trainer.generator.graph))
        # On a directed core each direction has a unit of its own, also of a model that is equal in both.
        assert torch.equal(values, values[:, partner]) is equal


def test_directed_couplings_are_not_trained_for_a_reciprocal_core(images_config, reciprocal_core, images_of):
    config = images_config(model=TINY["model"], hardware={"core": reciprocal_core})
    with pytest.raises(OsccError) as caught:
        Trainer(config, images_of((4, 4)))
    assert (caught.value.code, caught.value.where, caught.value.hint) == (
        "training.model",
        "model.couplings",
        "couplings: reciprocal",
    )
    assert caught.value.message == (
        "one unit of core tiny-8x8 makes both directions of a coupling, which training must keep equal"
    )


def test_what_was_trained_is_read_back(points_config, tmp_path):
    trainer = Trainer(points_config(), None)
    drawn(trainer, tmp_path / "state")
    graph = trainer.average.to_graph({"a": 1})
    write_checkpoint(tmp_path / "model.safetensors", graph)
    again = read_checkpoint(tmp_path / "model.safetensors")
    for field in dataclasses.fields(graph):
        if isinstance(getattr(graph, field.name), np.ndarray):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(graph, field.name))
