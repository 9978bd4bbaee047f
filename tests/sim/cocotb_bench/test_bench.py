"""What of the bench runs outside a simulator; the rest is under test in tests/oscc/test_cocotb.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("cocotbext.axi", reason="not installed: pip install 'oscc[cosim]'")

from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import host_members
from oscc.sim.cocotb_bench.bench import resting_pins
from oscc.sim.cocotb_bench.host_driver import HostDriver
from oscc.sim.host.host import HostError


def test_pins_that_no_bus_drives_rest(tiny_core: CoreSpec, make_core: Callable[..., CoreSpec]) -> None:
    assert resting_pins(tiny_core) == {}
    assert resting_pins(make_core(spi=True)) == {"spi_cs_n": 1, "spi_sclk": 0, "spi_mosi": 0}
    pins = resting_pins(make_core(memory_pins=True))
    assert set(pins) < {name for name in host_members(make_core(memory_pins=True)) if name.startswith("sram_")}
    assert set(pins.values()) == {0}


def test_registers_are_not_reached_by_spi_where_there_is_none(tiny_core: CoreSpec) -> None:
    with pytest.raises(HostError, match="tiny-8x8 has no SPI slave"):
        HostDriver(None, tiny_core, spi=True)
