"""The fraction of couplings of a model in training that have a code other than 0."""

from __future__ import annotations

import torch

from oscc.models.training.generator import Generator


@torch.no_grad()
def code_share(generator: Generator) -> float | None:
    """Return the fraction of all couplings, in all chunks, that are not rounded to 0; None for a model without codes.

    Parameters
    ----------
    generator : Generator
    """
    if generator.grid is None or not generator.quantizes:
        return None
    coupling = generator.delivered()["coupling"]
    return float(torch.count_nonzero(coupling)) / max(1, coupling.numel())
