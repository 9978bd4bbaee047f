"""The behavioural array against the PyTorch reference: same model, batch, steps and precision, one thread each.

Each side runs in a process of its own, so that neither pays for the other's imports or memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.timed import TimedGraph, TimeScale
from oscc.compiler.route.routing import routed_graph
from oscc.core.spec_file import load_core
from oscc.sim.array.noise import initial_phases_batch

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "kurashil-mnist-56x56.safetensors"
BATCH = 64
STEPS = 20
CYCLES_PER_STEP = 2
STEP = 0.02
"""Model time of a step."""
REPEATS = 3


def best_of(run: Callable[[], Any]) -> float:
    """Seconds of the fastest of `REPEATS` runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def start_phases() -> NDArray[np.float32]:
    return initial_phases_batch(load_core("ais-56x56"), 1, range(BATCH)).astype(np.float32)


def time_array() -> tuple[float, NDArray[np.float32]]:
    from oscc.sim.array.array import Integration, OscillatorArray, model_rates

    graph, core = read_checkpoint(EXAMPLE), load_core("ais-56x56")
    assert graph.position is not None
    tau_s = CYCLES_PER_STEP * core.clock_s / STEP
    run_cycles = np.full(graph.chunks, STEPS * CYCLES_PER_STEP)
    scale = TimeScale(np.full(graph.chunks, tau_s), run_cycles, {}, "given", ("given",) * graph.chunks)
    placed = routed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    array = OscillatorArray(core, batch=BATCH, integration=Integration(dtype=np.float32, step_cycles=CYCLES_PER_STEP))
    array.set_rates(model_rates(TimedGraph.at(placed, scale), 0))
    start = start_phases()

    def run() -> NDArray[np.float32]:
        array.set_phases(start)
        array.advance(STEPS * CYCLES_PER_STEP)
        return array.phases()

    end = run()
    return best_of(run), end


def time_reference() -> tuple[float, NDArray[np.float32]]:
    import torch

    from oscc.models.dynamics.reference import AISModel

    torch.set_num_threads(1)
    model = AISModel.from_checkpoint(EXAMPLE)
    start = start_phases()
    theta = torch.from_numpy(start.reshape(-1, BATCH))

    def run(steps: int = STEPS) -> NDArray[np.float32]:
        state = theta
        with torch.no_grad():
            for _ in range(steps):
                state = model.trace(state, 0, [STEP])[-1]
        return state.numpy().reshape(start.shape)

    run(1)
    end = run()
    return best_of(run), end


def peak_memory_mb() -> float:
    """Peak resident memory of this process [MB]."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would also count the process that started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run_side(script: str, side: str) -> dict[str, Any]:
    """One side of a benchmark script, in a fresh process with one thread."""
    single = {name: "1" for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, str(Path(script).resolve()), "--side", side]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **single})
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def bench_array() -> dict[str, Any]:
    """Seconds per sample of both, their ratio, the peak memory of both, and how far their phases are apart."""
    array, reference = run_side(__file__, "array"), run_side(__file__, "reference")
    difference = np.abs(np.array(array["probe"]) - np.array(reference["probe"]))
    if difference.max() > 1e-3:
        raise RuntimeError(f"array and reference differ by {difference.max()} rad: they did not do the same work")
    return {
        "what": f"{STEPS} RK4 steps of the example, batch {BATCH}, float32, one thread",
        "array_s_per_sample": array["seconds"] / BATCH,
        "reference_s_per_sample": reference["seconds"] / BATCH,
        "ratio": reference["seconds"] / array["seconds"],
        "array_rhs_ms": array["seconds"] / (4 * STEPS) * 1e3,
        "reference_rhs_ms": reference["seconds"] / (4 * STEPS) * 1e3,
        "array_peak_mb": array["peak_mb"],
        "reference_peak_mb": reference["peak_mb"],
        "largest_difference_rad": float(difference.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=["array", "reference"], help="time one side, in this process")
    side = parser.parse_args().side
    if side is None:
        print(json.dumps(bench_array(), indent=2))
        return
    seconds, end = time_array() if side == "array" else time_reference()
    probe = end[::5, ::5, ::9].ravel().tolist()
    print(json.dumps({"seconds": seconds, "peak_mb": peak_memory_mb(), "probe": probe}))


if __name__ == "__main__":
    main()
