"""Runs a proof: the properties, the cover statements, and every seeded bug."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formal.proof import Mutant, Proof
from formal.sby import Task, Verdict, design_text, run_proof_task, run_sby
from formal.seeded_bug import STALE_CODES, seeded_bug
from oscc.base.errors import OsccError


@dataclass(frozen=True)
class ProofResult:
    """What came of a proof.

    Parameters
    ----------
    proof : Proof
    check : Verdict
        Of the assertions.
    cover : Verdict
        Of the cover statements.
    mutants : tuple of (Mutant, Verdict)
    """

    proof: Proof
    check: Verdict
    cover: Verdict
    mutants: tuple[tuple[Mutant, Verdict], ...]

    @property
    def killed(self) -> int:
        """Seeded bugs with a counterexample."""
        return sum(verdict.status == "FAIL" for _, verdict in self.mutants)

    @property
    def stale(self) -> int:
        """Seeded bugs that the source has outgrown."""
        return sum(verdict.status == "STALE" for _, verdict in self.mutants)

    @property
    def seconds(self) -> float:
        """Wall time of all runs of the solver."""
        return sum(verdict.seconds for verdict in (self.check, self.cover, *(v for _, v in self.mutants)))

    @property
    def passed(self) -> bool:
        """Proved, every cover statement reached, and every seeded bug found."""
        return self.check.status == "PASS" and self.cover.status == "PASS" and self.killed == len(self.mutants)

    def faults(self) -> Iterator[str]:
        """What is wrong, a line each; nothing when the proof passed."""
        name = self.proof.name
        if self.check.status != "PASS":
            yield f"{name}: {self.check.status}{_because(self.check)}"
        if self.check.status == "ERROR" and self.check == self.cover:
            # The design was not built: there is nothing else to say.
            return
        if self.cover.status != "PASS":
            yield f"{name}: cover statements: {self.cover.status}{_because(self.cover)}"
        for mutant, verdict in self.mutants:
            if verdict.status == "PASS":
                yield f"{name}: seeded bug '{mutant.name}' breaks no property: the properties are too weak"
            elif verdict.status == "STALE":
                yield f"{name}: stale: {verdict.detail}"
            elif verdict.status != "FAIL":
                yield f"{name}: seeded bug '{mutant.name}': {verdict.status}{_because(verdict)}"


@dataclass(frozen=True)
class Run:
    """One run of the solver, ready to start."""

    text: str
    folder: Path
    task: Task
    depth: int
    reach: int
    timeout_s: int
    bdds: bool

    def __call__(self) -> Verdict:
        """Let the solver run."""
        limits: dict[str, Any] = {"timeout_s": self.timeout_s, "bdds": self.bdds}
        if self.task == "prove":
            return run_proof_task(self.text, self.folder, self.depth, self.reach, **limits)
        return run_sby(self.text, self.folder, self.task, self.depth, **limits)


@dataclass(frozen=True)
class NotRun:
    """A run that cannot start, and why."""

    verdict: Verdict

    def __call__(self) -> Verdict:
        """Say why it cannot run."""
        return self.verdict


def built(runs: Sequence[Run | NotRun]) -> tuple[Run, ...]:
    """The runs, all of which can start.

    Raises
    ------
    OsccError
        ``formal.not-built`` with what keeps the first of the others from it.
    """
    for run in runs:
        if isinstance(run, NotRun):
            raise OsccError("formal.not-built", run.verdict.detail)
    return tuple(run for run in runs if isinstance(run, Run))


def run_proof(proof: Proof, scratch: Path) -> ProofResult:
    """Run one proof; see `run_proofs`."""
    return next(iter(run_proofs((proof,), scratch)))


def run_proofs(
    proofs: Iterable[Proof],
    scratch: Path,
    *,
    jobs: int = 1,
    done: Callable[[ProofResult], None] = lambda result: None,
) -> tuple[ProofResult, ...]:
    """Run proofs, at most ``jobs`` solvers at a time.

    Parameters
    ----------
    proofs : iterable of Proof
    scratch : Path
        Each proof gets a folder of its own in it, made anew; traces and logs stay there.
    jobs : int
    done : callable
        Called with each result, in the order of the proofs.

    Raises
    ------
    OsccError
        When a tool is missing.
    """
    results = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        started = [(proof, [pool.submit(run) for run in runs_of(proof, scratch)]) for proof in proofs]
        try:
            for proof, futures in started:
                results.append(_result(proof, futures))
                done(results[-1])
        finally:
            pool.shutdown(cancel_futures=True)
    return tuple(results)


def runs_of(proof: Proof, scratch: Path) -> Sequence[Run | NotRun]:
    """The runs of a proof, designs built: properties, cover statements, then the seeded bugs in their order.

    What cannot be built becomes a verdict, so that one edited line does not keep other proofs from running: STALE for a
    seeded bug whose text is not there any more, ERROR for a design that its proof does not match.
    """
    folder = scratch / proof.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        text = design_text(proof.build())
    except Exception as error:
        lost = NotRun(Verdict(proof.mode, "ERROR", 0.0, None, f"the design cannot be built: {_first_line(error)}"))
        return [lost] * (2 + len(proof.mutants))
    runs: list[Run | NotRun] = [
        Run(text, folder, proof.mode, proof.depth, proof.reach, proof.timeout_s, proof.bdds),
        Run(text, folder, "cover", proof.cover_depth, proof.reach, proof.timeout_s, proof.bdds),
    ]
    for number, mutant in enumerate(proof.mutants):
        bug_folder = folder / f"bug-{number}"
        bug_folder.mkdir()
        # A counterexample from reset is what shows the bug, also where the proof itself is by induction.
        depth = mutant.depth or proof.depth
        try:
            with seeded_bug(mutant, bug_folder):
                broken = design_text(proof.build())
        except Exception as error:
            runs.append(NotRun(_not_built(error)))
        else:
            runs.append(Run(broken, bug_folder, "bmc", depth, depth, proof.timeout_s, proof.bdds))
    return runs


def _result(proof: Proof, futures: list[Future[Verdict]]) -> ProofResult:
    check, cover, *broken = [future.result() for future in futures]
    return ProofResult(proof, check, cover, tuple(zip(proof.mutants, broken, strict=True)))


def _because(verdict: Verdict) -> str:
    reason = f": {verdict.detail}" if verdict.detail else ""
    return f"{reason}; trace: {verdict.trace}" if verdict.trace else reason


def _not_built(error: Exception) -> Verdict:
    """The verdict of a seeded bug with which there is no design."""
    if isinstance(error, OsccError) and error.code in STALE_CODES:
        return Verdict("bmc", "STALE", 0.0, None, f"{error.where}: {error.message}; {error.hint}")
    return Verdict("bmc", "ERROR", 0.0, None, f"the design with it cannot be built: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    """An unexpected error in a line: of what kind, and what it says."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
