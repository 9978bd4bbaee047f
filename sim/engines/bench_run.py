"""Running a cocotb bench on a build of a Verilog simulator."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Mapping
from pathlib import Path

from oscc.base.file_output import write_text
from oscc.sim.engines.simulator_log import read_log
from oscc.sim.engines.simulator_runner import runner_of
from oscc.sim.engines.simulators import simulator_environment
from oscc.sim.engines.verilog_build import TRACED

_LOG = logging.getLogger(__name__)

TEST_LOG = "test.log"
"""File in the folder of a run with all that simulator and bench said."""

TRACE = "waves.vcd"
"""File in the folder of a run with what the simulator traced."""


def run_bench(simulator: str, top: str, build: Path, folder: Path, bench: str, environment: Mapping[str, str]) -> Path:
    """Run a cocotb bench on a build.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    top : str
        Module at the top.
    build : Path
        Folder that `oscc.sim.engines.verilog_build.build_verilog` filled.
    folder : Path
        In which the simulator runs, and gets ``test.log``; and ``waves.vcd``, where the build has waves.
    bench : str
        Python module with the cocotb tests.
    environment : mapping of str to str
        What the bench finds in its environment besides.

    Returns
    -------
    Path
        The results as JUnit XML; missing when the simulator ended before them.
    """
    results, log, waves = folder / "results.xml", folder / TEST_LOG, folder / TRACE
    tracing = (build / TRACED).exists()
    _LOG.info("%s: running bench %s on %s in %s", simulator, bench, build / "build", folder)
    named = {"icarus": {"plusargs": [f"+oscc_waves={waves}"]}, "verilator": {"test_args": ["--trace-file", str(waves)]}}
    folder.mkdir(parents=True, exist_ok=True)
    with simulator_environment(folder):
        try:
            runner_of(simulator, all_public=True).test(
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                test_module=bench,
                build_dir=build / "build",
                test_dir=folder,
                results_xml=str(results),
                extra_env={
                    "COCOTB_LOG_LEVEL": "WARNING",
                    # Where pytest is installed, cocotb would rewrite the assertions of every module, numba's
                    # included, which takes longer than the simulation.
                    "COCOTB_REWRITE_ASSERTION_FILES": "",
                    **environment,
                },
                timescale=("1ns", "1ps"),
                waves=tracing,
                log_file=log,
                **(named[simulator] if tracing else {}),
            )
        except (RuntimeError, SystemExit) as error:
            # Releases of cocotb differ in how they say that a simulator failed or was killed. What it left in the
            # folder tells more; the log gets the status.
            write_text(log, "\n".join([*read_log(log).splitlines(), _ending(error), ""]))
    return results


def _ending(error: RuntimeError | SystemExit) -> str:
    """Return what is known of a simulator that did not end well."""
    said = f"return code: {error.code}" if isinstance(error, SystemExit) else str(error)
    status = re.fullmatch(r".*return code: (-?\d+)", said)
    if status is None:
        return f"the simulator failed: {' '.join(str(error).split())}"
    code = int(status[1])
    if code >= 0:
        return f"the simulator ended with status {code}"
    return f"the simulator was ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})"
