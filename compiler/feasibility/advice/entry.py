"""An entry of advice: what is changed, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

KINDS = ("drop", "position", "option", "preset", "core", "die", "split")
"""Kinds of `WhatIfEntry`, in the order of the table."""

LISTED = 200
"""Couplings of an entry that its JSON lists; the rest is counted."""

MOST_SHARE = 0.25
"""Of the couplings of a model, or of the parameters of a DAC group: what may be dropped, or clipped, at most."""

MOST_NORM = 0.5
"""Of the norm of all weights, or of the parameters of a group: the error that an entry may make at most."""


def _none() -> NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False)
class WhatIfEntry:
    """A set of changes after which the model fits.

    Parameters
    ----------
    kind : str
        ``drop`` (couplings of the model), ``position`` (of few nodes), ``option`` (of the command), ``preset`` and
        ``core`` (another core), ``die`` (one without the defects) or ``split`` (nodes into copies).
    change : str
        In one line.
    cost : dict
        Numbers, by what they count.
    dropped : int32[k]
        Couplings that kind ``drop`` takes out, by their number in the model.
    core : CoreSpec or None
        The core of kinds ``preset``, ``core`` and ``die``.
    keys : dict
        Keys of the core that kind ``core`` changes, as a YAML file would hold them.
    options : tuple of str
        What kinds ``option``, ``preset`` and ``split`` add to the command line.
    split : int32[n]
        Nodes that kind ``split`` makes copies of.
    positions : tuple of (node, row, col)
        That kind ``position`` gives to nodes.
    tried : bool
        False for what is only likely: no trial was made.
    """

    kind: str
    change: str
    cost: dict[str, Any]
    dropped: NDArray[np.int32] = field(default_factory=_none)
    core: CoreSpec | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    split: NDArray[np.int32] = field(default_factory=_none)
    positions: tuple[tuple[int, int, int], ...] = ()
    tried: bool = True

    def __post_init__(self) -> None:
        freeze(self)

    def as_dict(self, graph: CouplingGraph, labels: Sequence[str] = ()) -> dict[str, Any]:
        """Return the entry as JSON, with up to `LISTED` of the couplings that it drops as [src, dst], and of the nodes.

        Parameters
        ----------
        graph : CouplingGraph
        labels : sequence of str
            What the file of the model calls each node: with them nodes are named so, and ``nodes`` has these names by
            the numbers of the nodes. With none, nodes are numbers.
        """
        more: dict[str, Any] = {}
        nodes: dict[str, str] = {}

        def named(node: int) -> str | int:
            if not labels:
                return node
            return nodes.setdefault(str(node), labels[node])

        if self.keys:
            more["keys"] = self.keys
        if self.options:
            more["options"] = list(self.options)
        if self.positions:
            more["positions"] = [[named(node), row, col] for node, row, col in self.positions]
        if self.dropped.size:
            shown = self.dropped[:LISTED]
            pairs = np.stack([graph.src[shown], graph.dst[shown]], axis=1).tolist()
            listed = [[named(src), named(dst)] for src, dst in pairs]
            more["dropped"] = {"count": int(self.dropped.size), "listed": listed}
        if self.split.size:
            more["split"] = {"count": int(self.split.size), "listed": [*map(named, self.split[:LISTED].tolist())]}
        if nodes:
            more["nodes"] = nodes
        return {"kind": self.kind, "change": self.change, "cost": self.cost, "tried": self.tried, **more}


def yaml_words(keys: dict[str, Any]) -> str:
    """Return keys of a core as one line, each as it stands in a YAML file: ``grid: [28, 28], chunks: 4``.

    Parameters
    ----------
    keys : dict
    """
    # A flow of its own for each key, so that a line of a file can be replaced by it.
    flows = [yaml.safe_dump({name: value}, default_flow_style=True, width=10_000) for name, value in keys.items()]
    return ", ".join(flow.strip().removeprefix("{").removesuffix("}") for flow in flows)
