"""What of the bus runs outside a simulator; the rest is under test in test_verilog.py and test_registry.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("cocotbext.axi", reason="not installed: pip install 'oscc[cosim]'")

from oscc.core.spec import CoreSpec
from oscc.sim.engines import cocotb_bus
from oscc.sim.engines.cocotb_bus import CocotbBus
from oscc.sim.host.host import HostError


class Slave:
    """Stands for cocotbext's AXI4-Lite master: keeps what is asked, answers what was arranged."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.response = 0

    async def read(self, address: int, length: int) -> Any:
        self.asked.append(("read", address, length))
        return SimpleNamespace(resp=self.response, data=bytes([0x78, 0x56, 0x34, 0x12]))

    async def write(self, address: int, data: bytes) -> Any:
        self.asked.append(("write", address, data))
        return SimpleNamespace(resp=self.response)


@pytest.fixture
def connected(
    tiny_core: CoreSpec, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], tuple[CocotbBus, Slave, dict[str, str]]]:
    """A bus whose models of the protocols are replaced, and the prefixes to which they were connected."""

    def connect() -> tuple[CocotbBus, Slave, dict[str, str]]:
        slave, prefixes = Slave(), {}
        for bus in ("AxiLiteBus", "AxiStreamBus"):
            monkeypatch.setattr(getattr(cocotb_bus, bus), "from_prefix", lambda dut, prefix: prefix)

        def model(name: str, made: Any) -> Callable[..., Any]:
            def make(prefix: str, clk: Any, rst: Any) -> Any:
                assert (clk, rst) == ("clock", "reset")
                prefixes[name] = prefix
                return made

            return make

        monkeypatch.setattr(cocotb_bus, "AxiLiteMaster", model("registers", slave))
        monkeypatch.setattr(cocotb_bus, "AxiStreamSource", model("program", None))
        monkeypatch.setattr(cocotb_bus, "AxiStreamSink", model("images", None))
        return CocotbBus(SimpleNamespace(clk="clock", rst="reset"), tiny_core), slave, prefixes

    return connect


def test_the_buses_are_those_of_the_core(connected: Callable[[], Any]) -> None:
    assert connected()[2] == {"registers": "s_axil", "program": "s_axis", "images": "m_axis"}


def test_words_are_little_endian(connected: Callable[[], Any]) -> None:
    bus, slave, _ = connected()
    assert asyncio.run(bus.read(0x04C)) == 0x12345678
    asyncio.run(bus.write(0x020, 0xA1B2C3D4))
    assert slave.asked == [("read", 0x04C, 4), ("write", 0x020, b"\xd4\xc3\xb2\xa1")]


def test_bus_errors_are_told_as_on_the_other_engines(
    connected: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocotb.utils.get_sim_time", lambda unit: 125.0)
    bus, slave, _ = connected()
    slave.response = 3
    with pytest.raises(HostError, match=r"^read of 0xFFC: response 3; s_axil_rresp, cycle 12$"):
        asyncio.run(bus.read(0xFFC))
    slave.response = 2
    with pytest.raises(HostError, match=r"^write of 0x000: response 2; s_axil_bresp, cycle 12$"):
        asyncio.run(bus.write(0x000, 1))
