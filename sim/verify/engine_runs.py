"""The run of an engine in a verification: taken as `oscc cosim` recorded it, or made anew."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.progress import labelled
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine, Progress
from oscc.sim.engines.recorded_run import inputs_of, read_recorded
from oscc.sim.engines.registry import ENGINES, SIMULATORS, WITHOUT_WAVES
from oscc.sim.engines.simulator_log import logs_of
from oscc.sim.host.host import HostError
from oscc.sim.verify.checks import CheckLine, judge, skipped
from oscc.sim.waves.wave_file import Waves


@dataclass(frozen=True)
class RunPlace:
    """Where runs are found that were recorded, and where goes what a run leaves.

    Parameters
    ----------
    folder : Path
        The output folder, which has a folder ``cosim-ENGINE`` for each engine that `oscc cosim` ran.
    keep : Path or None
        Folder that gets waves, and whole logs of engines that fail.
    anew : bool
        Take no run that was recorded.
    waves : tuple of (int, int or None), or None
        First and last clock cycle of the waves that are wanted.
    """

    folder: Path
    keep: Path | None
    anew: bool
    waves: tuple[int, int | None] | None


def run_engine(
    engine: Engine, job: CosimJob, verilog: CoreVerilog | None, place: RunPlace, progress: Progress | None
) -> tuple[CheckLine, CosimRecord | None]:
    """Return the line ``run`` of an engine, and its record; None where it did not come to an end.

    Parameters
    ----------
    engine : Engine
    job : CosimJob
    verilog : CoreVerilog or None
        What it simulates, where it is one of the Verilog simulators.
    place : RunPlace
    progress : callable or None
    """
    name, limit = engine.name, f"{job.samples} samples without an error"
    recorded = None if place.anew or _waves_of(name, place) is not None else _recorded(name, job, verilog, place)
    if recorded is not None:
        measured = f"{job.samples} samples recorded by cosim{_about(recorded)}"
        return judge("run", name, True, measured, limit), recorded
    wanted = dataclasses.replace(job, waves=_waves_of(name, place))
    try:
        record = engine.run(wanted, labelled(progress, f"engine {name}"))
    except OsccError as error:
        reason = str(error).replace("\n", "; ")
        if error.code == "engine.missing":
            return skipped("run", name, reason), None
        return judge("run", name, False, "not started", limit, reason + _kept(error, name, place)), None
    except (HostError, MacroContractError) as error:
        return judge("run", name, False, "stopped", limit, f"{error}{_kept(error, name, place)}"), None
    seconds = record.load_seconds + record.run_seconds
    measured = f"{job.samples} samples in {seconds:.1f} s{_about(record)}"
    return judge("run", name, True, measured, limit), record


def _about(record: CosimRecord) -> str:
    """Return what was simulated, and for how long."""
    return f", {record.cycles} cycles; {record.design}" if record.cycles else f"; {record.design}"


def _waves_of(name: str, place: RunPlace) -> Waves | None:
    if place.waves is None or place.keep is None or name in WITHOUT_WAVES:
        return None
    return Waves(place.keep / f"waves-{name}.vcd", *place.waves)


def _recorded(name: str, job: CosimJob, verilog: CoreVerilog | None, place: RunPlace) -> CosimRecord | None:
    """Return the record of the very same run; None without one. Engines of other distributions always run."""
    if name not in ENGINES.own or not (place.folder / f"cosim-{name}").is_dir():
        return None
    if name in SIMULATORS and verilog is None:
        # What is emitted would have to be emitted to be compared.
        return None
    return read_recorded(place.folder / f"cosim-{name}", inputs_of(job, name, verilog if name in SIMULATORS else None))


def _kept(error: BaseException, name: str, place: RunPlace) -> str:
    """Keep the whole logs of a simulator that failed, and return where, as the end of a message."""
    logs = logs_of(error)
    if not logs or place.keep is None:
        return ""
    for log, text in logs.items():
        write_text(place.keep / f"{name}-{log}", text)
    return f"; whole log: verify/{', verify/'.join(f'{name}-{log}' for log in logs)}"
