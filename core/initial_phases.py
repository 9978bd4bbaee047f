"""Initial phases: the distribution from which a sample starts, and whether a core offers it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from oscc.base.findings import Finding, FindingKind
from oscc.core.program_findings import OTHER_PHASES, OtherPhases
from oscc.core.spec import CoreSpec


@dataclass(frozen=True)
class InitialPhases:
    """Distribution of the state before the first chunk.

    Parameters
    ----------
    kind : {"normal", "uniform"}
        ``uniform`` is over [mean - std sqrt 3, mean + std sqrt 3): std pi / sqrt 3 covers the circle.
    mean, std : float
        [rad]
    """

    kind: Literal["normal", "uniform"] = "normal"
    mean: float = 0.0
    std: float = 1.0


INIT_TOLERANCE = 1e-6
"""Largest difference between a model's initial distribution and the core's that counts as none [rad]."""


def diagnose_initial_phases(
    init: InitialPhases,
    core: CoreSpec,
    whose: str = "the model",
    kind: FindingKind[OtherPhases] = OTHER_PHASES,
) -> Iterator[Finding]:
    """Check that a core offers a distribution of the initial phases (code F002); a proof.

    Parameters
    ----------
    init : InitialPhases
    core : CoreSpec
    whose : str
        What starts from it, for the message.
    kind : FindingKind
        Of the finding: F002, or that of a program.
    """
    given = f"{init.kind} with mean {init.mean:.9g} and standard deviation {init.std:.9g} rad"
    if core.init.kind == "normal":
        offered = f"normal with mean {core.init.mean_rad:.9g} and standard deviation {core.init.std_rad:.9g} rad"
        moved = abs(init.mean - core.init.mean_rad) > INIT_TOLERANCE
        fix = "init.mean_rad" if moved else "init.std_rad"
        fits = not moved and abs(init.std - core.init.std_rad) <= INIT_TOLERANCE
    else:
        # A uniform distribution over one whole turn is the same wherever it begins.
        offered, fix = "uniform over the circle", "init.kind"
        fits = abs(init.std - math.pi / math.sqrt(3.0)) <= INIT_TOLERANCE
    if init.kind != core.init.kind or not fits:
        yield kind.finding(
            f"{whose} starts from phases {given}; the core offers {offered}",
            f"train the model from the distribution of the core, or use a core with another {fix}",
            {
                "model": {"kind": init.kind, "mean": init.mean, "std": init.std},
                "core": {"kind": core.init.kind, "mean_rad": core.init.mean_rad, "std_rad": core.init.std_rad},
            },
        )
