"""docs/integration.md, table by table, against what is emitted."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oscc.core.registers import Register
from oscc.rtl.delivery import constraints
from oscc.rtl.delivery.border.top_ports import TopPort
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.fusesoc import fusesoc_core
from oscc.rtl.delivery.wrappers import WRAPPERS
from oscc.rtl.wrappers.window_map import WINDOW_BASE, WINDOW_REGISTERS, WRAPPED_ADDRESS_BITS
from tests.rtl.documented_pages import TINY, page, plain, table

PAGE = page("integration.md")


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return emit_core(TINY, None, EmitOptions(tuple(WRAPPERS)))


def section(title: str) -> str:
    (found,) = re.findall(rf"^### {title}\n(.*?)^#", PAGE, re.M | re.S)
    return str(found)


def test_every_file_is_there_and_every_file_is_named(files: dict[str, str]) -> None:
    rows = table(PAGE, "file", "ASIC", "Vivado", "Yosys, nextpnr", "FuseSoC", "LiteX")
    named = [each.replace("<core>", "tiny_8x8") for row in rows for each in re.findall(r"`([^`]+)`", row["file"])]
    escaped = [re.escape(each).replace(r"\*", "[^/]*") for each in named]
    patterns = [re.compile(f"{each}.*" if each.endswith("/") else each) for each in escaped]
    assert all(any(pattern.fullmatch(name) for name in files) for pattern in patterns)
    # What a bench needs is not taken into a design.
    others = {name for name in files if not any(pattern.fullmatch(name) for pattern in patterns)}
    assert {name for name in others if not name.startswith("tb/")} == {
        "core.yaml",
        "names.json",
        "tiny_8x8_core_hierarchy.txt",
    }
    description = fusesoc_core(TINY, files)
    for target in re.findall(r"target `(\w+)`", " ".join(row["FuseSoC"] for row in rows)):
        assert f"\n  {target}:\n" in description


@pytest.mark.parametrize(("title", "wrapper"), [("APB", "apb"), ("Wishbone", "wishbone")])
def test_ports_of_the_wrappers(title: str, wrapper: str) -> None:
    rows = table(section(title), "port", "direction", "width", "meaning")
    documented = [(plain(row["port"]), row["direction"], int(row["width"])) for row in rows]
    ports: tuple[TopPort, ...] = WRAPPERS[wrapper].top(TINY).ports
    assert documented == [(port.name, port.direction, port.width) for port in ports]


def test_interfaces_of_the_axi_wrapper() -> None:
    rows = table(PAGE, "interface", "kind", "ports")
    interfaces = [port.interface.split()[1] for port in WRAPPERS["axi"].top(TINY).ports]
    assert [plain(row["interface"]) for row in rows] == list(dict.fromkeys(interfaces))


def test_wrappers_and_their_modules() -> None:
    rows = table(PAGE, "wrapper", "top module", "registers", "streams")
    documented = {plain(row["wrapper"]): plain(row["top module"]).replace("<core>", "tiny_8x8") for row in rows}
    assert documented == {name: wrapper.top(TINY).name for name, wrapper in WRAPPERS.items()}


def test_addresses_of_the_window() -> None:
    rows = table(PAGE, "address", "register", "access", "meaning")
    access = {"read": "read", "pulse": "write"}

    def described(register: Register) -> dict[str, str]:
        return {
            "address": f"0x{register.address:04X}",
            "register": register.name,
            "access": access[register.access],
            "meaning": register.description,
        }

    assert rows == [described(register) for register in WINDOW_REGISTERS]
    fields = [
        {
            "register": register.name,
            "bits": f"{field.low + field.width - 1}:{field.low}" if field.width > 1 else str(field.low),
            "field": field.name,
            "meaning": field.description,
        }
        for register in WINDOW_REGISTERS
        for field in register.fields
        if field.name != "value"
    ]
    assert table(PAGE, "register", "bits", "field", "meaning") == fields
    assert [plain(row["bytes"]) for row in table(PAGE, "bytes", "what")] == [
        f"0x0000 to 0x{WINDOW_BASE - 1:04X}",
        f"0x{WINDOW_BASE:04X} to 0x{(1 << WRAPPED_ADDRESS_BITS) - 1:04X}",
    ]


def test_numbers_of_the_constraints() -> None:
    fractions = {
        "set-up uncertainty": constraints.SETUP_UNCERTAINTY,
        "hold uncertainty": constraints.HOLD_UNCERTAINTY,
        "input delay, max": constraints.OUTSIDE_MAX,
        "input delay, min": constraints.INPUT_MIN,
        "output delay, max": constraints.OUTSIDE_MAX,
        "output delay, min": 0.0,
        "asynchronous inputs, max delay": 1.0,
    }
    rows = table(PAGE, "what", "fraction", "at 100 MHz", "why")
    assert {row["what"]: (row["fraction"], row["at 100 MHz"]) for row in rows} == {
        what: (f"{100 * fraction:g} %", f"{10 * fraction:g} ns") for what, fraction in fractions.items()
    }
    assert {row["what"]: row["number"] for row in table(PAGE, "what", "number", "at 100 MHz")} == {
        "transition of the inputs": f"{100 * constraints.INPUT_TRANSITION:g} %",
        "load of the outputs": f"{constraints.OUTPUT_LOAD_PF:g} pF",
        "transition inside, max": f"{100 * constraints.MAX_TRANSITION:g} %",
    }


def test_ports_of_the_reset_synchroniser(files: dict[str, str]) -> None:
    rows = table(PAGE, "port", "direction", "meaning")
    declared = re.findall(r"^  (input|output) +wire (\w+)", files["tiny_8x8_reset_synchronizer.v"], re.M)
    assert [(row["direction"], plain(row["port"])) for row in rows] == declared


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_the_example_compiles(files: dict[str, str], tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (example,) = re.findall(r"^```verilog\n(.*?)^```", PAGE, re.M | re.S)
    (tmp_path / "system.v").write_text(example)
    command = ["iverilog", "-g2005", "-Wall", "-s", "system", "-o", "system.vvp", "system.v"]
    command += ["-f", "wrappers/tiny_8x8_wishbone.f"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "system.v" not in done.stderr
