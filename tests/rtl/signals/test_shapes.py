from __future__ import annotations

import pytest
from amaranth.hdl import unsigned

from oscc.rtl.signals.shapes import index_shape


@pytest.mark.parametrize(
    ("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (56, 6), (64, 6), (65, 7), (224, 8), (512, 9)]
)
def test_an_index_is_as_wide_as_its_largest_value_and_never_without_bits(count: int, bits: int) -> None:
    assert index_shape(count) == unsigned(bits)


def test_no_index_is_wider_than_needed() -> None:
    for count in range(2, 300):
        width = index_shape(count).width
        assert 2 ** (width - 1) < count <= 2**width
