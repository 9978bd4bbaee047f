"""The schedule report: the instructions, and when each takes effect, as text."""

from __future__ import annotations

from oscc.core.instructions import Operation
from oscc.core.program import Program
from oscc.core.schedule_proof import Event, diagnose_schedule, trace_schedule
from oscc.core.spec import CoreSpec


def schedule_report(program: Program, core: CoreSpec) -> str:
    """Return a schedule and its timing as plain text, for reading; the same for the same program.

    Parameters
    ----------
    program : Program
    core : CoreSpec
        The core that the program is for.
    """
    instructions = program.instructions()
    trace = trace_schedule(instructions, core, samples=2)
    findings = list(diagnose_schedule(instructions, core))
    period = trace.cycles_per_sample
    lines = [
        f"Schedule of {program.name} on {core.name}",
        "",
        "Instructions",
        *(
            f"  {address:2d}  {int(word):08x}  {instruction}"
            for address, (word, instruction) in enumerate(zip(program.schedule, instructions, strict=True))
        ),
        "",
        "Steady state",
        "  no steady state with samples" if period is None else f"  {period} cycles per sample, {_speed(period, core)}",
        f"  budget {core.cycles_per_sample} cycles",
        f"  load {core.load_cycles} cycles, read-out {core.readout_cycles} cycles",
        *([] if findings else ["  proven: no commit waits, nothing stalls, every sample has an init and a run"]),
        *(f"  {finding.code}: {finding.message}" for finding in findings),
        "",
        "Effects, in clock cycles since the first init",
        *(f"  {event.cycle:8d}  [{event.address:2d}]  {_text(event)}" for event in trace.events),
    ]
    return "\n".join(lines) + "\n"


def _speed(period: int, core: CoreSpec) -> str:
    return f"{period * core.clock_s * 1e6:.6g} us, {core.clock_hz / period:.6g} samples per second"


def _text(event: Event) -> str:
    name = event.operation.name.lower()
    match event.operation:
        case Operation.INIT | Operation.RUN:
            return f"{name} for {event.operand} cycles"
        case Operation.LOAD:
            return f"{name} chunk {event.operand}"
    return name
