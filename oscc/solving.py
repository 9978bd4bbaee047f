"""Problems that are solved: the best spins of many runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.base.node_labels import Label
from oscc.base.output_folder import read_output_folder
from oscc.compiler.copies.copied_graph import copy_map_of
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.front_end import kept_problem_reader, read_kept_problem, source_problem
from oscc.compiler.frontends.ising_problem import IsingProblem
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiling import Compiled
from oscc.given import ACCEPTED_COMPILATION, MOST_SAMPLES, only_oscc_errors, path_of, whole_number
from oscc.running import CompiledOrFolder, Progress, runnable

if TYPE_CHECKING:
    from oscc.sim.solve import SolveRun


@dataclass(frozen=True, eq=False, repr=False)
class Solved:
    """Solutions of a problem, valued by the problem itself.

    Parameters
    ----------
    run : SolveRun
        With all spins.
    """

    run: SolveRun

    @property
    def best(self) -> dict[Label, int]:
        """The best solution: the value of each variable, 0 or 1 of a QUBO, -1 or 1 of others."""
        return dict(zip(self.run.problem.labels, self.run.best.tolist(), strict=True))

    @property
    def value(self) -> float:
        """What the best solution is worth: the weight of a cut, or an energy."""
        return float(self.values[self.run.found.best])

    @property
    def values(self) -> NDArray[np.float64]:
        """What each solution is worth, float64[n]."""
        return self.run.found.value

    @property
    def solutions(self) -> NDArray[np.int8]:
        """All solutions, int8[n, variables], in the order of the labels."""
        return self.run.problem.assignment(self.run.found.spins)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc solve --json`` prints it."""
        return self.run.to_dict()

    def __repr__(self) -> str:
        return f"<Solved: {self.run.file}, best {self.run.quantity} {self.value:g} of {len(self.values)} runs>"

    def _repr_html_(self) -> str:
        from oscc.notebook import solved_html

        return solved_html(self.run)


@only_oscc_errors
def solve(
    of: CompiledOrFolder, n: int = 100, *, seed: int = 0, first: int = 0, progress: Progress | None = None
) -> Solved:
    """Run a compiled problem on the behavioural array, and value every solution by the problem as it was given.

    Parameters
    ----------
    of : Compiled or path of an output folder
    n : int
        How many runs.
    seed, first : int
        Key of the initial noise, and number of the first sample.
    progress : callable, optional

    Raises
    ------
    OsccError
        ``solve.no-problem`` where no problem was compiled, ``compile.infeasible`` where it does not fit.
    """
    from oscc.sim.engines.job import Draws
    from oscc.sim.solve import SolveRun
    from oscc.sim.solve import solve as run_problem

    n, seed, first = whole_number("n", n, 1, MOST_SAMPLES), whole_number("seed", seed), whole_number("first", first)
    if isinstance(of, Compiled):
        problem, file, graph = _of_compiled(of)
    else:
        problem, file, graph = _of_folder(path_of("of", of, ACCEPTED_COMPILATION))
    ready = runnable(of, progress)
    draws = Draws(n, seed, first)
    found = run_problem(problem, ready.core, ready.program, draws, owner=copy_map_of(graph), progress=progress)
    return Solved(SolveRun(problem, file, found, seed, first))


def _of_compiled(compiled: Compiled) -> tuple[IsingProblem, str, CouplingGraph]:
    source = compiled.compilation.source
    problem = source_problem(source)
    if problem is None:
        raise _no_problem(compiled.model.name)
    return problem, source.description["file"], compiled.model


def _of_folder(folder: Path) -> tuple[IsingProblem, str, CouplingGraph]:
    output = read_output_folder(folder)
    if kept_problem_reader(output) is None:
        raise _no_problem(str(folder))
    problem = read_kept_problem(output)
    return problem, output.manifest["inputs"]["problem"]["file"], read_checkpoint(output.model)


def _no_problem(where: str) -> OsccError:
    hint = "compile one: a G-set file, or a dimod BinaryQuadraticModel"
    return OsccError("solve.no-problem", "holds no Ising problem", where=where, hint=hint)
