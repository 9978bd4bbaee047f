from __future__ import annotations

import ast
import re
from collections.abc import Callable

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.border.top_ports import core_ports
from oscc.rtl.delivery.litex_module import class_name, litex_files


def module(core: CoreSpec) -> str:
    (text,) = litex_files(core).values()
    return text


def connections(text: str) -> dict[str, str]:
    """What each port of the instance is connected to."""
    (call,) = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Instance"
    )
    return {str(each.arg): ast.unparse(each.value) for each in call.keywords}


def test_the_file_is_a_module_that_python_can_import() -> None:
    assert list(litex_files(load_core("ais-56x56"))) == ["litex/ais_56x56.py"]
    assert class_name(load_core("ais-56x56-diamond")) == "Ais56x56Diamond"
    tree = ast.parse(module(load_core("ais-56x56")))
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == ["Ais56x56"]


def test_every_port_of_the_core_is_connected_in_its_direction(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(spi=True)
    found = connections(module(core))
    sides = {"input": "i", "output": "o"}
    assert list(found) == [f"{sides[port.direction]}_{port.name}" for port in core_ports(core)]
    assert len(set(found.values())) == len(found)
    assert found["i_clk"] == "ClockSignal('sys')"
    assert found["i_rst"] == "ResetSignal('sys')"
    assert found["i_s_axil_awaddr"] == "self.bus.aw.addr[:12]"
    assert found["o_s_axil_bresp"] == "self.bus.b.resp"
    assert found["o_s_axil_arready"] == "self.bus.ar.ready"
    assert found["i_s_axis_tlast"] == "self.program.last"
    assert found["o_m_axis_tkeep"] == "self.images.keep"
    assert found["i_spi_cs_n"] == "self.spi_cs_n"


def test_widths_follow_the_core(make_core: Callable[..., CoreSpec]) -> None:
    text = module(make_core(stream_width=32))
    assert 'stream.Endpoint([("data", 32), ("keep", 4), ("user", 1)])' in text
    assert "ADDRESS_SPACE = 0x1000\n" in text


def test_pins_of_spi_are_idle_unless_somebody_drives_them(make_core: Callable[..., CoreSpec]) -> None:
    text = module(make_core(spi=True))
    assert "self.spi_cs_n = Signal(reset=1)\n" in text
    assert "self.spi_sclk = Signal()\n" in text
    assert "spi" not in module(load_core("tiny-8x8"))


def test_it_tells_no_more_than_it_needs() -> None:
    text = module(load_core("tiny-8x8"))
    assert "$" not in text
    assert max(map(len, text.splitlines())) <= 120
    assert set(re.findall(r"^from (\w+)", text, re.M)) == {"pathlib", "litex", "migen"}
