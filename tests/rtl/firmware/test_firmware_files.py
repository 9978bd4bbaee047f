from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.control_plane import register_constants
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.firmware.firmware_files import core_header, core_header_name, firmware_files

ROOT = Path(__file__).resolve().parents[3]

needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")


def test_every_source_of_the_driver_is_delivered() -> None:
    files = firmware_files(load_core("king-48x41"))
    sources = {f"firmware/{path.name}": path.read_text() for path in (ROOT / "rtl" / "firmware").glob("*.[ch]")}
    assert {name: files[name] for name in sources} == sources
    assert set(files) - set(sources) == {"firmware/king_48x41_core.h"}
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in files.values())
    included = {name for text in sources.values() for name in re.findall(r'#include "(.+)"', text)}
    assert included == {"oscc.h", "oscc_access.h", "oscc_registers.h", "oscc_spi.h"}


def numbers(text: str) -> dict[str, int]:
    return {name: int(value, 0) for name, value in re.findall(r"#define (\w+) (0x[0-9A-F]+|\d+)u ", text)}


@pytest.mark.parametrize("preset", ["tiny-8x8", "ais-56x56", "king-48x41"])
def test_the_numbers_are_those_of_the_core(preset: str) -> None:
    core = load_core(preset)
    given = {
        name.removeprefix(f"{preset.replace('-', '_').upper()}_"): n for name, n in numbers(core_header(core)).items()
    }
    constants = register_constants(core)
    for name, place in (
        ("SPEC_HASH", ("SPEC_HASH", "value")),
        ("PROGRAM_BEATS", ("PROGRAM_BEATS", "value")),
        ("ROWS", ("GRID", "rows")),
        ("COLS", ("GRID", "cols")),
        ("FRAME_ROWS", ("FRAME", "rows")),
        ("FRAME_COLS", ("FRAME", "cols")),
    ):
        assert given.pop(name) == constants[place]
    row_bytes = -(-core.frame_shape[1] * 8 // core.stream_width) * core.stream_width // 8
    assert given == {
        "BEAT_BYTES": core.stream_width // 8,
        "BANK_DEPTH": core.chunks * core.grid[0],
        "FRAME_BYTES": core.frame_shape[0] * row_bytes,
        "PHASE_STEPS": 2 * core.readout.taps * core.readout.subphases,
        "CYCLES_PER_SAMPLE": core.cycles_per_sample,
        "CLOCK_HZ": 100_000_000,
    }


@needs_compiler
def test_headers_of_two_cores_and_the_driver_go_together(make_core: Callable[..., CoreSpec], tmp_path: Path) -> None:
    cores = [make_core(name="one"), make_core(name="other-2", stream_width=32)]
    assert [core_header_name(core) for core in cores] == ["one_core.h", "other_2_core.h"]
    for core in cores:
        for name, text in firmware_files(core).items():
            (tmp_path / Path(name).name).write_text(text)
    (tmp_path / "oscc_registers.h").write_text(c_header())
    source = [
        *(f'#include "{name}"' for name in ("one_core.h", "one_core.h", "other_2_core.h", "oscc.h", "oscc.h")),
        "oscc_identity one, other;",
        "oscc_identity one = ONE_IDENTITY;",
        "oscc_identity other = OTHER_2_IDENTITY;",
        f"char a[ONE_SPEC_HASH == 0x{cores[0].hash[:8]} ? 1 : -1];",
        "char b[ONE_BEAT_BYTES == 8 && OTHER_2_BEAT_BYTES == 4 ? 1 : -1];",
        "",
    ]
    (tmp_path / "main.c").write_text("\n".join(source))
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "main.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
