"""Builds of Verilog for a simulator."""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.progress import Report, watched
from oscc.sim.engines.simulator_log import SimulatorLogs, read_log, reason_in
from oscc.sim.engines.simulator_runner import TRACE_DEPTH, runner_of
from oscc.sim.engines.simulators import OPTIMIZE, SIMULATORS, simulator_environment

_LOG = logging.getLogger(__name__)

BUILD_LOG = "build.log"
"""File in the folder of a build with the simulator's words."""

STAMP = "build.sha256"
"""File in the folder of a build with the hash of what it was built from; the last that is written."""

PUBLIC_FILE = "public.vlt"
"""Configuration of Verilator with the signals that are public."""

TRACED = "traced"
"""File in the folder of a build with waves."""

DUMPER = "oscc_dumper"
"""Module that makes Icarus trace."""


@dataclass(frozen=True)
class VerilogBuild:
    """What is built for a simulator, and how.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    top : str
        Module at the top.
    sources : mapping of str to str
        Verilog by file name, which may begin with folders.
    arguments : tuple of str
        Of the build, besides those that the simulator always gets.
    optimize : str
        Option for the C++ compiler of a simulator that has one. Where little is simulated, ``-O0`` saves most of the
        time of a build.
    public : mapping of str to tuple of str, or None
        Signals, by module, that the bench reaches; None for all that there are, which makes a build of Verilator's take
        several times as long. Icarus always lets a bench reach all.
    waves : bool
        Whether the build can trace the upper `TRACE_DEPTH` levels of instances into a VCD file.
    """

    simulator: str
    top: str
    sources: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    optimize: str = OPTIMIZE
    public: Mapping[str, tuple[str, ...]] | None = None
    waves: bool = False

    @property
    def files(self) -> dict[str, str]:
        """What the simulator reads, text by file name."""
        files = dict(self.sources)
        if self.simulator == "verilator" and self.public is not None:
            files = {PUBLIC_FILE: public_configuration(self.public), **files}
        if self.simulator == "icarus" and self.waves:
            files[f"{DUMPER}.v"] = dumper(self.top)
        return files

    @property
    def options(self) -> tuple[str, ...]:
        """Arguments of the build."""
        traced: tuple[str, ...] = ()
        if self.waves:
            # Row data of large cores are wider than what Verilator traces by itself.
            verilator = ("--trace-depth", str(TRACE_DEPTH), "--trace-max-width", "65536")
            traced = ("-s", DUMPER) if self.simulator == "icarus" else verilator
        return (*SIMULATORS[self.simulator].build_args, *self.arguments, *traced)

    @property
    def identity(self) -> str:
        """Hash of everything that the build is made of, in hexadecimal."""
        # What is kept optimised for no C++ compiler is one and the same.
        optimize = self.optimize if self.simulator == "verilator" else ""
        described = [self.simulator, self.top, self.files, self.options, optimize, self.public is None, self.waves]
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def public_configuration(public: Mapping[str, tuple[str, ...]]) -> str:
    """Return the configuration of Verilator that makes signals public.

    Parameters
    ----------
    public : mapping of str to tuple of str
        Names of signals by module.
    """
    lines = [f'public_flat_rw -module "{module}" -var "{name}"' for module, names in public.items() for name in names]
    return "\n".join(["`verilator_config", *lines, ""])


def dumper(top: str) -> str:
    """Return the module that makes Icarus trace, in Verilog; the file is named when the simulation is started.

    Parameters
    ----------
    top : str
        Module at the top.
    """
    return (
        f"module {DUMPER};\n  reg [8*1024-1:0] path;\n  initial\n"
        f'    if ($value$plusargs("oscc_waves=%s", path)) begin\n'
        f"      $dumpfile(path);\n      $dumpvars({TRACE_DEPTH}, {top});\n    end\nendmodule\n"
    )


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
        ``engine.build``, from `SimulatorLogs` with all that the simulator said.
    """
    simulator, identity, stamp = wanted.simulator, wanted.identity, folder / STAMP
    if stamp.exists() and stamp.read_text() == identity:
        _LOG.info("%s: the build in %s is of the same Verilog", simulator, folder)
        return
    for marker in (stamp, folder / TRACED):
        marker.unlink(missing_ok=True)
    shutil.rmtree(folder / "build", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, text)
    begun, words = time.monotonic(), shlex.join(wanted.options)
    _LOG.info("%s: building %s in %s, arguments %s", simulator, wanted.top, folder / "build", words)
    with simulator_environment(folder, wanted.optimize), watched(progress, lambda: built(simulator, folder / "build")):
        try:
            runner_of(simulator, all_public=wanted.public is None).build(
                sources=[folder / name for name in wanted.files],
                hdl_toplevel=wanted.top,
                build_args=list(wanted.options),
                build_dir=folder / "build",
                timescale=("1ns", "1ps"),
                waves=wanted.waves and simulator == "verilator",
                log_file=folder / BUILD_LOG,
            )
        except (RuntimeError, OSError, SystemExit) as error:
            log = read_log(folder / BUILD_LOG)
            raise OsccError(
                "engine.build", f"{simulator} could not build the core: {reason_in(log)}"
            ) from SimulatorLogs({BUILD_LOG: log or str(error)})
    _LOG.info("%s: built in %.1f s", simulator, time.monotonic() - begun)
    if wanted.waves:
        write_text(folder / TRACED, "")
    write_text(stamp, identity)


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
