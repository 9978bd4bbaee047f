"""Kinds of findings about a model as it stands in its file (codes G)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.compiler.ir.graph"
UNCHECKED = "a model that is not well formed is refused when it is read, and no report is made of it"


class WrongTensorShape(TypedDict):
    """A tensor of another shape than expected."""

    tensor: str
    shape: list[int]
    expected: list[int]


class WrongTensorType(TypedDict):
    """A tensor of another type than expected."""

    tensor: str
    dtype: str
    expected: str


class FirstValue(TypedDict):
    """The first of several values of a tensor."""

    tensor: str
    index: list[int]
    count: int


class Durations(TypedDict):
    """Durations of all chunks [model time]."""

    chunk_duration: list[float]


class FirstIndex(TypedDict):
    """The first of several indices that are out of range."""

    tensor: str
    index: int
    value: int
    count: int


class SelfCoupling(TypedDict):
    """The first of several couplings of a node with itself."""

    coupling: int
    node: int
    count: int


class RepeatedCoupling(TypedDict):
    """The first of several couplings that are given more than once."""

    dst: int
    src: int
    count: int


class SharedNode(TypedDict):
    """The first of several nodes that stand for more than one pixel."""

    node: int
    pixels: int
    count: int


class FirstPosition(TypedDict):
    """The first of several positions that are out of range."""

    node: int
    position: list[int]
    count: int


class NodeCount(TypedDict):
    """Nodes of a model."""

    nodes: int


WRONG_TENSOR: FindingKind[WrongTensorShape | WrongTensorType] = FindingKind(
    "G001", "a tensor of another shape or type", PLACE, (WrongTensorShape, WrongTensorType), unchecked=UNCHECKED
)
NOT_FINITE = FindingKind("G002", "values that are NaN or infinite", PLACE, (FirstValue,), unchecked=UNCHECKED)
BAD_DURATION = FindingKind("G003", "a chunk without a positive duration", PLACE, (Durations,), unchecked=UNCHECKED)
BAD_INDEX = FindingKind("G004", "indices that are out of range", PLACE, (FirstIndex,), unchecked=UNCHECKED)
SELF_COUPLING = FindingKind("G005", "couplings of a node with itself", PLACE, (SelfCoupling,), unchecked=UNCHECKED)
REPEATED_COUPLING = FindingKind(
    "G006", "couplings that are given more than once", PLACE, (RepeatedCoupling,), unchecked=UNCHECKED
)
SHARED_NODE = FindingKind("G007", "nodes that stand for several pixels", PLACE, (SharedNode,), unchecked=UNCHECKED)
BAD_POSITION = FindingKind("G008", "positions that are out of range", PLACE, (FirstPosition,), unchecked=UNCHECKED)
NO_NODES = FindingKind("G009", "the model has no nodes", PLACE, (NodeCount,), unchecked=UNCHECKED)
