"""How the simulators of cocotb benches are called: which sources, arguments and variables they get."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from oscc.base.errors import OsccError, did_you_mean
from oscc.rtl.top import array_module_name, core_module_name
from oscc.sim.cocotb_bench.prepared_run import emitted_folder, read_core
from oscc.sim.engines.simulators import OPTIMIZE, SIMULATORS, missing_for, tool_variables


def build_arguments(simulator: str) -> list[str]:
    """Return what a simulator is given when it builds a core.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}

    Raises
    ------
    OsccError
        ``engine.unknown``, and ``engine.missing`` where it is not installed.
    """
    if simulator not in SIMULATORS:
        message = f"'{simulator}' is not a simulator{did_you_mean(simulator, SIMULATORS)}"
        raise OsccError("engine.unknown", message, hint=f"one of {', '.join(SIMULATORS)}")
    if missing := missing_for(simulator):
        raise OsccError("engine.missing", f"{simulator} is not installed", hint=f"install: {missing}")
    return list(SIMULATORS[simulator].build_args)


def simulator_environment(optimize: str = OPTIMIZE) -> dict[str, str]:
    """Return the variables that a simulator needs beside those of the process: PATH among them.

    Parameters
    ----------
    optimize : str
        Option of the C++ compiler for a model of Verilator's: ``-O0`` builds several times as fast.
    """
    # Where pytest is installed, cocotb would rewrite the assertions of every module, numba's included, which takes
    # longer than the simulation.
    return tool_variables(optimize) | {"COCOTB_REWRITE_ASSERTION_FILES": ""}


def bench_sources(where: str | Path) -> list[Path]:
    """Return the Verilog of a core with the shim in the macro's place, in the order of its file list.

    Parameters
    ----------
    where : str or Path
        The emitted folder, or a file in it.

    Raises
    ------
    OsccError
        What `read_core` raises; ``bench.data`` where the file list is missing.
    """
    folder, core = emitted_folder(where), read_core(where)
    array, listed = array_module_name(core), folder / f"{core_module_name(core)}.f"
    try:
        lines = listed.read_text(encoding="utf-8").split()
    except OSError as error:
        raise OsccError("bench.data", f"cannot be read: {error.strerror}", where=str(listed)) from None
    names = [line for line in lines if line.endswith((".v", ".sv")) and not line.endswith(f"{array}_stub.v")]
    return [folder / name for name in (*names, f"tb/cocotb/{array}_shim.v")]


def run_for_fusesoc(work: Path) -> int:
    """Run the emitted tests of the core for which FuseSoC has made a folder, and return their exit status.

    Parameters
    ----------
    work : Path
        In which FuseSoC runs its target ``sim_cocotb``; the build goes below it.

    Raises
    ------
    OsccError
        ``bench.no-core`` where FuseSoC has described no core of `oscc emit` in it.
    """
    for described in sorted(work.glob("*.eda.yml")):
        files = yaml.safe_load(described.read_text(encoding="utf-8")).get("files", [])
        for runner in (work / entry["name"] for entry in files if entry["name"].endswith("tb/cocotb/run.py")):
            command = [sys.executable, str(runner), "--build", str(work / "sim_build")]
            return subprocess.run(command, cwd=work, check=False).returncode
    raise OsccError("bench.no-core", "FuseSoC has described no cocotb tests in it", where=str(work))
