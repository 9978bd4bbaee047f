"""How far the end phases of the example move with the integration step, with rounding, and with quantization."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec_file import load_core
from oscc.sim.array.full_precision import full_precision_images
from oscc.sim.array.phase_readout import code_to_pixel
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "kurashil-mnist-56x56.safetensors"
SAMPLES = 16
CONVERGED = 0.005
"""Step of the run that the others are compared with [model time]: half a clock cycle."""


def end_phases(job: CosimJob) -> NDArray[np.float64]:
    """Phases that are latched, float64[rows, cols, samples], rad."""
    phases: NDArray[np.float64] = ArrayEngine().run(job).macro.sample_phases[0]
    return phases


def bench_step() -> dict[str, Any]:
    """Percentiles of the phase error and mean pixel error of each variation."""
    core = load_core("ais-56x56")
    result = compile_model(read_checkpoint(EXAMPLE), core)
    program, placed = result.program, result.timed
    assert program is not None
    assert placed is not None
    converged = CosimJob(core, program, SAMPLES, seed=1, max_step=CONVERGED)
    wanted = end_phases(converged)
    variations: dict[str, dict[str, Any]] = {
        f"RK4 {step:g}": {"max_step": step} for step in (0.1, 0.05, 0.03, 0.02, 0.01)
    }
    variations["RK4 0.02, float32"] = {"max_step": 0.02, "dtype": "float32"}
    variations["Heun 0.02"] = {"max_step": 0.02, "integrator": "heun"}
    variations["Euler 0.02"] = {"max_step": 0.02, "integrator": "euler"}
    rows, cols = placed.cell[placed.graph.readout].T
    table = {}
    for name, changes in variations.items():
        found = end_phases(dataclasses.replace(converged, **changes))
        error = np.percentile(np.abs(found - wanted), [50, 99, 100]).tolist()
        pixel = np.abs(np.cos(found[rows, cols]) - np.cos(wanted[rows, cols])).mean()
        table[name] = {"median_rad": error[0], "p99_rad": error[1], "max_rad": error[2], "pixel": float(pixel)}
    exact = full_precision_images(placed, SAMPLES, seed=1)
    coded = np.cos(wanted[rows, cols]).T.reshape(exact.shape)
    decoded = program.image_of(code_to_pixel(ArrayEngine().run(converged).codes, core))
    return {
        "what": f"{SAMPLES} samples of the example on ais-56x56 against RK4 at {CONVERGED} in float64",
        "variations": table,
        "pixel_of_quantized_weights": float(np.abs(exact - coded).mean()),
        "pixel_of_the_readout": float(np.abs(decoded - coded).mean()),
    }


if __name__ == "__main__":
    print(json.dumps(bench_step(), indent=2))
