"""The monitor of a core's ports in cocotb benches."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.sim.cocotb_bench.port_rules import MacroRules, PortRules, RegisterRules, StreamRules, check_edge


class PortMonitor:
    """Watches the ports of a core and of its array macro on every rising edge, and fails the test with the first rule.

    Parameters
    ----------
    dut : cocotb handle
        The core.
    core : CoreSpec
    macro : cocotb handle, optional
        The macro, or what stands in its place; ``dut.array_macro`` without it.

    Attributes
    ----------
    cycle : int
        Edges seen so far; messages count from 0.
    """

    def __init__(self, dut: Any, core: CoreSpec, macro: Any = None) -> None:
        self.cycle = 0
        self._dut = dut
        self._macro = dut.array_macro if macro is None else macro
        self._of_macro = frozenset(array_signature(core).members)
        self._handles: dict[str, Any] = {}
        self._rules: tuple[PortRules, ...] = (MacroRules(core), StreamRules(core), RegisterRules(core))
        self._task: Any = None

    def start(self) -> None:
        """Begin to watch; best before the reset."""
        if self._task is None:
            self._task = cocotb.start_soon(self._watch())

    def stop(self) -> None:
        """Look away, as before a rule is broken on purpose."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        """Check every rising edge, for ever; values are those just before it.

        Raises
        ------
        PortRuleError
        """
        edge = RisingEdge(self._dut.clk)
        while True:
            await edge
            seen: dict[str, int | None] = {}

            def pins(name: str, seen: dict[str, int | None] = seen) -> int | None:
                if name not in seen:
                    seen[name] = self._value(name)
                return seen[name]

            for rules in self._rules:
                check_edge(rules, pins, self.cycle)
            self.cycle += 1

    def _value(self, name: str) -> int | None:
        """Return the value of a port; None where any bit of it is unknown."""
        handle = self._handles.get(name)
        if handle is None:
            handle = self._handles[name] = getattr(self._macro if name in self._of_macro else self._dut, name)
        try:
            return int(handle.value)
        except ValueError:
            return None
