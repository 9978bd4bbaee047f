"""Engines ``icarus`` and ``verilator``: the Verilog of a core in a Verilog simulator, driven by cocotb."""

from __future__ import annotations

import json
from pathlib import Path

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.progress import tell_stage, watched
from oscc.core.program_file import write_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.control_plane import host_members
from oscc.rtl.delivery.array_shim import COPIED, shim_verilog
from oscc.rtl.top import array_module_name, core_module_name
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.bench_run import TEST_LOG, TRACE, run_bench
from oscc.sim.engines.core_sources import CoreVerilog, emitted_verilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Progress, tell_record
from oscc.sim.engines.kept_builds import build_or_fetch
from oscc.sim.engines.record_file import read_record
from oscc.sim.engines.simulator_log import SimulatorLogs, read_log, reason_in
from oscc.sim.engines.simulators import OPTIMIZE, missing_for
from oscc.sim.engines.verilog_build import VerilogBuild, build_verilog
from oscc.sim.host.host import HostError
from oscc.sim.waves.wave_file import cut_waves

BENCH = "oscc.sim.engines.cocotb_bench"

JOB_FOLDER = "OSCC_COSIM_JOB"
"""Environment variable that tells the bench its job folder."""

RECORD, REFUSAL, CONTRACT = "record.npz", "error.txt", "contract.txt"
"""What the bench leaves in the job folder: the result, or why there is none."""

CYCLES = "cycles.txt"
"""In which the bench counts there how far it is."""

LONG_CYCLES = 200_000
"""Clock cycles from which on a model that is compiled for speed saves more time than its compilation takes."""


def public_signals(core: CoreSpec) -> dict[str, tuple[str, ...]]:
    """Return the signals that host and array reach in a simulation, by the module that has them.

    Parameters
    ----------
    core : CoreSpec
    """
    shim = ("seen_event", "seen_cycle", *(f"seen_{name}" for name in COPIED), "frame", "ready_level", "tap_valid_level")
    return {core_module_name(core): ("clk", "rst", *host_members(core)), array_module_name(core): shim}


def simulated_sources(core: CoreSpec, verilog: CoreVerilog) -> dict[str, str]:
    """Return the Verilog of a core with what stands for its array, text by file name.

    Parameters
    ----------
    core : CoreSpec
    verilog : CoreVerilog
    """
    return {**verilog.files, "array_shim.v": shim_verilog(core)}


class VerilogEngine:
    """Runs Verilog of a core under cocotb.

    Parameters
    ----------
    name : {"icarus", "verilator"}
    verilog : CoreVerilog, optional
        Verilog of the core to simulate instead of emitting it anew.
    build : Path, optional
        Folder of the build, with all that it is made of, used again while the Verilog is the same; only one run at a
        time may use it. Without it, programs of Verilator's are kept in the user's cache folder (`KeptBuilds`).
    optimize : str, optional
        As `VerilogBuild` takes it; by how much is simulated without it.
    all_public : bool
        Build as for benches that reach all signals, with which the folder of the build is shared.
    """

    def __init__(
        self,
        name: str,
        verilog: CoreVerilog | None = None,
        build: Path | None = None,
        optimize: str | None = None,
        all_public: bool = False,
    ) -> None:
        self.name = name
        self._verilog = verilog
        self._build = build
        self._optimize = optimize
        self._all_public = all_public

    def run(self, job: CosimJob, progress: Progress | None = None) -> CosimRecord:
        """Run a job; see `oscc.sim.engines.job.Engine`."""
        missing = missing_for(self.name)
        if missing:
            raise OsccError("engine.missing", f"engine '{self.name}' is not installed", hint=f"install: {missing}")
        with scratch_folder("oscc-cosim-") as folder:
            if self._verilog is None:
                tell_stage(progress, "emitting the Verilog")
            verilog = self._verilog if self._verilog is not None else emitted_verilog(job.core)
            wanted = self._wanted(job, verilog)
            if self._build is None:
                build_or_fetch(wanted, folder, lambda: build_verilog(wanted, folder, progress))
            else:
                build_verilog(wanted, self._build, progress)
            self._prepare(folder, job, verilog)
            with watched(progress, lambda: self._ran(folder, job)):
                self._simulate(folder if self._build is None else self._build, folder, job)
            if job.waves is not None and (folder / TRACE).exists():
                cut_waves(folder / TRACE, job.waves)
            self._raise_what_went_wrong(folder, verilog)
            record = read_record(folder / RECORD)
            tell_record(job, record)
            return record

    def _wanted(self, job: CosimJob, verilog: CoreVerilog) -> VerilogBuild:
        """Return the build for a job."""
        core = job.core
        chosen = "-O0" if job.expected_cycles < LONG_CYCLES else OPTIMIZE
        return VerilogBuild(
            self.name,
            core_module_name(core),
            simulated_sources(core, verilog),
            optimize=self._optimize or chosen,
            public=None if self._all_public else public_signals(core),
            waves=job.waves is not None,
        )

    def _raise_what_went_wrong(self, folder: Path, verilog: CoreVerilog) -> None:
        """Raise what the bench left instead of a record, or what the log of the simulator tells."""
        log = read_log(folder / TEST_LOG)
        logs = SimulatorLogs({TEST_LOG: log}) if log else None
        if (folder / CONTRACT).exists():
            raise MacroContractError((folder / CONTRACT).read_text()) from logs
        if (folder / REFUSAL).exists():
            raise HostError((folder / REFUSAL).read_text()) from logs
        if not (folder / RECORD).exists():
            cycle = read_log(folder / CYCLES)
            reached = f", after cycle {int(cycle):,}" if cycle else ""
            files = ", ".join(list(verilog.files)[-1:])
            simulated = f", of {files}" if files else ""
            said = f"the simulator ended without a result{reached}{simulated}: {reason_in(log)}"
            raise HostError(said) from logs

    def _prepare(self, folder: Path, job: CosimJob, verilog: CoreVerilog) -> None:
        """Write what the bench reads."""
        write_program(folder / "program.bin", job.program)
        write_text(folder / "core.yaml", dump_core(job.core))
        options = {
            "engine": self.name,
            "design": verilog.origin,
            "instance": f"{array_module_name(job.core)} in {verilog.file_with(array_module_name(job.core))}",
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
