"""How a core is synthesised: what the targets have in common."""

from __future__ import annotations

from dataclasses import dataclass

from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.tools import TIMEOUT_S


@dataclass(frozen=True)
class SynthesisOptions:
    """Options of a synthesis.

    Parameters
    ----------
    frequency_mhz : float, optional
        Target of placement and routing; the core's clock by default. An ASIC has none.
    seed : int
        Of the placement; another one gives another figure, within a few per cent.
    timeout_s : float
        For each tool.
    """

    frequency_mhz: float | None = None
    seed: int = 1
    timeout_s: float = TIMEOUT_S

    def target_mhz(self, core: CoreSpec) -> float:
        """Return the target of placement and routing of a core [MHz]."""
        return core.clock_hz / 1e6 if self.frequency_mhz is None else self.frequency_mhz


DEFAULT_OPTIONS = SynthesisOptions()
