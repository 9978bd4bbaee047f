"""All benchmarks in one run, as tables; out/bench/bench.json holds the figures."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_array import bench_array
from bench_compile import bench_compile
from bench_engines import bench_engines
from bench_training import bench_training


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a table."""
    printed = Table(title=title, title_justify="left")
    for column, name in enumerate(head):
        printed.add_column(name, justify="left" if column == 0 else "right")
    for row in rows:
        printed.add_row(*row)
    Console(width=110).print(printed)


def print_array(figures: dict[str, Any]) -> None:
    rows = [
        [
            side,
            f"{1e3 * figures[f'{side}_s_per_sample']:.2f}",
            f"{figures[f'{side}_rhs_ms']:.2f}",
            f"{figures[f'{side}_peak_mb']:.0f}",
            f"{figures['ratio']:.1f}" if side == "array" else "1",
        ]
        for side in ("array", "reference")
    ]
    head = ["", "ms per sample", "ms per right-hand side", "peak MB", "times as fast"]
    table(f"array against eager PyTorch: {figures['what']}", head, rows)


def print_training(figures: dict[str, Any]) -> None:
    rows = [
        [
            side,
            f"{figures[f'{side}_rhs_ms']:.2f}",
            f"{figures[f'{side}_peak_mb']:.0f}",
            f"{figures['ratio']:.1f}" if side == "kernels" else "1",
        ]
        for side in ("kernels", "eager")
    ]
    head = ["", "ms per right-hand side", "peak MB", "times as fast"]
    table(f"training kernels against eager PyTorch: {figures['what']}", head, rows)


def print_compile(figures: dict[str, Any]) -> None:
    rows = [[name, f"{seconds:.4f}", ""] for name, seconds in figures["passes_s"].items()]
    rows += [
        ["whole process, cold", f"{figures['compile_s']:.3f}", f"{figures['ratio']:.2f}"],
        ["imports only", f"{figures['imports_s']:.3f}", "1"],
    ]
    table("compile by pass", ["", "seconds", "ratio"], rows)


def print_engines(figures: dict[str, Any]) -> None:
    rows = []
    for name, entry in figures["engines"].items():
        if "skipped" in entry:
            rows.append([name, entry["skipped"], "", "", "", ""])
        else:
            speed = f"{entry['cycles_per_s']:.0f}" if entry["cycles"] else "no clock"
            ratio = f"{entry['ratio_to_pysim']:.1f}" if entry["cycles"] else ""
            times = [f"{entry[key]:.1f}" for key in ("build_s", "load_s", "run_s")]
            rows.append([name, speed, ratio, *times, f"{entry['peak_mb']:.0f}"])
    head = ["engine", "cycles/s", "times pysim", "build s", "load s", "run s", "peak MB"]
    table(f"engines: {figures['what']}", head, [row + [""] * (len(head) - len(row)) for row in rows])


def main() -> None:
    """Run everything."""
    figures = {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "array": bench_array(),
        "training": bench_training(),
        "compile": bench_compile(),
        "engines": bench_engines(),
    }
    print_array(figures["array"])
    print_training(figures["training"])
    print_compile(figures["compile"])
    print_engines(figures["engines"])
    target = Path("out/bench")
    target.mkdir(parents=True, exist_ok=True)
    (target / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
