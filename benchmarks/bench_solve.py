"""How near `oscc solve` comes to simulated annealing on toroidal instances of 800 spins with weights of -1 and 1.

The peer is the simulated annealing of dwave-samplers with 200 reads of 2,000 sweeps; of both the best cut counts, of
the core's within 100 samples. Everything goes through the command, as a user would do it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dwave.samplers import SimulatedAnnealingSampler

from oscc.compiler.frontends.gset import write_gset
from oscc.compiler.frontends.instances import torus
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.rtl.synthesis.report import markdown_table

SAMPLES = 100
READS, SWEEPS = 200, 2000


def annealed(problem: IsingProblem) -> float:
    """The best cut of simulated annealing."""
    pairs = zip(problem.first.tolist(), problem.second.tolist(), strict=True)
    couplings = dict(zip(pairs, problem.coupling.tolist(), strict=True))
    sampler: Any = SimulatedAnnealingSampler
    found = sampler().sample_ising({}, couplings, num_reads=READS, num_sweeps=SWEEPS, seed=1)
    return -(float(found.first.energy) + problem.offset)


def solved(problem: IsingProblem, folder: Path) -> dict[str, Any]:
    """What `oscc solve` prints."""
    file = folder / f"{problem.name}.gset"
    file.write_text(write_gset(problem), encoding="utf-8")
    _oscc(["compile", str(file), "--core", "ising-56x56", "-o", str(folder / "out")])
    return _oscc(["solve", str(folder / "out"), "-n", str(SAMPLES)])


def _oscc(arguments: list[str]) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("oscc")), *arguments, "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    content: dict[str, Any] = json.loads(finished.stdout)
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=5)
    given = parser.parse_args()
    rows = []
    for seed in range(given.instances):
        problem = torus(20, 40, seed)
        started = time.perf_counter()
        peer = annealed(problem)
        peer_s = time.perf_counter() - started
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            result = solved(problem, Path(folder))
            seconds = time.perf_counter() - started
        values = result["values"]
        rows.append(
            (
                problem.name,
                f"{peer:g}",
                f"{values['best']:g}",
                f"{100 * values['best'] / peer:.1f} %",
                f"{100 * values['mean'] / peer:.1f} %",
                f"{peer_s:.1f}",
                f"{seconds:.1f}",
            )
        )
    header = (
        "instance",
        "simulated annealing",
        f"best of {SAMPLES} samples",
        "part",
        "mean",
        "peer [s]",
        "simulation [s]",
    )
    print(markdown_table(list(header), rows))


if __name__ == "__main__":
    main()
