"""The behavioural array macro: what the analog array does at the boundary of the control plane, edge by edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from oscc.core.spec import CoreSpec
from oscc.core.weight_word import codes_per_cell, pattern_values, word_patterns
from oscc.sim.array.array import OscillatorArray
from oscc.sim.array.macro_contract import EdgeInputs as EdgeInputs
from oscc.sim.array.macro_contract import MacroContract
from oscc.sim.array.macro_contract import MacroContractError as MacroContractError
from oscc.sim.array.noise import initial_phases_batch
from oscc.sim.array.phase_readout import readable_cells, tap_bits


class EventKind(IntEnum):
    """What was seen at the macro boundary."""

    INIT = 0
    RUN = 1
    COMMIT = 2
    SAMPLE = 3
    ROW = 4


@dataclass(frozen=True, eq=False)
class MacroRecord:
    """What happened at the macro boundary. Times are clock cycles since the first ``init`` began.

    Parameters
    ----------
    events : int64[k, 3]
        Time, `EventKind` and argument: cycles of an init or run, the row of a row write, else 0. An init or run stands
        at the time at which it began.
    commit_patterns : uint8[commits, rows, cols, codes per cell]
        Bit patterns, in the order of a weight word, that each commit made active.
    boundary_times : int64[b]
        When a run ended, or was divided by a commit.
    boundary_phases : float64[b, rows, cols, B]
        Phases at these times [rad].
    sample_times : int64[s]
    sample_phases : float64[s, rows, cols, B]
        Phases that were latched [rad].
    initial_phases : float64[i, rows, cols, B]
        Phases at the end of each init [rad].
    """

    events: NDArray[np.int64]
    commit_patterns: NDArray[np.uint8]
    boundary_times: NDArray[np.int64]
    boundary_phases: NDArray[np.float64]
    sample_times: NDArray[np.int64]
    sample_phases: NDArray[np.float64]
    initial_phases: NDArray[np.float64]

    def times_of(self, kind: EventKind) -> NDArray[np.int64]:
        """Return times of all events of a kind."""
        times: NDArray[np.int64] = self.events[self.events[:, 1] == kind, 0]
        return times


class ArrayMacro:
    """Behaves like the array macro and keeps a record.

    It need not be called on every edge: only on those with a strobe, and on the first edge on which ``init`` or
    ``run`` has a new level. On edges in between, it takes the levels to be those of the call before.

    Parameters
    ----------
    core : CoreSpec
    array : OscillatorArray
        The dynamics; its batch is the number of samples that evolve beside each other.
    keep : bool
        Whether the record holds the phases and codes of all samples, or only those of the last: they take 100 bytes per
        cell and sample.
    contract : bool
        Whether an edge that breaks the contract raises. Without it, the macro does what its latches would do; but
        ``init`` and ``run`` must not be high together, and rows must exist.
    """

    def __init__(self, core: CoreSpec, array: OscillatorArray, *, keep: bool = True, contract: bool = True) -> None:
        self._keep = keep
        self._contract = MacroContract(core) if contract else None
        self._core = core
        self._array = array
        self._shadow = np.zeros((core.rows, core.cols, codes_per_cell(core)), dtype=np.uint8)
        self._active = self._shadow.copy()
        self._last = EdgeInputs(cycle=-1)
        self._origin: int | None = None
        self._level_since = 0
        self._phases_moved = False
        self._events: list[tuple[int, int, int]] = []
        self._commits: list[NDArray[np.uint8]] = []
        self._boundaries: list[tuple[int, NDArray[np.float64]]] = []
        self._samples: list[tuple[int, NDArray[np.float64]]] = []
        self._initials: list[NDArray[np.float64]] = []

    def edge(self, inputs: EdgeInputs) -> None:
        """Take one rising edge.

        Parameters
        ----------
        inputs : EdgeInputs
            ``cycle`` must be greater than in the call before.

        Raises
        ------
        MacroContractError
            When the edge breaks a rule of `oscc.core.array_contract`; the message begins with the rule's code.
        """
        if self._contract:
            self._contract.check(inputs)
        last = self._last
        self._advance(inputs.cycle - last.cycle - 1 if last.run else 0)
        if (inputs.init, inputs.run) != (last.init, last.run):
            self._end_level(inputs.cycle)
            if inputs.init:
                self._begin_init(inputs)
        self._advance(1 if inputs.run else 0)
        self._last = inputs
        if inputs.sample:
            self._latch(inputs.cycle)
        if inputs.commit:
            self._commit(inputs.cycle)
        if inputs.load_strobe:
            self._write_row(inputs)

    def latched_taps(self) -> NDArray[np.bool_]:
        """Return taps of the last sample, bool[frame rows, frame cols, B, subphases, taps]."""
        if not self._samples:
            raise MacroContractError("the taps were read before anything was sampled")
        return tap_bits(readable_cells(self._samples[-1][1], self._core), self._core)

    def record(self) -> MacroRecord:
        """Return everything that was seen so far."""
        core, batch = self._core, self._array.batch
        grid = (core.rows, core.cols, batch)

        def stack(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
            return np.stack(arrays) if arrays else np.zeros((0, *grid))

        patterns = np.zeros((0, core.rows, core.cols, codes_per_cell(core)), dtype=np.uint8)
        return MacroRecord(
            events=np.array(self._events, dtype=np.int64).reshape(-1, 3),
            commit_patterns=np.stack(self._commits) if self._commits else patterns,
            boundary_times=np.array([time for time, _ in self._boundaries], dtype=np.int64),
            boundary_phases=stack([phases for _, phases in self._boundaries]),
            sample_times=np.array([time for time, _ in self._samples], dtype=np.int64),
            sample_phases=stack([phases for _, phases in self._samples]),
            initial_phases=stack(self._initials),
        )

    def _time(self, cycle: int) -> int:
        """Return cycles since the first init; events before it have negative times."""
        return cycle - (self._origin if self._origin is not None else 0)

    def _advance(self, cycles: int) -> None:
        if cycles:
            self._array.advance(cycles)
            self._phases_moved = True

    def _mark_boundary(self, time: int) -> None:
        if self._phases_moved:
            self._boundaries.append((time, self._array.phases().astype(np.float64)))
            self._phases_moved = False

    def _end_level(self, cycle: int) -> None:
        """Close the init or run that was high until the edge before ``cycle``."""
        if self._last.init or self._last.run:
            kind = EventKind.INIT if self._last.init else EventKind.RUN
            self._note_level(kind, cycle)
        self._level_since = cycle

    def _note_level(self, kind: EventKind, end: int) -> None:
        if end > self._level_since:
            self._events.append((self._time(self._level_since), kind, end - self._level_since))
        if kind is EventKind.RUN:
            self._mark_boundary(self._time(end))
        self._level_since = end

    def _begin_init(self, inputs: EdgeInputs) -> None:
        if self._origin is None:
            # Until now times were counted from cycle 0.
            origin = self._origin = inputs.cycle
            self._events = [(time - origin, kind, argument) for time, kind, argument in self._events]
            self._boundaries = [(time - origin, phases) for time, phases in self._boundaries]
            self._samples = [(time - origin, phases) for time, phases in self._samples]
        numbers = range(inputs.noise_index, inputs.noise_index + self._array.batch)
        phases = initial_phases_batch(self._core, inputs.noise_seed, numbers)
        self._array.set_phases(phases)
        self._phases_moved = False
        if not self._keep:
            self._boundaries, self._initials, self._commits = [], [], self._commits[-1:]
        self._initials.append(phases)

    def _latch(self, cycle: int) -> None:
        if self._last.run:
            self._note_level(EventKind.RUN, cycle + 1)
        time = self._time(cycle + 1)
        self._events.append((time, EventKind.SAMPLE, 0))
        if not self._keep:
            self._samples = []
        self._samples.append((time, self._array.phases().astype(np.float64)))

    def _commit(self, cycle: int) -> None:
        if self._last.run:
            self._note_level(EventKind.RUN, cycle + 1)
        self._events.append((self._time(cycle + 1), EventKind.COMMIT, 0))
        self._active = self._shadow.copy()
        self._commits.append(self._active)
        self._array.set_codes(pattern_values(self._active, self._core))

    def _write_row(self, inputs: EdgeInputs) -> None:
        core = self._core
        size = -(-core.row_bits // 8)
        data = np.frombuffer(inputs.load_data.to_bytes(size, "little"), dtype=np.uint8)
        bits = np.unpackbits(data, bitorder="little")[: core.row_bits].reshape(core.cols, core.word_bits)
        self._shadow[inputs.load_row] = word_patterns(bits, core)
        self._events.append((self._time(inputs.cycle + 1), EventKind.ROW, inputs.load_row))
