"""Flow matching: supervision along the way, the baseline for supervision of the end."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from oscc.models.dynamics.integrators import even_steps
from oscc.models.training.generator import Generator

EDGE = 0.999
"""Largest absolute pixel of a target: the phase of a pixel of 1 has no slope."""


def flow_matching_loss(
    generator: Generator, values: Mapping[str, Tensor], targets: Tensor, step: float, random: torch.Generator
) -> Tensor:
    """Compute the mean squared error, Tensor[], of the visible nodes' slopes along straight lines from noise to data.

    Y. Lipman, R. T. Q. Chen, H. Ben-Hamu, M. Nickel and M. Le, Flow matching for generative modeling, ICLR 2023: with
    x_t = (1 - t) x_0 + t x_1, the velocity that is to be learnt is x_1 - x_0. Here x_t are the states of the visible
    nodes, which are held on that line; the hidden nodes run freely beside them from their own noise, by Euler steps, as
    they will when the model is sampled.

    Parameters
    ----------
    generator : Generator
    values : mapping
        From `Generator.delivered`.
    targets : Tensor[B, pixels]
        Within -1 and 1.
    step : float
        Longest step [model time].
    random : torch.Generator
    """
    state = generator.noise(len(targets), random)
    visible = torch.from_numpy(generator.graph.readout.astype("int64")).to(state.device)
    start = state[visible]
    end = targets.T
    if generator.family.state == "phase":
        # Of the two phases that show a pixel, the nearer one; pixels stay off the extremes.
        angle = torch.arccos(end.clamp(-EDGE, EDGE))
        end = torch.where((start - angle).abs() <= (start + angle).abs(), angle, -angle)
    duration = generator.graph.chunk_duration.tolist()
    total, passed = sum(duration), 0.0
    losses = []
    for chunk, length in enumerate(duration):
        for width in even_steps(length, step).tolist():
            share = passed / total
            held = state.index_copy(0, visible, (1 - share) * start + share * end)
            slope = generator.slope(held, values, chunk)
            losses.append((slope[visible] * total - (end - start)).square().mean())
            state = held + width * slope
            passed += width
    return torch.stack(losses).mean()
