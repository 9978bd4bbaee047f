"""Scale: sets tau, the seconds per unit of model time, and with it the clock cycles of every run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from oscc.base.findings import FindingsError
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.time_fixes import listed_runs
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions, choose_time_scale
from oscc.compiler.passes.time_scale_check import diagnose_time_scale

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScalePass:
    """Sets the time scale of a routed model.

    Parameters
    ----------
    options : ScaleOptions
    """

    options: ScaleOptions = SMALLEST_TAU
    name: ClassVar[str] = "scale"
    description: ClassVar[str] = "choose tau and the clock cycles of every run"

    def run(self, level: RoutedGraph) -> TimedGraph:
        """Return the routed model with its time scale.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_time_scale`.
        OsccError
            As `choose_time_scale` raises it.
        """
        programmed = programmed_graph(level)
        findings = list(diagnose_time_scale(programmed, level.core, self.options))
        if findings:
            raise FindingsError(findings)
        scale = choose_time_scale(programmed, level.core, self.options)
        _LOG.info(
            "tau %.6g s at most, by bound %s; runs of %s cycles",
            scale.tau_s.max(),
            scale.active,
            listed_runs(scale.run_cycles),
        )
        for name, bound in scale.bounds_s.items():
            _LOG.debug("bound %s: %.6g s", name, bound)
        return TimedGraph.at(level, scale)
