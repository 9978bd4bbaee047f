"""The engines by name."""

from __future__ import annotations

from oscc.base.errors import OsccError, did_you_mean
from oscc.sim.engines.job import Engine

ENGINES = ("array", "pysim", "icarus", "verilator")
"""Names of all engines, the fastest to start first."""


def engine_named(name: str, verilog: str | None = None) -> Engine:
    """Return the engine of a name; its simulator is loaded only now.

    Parameters
    ----------
    name : str
        One of `ENGINES`.
    verilog : str, optional
        Verilog of the core for the engines that simulate it; they emit it themselves otherwise.

    Raises
    ------
    OsccError
        ``engine.unknown``.
    """
    if name == "array":
        from oscc.sim.engines.array import ArrayEngine

        return ArrayEngine()
    if name == "pysim":
        from oscc.sim.engines.pysim import PysimEngine

        return PysimEngine()
    if name in ENGINES:
        from oscc.sim.engines.verilog import VerilogEngine

        return VerilogEngine(name, verilog)
    raise OsccError("engine.unknown", f"'{name}' is not an engine{did_you_mean(name, ENGINES)}", where="--engine")


def missing_for(name: str) -> str:
    """Return what to install before an engine can run; empty when nothing is missing."""
    if name in ("array", "pysim"):
        return ""
    from oscc.sim.engines.verilog import missing_for as missing_simulator

    return missing_simulator(name)
