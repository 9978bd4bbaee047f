"""Netlists without what is inside others: instances and memories become ports, on both sides of a comparison alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEMORY = "$mem_v2"
ALIKE = ("SIZE", "WIDTH", "ABITS", "OFFSET", "RD_PORTS", "RD_CLK_ENABLE", "RD_CLK_POLARITY", "RD_CE_OVER_SRST")
UNIFORM = ("RD_TRANSPARENCY_MASK", "RD_COLLISION_X_MASK", "WR_CLK_POLARITY")
"""Parameters of a memory that are to be equal, and those that have a bit for each write port. What a memory begins with
plays no part."""

READ_PINS = ("RD_CLK", "RD_EN", "RD_ADDR", "RD_ARST", "RD_SRST")


def open_up(golden: Any, gate: Any, children: Mapping[str, frozenset[str]]) -> str:
    """Turn instances and memories of two modules into ports; return in what they differ already.

    What goes to an instance becomes an output of the module, what comes from it an input. Of a write to a memory,
    address and data count for the bits that it writes alone, and it does not matter whether lanes have one port or
    several: each bit has its enable and its datum, and the bits of a lane their address.

    Parameters
    ----------
    golden, gate : dict
        Modules as Yosys writes them in JSON; are changed.
    children : mapping of str to frozenset of str
        Outputs of each module that they use.

    Returns
    -------
    str
        Empty where nothing differs.
    """
    sides = [_Netlist(module) for module in (golden, gate)]
    memories = [side.of_type({MEMORY}) for side in sides]
    if memories[0].keys() != memories[1].keys():
        return f"memories {sorted(memories[0])} and {sorted(memories[1])}"
    for name, first in memories[0].items():
        second = memories[1][name]
        shapes = [_shape(cell["parameters"]) for cell in (first, second)]
        if shapes[0] != shapes[1]:
            return f"memory {name}: {_difference(*shapes)}"
        writers = [_writers(cell) for cell in (first, second)]
        if any(len(ports) != 1 for side in writers for ports in side):
            return f"memory {name}: a bit is written by none or by several ports"
        # Bits that have one port and one enable on either side share an address.
        lanes: dict[tuple[Any, ...], list[int]] = {}
        for bit in range(len(writers[0])):
            key = tuple(
                (ports[bit][0], _enable(cell, ports[bit][0], bit))
                for cell, ports in zip((first, second), writers, strict=True)
            )
            lanes.setdefault(key, []).append(bit)
        for side, cell, ports in zip(sides, (first, second), writers, strict=True):
            side.open_memory(name, cell, [(ports[bits[0]][0], bits) for bits in lanes.values()])
    instances = [side.of_type(set(children)) for side in sides]
    if {name: cell["type"] for name, cell in instances[0].items()} != {
        name: cell["type"] for name, cell in instances[1].items()
    }:
        return f"instances {sorted(instances[0])} and {sorted(instances[1])}"
    for side, cells in zip(sides, instances, strict=True):
        for name, cell in cells.items():
            side.open_instance(name, cell, children[cell["type"]])
    for side, other in (sides, sides[::-1]):
        side.drop_unread(other)
    return ""


def _shape(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return what is to be equal of two memories."""
    return {**{key: parameters[key] for key in ALIKE}, **{key: set(parameters[key]) for key in UNIFORM}}


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Return the first parameter that differs, with both values."""
    key = next(key for key in first if first[key] != second[key])
    return f"{key} is {first[key]} and {second[key]}"


def _writers(cell: Any) -> list[list[int]]:
    """Return the write ports that may write each bit of a word."""
    width, ports = (int(cell["parameters"][key], 2) for key in ("WIDTH", "WR_PORTS"))
    return [[port for port in range(ports) if _enable(cell, port, bit) != "0"] for bit in range(width)]


def _enable(cell: Any, port: int, bit: int) -> Any:
    """Return the net that enables the write of a bit."""
    return cell["connections"]["WR_EN"][port * int(cell["parameters"]["WIDTH"], 2) + bit]


class _Netlist:
    """A module as Yosys writes it in JSON."""

    def __init__(self, module: Any) -> None:
        self._module = module
        cells = module["cells"].values()
        nets = [bits for cell in cells for bits in cell["connections"].values()]
        nets += [net["bits"] for net in module["netnames"].values()]
        self._last = max((bit for bits in nets for bit in bits if isinstance(bit, int)), default=1)
        self._added: set[str] = set()

    def of_type(self, kinds: set[str]) -> dict[str, Any]:
        """Return the cells of some types, by their names."""
        return {name: cell for name, cell in self._module["cells"].items() if cell["type"] in kinds}

    def _add_port(self, name: str, bits: list[Any], direction: str) -> None:
        """Add a port for nets that exist."""
        if bits:
            self._added.add(name)
            self._module["ports"][name] = {"direction": direction, "bits": bits}
            self._module["netnames"][name] = {"hide_name": 0, "bits": bits, "attributes": {}}

    def open_instance(self, name: str, cell: Any, outputs: frozenset[str]) -> None:
        """Turn the pins of an instance into ports."""
        for pin, bits in cell["connections"].items():
            self._add_port(f"{name}.{pin}", bits, "input" if pin in outputs else "output")
        del self._module["cells"][name]

    def open_memory(self, name: str, cell: Any, lanes: list[tuple[int, list[int]]]) -> None:
        """Turn the pins of a memory into ports.

        Parameters
        ----------
        name : str
        cell : dict
        lanes : list of (int, list of int)
            Write port of each lane, and its bits.
        """
        pins = cell["connections"]
        width, address_bits = (int(cell["parameters"][key], 2) for key in ("WIDTH", "ABITS"))
        for pin in READ_PINS:
            self._add_port(f"{name}.{pin}", pins[pin], "output")
        self._add_port(f"{name}.RD_DATA", pins["RD_DATA"], "input")
        for port, bits in lanes:
            lane = f"{name}.{bits[0]}"
            enables = [pins["WR_EN"][port * width + bit] for bit in bits]
            data = [pins["WR_DATA"][port * width + bit] for bit in bits]
            address = pins["WR_ADDR"][port * address_bits : (port + 1) * address_bits]
            self._add_port(f"{lane}.WR_CLK", [pins["WR_CLK"][port]], "output")
            self._add_port(f"{lane}.WR_EN", enables, "output")
            self._add_port(f"{lane}.WR_DATA", self._masked(f"{lane}.data", data, enables), "output")
            whole = self._masked(f"{lane}.address", address, enables[:1] * address_bits)
            self._add_port(f"{lane}.WR_ADDR", whole, "output")
        del self._module["cells"][name]

    def _masked(self, name: str, bits: list[Any], enables: list[Any]) -> list[Any]:
        """Return nets that are those given while their enables are high, and 0 otherwise."""
        found = list(range(self._last + 1, self._last + 1 + len(bits)))
        self._last += len(bits)
        width = f"{len(bits):032b}"
        self._module["cells"][f"$masked${name}"] = {
            "hide_name": 1,
            "type": "$and",
            "parameters": {"A_SIGNED": "0", "B_SIGNED": "0", "A_WIDTH": width, "B_WIDTH": width, "Y_WIDTH": width},
            "attributes": {},
            "port_directions": {"A": "input", "B": "input", "Y": "output"},
            "connections": {"A": bits, "B": enables, "Y": found},
        }
        return found

    def drop_unread(self, other: _Netlist) -> None:
        """Drop clock, reset and what comes from instances where nothing reads it and the other side lacks it."""
        module = self._module
        read = {bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits}
        read |= {bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"]}
        for name in ("clk", "rst", *self._added):
            port = module["ports"].get(name)
            lacking = port is not None and port["direction"] == "input" and name not in other._module["ports"]
            if lacking and not read & set(port["bits"]):
                del module["ports"][name]
