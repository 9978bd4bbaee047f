from __future__ import annotations

from collections.abc import Callable

import pytest

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.variants import cut_core


def test_only_what_was_asked_for_changes() -> None:
    core = load_core("ais-56x56")
    cut = cut_core(core, columns=8, chunks=2)
    assert (cut.name, cut.grid, cut.chunks) == ("ais-56x56-8-columns-2-chunks", (56, 8), 2)
    before, after = (one.model_dump(exclude={"name", "grid", "chunks"}) for one in (core, cut))
    assert before == after


@pytest.mark.parametrize("given", [{}, {"columns": 56}, {"chunks": 4}, {"columns": 56, "chunks": 4}])
def test_the_whole_core_is_itself(given: dict[str, int]) -> None:
    core = load_core("ais-56x56")
    assert cut_core(core, **given) is core


def test_defects_beyond_the_last_column_go(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(defects={"cells": [[1, 1], [1, 6]], "slots": [[0, 2, 3], [0, 7, 3]]})
    cut = cut_core(core, columns=4)
    assert (cut.defects.cells, cut.defects.slots) == (((1, 1),), ((0, 2, 3),))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": 57}, "--columns: ais-56x56 has 56 columns, 57 were asked for"),
        ({"columns": 0}, "--columns: ais-56x56 has 56 columns, 0 were asked for"),
        ({"chunks": 5}, "--chunks: ais-56x56 has 4 chunks, 5 were asked for"),
    ],
)
def test_a_variant_is_never_larger(given: dict[str, int], message: str) -> None:
    with pytest.raises(OsccError) as caught:
        cut_core(load_core("ais-56x56"), **given)
    assert str(caught.value) == message
    assert caught.value.code == "synthesis.variant"


def test_a_variant_that_is_no_core_is_refused(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(readout={"origin": [0, 5]})
    with pytest.raises(OsccError) as caught:
        cut_core(core, columns=4)
    assert str(caught.value) == (
        "tiny-8x8: tiny-8x8-4-columns is no core: readout.origin: [0, 5] lies outside the 8 x 4 grid"
    )
