from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from systemrdl.compiler import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, RegNode
from systemrdl.rdltypes.builtin_enums import AccessType, OnWriteType, PrecedenceType

from oscc.core.registers import ADDRESS_BITS, REGISTERS, Access, Field, Register
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.delivery.system_rdl import map_name, system_rdl

SOFTWARE: dict[Access, AccessType] = {
    "constant": AccessType.r,
    "read": AccessType.r,
    "read-write": AccessType.rw,
    "pulse": AccessType.w,
    "write-1-to-clear": AccessType.rw,
}


def compiled(text: str, folder: Path) -> AddrmapNode:
    (folder / "registers.rdl").write_text(text)
    compiler = RDLCompiler()
    compiler.compile_file(str(folder / "registers.rdl"))
    return compiler.elaborate().top


def constants_of(core: CoreSpec) -> dict[tuple[str, str], int]:
    """Worked out from the specification, without the generator of the hardware."""
    (row, col), (drow, dcol) = core.readout.origin, core.readout.step
    beats_per_word = -(-core.word_bits // core.stream_width)
    return {
        ("ID", "value"): int.from_bytes(b"OSCC", "big"),
        ("VERSION", "value"): 3,
        ("GRID", "rows"): core.grid[0],
        ("GRID", "cols"): core.grid[1],
        ("WORD", "bits"): core.slots * core.coupling_dac.bits
        + sum(dac.bits for dac in (core.shil_dac, core.field_dac, core.detuning_dac)),
        ("WORD", "slots"): core.slots,
        ("WORD", "chunks"): core.chunks,
        ("FRAME", "rows"): len(range(row, core.grid[0], drow)),
        ("FRAME", "cols"): len(range(col, core.grid[1], dcol)),
        ("SPEC_HASH", "value"): int.from_bytes(bytes.fromhex(core.hash)[:4], "big"),
        ("PROGRAM_BEATS", "value"): core.grid[0] * core.grid[1] * core.chunks * beats_per_word,
    }


def assert_is(node: FieldNode, entry: Register, field: Field, constants: dict[tuple[str, str], int]) -> None:
    assert (node.low, node.high) == (field.low, field.low + field.width - 1)
    assert node.get_property("desc") == field.description
    assert node.get_property("sw") is SOFTWARE[entry.access]
    reset = node.get_property("reset")
    if entry.access == "constant":
        assert reset == constants.get((entry.name, field.name))
        assert node.get_property("hw") is (AccessType.w if reset is None else AccessType.na)
    elif entry.count > 1:
        assert reset is None
    else:
        assert reset == entry.reset >> field.low & (2**field.width - 1)
    assert node.get_property("singlepulse") == (entry.access == "pulse")
    clears = entry.access == "write-1-to-clear"
    assert node.get_property("onwrite") is (OnWriteType.woclr if clears else None)
    # A bit that is set stays when its cause has passed, and wins over a clear.
    assert bool(node.get_property("hwset")) == clears
    assert node.get_property("precedence") is (PrecedenceType.hw if clears else PrecedenceType.sw)
    if entry.access in ("read-write", "pulse", "write-1-to-clear"):
        assert node.get_property("hw") is AccessType.r
    if entry.access == "read":
        assert node.get_property("hw") is AccessType.w


@pytest.mark.parametrize("preset", [None, "tiny-8x8", "ais-56x56", "king-48x41"])
def test_the_map_is_the_declaration(preset: str | None, tmp_path: Path) -> None:
    core = None if preset is None else load_core(preset)
    top = compiled(system_rdl(core), tmp_path)
    any_core = {("ID", "value"): 0x4F534343, ("VERSION", "value"): 3}
    constants = any_core if core is None else constants_of(core)
    nodes = list(top.registers(unroll=False))
    assert [node.inst_name for node in nodes] == [entry.name for entry in REGISTERS]
    for node, entry in zip(nodes, REGISTERS, strict=True):
        assert isinstance(node, RegNode)
        assert node.raw_address_offset == entry.address
        assert node.array_dimensions == ([entry.count] if entry.count > 1 else None)
        assert not node.is_array or node.array_stride == 4
        assert node.get_property("regwidth") == node.get_property("accesswidth") == 32
        assert node.get_property("desc") == entry.description
        fields = list(node.fields())
        assert [field.inst_name for field in fields] == [field.name for field in entry.fields]
        for field, declared in zip(fields, entry.fields, strict=True):
            assert_is(field, entry, declared, constants)
    assert top.inst_name == ("oscc_registers" if preset is None else f"{preset.replace('-', '_')}_registers")
    assert top.total_size <= 2**ADDRESS_BITS == 4096


def test_the_schedule_memory_is_64_words_at_0x400(tmp_path: Path) -> None:
    top = compiled(system_rdl(), tmp_path)
    addresses = [node.absolute_address for node in top.registers(unroll=True) if node.inst_name == "SCHEDULE"]
    assert addresses == list(range(0x400, 0x500, 4))


def test_the_reset_of_the_watchdog_is_not_zero(tmp_path: Path) -> None:
    field = compiled(system_rdl(), tmp_path).find_by_path("WATCHDOG.limit")
    assert isinstance(field, FieldNode)
    assert field.get_property("reset") == 0xFFFF


def test_two_cores_have_maps_of_their_own(make_core: Callable[..., CoreSpec], tmp_path: Path) -> None:
    names = ["one", "other-2"]
    text = "\n".join(system_rdl(make_core(name=name)) for name in names)
    both = f"{text}addrmap soc {{ one_registers a @ 0x0; other_2_registers b @ 0x1000; }};\n"
    assert [node.type_name for node in compiled(both, tmp_path).children()] == ["one_registers", "other_2_registers"]
    assert [map_name(make_core(name=name)) for name in names] == ["one_registers", "other_2_registers"]


# PeakRDL as its users call it

PEAKRDL = Path(sys.executable).with_name("peakrdl")


@pytest.fixture(scope="module")
def rdl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of tiny-8x8 as a file."""
    path = tmp_path_factory.mktemp("rdl") / "oscc_registers.rdl"
    path.write_text(system_rdl(load_core("tiny-8x8")))
    return path


def peakrdl(kind: str, rdl: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(PEAKRDL), kind, str(rdl), "-o", str(output), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_peakrdl_makes_pages(rdl: Path, tmp_path: Path) -> None:
    done = peakrdl("html", rdl, tmp_path / "html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "<html" in (tmp_path / "html" / "index.html").read_text().lower()
    # Every register has a page with its description, less what its markup would change.
    pages = [page.read_text() for page in (tmp_path / "html" / "content").glob("*.html")]
    for entry in REGISTERS:
        assert any(entry.description.replace("+ ", "") in page for page in pages), entry.name


def test_peakrdl_makes_a_uvm_model_of_every_register(rdl: Path, tmp_path: Path) -> None:
    done = peakrdl("uvm", rdl, tmp_path / "ral.sv")
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "ral.sv").read_text()
    placed = re.findall(r"default_map\.add_reg\(this\.(\w+)(?:\[i0\])?, 'h(\w+)(?: \+ i0\*'h4)?\);", text)
    assert [(name, int(address, 16)) for name, address in placed] == [
        (entry.name, entry.address) for entry in REGISTERS
    ]
    policies = re.findall(r'this\.(\w+)\.configure\(this, (\d+), (\d+), "(\w+)"', text)
    words = {"constant": "RO", "read": "RO", "read-write": "RW", "pulse": "WO", "write-1-to-clear": "W1C"}
    assert [(name, int(width), int(low), policy) for name, width, low, policy in policies] == [
        (field.name, field.width, field.low, words[entry.access]) for entry in REGISTERS for field in entry.fields
    ]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")
def test_the_c_header_of_peakrdl_agrees_with_ours(rdl: Path, tmp_path: Path) -> None:
    done = peakrdl("c-header", rdl, tmp_path / "peakrdl.h")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "oscc_registers.h").write_text(c_header())
    theirs, lines = map_name(load_core("tiny-8x8")), []
    for entry in REGISTERS:
        place = f"offsetof({theirs}_t, {entry.name})"
        lines.append(f'_Static_assert({place} == OSCC_{entry.name}_OFFSET, "{entry.name}");')
        for field in entry.fields:
            name = f"{entry.name}_{field.name.upper()}"
            macro = f"{theirs.upper()}__{entry.name}__{field.name.upper()}"
            lines.append(f'_Static_assert({macro}_bm == OSCC_{name}_MASK, "mask of {name}");')
            lines.append(f'_Static_assert({macro}_bp == OSCC_{name}_SHIFT, "shift of {name}");')
    lines.append(f'_Static_assert(sizeof((({theirs}_t *)0)->SCHEDULE) == 4 * OSCC_SCHEDULE_COUNT, "schedule");')
    source = ["#include <stddef.h>", '#include "peakrdl.h"', '#include "oscc_registers.h"', *lines, ""]
    (tmp_path / "both.c").write_text("\n".join(source))
    command = ["gcc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only"]
    built = subprocess.run([*command, "both.c"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    # The assertions can fail.
    moved = c_header().replace("OSCC_SEED_OFFSET 0x044u", "OSCC_SEED_OFFSET 0x048u")
    (tmp_path / "oscc_registers.h").write_text(moved)
    assert subprocess.run([*command, "both.c"], cwd=tmp_path, capture_output=True).returncode != 0
