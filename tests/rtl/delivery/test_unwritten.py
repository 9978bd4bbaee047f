"""What nobody has written since reset reads as the manual says, also where flip-flops and memories begin unknown."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from oscc.core.registers import REGISTERS, register
from oscc.core.spec_file import load_core
from oscc.rtl.control_plane import register_constants
from oscc.rtl.delivery.core_modules import core_modules

HERE = Path(__file__).parent
CORE = load_core("tiny-8x8")

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("core") / "core.v"
    text = "\n".join(core_modules(CORE).values())
    assert "initial begin" not in text
    path.write_text(text, encoding="utf-8")
    return path


def read_back(folder: Path, core: Path, accesses: Sequence[str], standard: str = "-g2005") -> dict[int, str]:
    """Hexadecimal digits of every register that the accesses read, by address; x where a simulator knows none."""
    (folder / "accesses.v").write_text("".join(f"{access};\n" for access in accesses), encoding="utf-8")
    sources = [HERE / "unwritten_tb.v", HERE / "outsider" / "array.v", core]
    command = ["iverilog", standard, "-I", str(folder), "-s", "tb", "-o", "tb.vvp", *map(str, sources)]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "tb.vvp"], cwd=folder, check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {int(address, 16): word for address, word in lines}


@pytest.mark.parametrize("standard", ["-g2005", "-g2012"])
def test_every_register_is_known_after_reset(core: Path, tmp_path: Path, standard: str) -> None:
    expected = {entry.address + 4 * place: entry.reset for entry in REGISTERS for place in range(entry.count)}
    for (name, field), value in register_constants(CORE).items():
        expected[register(name).address] |= value << register(name).field(field).low
    expected[register("STATUS").address] = register("STATUS").field("array_ready").mask
    seen = read_back(tmp_path, core, [f"read(12'd{address})" for address in expected], standard)
    assert seen == {address: f"{word:08x}" for address, word in expected.items()}


def test_a_schedule_memory_that_is_not_cleared_shows_what_is_unknown(core: Path, tmp_path: Path) -> None:
    text = core.read_text(encoding="utf-8")
    clearing = ".write_enable(|write_mask | clearing)"
    assert text.count(clearing) == 2
    changed = tmp_path / "changed.v"
    changed.write_text(text.replace(clearing, ".write_enable(|write_mask)"), encoding="utf-8")
    first = register("SCHEDULE").address
    assert read_back(tmp_path, changed, [f"read(12'd{first + 8})"]) == {first + 8: "xxxxxxxx"}


def test_bytes_of_an_instruction_that_nobody_wrote_read_0(core: Path, tmp_path: Path) -> None:
    first = register("SCHEDULE").address
    seen = read_back(tmp_path, core, [f"write(12'd{first + 20}, 32'hAABBCCDD, 4'b0100)", f"read(12'd{first + 20})"])
    assert seen == {first + 20: "00bb0000"}


def test_accesses_that_come_at_once_after_reset_wait_for_the_schedule_to_be_cleared(core: Path, tmp_path: Path) -> None:
    last = register("SCHEDULE").address + 4 * 63
    accesses = [f"write(12'd{last}, 32'hAABBCCDD, 4'b1111)", "repeat (70) @(posedge clk)", f"read(12'd{last})"]
    assert read_back(tmp_path, core, accesses) == {last: "aabbccdd"}
    assert read_back(tmp_path, core, [f"read(12'd{last})"]) == {last: "00000000"}
    text = core.read_text(encoding="utf-8")
    hold = ".hold(schedule_clearing)"
    assert text.count(hold) == 1
    changed = tmp_path / "changed.v"
    changed.write_text(text.replace(hold, ".hold(1'b0)"), encoding="utf-8")
    assert read_back(tmp_path, changed, accesses) == {last: "00000000"}


def test_a_schedule_that_nobody_wrote_is_refused(core: Path, tmp_path: Path) -> None:
    def write(name: str, word: int) -> str:
        return f"write(12'd{register(name).address}, 32'd{word}, 4'b1111)"

    accesses = [
        write("PROGRAM_CRC", zlib.crc32(bytes(CORE.program_bytes))),
        write("CONTROL", register("CONTROL").field("load").mask),
        f"send_zeros({CORE.program_beats})",
        write("SCHEDULE_LENGTH", 3),
        write("CONTROL", register("CONTROL").field("start").mask),
        "repeat (20) @(posedge clk)",
        *(f"read(12'd{register(name).address})" for name in ("ERROR", "ERROR_INFO", "STATUS")),
    ]
    seen = read_back(tmp_path, core, accesses)
    status = register("STATUS")
    assert seen == {
        register("ERROR").address: f"{register('ERROR').field('illegal_instruction').mask:08x}",
        register("ERROR_INFO").address: "00000000",
        status.address: f"{status.field('programmed').mask | status.field('array_ready').mask:08x}",
    }
