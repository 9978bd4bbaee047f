from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from oscc.models.training.critic import Critic

torch.set_num_threads(1)


def made(shape=(5, 7), channels=3, seed=0, pack=1):
    return Critic(shape, channels, torch.Generator().manual_seed(seed), pack)


def plain_score(critic, pack):
    """Three convolutions of stride 2 and a linear layer, by scipy."""
    weights = [parameter.detach().numpy().astype(float) for parameter in critic.parameters()]
    maps = list(pack.astype(float))
    for weight, bias in zip(weights[0:6:2], weights[1:6:2], strict=True):
        found = []
        for kernels, offset in zip(weight, bias, strict=True):
            pairs = zip(maps, kernels, strict=True)
            summed = np.sum([correlate2d(np.pad(part, 2), kernel, "valid") for part, kernel in pairs], axis=0)
            values = summed[::2, ::2] + offset
            found.append(np.where(values > 0, values, 0.2 * values))
        maps = found
    return float(weights[6][0] @ np.concatenate([part.ravel() for part in maps]) + weights[7][0])


@pytest.mark.parametrize(("shape", "pack"), [((5, 7), 1), ((8, 8), 1), ((1, 2), 1), ((28, 28), 1), ((5, 7), 3)])
def test_scores_are_those_of_three_convolutions(shape, pack):
    critic = made(shape, pack=pack)
    with torch.no_grad():
        for parameter in critic.parameters():
            if parameter.dim() == 1:
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    images = np.random.default_rng(0).uniform(-1, 1, (2, pack, *shape)).astype(np.float32)
    scores = critic(torch.from_numpy(images))
    assert scores.shape == (2,)
    expected = [plain_score(critic, image) for image in images]
    np.testing.assert_allclose(scores.detach(), expected, rtol=0, atol=2e-5)


def test_a_score_does_not_depend_on_the_other_packs():
    critic, images = made(), torch.randn(6, 1, 5, 7, generator=torch.Generator().manual_seed(2))
    together = critic(images)
    changed = critic(torch.cat([images[:1], 50 * images[1:]]))
    assert changed[0].item() == pytest.approx(together[0].item(), abs=1e-5)


def test_a_score_depends_on_the_whole_pack():
    critic, images = made(pack=2), torch.randn(1, 2, 5, 7, generator=torch.Generator().manual_seed(2))
    for place in range(2):
        changed = images.clone()
        changed[:, place] *= 2
        assert abs(critic(changed) - critic(images)).item() > 1e-3


def test_weights_come_from_the_generator_alone():
    first = made(seed=1)
    torch.manual_seed(6)
    second, third = made(seed=1), made(seed=2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    weights = [parameter for parameter in first.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in third.parameters() if parameter.dim() > 1]
    assert not any(torch.equal(a, b) for a, b in zip(weights, others, strict=True))


def test_weights_keep_the_size_of_signals():
    critic = Critic((28, 28), 16, torch.Generator().manual_seed(0))
    shapes = [tuple(parameter.shape) for parameter in critic.parameters()]
    assert shapes[::2] == [(16, 1, 5, 5), (32, 16, 5, 5), (32, 32, 5, 5), (1, 32 * 4 * 4)]
    for parameter in critic.parameters():
        if parameter.dim() == 1:
            assert not parameter.any()
        else:
            # He: 2 / (1 + 0.2^2) over the inputs of each output.
            expected = (2 / 1.04 / np.prod(parameter.shape[1:])) ** 0.5
            assert parameter.std().item() == pytest.approx(expected, rel=0.15)
