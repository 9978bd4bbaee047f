"""The register map as SystemRDL 2.0, from which other tools make documents, headers and UVM register models."""

from __future__ import annotations

from collections.abc import Mapping

from oscc.core.registers import ADDRESS_BITS, CORE_ID, MAP_VERSION, REGISTERS, Access, Field, Register
from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import register_constants
from oscc.rtl.delivery.register_exports import GENERATED, has_reset
from oscc.rtl.top import module_prefix

_ANY_CORE = {("ID", "value"): CORE_ID, ("VERSION", "value"): MAP_VERSION}
"""Constants that every core has."""

_PROPERTIES: Mapping[Access, tuple[str, ...]] = {
    "constant": ("sw = r;", "hw = na;"),
    "read": ("sw = r;", "hw = w;"),
    "read-write": ("sw = rw;", "hw = r;"),
    # Reads of a command register are answered with 0, but say nothing.
    "pulse": ("sw = w;", "hw = r;", "singlepulse;"),
    # Each bit is stored, so that it stays when what set it has passed; where both meet, setting wins.
    "write-1-to-clear": ("sw = rw;", "onwrite = woclr;", "hw = r;", "hwset;", "precedence = hw;"),
}


def map_name(core: CoreSpec | None = None) -> str:
    """Return the name of the address map: ``ais_56x56_registers``, or ``oscc_registers`` without a core.

    Parameters
    ----------
    core : CoreSpec, optional
    """
    return "oscc_registers" if core is None else f"{module_prefix(core)}_registers"


def system_rdl(core: CoreSpec | None = None) -> str:
    """Return the register map as SystemRDL.

    Access and reset are those of the hardware: ``pulse`` registers are ``singlepulse``, ``write-1-to-clear`` ones
    ``woclr`` with ``hwset``. The schedule memory is an array of registers without a reset value, since a reset leaves
    it as it is. No property is assigned from outside its register (IRQ_STATUS could name its enables so): tools would
    then call that register's type by a hash.

    Parameters
    ----------
    core : CoreSpec, optional
        Whose constants are written down as reset values. Without one, the map is that of any core: constants that
        differ between cores have no value.

    Returns
    -------
    str
        One ``addrmap`` of `map_name`. It takes 4 KiB: an instance belongs at a multiple of that.
    """
    constants = _ANY_CORE if core is None else register_constants(core)
    whose = "an oscillator core" if core is None else f"the oscillator core {core.name}"
    size = 1 << ADDRESS_BITS
    about = f"Registers of {whose}, in {size // 1024} KiB of address space; unknown addresses are answered with DECERR."
    lines = [
        f"// {GENERATED}",
        f"addrmap {map_name(core)} {{",
        f"    name = {_string(whose.removeprefix('an ').removeprefix('the '))};",
        f"    desc = {_string(about)};",
        "    default regwidth = 32;",
        "    default accesswidth = 32;",
        "    littleendian;",
        "    lsb0;",
    ]
    for register in REGISTERS:
        lines += ["", *_register(register, constants)]
    return "\n".join([*lines, "};"]) + "\n"


def _register(register: Register, constants: Mapping[tuple[str, str], int]) -> list[str]:
    """Return the lines of a register."""
    lines = [
        "    reg {",
        f"        name = {_string(register.name)};",
        f"        desc = {_string(register.description)};",
    ]
    for field in register.fields:
        lines += _field(register, field, constants)
    array = f"[{register.count}]" if register.count > 1 else ""
    stride = " += 0x4" if register.count > 1 else ""
    return [*lines, f"    }} {register.name}{array} @ 0x{register.address:03X}{stride};"]


def _field(register: Register, field: Field, constants: Mapping[tuple[str, str], int]) -> list[str]:
    """Return the lines of a field."""
    properties = _PROPERTIES[register.access]
    value = constants.get((register.name, field.name))
    if register.access == "constant" and value is None:
        # A constant needs a value; without one it is something that the hardware says.
        properties = _PROPERTIES["read"]
    if has_reset(register):
        value = (register.reset & field.mask) >> field.low
    reset = f" = {field.width}'h{value:x}" if value is not None else ""
    return [
        "        field {",
        f"            name = {_string(field.name)};",
        f"            desc = {_string(field.description)};",
        *(f"            {line}" for line in properties),
        f"        }} {field.name}[{field.low + field.width - 1}:{field.low}]{reset};",
    ]


def _string(text: str) -> str:
    """Return a text as a string of SystemRDL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
