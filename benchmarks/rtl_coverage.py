"""Coverage of the RTL by the cocotb benches: runs them on Verilator and writes docs/coverage.md.

``python benchmarks/rtl_coverage.py`` runs all benches on an instrumented build first; ``--report-only`` uses what the
last run left. Exits with 3 when fewer than `LEAST_LINES` of the lines are covered, or one of the others has no reason.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "out" / "coverage"
REPORT = ROOT / "docs" / "coverage.md"
LEAST_LINES = 0.95

UNNAMED = re.compile(r"partial(_\d+)?\b")
"""Nets that the writer of Verilog makes of parts of expressions."""

HEADER = re.compile(r"^// \w+: (oscc\.[\w.]+), written by", re.MULTILINE)
"""Line in the head of a file that names the component which its module is written from."""

REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "InstructionFetch",
        r"^default: ;$",
        "an operation that does not exist; the check refuses it",
    ),
    (
        "InstructionFetch",
        r"^\(?counter == 6'd63\)?$",
        "a counted repeat at address 63; the check refuses it: the last instruction is a stop or repeats for ever",
    ),
)
"""Component, pattern of the source text of lines that no bench covers, and why."""


@dataclass
class Part:
    """Coverage of a component: over all its instances in the Verilog, points by source line."""

    lines: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    toggles: list[int] = field(default_factory=list)

    def covered_lines(self) -> tuple[int, int]:
        """Lines of which every point was hit, and all lines."""
        return sum(all(counts) for counts in self.lines.values()), len(self.lines)

    def covered_toggles(self) -> tuple[int, int]:
        """Changes of bits, up and down, that were seen, and all of them."""
        return sum(count > 0 for count in self.toggles), len(self.toggles)


def run_benches() -> bool:
    """Run every bench on an instrumented build, after removing what an earlier run left; whether all of them passed."""
    for old in (*FOLDER.glob("*/coverage.dat"), *FOLDER.glob("*/functional.json")):
        old.unlink()
    command = [sys.executable, "-m", "pytest", "-q", "tests/cocotb", "--coverage-folder", str(FOLDER)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def read_points(paths: Iterable[Path]) -> dict[str, int]:
    """Hits by point, added up over files of Verilator's coverage format.

    A line is ``C '<point>' <count>``, the point made of key and value pairs.
    """
    points: dict[str, int] = defaultdict(int)
    for path in paths:
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("C '"):
                point, count = line[3:].rsplit("' ", 1)
                points[point] += int(count)
    return points


def keys_of(point: str) -> dict[str, str]:
    """The pairs of a point: ``f`` file, ``l`` line, ``t`` type, ``o`` comment, ``page`` module, ``S`` lines."""
    pairs = (pair.split("\x02", 1) for pair in point.split("\x01") if "\x02" in pair)
    return {pair[0]: pair[1] for pair in pairs}


def numbers_in(spans: str) -> Iterator[int]:
    """Line numbers of ``12-14,17``."""
    for span in spans.split(","):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


def component_in(text: str) -> tuple[str, str] | None:
    """Component and file of source that a file of Verilog is written from; None of other Verilog."""
    found = HEADER.search(text)
    if found is None:
        return None
    module, _, name = found[1].rpartition(".")
    return name, f"{module.removeprefix('oscc.').replace('.', '/')}.py"


def collect(points: dict[str, int], sources: dict[str, str]) -> dict[tuple[str, str], Part]:
    """Coverage by component; ``sources`` are the files of Verilog by name."""
    parts: dict[tuple[str, str], Part] = defaultdict(Part)
    for point, count in points.items():
        keys = keys_of(point)
        name = Path(keys["f"]).name
        component = component_in(sources.get(name, ""))
        if component is None:
            continue
        part = parts[component]
        if keys["t"] == "toggle":
            if not UNNAMED.match(keys["o"]):
                part.toggles.append(count)
        else:
            for number in numbers_in(keys.get("S") or keys["l"]):
                part.lines[name, number].append(count)
    return parts


def percent(covered: int, whole: int) -> str:
    """A share in per cent, rounded down to tenths, so that 100.0 is all."""
    return f"{int(1000 * covered / whole) / 10:.1f}" if whole else "-"


def uncovered(
    parts: dict[tuple[str, str], Part], sources: dict[str, str]
) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Lines that are not covered, with their text, by component and reason; those without a reason under ''."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for (component, _), part in parts.items():
        for (name, number), counts in sorted(part.lines.items()):
            if all(counts):
                continue
            text = sources[name].splitlines()[number - 1].strip()
            reason = next((why for name, pattern, why in REASONS if name == component and re.search(pattern, text)), "")
            found[component, reason].append((number, text))
    return found


def functional_report(path: Path) -> Iterator[str]:
    """Causes by states as a table."""
    report = json.loads(path.read_text())
    states, hits = report["states"], report["hits"]
    yield "| cause | " + " | ".join(states) + " |"
    yield "|---" * (len(states) + 1) + "|"
    for cause in report["causes"]:
        ruled_out = report["unreachable"].get(cause, [[], ""])[0]
        cells = ["-" if state in ruled_out else str(hits[f"{cause} in {state}"]) for state in states]
        yield f"| {cause} | " + " | ".join(cells) + " |"
    yield ""
    yield "States: " + "; ".join(f"`{name}` {meaning}" for name, meaning in states.items()) + "."
    yield ""
    yield "A dash is a pair that cannot occur, and a bench that meets it fails:"
    yield ""
    for cause, (_, why) in report["unreachable"].items():
        yield f"- {cause}: {why}."


def write_report(parts: dict[tuple[str, str], Part], sources: dict[str, str]) -> bool:
    """Write the report; whether the limits are kept."""
    rows, all_lines, all_toggles = [], [0, 0], [0, 0]
    for (name, file), part in sorted(parts.items(), key=lambda item: (item[0][1], item[0][0])):
        (lines, of_lines), (toggles, of_toggles) = part.covered_lines(), part.covered_toggles()
        all_lines = [all_lines[0] + lines, all_lines[1] + of_lines]
        all_toggles = [all_toggles[0] + toggles, all_toggles[1] + of_toggles]
        rows.append(
            f"| `{name}` | {file} | {lines} of {of_lines} | {percent(lines, of_lines)} "
            f"| {toggles:,} of {of_toggles:,} | {percent(toggles, of_toggles)} |"
        )
    total = (
        f"| all | | {all_lines[0]} of {all_lines[1]} | {percent(*all_lines)} "
        f"| {all_toggles[0]:,} of {all_toggles[1]:,} | {percent(*all_toggles)} |"
    )
    missing = uncovered(parts, sources)
    text = [
        "# Coverage of the RTL",
        "",
        "Made by `make coverage` (`python benchmarks/rtl_coverage.py`): the cocotb benches of `tests/cocotb/`",
        "on Verilator, built with `--coverage-line --coverage-toggle`, on a core of 4 x 6 cells with 4",
        "chunks, SECDED and the SPI slave. `pytest tests/cocotb` runs the same benches on Icarus and",
        "Verilator, without coverage.",
        "",
        "## Lines and toggles",
        "",
        "Of the emitted Verilog, summed over the instances of a component. A line counts as covered when",
        "every block of statements and every branch on it was executed; a toggle is one bit of a signal that",
        "has a name in the source, going up or going down. Toggles that were not seen are the upper bits of",
        "counters, addresses, run lengths and the seed, and bits that are constant in this core.",
        "",
        "| component | file | lines | % | toggles | % |",
        "|---|---|---|---|---|---|",
        *rows,
        total,
        "",
        "### Lines that are not covered",
        "",
    ]
    for (component, reason), left in sorted(missing.items()):
        text.append(f"- `{component}`, {len(left)} line{'s' * (len(left) != 1)}: {reason or 'no reason is known'}")
        if not reason:
            text += [f"  - {number}: `{line}`" for number, line in left[:20]]
    if not missing:
        text.append("None.")
    text += [
        "",
        "## Error causes in the states of the sequencer",
        "",
        "How often each cause was reported in each state (`tests/cocotb/bench_sequencer.py`, cocotb-coverage).",
        "",
    ]
    text += [*functional_report(FOLDER / "bench_sequencer" / "functional.json"), ""]
    REPORT.write_text("\n".join(text))
    explained = all(reason for _, reason in missing)
    print("\n".join([*rows, total]))
    return explained and all_lines[0] >= LEAST_LINES * all_lines[1]


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report-only", action="store_true", help="use what the last run left in out/coverage")
    if not parser.parse_args().report_only and not run_benches():
        return 1
    points = read_points(sorted(FOLDER.glob("*/coverage.dat")))
    if not points:
        print(f"there is no coverage in {FOLDER}", file=sys.stderr)
        return 1
    sources = {path.name: path.read_text() for path in (FOLDER / "build").rglob("*.v")}
    return 0 if write_report(collect(points, sources), sources) else 3


if __name__ == "__main__":
    sys.exit(main())
