"""The contract of the array macro, checked edge by edge in Python.

The rules, with their reasons, are those of `oscc.core.array_contract`. Edges without a strobe and without a new level
of ``init`` or ``run`` need not be shown to the checker, and it sees nothing of ``ready`` and of undriven signals; the
SystemVerilog macro of the stand-alone test bench checks those rules, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oscc.core.array_contract import rule
from oscc.core.spec import CoreSpec


@dataclass(frozen=True)
class EdgeInputs:
    """The macro's inputs on one rising edge.

    Parameters
    ----------
    cycle : int
        Number of the edge; any origin.
    load_strobe, commit, init, run, sample : bool
    load_row : int
    load_data : int
        Meaningful with ``load_strobe``.
    noise_seed, noise_index : int
        Meaningful with ``init``.
    tap_row : int
        Meaningful with ``sample``.
    """

    cycle: int
    load_strobe: bool = False
    commit: bool = False
    init: bool = False
    run: bool = False
    sample: bool = False
    load_row: int = 0
    load_data: int = 0
    noise_seed: int = 0
    noise_index: int = 0
    tap_row: int = 0


class MacroContractError(Exception):
    """The control plane broke the macro's contract; the message says how and in which cycle."""


class MacroContract:
    """Watches the edges of one macro.

    Parameters
    ----------
    core : CoreSpec
    """

    def __init__(self, core: CoreSpec) -> None:
        self._rows = core.rows
        self._last = EdgeInputs(cycle=-1)
        self._next_row = 0
        self._committed = False
        self._drawn = False

    def check(self, inputs: EdgeInputs) -> None:
        """Take one rising edge.

        Parameters
        ----------
        inputs : EdgeInputs
            Its ``cycle`` is greater than in the call before.

        Raises
        ------
        MacroContractError
            Naming the first rule that the edge breaks, and the cycle.
        """
        for code, detail in self._broken(inputs):
            raise MacroContractError(f"{code}: {rule(code).statement}; broken in cycle {inputs.cycle}{detail}")
        if inputs.commit:
            self._next_row = 0
        if inputs.load_strobe:
            self._next_row = inputs.load_row + 1
        self._committed |= inputs.commit
        self._drawn |= inputs.init
        self._last = inputs

    def _broken(self, inputs: EdgeInputs) -> Iterator[tuple[str, str]]:
        """Code of every rule that an edge breaks, and what it did."""
        last = self._last
        follows = inputs.cycle == last.cycle + 1
        if inputs.init and inputs.run:
            yield "A001", ""
        if inputs.load_strobe and inputs.load_row >= self._rows:
            yield "A002", f": row {inputs.load_row} of {self._rows}"
        if inputs.load_strobe and inputs.load_row not in (0, self._next_row):
            yield "A003", f": row {inputs.load_row}, expected row {self._next_row}"
        if inputs.load_strobe and inputs.commit:
            yield "A004", f": row {inputs.load_row}"
        if follows and ((inputs.commit and last.commit) or (inputs.sample and last.sample)):
            yield "A006", ""
        if inputs.commit and self._next_row != self._rows:
            yield "A005", f": {self._next_row} of {self._rows} rows"
        if inputs.run and not last.run and not (self._committed and self._drawn):
            yield "A007", f": without {'an init' if self._committed else 'a commit'}"
        if inputs.sample and inputs.tap_row:
            yield "A008", f": tap_row is {inputs.tap_row}"
        if inputs.init and last.init:
            noise, before = (inputs.noise_seed, inputs.noise_index), (last.noise_seed, last.noise_index)
            if noise != before:
                yield "A009", f": from {before} to {noise}"
