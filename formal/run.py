"""Runs the formal proofs: ``python formal/run.py [--quick] [--only NAME] [--json FILE] [--markdown FILE]``.

Exit status: 0 when every proof passes and every seeded bug is found; 1 for an error (a tool that is missing, a file
that cannot be written); 2 for a wrong usage; 3 when a proof does not pass, or a seeded bug breaks nothing or is stale:
the source has outgrown it. Whatever is wrong with one proof, the others run; the last line names those that did not
pass. The first run after an installation compiles the tools for a minute. Traces of counterexamples are kept in the
scratch folder; where an induction does not close, one from reset is looked for.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from amaranth.hdl import UnusedElaboratable
from rich.console import Console

from formal.catalogue import PROOFS
from formal.proof import Proof
from formal.report import as_json, cells, markdown, summary, table
from formal.runner import ProofResult, run_proofs
from formal.sby import ROOT
from oscc.base.errors import OsccError, did_you_mean
from oscc.cli.progress import progress_bar

SCRATCH = ROOT / "build" / "formal"


def selected(proofs: Sequence[Proof], *, quick: bool, only: Sequence[str]) -> tuple[Proof, ...]:
    """The proofs to run.

    Raises
    ------
    OsccError
        ``formal.name`` when a name is not a proof's.
    """
    names = [proof.name for proof in proofs]
    for name in only:
        if name not in names:
            raise OsccError("formal.name", f"'{name}' is no proof{did_you_mean(name, names)}", where="--only")
    return tuple(p for p in proofs if (p.quick or not quick) and (not only or p.name in only))


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="formal/run.py", description="Run the formal proofs.")
    parser.add_argument("--quick", action="store_true", help="only the quick ones, as CI does")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the proofs and run nothing")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="solvers at a time (default 1)")
    parser.add_argument("--scratch", type=Path, default=SCRATCH, metavar="DIR", help="default: build/formal")
    parser.add_argument("--json", type=Path, metavar="FILE", help="results for programs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="results as a table for docs/")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    try:
        proofs = selected(PROOFS, quick=options.quick, only=options.only)
        if options.list:
            for proof in proofs:
                print(f"{proof.name}{' (quick)' if proof.quick else ''}: {proof.component}: {proof.claim}")
            return 0
        told: list[ProofResult] = []
        with progress_bar(f"0 of {len(proofs)} proofs done") as report:

            def done(result: ProofResult) -> None:
                print("  ".join(cells(result)), flush=True)
                told.append(result)
                report(f"{len(told)} of {len(proofs)} proofs done", len(told) / len(proofs))

            results = run_proofs(proofs, options.scratch, jobs=options.jobs, done=done)
        command = "python formal/run.py" + (" --quick" if options.quick else "")
        if options.json:
            options.json.write_text(as_json(results), encoding="utf-8")
        if options.markdown:
            options.markdown.write_text(markdown(results, command), encoding="utf-8")
    except OsccError as error:
        # The design that was being built is of no use any more; Amaranth need not say so too.
        warnings.simplefilter("ignore", UnusedElaboratable)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    Console(width=140).print(table(results))
    for result in results:
        for fault in result.faults():
            print(fault, file=sys.stderr)
    print(summary(results), file=sys.stderr, flush=True)
    return 0 if all(result.passed for result in results) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
