"""Runs a proof: the properties, the cover statements, and every seeded bug."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from formal.proof import Mutant, Proof
from formal.sby import Task, Verdict, design_text, run_sby
from formal.seeded_bug import seeded_bug


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
        if self.cover.status != "PASS":
            yield f"{name}: cover statements: {self.cover.status}{_because(self.cover)}"
        for mutant, verdict in self.mutants:
            if verdict.status == "PASS":
                yield f"{name}: seeded bug '{mutant.name}' breaks no property: the properties are too weak"
            elif verdict.status != "FAIL":
                yield f"{name}: seeded bug '{mutant.name}': {verdict.status}{_because(verdict)}"


@dataclass(frozen=True)
class _Run:
    """One run of the solver, ready to start."""

    text: str
    folder: Path
    task: Task
    depth: int
    timeout_s: int
    bdds: bool

    def __call__(self) -> Verdict:
        return run_sby(self.text, self.folder, self.task, self.depth, timeout_s=self.timeout_s, bdds=self.bdds)


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
        When a tool is missing or a seeded bug is stale.
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


def runs_of(proof: Proof, scratch: Path) -> tuple[_Run, ...]:
    """The runs of a proof, designs built: properties, cover statements, then the seeded bugs in their order."""
    folder = scratch / proof.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = design_text(proof.build())
    runs = [
        _Run(text, folder, proof.mode, proof.depth, proof.timeout_s, proof.bdds),
        _Run(text, folder, "cover", proof.cover_depth, proof.timeout_s, proof.bdds),
    ]
    for number, mutant in enumerate(proof.mutants):
        bug_folder = folder / f"bug-{number}"
        bug_folder.mkdir()
        with seeded_bug(mutant, bug_folder):
            broken = design_text(proof.build())
        # A counterexample from reset is what shows the bug, also where the proof itself is by induction.
        runs.append(_Run(broken, bug_folder, "bmc", mutant.depth or proof.depth, proof.timeout_s, proof.bdds))
    return tuple(runs)


def _result(proof: Proof, futures: list[Future[Verdict]]) -> ProofResult:
    check, cover, *broken = [future.result() for future in futures]
    return ProofResult(proof, check, cover, tuple(zip(proof.mutants, broken, strict=True)))


def _because(verdict: Verdict) -> str:
    reason = f": {verdict.detail}" if verdict.detail else ""
    return f"{reason}; trace: {verdict.trace}" if verdict.trace else reason
