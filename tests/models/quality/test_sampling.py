from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from oscc.base.errors import OsccError
from oscc.base.findings import FindingsError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.core.spec_file import load_core
from oscc.models.dynamics.reference import AISModel
from oscc.models.quality import sampling as module
from oscc.models.quality.sampling import (
    NOISE,
    Conditions,
    draw_images,
    noise_named,
    running_graph,
    trained_on,
)
from oscc.models.training.generator import Generator, draw_states
from oscc.models.training.topology import reverse_couplings

TINY = load_core("tiny-8x8")


@pytest.fixture(scope="module")
def model(tmp_path_factory, make_graph):
    """Checkpoint of a model that fits tiny-8x8 and runs for a short while."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_checkpoint(path, make_graph(TINY, chunks=2, density=0.5, duration=1.5))
    return path


def random_of(seed, block):
    """The generator of a block of samples."""
    mixed = np.random.SeedSequence([seed, block]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))


def images_of(path, conditions, samples, progress=None):
    return draw_images(running_graph(path, conditions.core), conditions, samples, progress)


def test_images_of_a_core_are_those_of_its_codes(model):
    images = images_of(model, Conditions(core=TINY, step=0.01, seed=5), 12)
    assert (images.shape, images.dtype) == ((12, 4, 4), np.dtype(np.float32))
    coded = compile_model(read_checkpoint(model), TINY).coded
    assert coded is not None
    reference = AISModel.from_coded(coded)
    start = draw_states(coded.placed.graph.init, 64, 12, random_of(5, 0)).double()
    end = start.detach().numpy()
    for chunk in range(2):

        def slope(_, x, chunk=chunk):
            return reference.rhs(torch.from_numpy(x.reshape(64, 12)), chunk).detach().numpy().ravel()

        end = solve_ivp(slope, (0, 1.5), end.ravel(), rtol=1e-9, atol=1e-10).y[:, -1].reshape(64, 12)
    shown = end[coded.placed.graph.readout]
    middle = (np.floor(shown / (2 * np.pi / 64)) + 0.5) * (2 * np.pi / 64)
    # None of the 192 pixels is so close to the border of a read-out step that rounding could decide.
    assert np.abs(shown / (2 * np.pi / 64) - np.rint(shown / (2 * np.pi / 64))).min() > 1e-4
    np.testing.assert_allclose(images, np.cos(middle).T.reshape(12, 4, 4), rtol=0, atol=1e-4)
    coarse = images_of(model, Conditions(core=TINY, step=0.5, seed=5), 12)
    assert np.abs(images - coarse).max() > 0.1


def test_images_without_a_core_are_those_of_the_checkpoint(model):
    images = images_of(model, Conditions(step=0.05, seed=2), 7)
    reference = AISModel.from_checkpoint(model, torch.float64)
    start = draw_states(read_checkpoint(model).init, 64, 7, random_of(2, 0)).double()
    with torch.no_grad():
        expected = reference.images(reference.integrate(start, reference.even_steps(0.05))[-1])
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-4)
    codes = images_of(model, Conditions(core=TINY, step=0.05, seed=2), 7)
    assert 0.01 < np.abs(images - codes).mean() < 0.5, "rounding to codes changes them"


def test_the_running_graph_has_the_worth_of_the_codes(model):
    graph, original = running_graph(model, TINY), read_checkpoint(model)
    coded = compile_model(read_checkpoint(model), TINY).coded
    assert coded is not None
    for name, group in (("weight", "coupling"), ("shil", "shil"), ("field", "field"), ("detuning", "detuning")):
        step = coded.lsb[group][:, None]
        scaled = getattr(graph, name) / step
        np.testing.assert_allclose(scaled, np.rint(getattr(original, name) / step), atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(graph.src, original.src)


def test_the_width_of_the_codes_matters(model):
    images = {bits: images_of(model, Conditions(core=TINY.with_coupling_bits(bits)), 20) for bits in (2, 4, 8)}
    full = images_of(model, Conditions(), 20)
    errors = [np.abs(images[bits] - full).mean() for bits in (2, 4, 8)]
    assert errors[0] > 1.5 * errors[1]
    assert errors[1] > errors[2]


def test_seeds_and_blocks(model, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 4)
    images = images_of(model, Conditions(seed=1), 10)
    assert images.shape == (10, 4, 4)
    again, other = images_of(model, Conditions(seed=1), 10), images_of(model, Conditions(seed=2), 10)
    np.testing.assert_array_equal(images, again)
    assert not np.array_equal(images, other)
    assert len(np.unique(images.reshape(10, -1), axis=0)) == 10, "every block has noise of its own"
    np.testing.assert_array_equal(images_of(model, Conditions(seed=1), 4), images[:4])
    np.testing.assert_array_equal(images_of(model, Conditions(seed=1, threads=2), 10), images)


def test_progress_is_told(model, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 4)
    told: list[tuple[str, float]] = []
    images_of(model, Conditions(), 10, lambda what, done: told.append((what, done)))
    assert told == [("drawing samples", 0.4), ("drawing samples", 0.8), ("drawing samples", 1.0)]


def test_levels_of_noise_change_images_more_and_more(model):
    none, moderate, strong = (
        images_of(model, Conditions(core=TINY, noise=noise_named(name)), 30) for name in ("none", "moderate", "strong")
    )
    np.testing.assert_array_equal(none, images_of(model, Conditions(core=TINY), 30))
    assert 0.002 < np.abs(moderate - none).mean() < np.abs(strong - none).mean()
    again = images_of(model, Conditions(core=TINY, noise=noise_named("strong")), 30)
    np.testing.assert_array_equal(strong, again)


@pytest.mark.parametrize("part", ["mismatch", "transient_noise"])
def test_both_kinds_of_noise_act(model, part):
    alone = dataclasses.replace(NOISE["none"], **{part: getattr(NOISE["strong"], part)})
    plain, noisy = images_of(model, Conditions(), 10), images_of(model, Conditions(noise=alone), 10)
    assert np.abs(plain - noisy).mean() > 0.01


def test_levels_of_noise_are_those_of_the_manual():
    found = {name: (level.weight_noise, level.mismatch, level.transient_noise) for name, level in NOISE.items()}
    assert found == {"none": (0, 0, 0), "moderate": (0, 0.03, 0.05), "strong": (0, 0.10, 0.20)}


def test_directions_of_a_reciprocal_core_have_one_error(tmp_path, make_core, make_graph, monkeypatch):
    core, path = make_core(couplings="reciprocal"), tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(core, chunks=2, density=0.5))
    delivered, seen = Generator.delivered, []

    def spy(self, *arguments):
        found = delivered(self, *arguments)
        seen.append((self.graph, found["coupling"]))
        return found

    monkeypatch.setattr(Generator, "delivered", spy)
    images_of(path, Conditions(core=core, noise=NOISE["strong"], step=0.5), 4)
    graph, values = seen[0]
    partner = torch.from_numpy(reverse_couplings(graph))
    assert torch.equal(values, values[:, partner])
    used = graph.weight != 0
    off = values.numpy()[used] / graph.weight[used] - 1
    assert off.std() == pytest.approx(0.1, rel=0.15)


def test_an_unknown_level_of_noise_is_refused():
    with pytest.raises(OsccError) as caught:
        noise_named("storng")
    assert (caught.value.code, str(caught.value)) == (
        "evaluation.noise",
        "--noise: 'storng' is no level of noise; did you mean 'strong'?",
    )


def test_a_model_that_does_not_fit_has_findings(tmp_path, make_graph):
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, make_graph(TINY, family="poly_ising"))
    with pytest.raises(FindingsError) as caught:
        images_of(path, Conditions(core=TINY), 4)
    assert [finding.code for finding in caught.value.findings] == ["F004"]
    assert images_of(path, Conditions(step=0.02), 4).shape == (4, 4, 4)


def test_a_model_that_is_not_there(tmp_path):
    for core in (None, TINY):
        with pytest.raises(OsccError, match="cannot be read: No such file or directory"):
            images_of(tmp_path / "no", Conditions(core=core), 4)


def test_runs_that_diverge_are_an_error(model, monkeypatch):
    pixels = Generator.pixels

    def broken(self, state, phase_steps):
        found = pixels(self, state, phase_steps)
        found[1, 2, 3] = float("nan")
        return found

    monkeypatch.setattr(Generator, "pixels", broken)
    monkeypatch.setattr(module, "BLOCK", 4)
    with pytest.raises(OsccError) as caught:
        images_of(model, Conditions(step=0.5), 10)
    assert caught.value.code == "evaluation.diverged"
    graph = read_checkpoint(model)
    assert str(caught.value).startswith(f"3 of 10 runs of '{graph.name}' end in pixels that are not numbers")
    assert caught.value.hint == "a --step smaller than 0.5 may help"


@pytest.mark.parametrize(
    ("training", "name"),
    [
        ({"data": {"name": "digits"}}, "digits"),
        ({"data": {"name": "spiral"}}, "spiral"),
        ({"data": {"name": "of another tool"}}, "mnist"),
        ({"data": ["digits"]}, "mnist"),
        ({"data": {"name": ["digits"]}}, "mnist"),
        ({}, "mnist"),
    ],
)
def test_the_data_set_of_a_receipt(tmp_path, make_graph, training, name):
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, dataclasses.replace(make_graph(TINY, chunks=1), training=training))
    assert trained_on(path) == name
