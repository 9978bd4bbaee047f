"""The parameters that a training begins with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.models.training.training_config import TrainingConfig


def first_parameters(graph: CouplingGraph, config: TrainingConfig, random: torch.Generator) -> CouplingGraph:
    """Return the graph with the parameters that training begins with: random ones, or those of ``model.start``.

    Parameters
    ----------
    graph : CouplingGraph
        Of the configuration.
    config : TrainingConfig
    random : torch.Generator

    Raises
    ------
    OsccError
        ``training.start`` when the checkpoint to start from is another kind of model; what `read_checkpoint` and
        ``config.first_spread`` raise.
    """
    model = config.model
    if model.start is not None:
        return _started(graph, read_checkpoint(model.start), model.start)
    chunks, nodes = graph.shil.shape

    def normal(deviation: np.ndarray, count: int) -> np.ndarray:
        drawn: np.ndarray = torch.randn(chunks, count, generator=random).numpy()
        return drawn * deviation.astype(np.float32)

    family = config.family
    return replace(
        graph,
        weight=normal(config.first_spread("coupling"), graph.couplings)
        + np.array(model.weight_means, np.float32)[:, None],
        field=normal(config.first_spread("field"), nodes),
        shil=np.full((chunks, nodes), model.shil if "shil" in family.node_parameters else 0.0, np.float32),
    )


def _started(graph: CouplingGraph, before: CouplingGraph, where: str) -> CouplingGraph:
    """Return the graph with the parameters of a checkpoint of the same topology, at its own time scale."""
    same = (
        before.family == graph.family
        and before.chunks == graph.chunks
        and np.array_equal(before.src, graph.src)
        and np.array_equal(before.dst, graph.dst)
        and np.array_equal(before.readout, graph.readout)
    )
    if not same:
        raise OsccError(
            "training.start",
            f"a {before.family} model with {before.nodes} nodes, {before.couplings} couplings and {before.chunks} "
            f"chunks; the configuration describes another one",
            where=where,
        )
    # Parameters count per unit of model time: where a chunk lasts longer, they are weaker.
    ratio = (before.chunk_duration / graph.chunk_duration)[:, None].astype(np.float32)
    return replace(
        graph,
        weight=before.weight * ratio,
        shil=before.shil * ratio,
        field=before.field * ratio,
        detuning=before.detuning * ratio,
    )
