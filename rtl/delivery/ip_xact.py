"""IP-XACT (IEEE 1685-2009, which Vivado reads) of a wrapper with AXI interfaces; needs extra ``registers``."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from xml.etree import ElementTree

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError
from oscc.rtl.delivery.border.top_module import WrapperTop
from oscc.rtl.delivery.border.top_ports import TopPort
from oscc.rtl.delivery.register_pages import compiled_map
from oscc.rtl.delivery.system_rdl import system_rdl

COMPONENT = "component.xml"
"""Path of the description: at the root of what is emitted, since it names files below itself."""

NAMESPACE = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"

VENDOR, LIBRARY = "oscc", "cores"

SYNTHESIS, SIMULATION = "verilog_synthesis", "verilog_simulation"
"""Sets of files; the second lacks the black box of the array, for which a simulation has a model."""

CONSTRAINTS = "constraints"

_VIEWS = {
    "xilinx_anylanguagesynthesis": ("verilogSource:vivado.xilinx.com:synthesis", SYNTHESIS),
    "xilinx_anylanguagebehavioralsimulation": ("verilogSource:vivado.xilinx.com:simulation", SIMULATION),
}
"""Names by which Vivado finds a view; its environment and its files."""

_MASTERS = ("m_", "irq")
"""How the names of interfaces begin of which the wrapper is the master."""


def need_peakrdl() -> None:
    """Check that PeakRDL's IP-XACT exporter is installed.

    Raises
    ------
    OsccError
        ``registers.missing``.
    """
    missing = [name for name in ("systemrdl", "peakrdl_ipxact") if importlib.util.find_spec(name) is None]
    if missing:
        raise OsccError(
            "registers.missing",
            f"IP-XACT needs the Python package {' and '.join(name.replace('_', '-') for name in missing)}",
            hint="install: pip install 'oscc[registers]'",
        )


def ip_xact(top: WrapperTop, sources: Iterable[str], constraints: str) -> str:
    """Return component.xml: interfaces, registers, ports, and files of a wrapper.

    The register part is PeakRDL's: another release of it may write other bytes.

    Parameters
    ----------
    top : WrapperTop
        Whose ports have an `interface`.
    sources : iterable of str
        Paths of the Verilog, relative to the file; the black box of the array has ``_stub.v`` at its end.
    constraints : str
        Path of the exceptions for Vivado.

    Raises
    ------
    OsccError
        ``registers.missing`` when PeakRDL is not installed.
    """
    need_peakrdl()
    ElementTree.register_namespace("spirit", NAMESPACE)
    component = _registers(top)
    maps = component.find(_tag("memoryMaps"))
    assert maps is not None
    place = list(component).index(maps)
    map_name = maps.findtext(f"{_tag('memoryMap')}/{_tag('name')}", "")
    component.insert(place, _bus_interfaces(top, map_name))
    component.extend([_model(top), _file_sets(list(sources), constraints)])
    _add(component, "description", top.summary[0])
    ElementTree.indent(component)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(component, encoding="unicode")}\n'


def _registers(top: WrapperTop) -> ElementTree.Element:
    """Return the component as PeakRDL makes it, with the registers alone. The exporter writes files only."""
    from peakrdl_ipxact import IPXACTExporter, Standard

    with scratch_folder("oscc-ip-xact-") as scratch:
        # Without white space of its own, so that all of the file is indented alike.
        exporter = IPXACTExporter(
            vendor=VENDOR,
            library=LIBRARY,
            version=_release(),
            standard=Standard.IEEE_1685_2009,
            xml_indent="",
            xml_newline="",
        )
        path = scratch / COMPONENT
        exporter.export(compiled_map(system_rdl(top.core)), str(path), component_name=top.name)
        return ElementTree.fromstring(path.read_bytes())


def _release() -> str:
    """Return the version of oscc as two numbers, as Vivado wants it."""
    numbers = re.findall(r"\d+", version("oscc"))
    return ".".join([*numbers, "0", "0"][:2])


def _bus_interfaces(top: WrapperTop, map_name: str) -> ElementTree.Element:
    """Return the interfaces that the ports make up."""
    interfaces = ElementTree.Element(_tag("busInterfaces"))
    buses: dict[tuple[str, str], list[tuple[str, TopPort]]] = {}
    for port in top.ports:
        if port.interface:
            kind, bus, logical = port.interface.split()
            buses.setdefault((bus, kind), []).append((logical, port))
    for (bus, kind), ports in buses.items():
        interface = _add(interfaces, "busInterface")
        _add(interface, "name", bus)
        vendor, library, name, release = kind.split(":")
        for element, which in (("busType", name), ("abstractionType", f"{name}_rtl")):
            reference = _add(interface, element)
            for key, value in (("vendor", vendor), ("library", library), ("name", which), ("version", release)):
                reference.set(_tag(key), value)
        if bus.startswith(_MASTERS):
            _add(interface, "master")
        else:
            slave = _add(interface, "slave")
            if name == "aximm":
                _add(slave, "memoryMapRef").set(_tag("memoryMapRef"), map_name)
        maps = _add(interface, "portMaps")
        for logical, port in ports:
            mapped = _add(maps, "portMap")
            _add(_add(mapped, "logicalPort"), "name", logical)
            _add(_add(mapped, "physicalPort"), "name", port.name)
        _add_parameters(interface, bus, [top.attributes[port.name] for _, port in ports if port.name in top.attributes])
    return interfaces


def _add_parameters(interface: ElementTree.Element, bus: str, attributes: Sequence[str]) -> None:
    """Add the parameters of an interface, as its attribute in Verilog has them."""
    given = [each.split(" ", 1) for attribute in attributes for each in attribute.split(", ")]
    if not given:
        return
    parameters = _add(interface, "parameters")
    for name, value in given:
        parameter = _add(parameters, "parameter")
        _add(parameter, "name", name)
        _add(parameter, "value", value).set(_tag("id"), f"BUSIFPARAM_VALUE.{bus.upper()}.{name}")


def _model(top: WrapperTop) -> ElementTree.Element:
    """Return views and ports."""
    model = ElementTree.Element(_tag("model"))
    views = _add(model, "views")
    for name, (environment, files) in _VIEWS.items():
        view = _add(views, "view")
        _add(view, "name", name)
        _add(view, "envIdentifier", environment)
        _add(view, "language", "verilog")
        _add(view, "modelName", top.name)
        _add(_add(view, "fileSetRef"), "localName", files)
        if files == SYNTHESIS:
            _add(_add(view, "fileSetRef"), "localName", CONSTRAINTS)
    ports = _add(model, "ports")
    for port in top.ports:
        element = _add(ports, "port")
        _add(element, "name", port.name)
        wire = _add(element, "wire")
        _add(wire, "direction", {"input": "in", "output": "out"}[port.direction])
        if port.span:
            vector = _add(wire, "vector")
            _add(vector, "left", str(port.low + port.width - 1))
            _add(vector, "right", str(port.low))
    return model


def _file_sets(sources: Sequence[str], constraints: str) -> ElementTree.Element:
    """Return the files of the views."""
    sets = ElementTree.Element(_tag("fileSets"))
    simulated = [path for path in sources if not path.endswith("_stub.v")]
    for name, paths in ((SYNTHESIS, sources), (SIMULATION, simulated), (CONSTRAINTS, [constraints])):
        files = _add(sets, "fileSet")
        _add(files, "name", name)
        for path in paths:
            file = _add(files, "file")
            _add(file, "name", path)
            if name == CONSTRAINTS:
                _add(file, "userFileType", "xdc")
                _add(file, "userFileType", "USED_IN_implementation")
            else:
                _add(file, "fileType", "verilogSource")
    return sets


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    """Add an element."""
    element = ElementTree.SubElement(parent, _tag(name))
    element.text = text
    return element


def _tag(name: str) -> str:
    """Return the name of an element or attribute in IP-XACT's namespace."""
    return f"{{{NAMESPACE}}}{name}"
