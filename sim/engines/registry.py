"""The engines by name, from which the command's choices, its help and its advice are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.extensions import OTHERS_HINT, ExtensionTable
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine, Progress

if TYPE_CHECKING:
    from oscc.sim.engines.core_sources import CoreVerilog

MakeEngine = Callable[["CoreVerilog | None"], Engine]
"""Gives an engine for Verilog of the core, which it emits itself where that is None; what an entry point loads."""


def _array(_: CoreVerilog | None) -> Engine:
    from oscc.sim.engines.array import ArrayEngine

    return ArrayEngine()


def _pysim(_: CoreVerilog | None) -> Engine:
    from oscc.sim.engines.pysim import PysimEngine

    return PysimEngine()


def _simulator(name: str) -> MakeEngine:
    def make(verilog: CoreVerilog | None) -> Engine:
        from oscc.sim.engines.verilog import VerilogEngine

        return VerilogEngine(name, verilog)

    return make


SIMULATORS = ("icarus", "verilator")
"""Engines for which a Verilog simulator must be installed."""

ENGINES: ExtensionTable[MakeEngine] = ExtensionTable(
    "oscc.engines", "engine", {"array": _array, "pysim": _pysim, **{name: _simulator(name) for name in SIMULATORS}}
)
"""All engines by their names, the fastest to start first; simulators are loaded when an engine is made."""

WITHOUT_WAVES = ("array",)
"""Engines without a clock, which write no waves."""


def engine_named(name: str, verilog: CoreVerilog | None = None) -> Engine:
    """Return the engine of a name; its simulator is loaded only now.

    Parameters
    ----------
    name : str
        One of `ENGINES`.
    verilog : CoreVerilog, optional
        Verilog of the core for the engines that simulate it; they emit it themselves otherwise.

    Raises
    ------
    OsccError
        ``engine.unknown``, and what `ExtensionTable` raises for one of another distribution.
    """
    if name not in ENGINES:
        raise OsccError("engine.unknown", f"'{name}' is not an engine{did_you_mean(name, ENGINES)}", where="--engine")
    with ENGINES.blaming(name):
        engine = ENGINES[name](verilog)
    return engine if name in ENGINES.own else _ForeignEngine(name, engine)


def missing_for(name: str) -> str:
    """Return what to install before an engine can run; empty when nothing is missing.

    Parameters
    ----------
    name : str
        One of `ENGINES`; those of other distributions say so themselves, when they run.
    """
    if name not in SIMULATORS:
        return ""
    from oscc.sim.engines.simulators import missing_for as missing_simulator

    return missing_simulator(name)


class _ForeignEngine:
    """An engine of another distribution, which is named where it fails."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._engine = engine

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job.

        Raises
        ------
        HostError, MacroContractError
            As the engine raises them.
        OsccError
            ``extension.failed`` for whatever else it raises, and where it returns no record.
        """
        from oscc.sim.array.macro import MacroContractError
        from oscc.sim.host.host import HostError

        with ENGINES.blaming(self.name, HostError, MacroContractError):
            record: object = self._engine.run(job, progress)
            if not isinstance(record, CosimRecord):
                message = f"engine '{self.name}' returns a {type(record).__name__}, not a CosimRecord"
                raise OsccError("extension.failed", message, where=ENGINES.where, hint=OTHERS_HINT)
            return dataclasses.replace(record, engine=self.name)
