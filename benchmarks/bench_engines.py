"""The RTL engines against each other, and against those of another checkout: clock cycles per second, build times."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec_file import load_core
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.registry import ENGINES, engine_named

EXAMPLE = Path("examples") / "kurashil-mnist-56x56.safetensors"
SAMPLES = 2
CORE = "ais-56x56"


def run_engine(name: str) -> dict[str, Any]:
    """One engine on the example at full size, in this process; compiling kernels is not counted."""
    core = load_core(CORE)
    program = compile_model(read_checkpoint(EXAMPLE), core).program
    assert program is not None
    engine_named("array").run(CosimJob(core, program))
    start = time.perf_counter()
    record = engine_named(name).run(CosimJob(core, program, SAMPLES))
    seconds = time.perf_counter() - start
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    busy = record.load_seconds + record.run_seconds
    return {
        "cycles": record.cycles,
        "load_s": record.load_seconds,
        "run_s": record.run_seconds,
        "build_s": seconds - busy,
        "cycles_per_s": record.cycles / busy,
        "peak_mb": max(usage) / 1024,
        "codes": record.codes.astype(int).sum(axis=(1, 2)).tolist(),
    }


def _missing(python: Path, name: str) -> str:
    """What to install in a checkout before an engine can run; empty when nothing is missing."""
    code = f"from oscc.sim.engines.registry import missing_for; print(missing_for({name!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _run_in(checkout: Path, name: str, cache: Path) -> dict[str, Any]:
    """One engine in a process of a checkout, with its own virtual environment where it has one."""
    own = checkout / ".venv" / "bin" / "python"
    python = own if own.exists() else Path(sys.executable)
    if missing := _missing(python, name):
        return {"skipped": f"SKIPPED, install: {missing}"}
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        # Builds are not those of an earlier run.
        environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "XDG_CACHE_HOME": str(cache)}
        command = [str(python), str(Path(__file__).resolve()), "--engine", name, "--result", str(result)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, cwd=checkout)
        figures: dict[str, Any] = json.loads(result.read_text())
        return figures


def bench_engines(names: list[str] | None = None, against: Path | None = None) -> dict[str, Any]:
    """Every engine that is installed, each in a process of its own; in turn with another checkout, where one is given.

    Parameters
    ----------
    names : list of str, optional
        Engines; all of them without it.
    against : Path, optional
        Root of another checkout, whose ``.venv`` has it installed.

    Raises
    ------
    RuntimeError
        When the images differ: then the engines did not do the same work.
    """
    here = Path(__file__).resolve().parents[1]
    engines: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for name in names or list(ENGINES):
        with tempfile.TemporaryDirectory() as cache:
            if against is not None:
                before[name] = _run_in(against, name, Path(cache) / "before")
            engines[name] = _run_in(here, name, Path(cache) / "now")
            if name == "verilator" and "skipped" not in engines[name]:
                engines[name]["build_again_s"] = _run_in(here, name, Path(cache) / "now")["build_s"]
    measured = [entry for entry in (*engines.values(), *before.values()) if "codes" in entry]
    if len({json.dumps(entry["codes"]) for entry in measured}) > 1:
        raise RuntimeError("the engines delivered different images: they did not do the same work")
    base = engines.get("pysim", {}).get("cycles_per_s")
    for name, entry in engines.items():
        if entry.get("cycles") and base:
            entry["ratio_to_pysim"] = entry["cycles_per_s"] / base
        if entry.get("cycles") and before.get(name, {}).get("cycles"):
            entry["ratio_to_before"] = entry["cycles_per_s"] / before[name]["cycles_per_s"]
            entry["build_ratio_to_before"] = entry["build_s"] / before[name]["build_s"]
    what = f"program load and {SAMPLES} samples of the example on {CORE}"
    return {"what": what, "engines": engines} | ({"before": before} if against is not None else {})


def main() -> None:
    """Run the benchmark, or one engine of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", help="run one engine, in this process, and write its figures to --result")
    parser.add_argument("--result", type=Path, help="where to write its figures")
    parser.add_argument("--only", action="append", help="an engine to measure; repeatable, all if left out")
    parser.add_argument("--against", type=Path, help="another checkout with a .venv, measured in turn with this one")
    given = parser.parse_args()
    if given.engine is None:
        print(json.dumps(bench_engines(given.only, given.against), indent=2))
    else:
        given.result.write_text(json.dumps(run_engine(given.engine)))


if __name__ == "__main__":
    main()
