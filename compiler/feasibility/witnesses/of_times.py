"""Witnesses of a time scale: S001 to S005."""

from __future__ import annotations

import math

import numpy as np

from oscc.compiler.feasibility.witnesses.subject import Subject, Witness
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.core.spec import CoreSpec

CLOSE = 1e-6
"""Rounding of float32, in which models hold their parameters, and of cycles to whole ones."""

MOST_CYCLES = 2**24 - 1
"""Of a run: its instruction has 24 bits for them."""


def _sizes(graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> dict[str, list[list[float]]]:
    """Return parameters of each group in each chunk, without their signs, as their DACs must deliver them."""
    weights = [[abs(float(value)) for value in chunk] for chunk in graph.weight]
    if placed is not None and core.defects.gain:
        gains = {(row, col): gain for row, col, gain in core.defects.gain}
        cells = [tuple(cell) for cell in placed.cell.tolist()]
        for edge, (src, dst) in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)):
            unit = min(cells[src], cells[dst]) if core.couplings == "reciprocal" else cells[dst]
            for chunk in weights:
                chunk[edge] /= gains.get(unit, 1.0)
    return {
        "coupling": weights,
        **{name: np.abs(getattr(graph, name)).tolist() for name in ("shil", "field", "detuning")},
    }


def _tau_holds(witness: Witness, subject: Subject) -> bool:
    """Check that runs follow from tau, and that what bounds tau is what the model and the core say."""
    graph, core, placed = subject.graph, subject.core, subject.placed
    runs, taus, bounds = witness["run_cycles"], witness["tau_s"], witness["bounds_s"]
    if not (_runs_hold(witness, graph, core) and _bounds_hold(bounds, graph, core, placed)):
        return False
    active = witness["active"]
    # The longest tau reaches what bounds it, and a cycle less would not.
    longest = max(range(len(taus)), key=lambda chunk: taus[chunk])
    reached = taus[longest] >= bounds[active] * (1 - CLOSE)
    shorter = (runs[longest] - 1) / (core.clock_hz * float(graph.chunk_duration[longest]))
    # The last run of a tau per chunk takes whatever a read-out needs besides the others.
    return bool(reached and (active == "readout" or shorter < bounds[active] * (1 + CLOSE)))


def _runs_hold(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    runs, taus, durations = witness["run_cycles"], witness["tau_s"], graph.chunk_duration.tolist()
    return len(runs) == len(taus) == len(durations) and all(
        math.isclose(run, tau * core.clock_hz * duration, rel_tol=CLOSE)
        for run, tau, duration in zip(runs, taus, durations, strict=True)
    )


def _bounds_hold(bounds: dict[str, float], graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> bool:
    """Check the bounds of the DAC groups; what was given, or belongs to the core alone, is as it is."""
    for group, chunks in _sizes(graph, core, placed).items():
        needed = max(max(chunk, default=0.0) for chunk in chunks) / core.dac(group).full_scale_rad_s
        if not math.isclose(bounds[group], needed, rel_tol=CLOSE, abs_tol=1e-30):
            return False
    return True


def over_budget(witness: Witness, subject: Subject) -> bool:
    """Return whether a sample takes so many cycles, and more than the budget."""
    core = subject.core
    used = core.init.cycles + sum(witness["run_cycles"])
    named = (witness["cycles"], witness["init_cycles"], witness["cycles_per_sample"])
    return (
        named == (used, core.init.cycles, core.cycles_per_sample)
        and used > core.cycles_per_sample
        and _tau_holds(witness, subject)
    )


def short_run(witness: Witness, subject: Subject) -> bool:
    """Return whether a run takes so many cycles, and fewer than a load or a fetch."""
    core = subject.core
    run = witness["run_cycles"][witness["chunk"]]
    # A load takes a cycle for each row besides its latency; a longer fetch only makes the least run longer.
    least = max(core.rows + core.loader_latency, witness["least_run_cycles"])
    return bool(run < least == core.least_run_cycles and _tau_holds(witness, subject))


def short_sample(witness: Witness, subject: Subject) -> bool:
    """Return whether a sample takes so many cycles, and fewer than a read-out."""
    core = subject.core
    used = core.init.cycles + sum(witness["run_cycles"])
    rows, cols = core.frame_shape
    # A row of codes leaves in beats, three cycles after it is selected; one cycle before the first.
    readout = 1 + rows * (3 + -(-cols // (core.stream_width // 8)))
    return bool(
        (witness["cycles"], witness["readout_cycles"]) == (used, readout)
        and used < readout
        and _tau_holds(witness, subject)
    )


def beyond_full_scale(witness: Witness, subject: Subject) -> bool:
    """Return whether so many parameters of a group are beyond full scale, and need such a tau."""
    graph, core, placed = subject.graph, subject.core, subject.placed
    group, dac = witness["group"], core.dac(witness["group"])
    chunks = _sizes(graph, core, placed)[group]
    # Half a step beyond the top code still rounds to it.
    step = dac.full_scale_rad_s / dac.top_code
    last = [(dac.top_code + 0.5) * step * tau for tau in witness["tau_s"]]
    surely, perhaps = (
        sum(size > end * (1 + margin) for chunk, end in zip(chunks, last, strict=True) for size in chunk)
        for margin in (CLOSE, -CLOSE)
    )
    most = [max(chunk) for chunk, end in zip(chunks, last, strict=True) if max(chunk, default=0.0) > end * (1 - CLOSE)]
    return (
        bool(most)
        and math.isclose(max(most) / dac.full_scale_rad_s, witness["needed_tau_s"], rel_tol=CLOSE)
        and surely <= witness["count"] <= perhaps
        and witness["values"] == sum(map(len, chunks))
        and _runs_hold(witness, graph, core)
        and _bounds_hold(witness["bounds_s"], graph, core, placed)
    )


def too_long(witness: Witness, subject: Subject) -> bool:
    """Return whether a run takes more cycles than an instruction holds."""
    graph, core, placed = subject.graph, subject.core, subject.placed
    chunk, tau = witness["chunk"], witness["bounds_s"][witness["active"]]
    duration = float(graph.chunk_duration[chunk])
    named = (witness["most_cycles"], witness["chunk_duration"][chunk], witness["clock_hz"])
    return (
        named == (MOST_CYCLES, duration, core.clock_hz)
        and tau * core.clock_hz * duration > MOST_CYCLES
        and _bounds_hold(witness["bounds_s"], graph, core, placed)
    )
