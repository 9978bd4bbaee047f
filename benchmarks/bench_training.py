"""Forward and backward of a right-hand side: the training kernels against eager PyTorch, one thread each.

The peer computes the same sums in the same way, with one sine and cosine per node and a slice per offset of a stencil,
which is several times as fast in eager PyTorch as a sine per coupling. Each side runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_array import EXAMPLE, best_of, peak_memory_mb, run_side

from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.stencil import named_stencil

BATCH = 64
STEPS = 5
STEP = 0.1
"""Model time of an RK4 step: four right-hand sides."""


def time_kernels() -> tuple[float, list[float]]:
    """Seconds of forward and backward through all steps, and a part of the gradient."""
    import torch

    from oscc.core.families import family_named
    from oscc.models.dynamics.chunk_run import ChunkKernels, run_chunk
    from oscc.models.dynamics.integrators import Steps, integrator_named

    graph = read_checkpoint(EXAMPLE)
    setup = ChunkKernels.of(family_named(graph.family), graph.src, graph.dst, graph.nodes)
    weight = torch.from_numpy(graph.weight[0].copy()).requires_grad_()
    parameters = torch.from_numpy(np.stack([graph.shil[0], graph.field[0], graph.detuning[0]])).requires_grad_()
    steps = Steps(np.full(STEPS, STEP), integrator_named("rk4"))

    def run() -> None:
        weight.grad = parameters.grad = None
        end = run_chunk(setup, start_state(), weight, parameters, steps)
        torch.cos(end).sum().backward()  # type: ignore[no-untyped-call]

    run()
    seconds = best_of(run)
    assert weight.grad is not None
    return seconds, weight.grad[::997].tolist()


def time_eager() -> tuple[float, list[float]]:
    """The same in eager PyTorch."""
    import torch

    graph, stencil = read_checkpoint(EXAMPLE), named_stencil("box-2")
    rows, cols, radius = 56, 56, stencil.radius
    assert graph.position is not None
    displacement = graph.position[graph.src] - graph.position[graph.dst]
    slot = torch.from_numpy(stencil.slots_of(displacement[:, 0], displacement[:, 1]).astype(np.int64))
    destination = torch.from_numpy(graph.dst.astype(np.int64))
    weight = torch.from_numpy(graph.weight[0].copy()).requires_grad_()
    node = torch.from_numpy(np.stack([graph.shil[0], graph.field[0], graph.detuning[0]])).requires_grad_()

    def rhs(state: Any, grid: Any, shil: Any, field: Any, detuning: Any) -> Any:
        sine, cosine = torch.sin(state), torch.cos(state)
        padded = [torch.nn.functional.pad(wave, (0, 0, *[radius] * 4)) for wave in (sine, cosine)]
        pulls = [torch.zeros_like(state), torch.zeros_like(state)]
        for place, (drow, dcol) in enumerate(stencil.offsets):
            top, left = radius + drow, radius + dcol
            for which in (0, 1):
                part = padded[which][top : top + rows, left : left + cols]
                pulls[which] = pulls[which] + grid[place] * part
        return detuning + cosine * (pulls[0] - 2 * shil * sine) - sine * (pulls[1] + field)

    def run() -> None:
        weight.grad = node.grad = None
        empty = torch.zeros(len(stencil), rows * cols)
        grid = empty.index_put((slot, destination), weight).reshape(len(stencil), rows, cols, 1)
        shil, field, detuning = (values.reshape(rows, cols, 1) for values in node)
        state = start_state().reshape(rows, cols, BATCH)
        for _ in range(STEPS):
            k1 = rhs(state, grid, shil, field, detuning)
            k2 = rhs(state + STEP / 2 * k1, grid, shil, field, detuning)
            k3 = rhs(state + STEP / 2 * k2, grid, shil, field, detuning)
            k4 = rhs(state + STEP * k3, grid, shil, field, detuning)
            state = state + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        torch.cos(state).sum().backward()  # type: ignore[no-untyped-call]

    run()
    seconds = best_of(run)
    assert weight.grad is not None
    return seconds, weight.grad[::997].tolist()


def start_state() -> Any:
    import torch

    return torch.from_numpy(np.random.default_rng(1).standard_normal((3136, BATCH)).astype(np.float32))


SIDES: dict[str, Callable[[], tuple[float, list[float]]]] = {"kernels": time_kernels, "eager": time_eager}


def bench_training() -> dict[str, Any]:
    """Milliseconds per right-hand side, forward and backward, of both, and their ratio."""
    kernels, eager = run_side(__file__, "kernels"), run_side(__file__, "eager")
    ours, theirs = np.array(kernels["probe"]), np.array(eager["probe"])
    if np.abs(ours - theirs).max() > 1e-3 * np.abs(theirs).max():
        raise RuntimeError("the gradients differ: they did not do the same work")
    return {
        "what": f"forward and backward of {STEPS} RK4 steps of the example, batch {BATCH}, float32, one thread",
        "kernels_rhs_ms": kernels["seconds"] / (4 * STEPS) * 1e3,
        "eager_rhs_ms": eager["seconds"] / (4 * STEPS) * 1e3,
        "ratio": eager["seconds"] / kernels["seconds"],
        "kernels_peak_mb": kernels["peak_mb"],
        "eager_peak_mb": eager["peak_mb"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=SIDES, help="time one side, in this process")
    side = parser.parse_args().side
    if side is None:
        print(json.dumps(bench_training(), indent=2))
        return
    import torch

    torch.set_num_threads(1)
    seconds, probe = SIDES[side]()
    print(json.dumps({"seconds": seconds, "peak_mb": peak_memory_mb(), "probe": probe}))


if __name__ == "__main__":
    main()
