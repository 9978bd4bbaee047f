"""cocotb's runners, with the arguments that this project wants of the simulators."""

from __future__ import annotations

from typing import Any

MAKE_ALL_PUBLIC = "--public-flat-rw"
"""What cocotb's runner asks of Verilator for: every signal of the design, which is then neither optimised nor small."""

TRACE_DEPTH = 4
"""Levels of instances whose signals a simulator traces: those of single banks and decoders are below."""


def runner_of(simulator: str, *, all_public: bool) -> Any:
    """Return cocotb's runner of a simulator.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    all_public : bool
        Whether the bench reaches every signal. Without it a build of Verilator's has those alone that a configuration
        file among its sources makes public: its C++ is a tenth of the size.

    Returns
    -------
    cocotb_tools.runner.Runner
    """
    from cocotb_tools import runner

    class Icarus(runner.Icarus):
        """Writes VCD, whose header tells which signals there are; the runner would write FST."""

        def _test_command(self) -> Any:
            return [["-vcd" if word == "-fst" else word for word in command] for command in super()._test_command()]

    class Verilator(runner.Verilator):
        """Makes public what is asked for alone."""

        def _build_command(self) -> Any:
            build, *make = super()._build_command()
            return [[word for word in build if all_public or word != MAKE_ALL_PUBLIC], *make]

    return {"icarus": Icarus, "verilator": Verilator}[simulator]()
