"""Pages of the manual as data, and the example that all of them share."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

DOCS = Path(__file__).resolve().parents[2] / "docs"
TINY, AIS = load_core("tiny-8x8"), load_core("ais-56x56")
CORES = {"tiny-8x8": TINY, "ais-56x56": AIS}

# What docs/formats.md and docs/interface.md have as their example; tests compare these numbers with the pages.
SCHEDULE = (
    0x20000000,
    0x30000000,
    0x20000001,
    0x40000040,
    0x50000010,
    0x30000000,
    0x20000000,
    0x50000014,
    0x60000000,
    0x70000101,
    0x10000000,
)
WORDS = {(2, 3): 0x792_0000_0000_000D_0000_0000_0003, (2, 11): 6 << 100}
"""Words that are not zero, by bank and address."""


def page(name: str) -> str:
    """The text of a page of the manual."""
    return (DOCS / name).read_text(encoding="utf-8")


def flat(text: str) -> str:
    """A text without its line ends."""
    return " ".join(text.split())


def table(text: str, *header: str) -> list[dict[str, str]]:
    """Rows of the only table of a page that has this header."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _cells(line) == list(header):
            rows = []
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    break
                rows.append(dict(zip(header, _cells(row), strict=True)))
            found.append(rows)
    assert len(found) == 1, f"{len(found)} tables have the header {header}"
    return found[0]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip()[1:-1].split("|")] if line.startswith("|") else []


def plain(cell: str) -> str:
    """A cell of a table without the marks of code."""
    return cell.replace("`", "")


def blocks(text: str, first: str = "") -> list[list[str]]:
    """Lines of each block of text that begins with a word."""
    found = [block.strip("\n").splitlines() for block in re.findall(r"^```text\n(.*?)^```", text, re.M | re.S)]
    return [lines for lines in found if lines[0].startswith(first)]


def diagrams(name: str) -> list[dict[str, list[str]]]:
    """Timing diagrams of a page: values of each signal, by its name; ``cycle`` has the cycles."""
    found = []
    for lines in blocks(page(name), "cycle"):
        rows = {line.split()[0]: line.split()[1:] for line in lines}
        assert len({len(row) for row in rows.values()}) == 1, f"a line of the diagram is too short: {rows}"
        found.append(rows)
    return found


def program_beats(core: CoreSpec) -> list[int]:
    """Beats of the program by hand."""
    width = core.stream_width
    words = [WORDS.get((bank, address), 0) for bank in range(core.cols) for address in range(core.bank_depth)]
    per_word = -(-core.word_bits // width)
    return [(word >> (width * beat)) % 2**width for word in words for beat in range(per_word)]


def program_bytes(core: CoreSpec) -> bytes:
    """Bytes of the program by hand, in the order of the stream."""
    return b"".join(beat.to_bytes(core.stream_width // 8, "little") for beat in program_beats(core))


def program_by_hand() -> Program:
    """The program file of the pages: two chunks of 1 unit of model time each, run in 16 and 20 cycles."""
    tau = np.array([16, 20]) * TINY.clock_s
    steps = {group: dac.full_scale_rad_s / dac.top_code for group, dac in TINY.dacs.items()}
    return Program(
        name="by-hand",
        family="kurashil",
        core_name=TINY.name,
        spec_hash=TINY.hash,
        model_hash="",
        init=InitialPhases("normal", 0.0, 1.0),
        image_shape=(4, 4),
        pixel=np.array([(row, column) for row in range(4) for column in range(4)], dtype=np.int32),
        chunk_duration=np.ones(2),
        tau_s=tau,
        lsb=Groups.of(lambda group: steps[group] * tau),
        schedule=np.array(SCHEDULE, dtype=np.uint32),
        words=np.frombuffer(program_bytes(TINY), dtype=np.uint8).reshape(TINY.cols, TINY.bank_depth, -1),
    )


def tap_row_bits(phases: Sequence[float], core: CoreSpec) -> int:
    """A row of the tap bus, as docs/macro.md defines it."""
    taps, subphases = core.readout.taps, core.readout.subphases
    bus = 0
    for column, theta in enumerate(phases):
        for s in range(subphases):
            for k in range(taps):
                if math.cos(theta + math.pi * k / taps + math.pi * s / (taps * subphases)) >= 0:
                    bus |= 1 << (column * taps * subphases + s * taps + k)
    return bus
