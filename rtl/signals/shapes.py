"""Shapes of signals that several components share."""

from __future__ import annotations

from amaranth.hdl import Shape, unsigned


def index_shape(count: int) -> Shape:
    """Return the shape of an index into ``count`` things: at least one bit wide.

    A signal without bits would come out as ``[-1:0]`` in Verilog, which is two bits wide there.
    """
    return unsigned(max(1, (count - 1).bit_length()))
