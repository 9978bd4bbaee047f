"""A cold compile of the example: seconds by pass, against the bare start of the interpreter with its imports."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "kurashil-mnist-56x56.safetensors"
REPEATS = 5
IMPORTS = "import numpy, networkx, yaml, safetensors, pydantic, typer"


def seconds_of(command: list[str]) -> tuple[float, str]:
    """Wall time of a process and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def bench_compile() -> dict[str, Any]:
    """Medians over `REPEATS` pairs of processes."""
    compiles: list[float] = []
    imports: list[float] = []
    passes: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-c", "from oscc.cli.main import run; run()", "compile", str(EXAMPLE)]
        command += ["--core", "ais-56x56", "-o", str(Path(scratch) / "out"), "--json"]
        for _ in range(REPEATS):
            imports.append(seconds_of([sys.executable, "-c", IMPORTS])[0])
            seconds, printed = seconds_of(command)
            compiles.append(seconds)
            for entry in json.loads(printed)["passes"]:
                passes.setdefault(entry["name"], []).append(entry["seconds"])
    return {
        "what": "oscc compile of the example on ais-56x56, cold process, against a process that only imports libraries",
        "compile_s": statistics.median(compiles),
        "imports_s": statistics.median(imports),
        "ratio": statistics.median(compiles) / statistics.median(imports),
        "passes_s": {name: statistics.median(times) for name, times in passes.items()},
    }


if __name__ == "__main__":
    print(json.dumps(bench_compile(), indent=2))
