from __future__ import annotations

import re

from oscc.core.registers import ADDRESS_BITS, REGISTERS
from oscc.rtl.delivery.register_verilog import verilog_header


def test_every_register_and_field_has_its_number() -> None:
    text = verilog_header()
    addresses = dict(re.findall(r"^localparam \[11:0\] (\w+) = 12'h([0-9A-F]{3});$", text, re.M))
    masks = dict(re.findall(r"^localparam \[31:0\] (\w+) = 32'h([0-9A-F]{8}); // ", text, re.M))
    assert ADDRESS_BITS == 12
    assert {name: int(value, 16) for name, value in addresses.items()} == {
        f"OSCC_{register.name}": register.address for register in REGISTERS
    }
    # Fields that are the whole register need no mask.
    expected = {
        f"OSCC_{register.name}_{field.name.upper()}": sum(1 << bit for bit in range(field.low, field.low + field.width))
        for register in REGISTERS
        for field in register.fields
        if (field.name, field.width) != ("value", 32)
    }
    assert {name: int(value, 16) for name, value in masks.items()} == expected
    assert masks["OSCC_CONTROL_ABORT"] == "00000002"


def test_names_are_unique_and_counts_are_those_of_arrays() -> None:
    text = verilog_header()
    names = re.findall(r"^localparam \S+ (\w+) =", text, re.M)
    assert len(names) == len(set(names))
    assert re.findall(r"^localparam integer (\w+) = (\d+);$", text, re.M) == [("OSCC_SCHEDULE_COUNT", "64")]
