from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.core.array_contract import CONTRACT, rule
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro_contract import EdgeInputs, MacroContract, MacroContractError


@pytest.fixture(scope="module")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """Three rows."""
    return make_core(grid=[3, 2], stencil="king", chunks=2)


def load(start: int, rows: Iterable[int] = range(3)) -> list[EdgeInputs]:
    return [EdgeInputs(cycle=start + place, load_strobe=True, load_row=row) for place, row in enumerate(rows)]


def commit(cycle: int) -> EdgeInputs:
    return EdgeInputs(cycle=cycle, commit=True)


def init(cycle: int, seed: int = 1, index: int = 7, tap_row: int = 0) -> EdgeInputs:
    return EdgeInputs(cycle=cycle, init=True, noise_seed=seed, noise_index=index, tap_row=tap_row)


LEGAL = [
    *load(10),
    commit(13),
    init(20),
    *load(30),
    # The last edge of a run: sample and commit take effect on it.
    EdgeInputs(cycle=40, run=True),
    EdgeInputs(cycle=49, run=True, sample=True, commit=True, noise_index=8),
    EdgeInputs(cycle=50, init=True, noise_seed=1, noise_index=8, tap_row=2),
    # A load that was not committed is begun anew, as after a reset.
    *load(60, (0, 1)),
    *load(70),
    commit(73),
    EdgeInputs(cycle=80, run=True),
    EdgeInputs(cycle=85, run=True, sample=True),
    EdgeInputs(cycle=86),
]

BROKEN = {
    "A001": [*LEGAL, EdgeInputs(cycle=100, init=True, run=True)],
    "A002": load(100, (0, 1, 2, 3)),
    "A003": load(100, (0, 2)),
    "A004": [*load(100), EdgeInputs(cycle=103, commit=True, load_strobe=True, load_row=0)],
    "A005": [*load(100, (0, 1)), commit(102)],
    "A006": [*load(100), EdgeInputs(cycle=104, sample=True), EdgeInputs(cycle=105, sample=True)],
    "A007": [*load(100), commit(104), EdgeInputs(cycle=105, run=True)],
    "A008": [EdgeInputs(cycle=100, sample=True, tap_row=1)],
    "A009": [init(100, index=7), EdgeInputs(cycle=101, init=True, noise_seed=1, noise_index=8, sample=True)],
}

OTHER_WAYS = {
    "a row twice": ("A003", load(0, (0, 1, 1)), 2, "row 1, expected row 2"),
    "rows backwards": ("A003", load(0, (0, 1, 0, 2)), 3, "row 2, expected row 1"),
    "a row after the last but not row 0": ("A003", load(0, (0, 1, 2, 1)), 3, "row 1, expected row 3"),
    "nothing was loaded": ("A005", [commit(5)], 5, "0 of 3 rows"),
    "committed again": ("A005", [*load(0), commit(3), commit(9)], 9, "0 of 3 rows"),
    "two edges of commit": ("A006", [*load(0), commit(3), commit(4)], 4, None),
    "run without init": ("A007", [*load(0), commit(3), EdgeInputs(cycle=4, run=True)], 4, "without an init"),
    "run without commit": ("A007", [init(0), EdgeInputs(cycle=4, run=True)], 4, "without a commit"),
    "another seed": ("A009", [init(0, seed=1), init(3, seed=2)], 3, "from (1, 7) to (2, 7)"),
}


def feed(core: CoreSpec, edges: Iterable[EdgeInputs]) -> MacroContract:
    contract = MacroContract(core)
    for edge in edges:
        contract.check(edge)
    return contract


def test_what_a_control_plane_does_is_legal(core: CoreSpec) -> None:
    feed(core, LEGAL)


@pytest.mark.parametrize("code", [each.code for each in CONTRACT if each.strobes_only])
def test_every_rule_that_can_be_seen_is_checked(core: CoreSpec, code: str) -> None:
    *before, last = BROKEN[code]
    contract = feed(core, before)
    with pytest.raises(MacroContractError) as caught:
        contract.check(last)
    assert str(caught.value).startswith(f"{code}: {rule(code).statement}; broken in cycle {last.cycle}")


@pytest.mark.parametrize("name", OTHER_WAYS)
def test_other_ways_to_break_a_rule(core: CoreSpec, name: str) -> None:
    code, edges, cycle, detail = OTHER_WAYS[name]
    with pytest.raises(MacroContractError) as caught:
        feed(core, edges)
    end = f": {detail}" if detail else ""
    assert str(caught.value) == f"{code}: {rule(code).statement}; broken in cycle {cycle}{end}"


def test_strobes_with_an_edge_between_them_are_two(core: CoreSpec) -> None:
    feed(core, [EdgeInputs(cycle=4, sample=True), EdgeInputs(cycle=6, sample=True)])


def test_an_edge_that_breaks_a_rule_changes_nothing(core: CoreSpec) -> None:
    contract = feed(core, load(0, (0, 1)))
    with pytest.raises(MacroContractError, match=r"^A005: "):
        contract.check(commit(2))
    contract.check(EdgeInputs(cycle=3, load_strobe=True, load_row=2))
    contract.check(commit(4))


@given(rows=st.lists(st.integers(0, 3), max_size=8))
def test_a_commit_needs_the_last_rows_to_be_a_whole_load(core: CoreSpec, rows: list[int]) -> None:
    # By definition: a row is row 0 or follows the one before it, and the last load is 0, 1, 2.
    ordered = all(row in (0, before + 1) and row < 3 for before, row in zip([-1, *rows], rows, strict=False))
    legal = ordered and rows[-3:] == [0, 1, 2]
    try:
        feed(core, [*load(0, rows), commit(20)])
    except MacroContractError:
        assert not legal
    else:
        assert legal
