"""The README and the manual do as they say: every block of code is run, read by what it is for, or run by CI."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.cli.main import main
from oscc.compiler.frontends.front_ends import FRONT_ENDS
from oscc.compiler.place.placers import PLACERS
from oscc.core.die import read_die
from oscc.core.families import FAMILIES
from oscc.core.spec_file import load_core
from oscc.report.thresholds import read_thresholds
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.delivery.window_header import window_header
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.sim.engines.registry import ENGINES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

READERS: dict[str, Callable[[Path], Any]] = {"oscc.die/1": read_die, "oscc.thresholds/1": read_thresholds}
"""What reads a YAML block, by its key ``schema``."""

NOT_RUN = {
    "make demo": "it is what .ci/run begins with",
    "make test": "it is what .ci/run ends with",
    "make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu": "make demo, with another index of packages",
    "oscc check examples/kurashil-mnist-56x56.safetensors --core ais-56x56": "make demo compiles it, which checks it",
    "oscc verify out/mnist": "make demo names the two engines that it runs by default",
    "oscc synth --core tiny-8x8 --target asic -o out/tiny": "minutes; make synth synthesises the presets",
    "oscc train --quick": "half a minute; .ci/run trains it into another folder",
    "oscc evaluate out/train/kurashil-digits-16x16/model.safetensors -n 2000": ".ci/run evaluates it in its folder",
    "oscc data fetch mnist -o data": "needs the network; tests/models fetch from a server of their own",
    "oscc train examples/training/kurashil-mnist-56x56.yaml --data data -o out/train/mnist": "an hour, needs MNIST",
    "python out/ring/rtl/tb/cocotb/run.py": "tests/oscc/test_cocotb.py runs it on a core that is emitted sooner",
    "python out/ring/rtl/tb/cocotb/run.py --module own_bench": "so it does, with that bench",
    "oscc evaluate out/train/mnist/model.safetensors --data data --core ais-56x56 --noise moderate": "needs that model",
}
"""Commands that neither this test nor .ci/run runs as they stand, and why; they must stand in the pages."""

NO = {
    "oscc check examples/kurashil-mnist-56x56.safetensors --core ais-56x56-diamond",
}
"""Commands whose answer is no: exit status 3."""

DECLARED = """
#include "oscc.h"
#include "{header}"
#include <stdint.h>
extern void print(const char *text);
void use(oscc_core core, oscc_bus bus, const uint8_t *program_bin, uint32_t program_bin_size) {{
oscc_program program;
{code}
}}
"""
"""What stands around a block of C."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line that it begins in."""

    page: str
    line: int
    language: str
    text: str


def blocks_of(page: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    fence: tuple[int, str] | None = None
    content: list[str] = []
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        if fence is None and line.startswith("```"):
            fence, content = (number, line[3:]), []
        elif fence is not None and line == "```":
            yield Block(page, fence[0], fence[1], "\n".join(content) + "\n")
            fence = None
        else:
            content.append(line)
    assert fence is None, f"{page}: the block of line {fence} is not closed"


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def commands_of(block: Block) -> list[str]:
    """The commands of a block of the shell, without what is said of them."""
    return [as_written(line.split(" #")[0]) for line in block.text.splitlines() if line.strip()]


def as_written(command: str) -> str:
    """A command with blanks as this module writes them, and without the folder of the environment's programs."""
    program = re.sub(r'^(?:\.venv/bin/(\w+)|"\$VENV/bin/(\w+)")', r"\1\2", command.strip())
    return re.sub(r"\s*>\s*", " > ", program)


def run_by_ci() -> set[str]:
    """Commands that .ci/run runs, those of make demo included, with the folders of the README."""
    made = subprocess.run(
        ["make", "-n", "demo", "OUT=out/mnist", "VENV=.venv"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = made.stdout.splitlines() + re.split(r"\n|&&", script)
    return {as_written(line) for line in lines}


def test_blocks_are_of_a_known_kind() -> None:
    found = {block.language for block in BLOCKS}
    assert found == {"sh", "text", "yaml", "python", "c", "toml", "verilog"}
    commands = [command for block in BLOCKS if block.language == "sh" for command in commands_of(block)]
    assert len(commands) > 20
    assert set(NOT_RUN) | NO <= set(commands), "a command of the lists stands in no page any more"


@pytest.mark.parametrize("page", PAGES)
def test_commands_run_in_their_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python of a page runs between its commands, in the same folder."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    elsewhere = run_by_ci() | set(NOT_RUN)
    for block in (block for block in BLOCKS if block.page == page):
        if block.language == "python":
            exec(compile(block.text, f"{page}:{block.line}", "exec"), {"__name__": "manual"})
        if block.language != "sh":
            continue
        for command in commands_of(block):
            if command in elsewhere:
                continue
            if command.startswith("oscc "):
                status = main(shlex.split(command)[1:])
            else:
                status = subprocess.run(["sh", "-ec", command]).returncode
            assert status == (3 if command in NO else 0), f"{page}:{block.line}: {command}\n{capsys.readouterr().err}"


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "yaml"], ids=lambda block: f"{block.page}:{block.line}"
)
def test_yaml_is_read_by_what_it_is_for(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "block.yaml"
    path.write_text(block.text, encoding="utf-8")
    assert READERS[yaml.safe_load(block.text)["schema"]](path)


def test_entry_points_are_of_groups_that_are_looked_at() -> None:
    (block,) = (block for block in BLOCKS if block.language == "toml")
    groups = tomllib.loads(block.text)["project"]["entry-points"]
    assert set(groups) == {table.group for table in (PLACERS, FRONT_ENDS, ENGINES, FAMILIES)}
    assert all(re.fullmatch(r"my_package\.\w+:\w+", value) for group in groups.values() for value in group.values())


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc: install Debian package gcc")
@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "c"], ids=lambda block: f"{block.page}:{block.line}"
)
def test_c_compiles(block: Block, tmp_path: Path) -> None:
    core = load_core("tiny-8x8")
    headers = {"registers/oscc_registers.h": c_header(), "wrappers/oscc_window.h": window_header()}
    for name, text in {**firmware_files(core), **headers}.items():
        path = tmp_path / name.rpartition("/")[2]
        path.write_text(text, encoding="utf-8")
    header = next(path.name for path in tmp_path.glob("*.h") if path.name.startswith("tiny_8x8"))
    # A block that includes something is a file of its own.
    whole = block.text if "#include" in block.text else DECLARED.format(header=header, code=block.text)
    (tmp_path / "use.c").write_text(whole)
    subprocess.run(
        ["gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only", f"-I{tmp_path}", "use.c"], cwd=tmp_path, check=True
    )
