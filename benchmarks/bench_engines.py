"""The RTL engines against each other: clock cycles per second for the same program, and peak memory."""

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
from oscc.sim.engines.registry import ENGINES, engine_named, missing_for

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "kurashil-mnist-56x56.safetensors"
SAMPLES = 2


def run_engine(name: str) -> dict[str, Any]:
    """One engine on the example at full size, in this process; compiling kernels is not counted."""
    core = load_core("ais-56x56")
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


def bench_engines() -> dict[str, Any]:
    """Every engine that is installed, each in a process of its own."""
    engines: dict[str, Any] = {}
    for name in ENGINES:
        missing = missing_for(name)
        if missing:
            engines[name] = {"skipped": f"SKIPPED, install: {missing}"}
            continue
        with tempfile.TemporaryDirectory() as scratch:
            result = Path(scratch) / "result.json"
            command = [sys.executable, str(Path(__file__).resolve()), "--engine", name, "--result", str(result)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NUMBA_NUM_THREADS": "1"})
            engines[name] = json.loads(result.read_text())
    sums = {json.dumps(entry["codes"]) for entry in engines.values() if "codes" in entry}
    if len(sums) > 1:
        raise RuntimeError("the engines delivered different images: they did not do the same work")
    base = engines["pysim"]["cycles_per_s"]
    for entry in engines.values():
        if entry.get("cycles"):
            entry["ratio_to_pysim"] = entry["cycles_per_s"] / base
    return {"what": f"program load and {SAMPLES} samples of the example on ais-56x56", "engines": engines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, help="run one engine, in this process")
    parser.add_argument("--result", type=Path, help="where to write its figures")
    given = parser.parse_args()
    if given.engine is None:
        print(json.dumps(bench_engines(), indent=2))
    else:
        given.result.write_text(json.dumps(run_engine(given.engine)))


if __name__ == "__main__":
    main()
