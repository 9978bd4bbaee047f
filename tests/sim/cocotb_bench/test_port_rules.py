from __future__ import annotations

from collections.abc import Callable

import pytest

from oscc.core.array_contract import CONTRACT
from oscc.core.interface_contract import INTERFACE_CONTRACT, MACRO_SIGNALS, interface_rule
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.assertions import checked_ports
from oscc.sim.cocotb_bench.port_rules import MacroRules, PortRuleError, RegisterRules, StreamRules, check_edge
from tests.rtl.delivery.interface_edges import CORE_CHANGES, VIOLATIONS, Edge, Violation, edges_of


@pytest.fixture(scope="module")
def few(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(**CORE_CHANGES)


def watch(core: CoreSpec, edges: list[Edge]) -> None:
    """Show edges to the rules; the first that is broken is raised."""
    rules = (MacroRules(core), StreamRules(core), RegisterRules(core))

    for cycle, edge in enumerate(edges):

        def pins(name: str, edge: Edge = edge) -> int | None:
            value = edge.get(name, 0)
            return None if isinstance(value, str) else value

        for each in rules:
            check_edge(each, pins, cycle)


def test_a_legal_run_breaks_no_rule(few: CoreSpec) -> None:
    watch(few, edges_of(None))


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda each: f"{each.rule}-{'-'.join(each.changes)}")
def test_every_rule_is_seen_to_be_broken(violation: Violation, few: CoreSpec) -> None:
    with pytest.raises(PortRuleError) as caught:
        watch(few, edges_of(violation))
    assert (caught.value.rule, caught.value.cycle) == (violation.rule, violation.cycle)


def test_the_message_names_rule_cycle_and_signals(few: CoreSpec) -> None:
    (violation,) = [each for each in VIOLATIONS if each.changes == {"noise_index": {11: 4}}]
    with pytest.raises(PortRuleError) as caught:
        watch(few, edges_of(violation))
    assert str(caught.value) == (
        "A009: noise_seed and noise_index do not change while init is high; broken in cycle 11: noise_seed 0x7, "
        "noise_index 0x4"
    )
    (violation,) = [each for each in VIOLATIONS if each.changes == {"irq": {22: "x"}}]
    with pytest.raises(PortRuleError, match=r"^H007: .*; broken in cycle 22: .*, irq unknown$") as caught:
        watch(few, edges_of(violation))
    assert caught.value.signals["irq"] is None


def test_nothing_counts_before_all_strobes_have_been_low(few: CoreSpec) -> None:
    edges = edges_of(None)
    watch(few, [{"commit": "x", "init": "x", "run": 1, "rst": 1}, {"commit": 1, "rst": 1}, *edges])
    with pytest.raises(PortRuleError, match=r"^A012: "):
        watch(few, [*edges[:2], {"commit": "x", "ready": 1}, *edges[2:]])


def test_a_reset_ends_what_waited_and_what_was_owed(few: CoreSpec) -> None:
    edges = edges_of(None)
    # In the middle of a frame of which a beat waits, of a write, and of a read.
    for cut in (17, 27, 28, 32):
        watch(few, [*edges[:cut], {"rst": 1, "ready": 1}, {"rst": 1, "ready": 1}, *edges[2:]])


def test_every_rule_has_signals_that_are_ports(few: CoreSpec) -> None:
    ports = set(checked_ports(few))
    assert set(MACRO_SIGNALS) == {rule.code for rule in CONTRACT}
    for code, signals in MACRO_SIGNALS.items():
        assert set(signals) <= ports, code
    for rule in INTERFACE_CONTRACT:
        assert rule.signals, rule.code
        assert set(rule.signals) <= ports, rule.code
        assert interface_rule(rule.code) is rule
    with pytest.raises(KeyError):
        interface_rule("S999")
