"""Cocotb benches on an emitted core: array model, host driver, monitor of the rules at the ports.

docs/cosimulation.md has a bench in ten lines, and says what each name is for. ``oscc emit`` writes tests that stand on
this module into ``tb/cocotb/``. Needs ``pip install 'oscc[cosim]'``.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from pathlib import Path
from typing import TYPE_CHECKING

from oscc.base.errors import OsccError

if TYPE_CHECKING:
    from oscc.core.program_file import read_program as read_program
    from oscc.core.spec import CoreSpec as CoreSpec
    from oscc.sim.array.macro import MacroRecord as MacroRecord
    from oscc.sim.array.macro_contract import MacroContractError as MacroContractError
    from oscc.sim.cocotb_bench.array_model import ArrayModel as ArrayModel
    from oscc.sim.cocotb_bench.bench import Bench as Bench
    from oscc.sim.cocotb_bench.bench import reset as reset
    from oscc.sim.cocotb_bench.bench import start_bench as start_bench
    from oscc.sim.cocotb_bench.bench import start_clock as start_clock
    from oscc.sim.cocotb_bench.host_driver import HostDriver as HostDriver
    from oscc.sim.cocotb_bench.port_monitor import PortMonitor as PortMonitor
    from oscc.sim.cocotb_bench.port_rules import PortRuleError as PortRuleError
    from oscc.sim.cocotb_bench.prepared_run import PreparedRun as PreparedRun
    from oscc.sim.cocotb_bench.prepared_run import ProgramImage as ProgramImage
    from oscc.sim.cocotb_bench.prepared_run import emitted_folder as emitted_folder
    from oscc.sim.cocotb_bench.prepared_run import has_run as has_run
    from oscc.sim.cocotb_bench.prepared_run import prepare_run as prepare_run
    from oscc.sim.cocotb_bench.prepared_run import read_core as read_core
    from oscc.sim.cocotb_bench.prepared_run import read_run as read_run
    from oscc.sim.cocotb_bench.simulators import bench_sources as bench_sources
    from oscc.sim.cocotb_bench.simulators import build_arguments as build_arguments
    from oscc.sim.cocotb_bench.simulators import simulator_environment as simulator_environment
    from oscc.sim.host.host import DiscardedFrameError as DiscardedFrameError
    from oscc.sim.host.host import HostError as HostError
    from oscc.sim.host.host import RunCounters as RunCounters

__all__ = [
    "ArrayModel",
    "Bench",
    "CoreSpec",
    "DiscardedFrameError",
    "HostDriver",
    "HostError",
    "MacroContractError",
    "MacroRecord",
    "PortMonitor",
    "PortRuleError",
    "PreparedRun",
    "ProgramImage",
    "RunCounters",
    "bench_sources",
    "build_arguments",
    "emitted_folder",
    "has_run",
    "prepare_run",
    "read_core",
    "read_program",
    "read_run",
    "reset",
    "simulator_environment",
    "start_bench",
    "start_clock",
]

_HOME = {
    "ArrayModel": "sim.cocotb_bench.array_model",
    **dict.fromkeys(("Bench", "reset", "start_bench", "start_clock"), "sim.cocotb_bench.bench"),
    "CoreSpec": "core.spec",
    **dict.fromkeys(("DiscardedFrameError", "HostError", "RunCounters"), "sim.host.host"),
    "HostDriver": "sim.cocotb_bench.host_driver",
    "MacroContractError": "sim.array.macro_contract",
    "MacroRecord": "sim.array.macro",
    "PortMonitor": "sim.cocotb_bench.port_monitor",
    "PortRuleError": "sim.cocotb_bench.port_rules",
    **dict.fromkeys(
        ("PreparedRun", "ProgramImage", "emitted_folder", "has_run", "prepare_run", "read_core", "read_run"),
        "sim.cocotb_bench.prepared_run",
    ),
    **dict.fromkeys(("bench_sources", "build_arguments", "simulator_environment"), "sim.cocotb_bench.simulators"),
    "read_program": "core.program_file",
}
"""Where each name comes from, below the package; it is imported when the name is first asked for."""


if not TYPE_CHECKING:
    # A type checker knows the names from above, and none besides.

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module 'oscc.cocotb' has no attribute '{name}'")
        try:
            found = getattr(_import_module(f"oscc.{_HOME[name]}"), name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("cocotb", "cocotbext", "cocotb_tools"):
                raise
            message = f"{name} needs the Python package {error.name}, which is not installed"
            raise OsccError("engine.missing", message, hint="install: pip install 'oscc[cosim]'") from None
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(_HOME)


def main(arguments: list[str]) -> int:
    """Answer a Makefile or FuseSoC, and return the exit status.

    Parameters
    ----------
    arguments : list of str
        ``sources FOLDER``, ``arguments SIMULATOR`` or ``path`` print what a Makefile needs; ``fusesoc`` runs the tests
        of the core for which FuseSoC has made the present folder.
    """
    from oscc.sim.cocotb_bench import simulators

    try:
        match arguments:
            case ["sources", folder]:
                print(*simulators.bench_sources(folder))
            case ["arguments", simulator]:
                print(*simulators.build_arguments(simulator))
            case ["fusesoc"]:
                return simulators.run_for_fusesoc(Path.cwd())
            case ["path"]:
                print(simulators.simulator_environment()["PATH"])
            case _:
                print("oscc.cocotb: give sources FOLDER, arguments SIMULATOR, path, or fusesoc", file=_sys.stderr)
                return 2
    except OsccError as error:
        print(f"oscc.cocotb: {error}", file=_sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    _sys.exit(main(_sys.argv[1:]))
