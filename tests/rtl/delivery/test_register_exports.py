from __future__ import annotations

import asyncio
import importlib.util
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oscc.core.registers import (
    ADDRESS_BITS,
    CORE_ID,
    ERROR_CAUSES,
    IRQ_CAUSES,
    MAP_VERSION,
    REGISTERS,
    Field,
    Register,
    register,
)
from oscc.rtl.delivery import register_exports
from oscc.rtl.delivery.register_exports import c_header, has_reset, markdown, python_driver

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_files_are_what_is_generated() -> None:
    assert (ROOT / "docs" / "registers.md").read_text() == markdown()
    assert (ROOT / "sim" / "host" / "core_registers.py").read_text() == python_driver()


def test_a_reset_says_nothing_of_constants_and_of_the_schedule_memory() -> None:
    without = {entry.name for entry in REGISTERS if not has_reset(entry)}
    assert without == {"ID", "VERSION", "GRID", "WORD", "FRAME", "SPEC_HASH", "PROGRAM_BEATS", "SCHEDULE"}


# The manual page


def test_the_page_has_a_line_and_a_section_for_every_register() -> None:
    page = markdown()
    overview = re.findall(r"^\| (0x\w{3})(?: to (0x\w{3}))? \| (\w+) \| ([^|]+) \|", page, re.MULTILINE)
    expected = []
    for entry in REGISTERS:
        last = f"0x{entry.address + 4 * entry.count - 4:03X}" if entry.count > 1 else ""
        expected.append((f"0x{entry.address:03X}", last, entry.name))
    assert [line[:3] for line in overview] == expected
    for entry in REGISTERS:
        section = page.split(f"\n## {entry.name}\n")[1].split("\n## ")[0]
        bits = re.findall(r"^\| (\d+)(?::(\d+))? \| (\w+) \|", section, re.MULTILINE)
        found = [(int(low or high), int(high), name) for high, low, name in bits]
        assert found == [(field.low, field.low + field.width - 1, field.name) for field in entry.fields]


def test_the_page_says_how_a_register_may_be_used() -> None:
    words = {line.split(" | ")[1]: line.split(" | ")[2] for line in markdown().splitlines() if line.startswith("| 0x")}
    assert words["ID"] == "constant"
    assert words["STATUS"] == "read-only"
    assert words["SEED"] == "read-write"
    assert words["CONTROL"] == "write 1 to act, reads 0"
    assert words["ERROR"] == "write 1 to clear"


def test_the_page_says_what_a_reset_leaves() -> None:
    cells = {line.split(" | ")[1]: line.split(" | ")[3] for line in markdown().splitlines() if line.startswith("| 0x")}
    assert cells["WATCHDOG"] == "0xFFFF"
    assert cells["SCHEDULE"] == "kept"
    assert cells["ID"] == "constant"
    assert {cells[entry.name] for entry in REGISTERS if has_reset(entry) and entry.name != "WATCHDOG"} == {"0x0"}


# The C header


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")
@pytest.mark.parametrize("standard", ["c99", "c11"])
def test_the_header_compiles_without_a_warning_and_its_numbers_are_right(tmp_path: Path, standard: str) -> None:
    values = {"OSCC_ADDRESS_SPACE": 2**ADDRESS_BITS, "OSCC_CORE_ID": CORE_ID, "OSCC_MAP_VERSION": MAP_VERSION}
    for entry in REGISTERS:
        values[f"OSCC_{entry.name}_OFFSET"] = entry.address
        if has_reset(entry):
            values[f"OSCC_{entry.name}_RESET"] = entry.reset
        if entry.count > 1:
            values[f"OSCC_{entry.name}_COUNT"] = entry.count
        for field in entry.fields:
            name = f"OSCC_{entry.name}_{field.name.upper()}"
            values[f"{name}_SHIFT"] = field.low
            values[f"{name}_MASK"] = ((1 << field.width) - 1) << field.low
    (tmp_path / "oscc_registers.h").write_text(c_header())
    lines = ['#include "oscc_registers.h"', '#include "oscc_registers.h"', "#include <stdio.h>", "int main(void) {"]
    lines += [f'  printf("{name} %u\\n", {name});' for name in values]
    (tmp_path / "main.c").write_text("\n".join([*lines, "  return 0;", "}", ""]))
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    built = subprocess.run(["gcc", *flags, "main.c", "-o", "main"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    printed = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True).stdout
    assert dict(line.split() for line in printed.splitlines()) == {name: str(value) for name, value in values.items()}
    # Nothing is defined that was not asked for.
    defined = re.findall(r"^#define (\w+)", c_header(), re.MULTILINE)
    assert sorted(defined) == sorted([*values, "OSCC_REGISTERS_H", "OSCC_ERROR_CAUSES", "OSCC_IRQ_CAUSES"])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")
def test_the_header_spells_out_every_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    awkward = (*ERROR_CAUSES, Field("quoted", 30, 1, 'a "quote" and a back\\slash'))
    monkeypatch.setattr(register_exports, "CAUSES", {"ERROR": awkward, "IRQ": IRQ_CAUSES})
    (tmp_path / "oscc_registers.h").write_text(c_header() + "#define OSCC_ERROR_QUOTED_MASK 0x40000000u\n")
    source = """
        #include "oscc_registers.h"
        #include <stdio.h>
        #define PRINT(mask, name, text) printf("%u|%s|%s\\n", mask, name, text);
        int main(void) {
          OSCC_ERROR_CAUSES(PRINT)
          OSCC_IRQ_CAUSES(PRINT)
          return 0;
        }
    """
    (tmp_path / "main.c").write_text(source)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    built = subprocess.run(["gcc", *flags, "main.c", "-o", "main"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    printed = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True).stdout
    expected = [f"{2**cause.low}|{cause.name}|{cause.description}" for cause in (*awkward, *IRQ_CAUSES)]
    assert printed.splitlines() == expected


# The Python driver


@pytest.fixture
def driver(tmp_path: Path) -> ModuleType:
    """The generated driver, imported from its text."""
    path = tmp_path / "generated_registers.py"
    path.write_text(python_driver())
    spec = importlib.util.spec_from_file_location("generated_registers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generated_registers"] = module
    spec.loader.exec_module(module)
    del sys.modules["generated_registers"]
    return module


class Words:
    """A bus with memory behind it."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.written: list[tuple[int, int]] = []

    async def read(self, address: int) -> int:
        return self.words.get(address, 0)

    async def write(self, address: int, word: int) -> None:
        self.written.append((address, word))


def methods_of(driver: ModuleType) -> set[str]:
    return {name for name, _ in inspect.getmembers(driver.CoreRegisters, inspect.isfunction) if name[0] != "_"}


def test_the_driver_offers_what_each_register_allows_and_no_more(driver: ModuleType) -> None:
    expected = set()
    for entry in REGISTERS:
        if entry.access != "pulse":
            expected.add(f"read_{entry.name.lower()}")
        if entry.access in ("read-write", "pulse", "write-1-to-clear"):
            expected.add(f"write_{entry.name.lower()}")
    assert methods_of(driver) == expected
    assert "write_id" not in expected
    assert "read_control" not in expected


def field_values(entry: Register) -> dict[str, int]:
    """A different value for each field, its highest and lowest bit set."""
    return {field.name: 1 | 1 << (field.width - 1) for field in entry.fields}


@pytest.mark.parametrize("entry", REGISTERS, ids=lambda entry: entry.name)
def test_accessors_use_the_address_and_the_bits_of_their_register(driver: ModuleType, entry: Register) -> None:
    bus = Words()
    registers = driver.CoreRegisters(bus)
    index = [entry.count - 1] if entry.count > 1 else []
    address = entry.address + 4 * (entry.count - 1)
    whole = entry.fields[0].name == "value"
    values = field_values(entry)
    word = sum(values[field.name] << field.low for field in entry.fields)

    if entry.access != "pulse":
        # Bits around the fields must not show in them.
        spare = 0xFFFF_FFFF & ~sum(field.mask for field in entry.fields)
        bus.words[address] = word if whole else word | spare
        got: Any = asyncio.run(getattr(registers, f"read_{entry.name.lower()}")(*index))
        assert got == word if whole else vars(got) == values
    if entry.access not in ("constant", "read"):
        arguments = {} if whole else values
        asyncio.run(getattr(registers, f"write_{entry.name.lower()}")(*index, *([word] if whole else []), **arguments))
        assert bus.written == [(address, word)]


def test_fields_that_are_not_given_are_written_as_a_reset_leaves_them(driver: ModuleType) -> None:
    bus = Words()
    asyncio.run(driver.CoreRegisters(bus).write_control(load=1))
    asyncio.run(driver.CoreRegisters(bus).write_watchdog())
    assert bus.written == [
        (register("CONTROL").address, register("CONTROL").field("load").mask),
        (register("WATCHDOG").address, 0xFFFF),
    ]


def test_the_driver_says_what_a_reset_leaves_where_it_is_not_zero(driver: ModuleType) -> None:
    assert str(driver.WatchdogFields.__doc__).endswith(" 0xFFFF after reset.")
    assert str(driver.CoreRegisters.read_watchdog.__doc__).endswith(" 0xFFFF after reset.")
    assert "reset" not in str(driver.CoreRegisters.read_seed.__doc__)


def test_a_field_that_does_not_exist_is_refused(driver: ModuleType) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'begin'"):
        asyncio.run(driver.CoreRegisters(Words()).write_control(begin=1))
