"""The register map for Verilog test benches."""

from __future__ import annotations

from oscc.core.registers import REGISTERS
from oscc.rtl.delivery.register_exports import ACCESS_WORDS, GENERATED

HEADER_NAME = "oscc_registers.svh"


def verilog_header() -> str:
    """Return oscc_registers.svh: address of every register and mask of every field, as local parameters.

    It is Verilog-2005 as well as SystemVerilog, and is included inside a module.
    """
    lines = [f"// {GENERATED}"]
    for register in REGISTERS:
        name = f"OSCC_{register.name}"
        lines += ["", f"// {register.description} ({ACCESS_WORDS[register.access]})"]
        lines.append(f"localparam [11:0] {name} = 12'h{register.address:03X};")
        if register.count > 1:
            lines.append(f"localparam integer {name}_COUNT = {register.count};")
        for field in register.fields:
            if field.name == "value" and field.width == 32:
                continue
            lines.append(
                f"localparam [31:0] {name}_{field.name.upper()} = 32'h{field.mask:08X}; // {field.description}"
            )
    return "\n".join(lines) + "\n"
