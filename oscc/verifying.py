"""Compilations that are verified: the contract between program, RTL, array and reference."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oscc.base.errors import OsccError
from oscc.compiling import Compiled
from oscc.given import ACCEPTED_COMPILATION, MOST_SAMPLES, names_of, only_oscc_errors, path_of, whole_number
from oscc.running import CompiledOrFolder, Progress

if TYPE_CHECKING:
    from oscc.sim.verify.checks import CheckLine, Verdict


@dataclass(frozen=True, eq=False, repr=False)
class Verified:
    """What a verification came to.

    Parameters
    ----------
    verdict : Verdict
    """

    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what was skipped did not fail, but see `complete`."""
        return self.verdict.passed

    @property
    def complete(self) -> bool:
        """Whether every check was run."""
        return self.verdict.complete

    @property
    def checks(self) -> tuple[CheckLine, ...]:
        """All checks, in order: what was measured, what is accepted, and whether it holds."""
        return self.verdict.lines

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON, as ``oscc verify --json`` prints it."""
        return self.verdict.as_dict()

    def __str__(self) -> str:
        from oscc.sim.verify.checks import verdict_table

        return verdict_table(self.verdict.lines)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.to_dict()["counts"].items())
        return f"<Verified: {counts}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import verdict_html

        return verdict_html(self.verdict)


@only_oscc_errors
def verify(
    of: CompiledOrFolder,
    engines: Sequence[str] = ("array", "pysim"),
    n: int = 2,
    *,
    pixel_samples: int = 64,
    seed: int = 0,
    progress: Progress | None = None,
) -> Verified:
    """Check what was compiled: codes at the array, cycles, read-out codes, phases and pixels against PyTorch.

    Everything is read back from disk; what is only in memory is written into a temporary folder first.

    Parameters
    ----------
    of : Compiled or path of an output folder
    engines : sequence of str
        What runs the program; two of them are compared.
    n : int
        Samples that each engine runs, back to back.
    pixel_samples : int
        Samples over which pixels are compared.
    seed : int
        Key of the initial noise.
    progress : callable, optional

    Raises
    ------
    OsccError
        ``verify.torch`` without PyTorch; when there is no such engine, or no whole compilation.
    """
    if importlib.util.find_spec("torch") is None:
        raise OsccError("verify.torch", "the reference needs PyTorch", hint="pip install 'oscc[torch]'")
    from oscc.sim.engines.registry import engine_named
    from oscc.sim.verify.verify import VerifyOptions, verify_folder

    names = tuple(dict.fromkeys(names_of("engines", engines)))
    if not names:
        raise OsccError("argument.value", "no engine is named", where="engines")
    for name in names:
        engine_named(name)
    n = whole_number("n", n, 1, MOST_SAMPLES)
    pixel_samples = whole_number("pixel_samples", pixel_samples, 1, MOST_SAMPLES)
    options = VerifyOptions(names, n, pixel_samples, whole_number("seed", seed))
    if not isinstance(of, Compiled):
        return Verified(verify_folder(path_of("of", of, ACCEPTED_COMPILATION), options, engine_named, progress))
    # What does not fit is said here, not of the folder that is written for the checks.
    _ = of.program
    with tempfile.TemporaryDirectory(prefix="oscc-verify-") as scratch:
        folder = of.save(Path(scratch) / "compiled")
        return Verified(verify_folder(folder, options, engine_named, progress))
