from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import FindingError, FindingKind, FindingsError
from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.store import Level
from oscc.compiler.pass_manager import PassRecord, parse_dump_requests, run_pipeline, verify_level
from oscc.core.program import Program
from oscc.core.spec import CoreSpec

X002 = FindingKind("X002", "made up", "nowhere", (dict,), unchecked="made up")
X001 = FindingKind("X001", "made up", "nowhere", (dict,), unchecked="made up")


@dataclass(frozen=True)
class Step:
    """A pass that does what a function says."""

    name: str
    action: Callable[[Any], Any]
    description: str = "a step of a test"

    def run(self, level: Any) -> Level:
        done: Level = self.action(level)
        return done


NO = X001.finding("it does not fit", "make it fit", {})


def refuse(level: Any) -> Any:
    raise FindingsError([NO, X002.finding("it does not fit", "make it fit", {})])


def test_levels_go_from_pass_to_pass(make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core)
    passes = [Step("first", lambda level: graph), Step("second", lambda level: replace(level, name="renamed"))]
    result = run_pipeline(passes, core=tiny_core)
    assert list(result.levels) == ["first", "second"]
    assert result.levels["first"] is graph
    last = result.last()
    assert isinstance(last, CouplingGraph)
    assert last.name == "renamed"
    assert result.findings == ()


def test_every_pass_is_timed(make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec) -> None:
    def slow(level: CouplingGraph) -> CouplingGraph:
        time.sleep(0.05)
        return level

    result = run_pipeline(
        [Step("slow", slow), Step("fast", lambda level: level)], make_graph(tiny_core), core=tiny_core
    )
    assert [record.name for record in result.records] == ["slow", "fast"]
    assert result.records[0].seconds >= 0.05 > result.records[1].seconds >= 0
    assert PassRecord("slow", 0.5).as_dict() == {"name": "slow", "seconds": 0.5}


def test_findings_stop_the_pipeline(make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec) -> None:
    def never(level: Any) -> Any:
        raise AssertionError("a pass ran after one whose answer was no")

    passes = [Step("good", lambda level: level), Step("bad", refuse), Step("never", never)]
    result = run_pipeline(passes, make_graph(tiny_core), core=tiny_core)
    assert [finding.code for finding in result.findings] == ["X001", "X002"]
    assert list(result.levels) == ["good"]
    assert [record.name for record in result.records] == ["good", "bad"]


def test_the_verifier_catches_a_pass_that_spoils_its_level(
    make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec
) -> None:
    def spoil(graph: CouplingGraph) -> CouplingGraph:
        weight = graph.weight.copy()
        weight[0, 0] = np.nan
        return replace(graph, weight=weight)

    result = run_pipeline([Step("spoil", spoil)], make_graph(tiny_core), core=tiny_core)
    assert [finding.code for finding in result.findings] == ["G002"]
    assert result.levels == {}
    assert result.last() is None


def test_user_errors_pass_through(tiny_core: CoreSpec) -> None:
    def fail(level: Any) -> Any:
        raise OsccError("file.not-found", "cannot be read")

    with pytest.raises(OsccError, match="cannot be read"):
        run_pipeline([Step("load", fail)], core=tiny_core)


def test_every_level_has_its_verifier(tiny_result: CompileResult) -> None:
    core, levels = tiny_result.core, tiny_result.levels()
    for level in levels.values():
        verify_level(level, core)
    routed, coded, program = levels["route"], levels["schedule"], levels["assemble"]
    assert isinstance(routed, RoutedGraph)
    moved = replace(routed, route=replace(routed.route, slot=routed.route.slot[::-1]))
    assert isinstance(coded, CodedGraph)
    stray = coded.codes.coupling.copy()
    stray[0, 0, 0, 0] = 1
    assert isinstance(program, Program)
    spoilt: list[tuple[str, Level]] = [
        ("L004", moved),
        ("Q002", replace(coded, codes=replace(coded.codes, coupling=stray))),
        ("B001", replace(program, spec_hash="00" * 32)),
    ]
    for code, level in spoilt:
        with pytest.raises(FindingError, match=f"^{code}: "):
            verify_level(level, core)


def test_dump_requests_come_in_the_order_of_the_pipeline() -> None:
    names = ("load", "place", "route")
    assert parse_dump_requests([], names) == ()
    assert parse_dump_requests(["after:route", "after:load", "after:route"], names) == ("load", "route")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("after:quantise", r"^--dump-ir: 'after:quantise' is not after:PASS; did you mean 'after:quantize'\?$"),
        ("quantize", r"^--dump-ir: 'quantize' is not after:PASS; did you mean 'after:quantize'\?$"),
        ("xyz", r"^--dump-ir: 'xyz' is not after:PASS; accepted: after:load, after:quantize$"),
    ],
)
def test_dump_requests_that_name_no_pass(request_: str, message: str) -> None:
    with pytest.raises(OsccError, match=message):
        parse_dump_requests([request_], ("load", "quantize"))
