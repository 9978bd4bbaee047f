"""Timing constraints of a top module: what every tool reads, and what only some read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.top_ports import TopPort, core_ports, grouped
from oscc.rtl.top import core_module_name

SETUP_UNCERTAINTY = 0.05
"""Fraction of the period that skew and jitter of the clock may take from a set-up check."""

HOLD_UNCERTAINTY = 0.01
"""Fraction of the period by which a hold check must be met."""

OUTSIDE_MAX = 0.4
"""Fraction of the period that belongs to the logic outside, before an input as behind an output."""

INPUT_MIN = 0.05
"""Fraction of the period for which an input keeps its value after the clock edge."""

INPUT_TRANSITION = 0.02
"""Fraction of the period that an input takes to rise or fall."""

OUTPUT_LOAD_PF = 0.05
"""Capacitance that an output drives [pF]."""

MAX_TRANSITION = 0.1
"""Fraction of the period that a signal may take to rise or fall inside."""

SHORT, LONGEST = 40, 100
"""Characters of names that stand on the line of their command, and of those on a line of their own."""

SYNCHRONISED_READY = "array_ready_synchronizer"
"""Instance of the synchroniser of the array's ``ready``, in the control plane."""


@dataclass(frozen=True)
class Border:
    """What is constrained.

    Parameters
    ----------
    top : str
        Name of the module.
    core : CoreSpec
        Whose clock it has.
    ports : tuple of TopPort
        All of them; one is a clock, one a reset.
    array_macro : str
        Instance of the array macro, from the module down.
    """

    top: str
    core: CoreSpec
    ports: tuple[TopPort, ...]
    array_macro: str

    @property
    def period_ns(self) -> float:
        """Clock period [ns]."""
        return 1e9 / self.core.clock_hz

    def named(self, timing: str) -> str:
        """Return the name of the port of a timing that only one port has."""
        (name,) = (port.name for port in self.ports if port.timing == timing)
        return name


def core_border(core: CoreSpec) -> Border:
    """Return the border of ``<core>_core``.

    Parameters
    ----------
    core : CoreSpec
    """
    return Border(core_module_name(core), core, core_ports(core), "array_macro")


def constraint_files(border: Border, folder: str = "") -> dict[str, str]:
    """Return the constraints of a module.

    Parameters
    ----------
    border : Border
    folder : str
        With a slash at its end, or nothing.

    Returns
    -------
    dict of str to str
        Text by path: ``<top>.sdc``, which every tool reads; ``<top>_asic.sdc``, to be read after it by tools that have
        a cell library; ``<top>.xdc``, exceptions for Vivado.
    """
    stem = f"{folder}{border.top}"
    return {f"{stem}.sdc": common_sdc(border), f"{stem}_asic.sdc": asic_sdc(border), f"{stem}.xdc": vivado_xdc(border)}


def common_sdc(border: Border) -> str:
    """Return what every tool reads: clock, uncertainty, input and output delays, asynchronous inputs.

    Parameters
    ----------
    border : Border
    """
    period, clock, reset = border.period_ns, border.named("clock"), border.named("reset")
    lines = [
        f"# Timing of {border.top} at {border.core.clock_hz / 1e6:g} MHz. Times in ns; docs/integration.md explains",
        "# each number.",
        "",
        f"create_clock -name clk -period {_ns(period)} [get_ports {clock}]",
        f"# Skew and jitter: {_percent(SETUP_UNCERTAINTY)} of the period for set-up, "
        f"{_percent(HOLD_UNCERTAINTY)} for hold.",
        f"set_clock_uncertainty -setup {_ns(SETUP_UNCERTAINTY * period)} [get_clocks clk]",
        f"set_clock_uncertainty -hold {_ns(HOLD_UNCERTAINTY * period)} [get_clocks clk]",
        "",
        f"# The reset {reset} is synchronous: it comes and goes with an edge of the clock, like any other input.",
        f"# {_percent(OUTSIDE_MAX)} of the period belong to the logic outside, before inputs as behind outputs.",
    ]
    for group, ports in grouped(border.ports).items():
        inputs = [port for port in ports if port.direction == "input" and port.timing in ("synchronous", "reset")]
        outputs = [port for port in ports if port.direction == "output"]
        lines += ["", f"# {group}", *_delays("input", inputs, period), *_delays("output", outputs, period)]
    lines += ["", *_exceptions(border)]
    return "\n".join(lines) + "\n"


def asic_sdc(border: Border) -> str:
    """Return what only tools with a cell library need: units, transitions and loads.

    Parameters
    ----------
    border : Border
    """
    period = border.period_ns
    inputs = [port for port in border.ports if port.direction == "input" and port.timing != "clock"]
    outputs = [port for port in border.ports if port.direction == "output"]
    lines = [
        f"# Read after {border.top}.sdc, by tools that have a cell library. Times in ns, capacitances in pF.",
        "set_units -time ns -capacitance pF",
        "",
        f"# Inputs rise and fall within {_percent(INPUT_TRANSITION)} of the period. Better, once the library is known:",
        "#   set_driving_cell -lib_cell CELL -pin PIN [all_inputs]",
        f"set_input_transition {_ns(INPUT_TRANSITION * period)} {_get_ports(inputs)}",
        f"# Outputs drive {OUTPUT_LOAD_PF:g} pF: some gates and a short wire. For pads, say what they have.",
        f"set_load {OUTPUT_LOAD_PF:g} {_get_ports(outputs)}",
        f"# Inside, no signal takes longer than {_percent(MAX_TRANSITION)} of the period to rise or fall.",
        f"set_max_transition {_ns(MAX_TRANSITION * period)} [current_design]",
        "",
        "# Before there are trees: the clock and the reset reach every flip-flop at once. Leave this out after clock",
        "# tree synthesis, together with the uncertainty that stands for skew.",
        f"#   set_ideal_network [get_ports {border.named('clock')}]",
        f"#   set_ideal_network [get_ports {border.named('reset')}]",
    ]
    return "\n".join(lines) + "\n"


def vivado_xdc(border: Border) -> str:
    """Return the exceptions for Vivado, to be read wherever the module is: they do not name the level it is on.

    Parameters
    ----------
    border : Border
    """
    period = _ns(border.period_ns)
    pins = [port.name.removeprefix("spi_") for port in border.ports if port.timing == "asynchronous"]
    lines = [
        f"# Vivado, for {border.top} as a part of a design, whose clock it gets: exceptions only. The common",
        f"# constraints, {border.top}.sdc, are for the module by itself.",
        "# The first flip-flop of each synchroniser is reached within a period, and there is nothing to hold.",
    ]
    for instance in (SYNCHRONISED_READY, *(f"{pin}_synchronizer" for pin in pins)):
        first = f"[get_pins -hierarchical -filter {{NAME =~ *{instance}/stage_0*/D}}]"
        lines += [f"set_max_delay {period} -to {first}", f"set_false_path -hold -to {first}"]
    return "\n".join(lines) + "\n"


def _delays(direction: str, ports: list[TopPort], period: float) -> list[str]:
    """Return the delays of the inputs or of the outputs of a group."""
    if not ports:
        return []
    # Behind an output, what is outside needs no time after the edge.
    least = INPUT_MIN if direction == "input" else 0.0
    names = _get_ports(ports)
    return [
        f"set_{direction}_delay -clock clk -max {_ns(OUTSIDE_MAX * period)} {names}",
        f"set_{direction}_delay -clock clk -min {_ns(least * period)} {names}",
    ]


def _exceptions(border: Border) -> list[str]:
    """Return the exceptions: inputs that change at any time and go into a synchroniser."""
    period, ready = _ns(border.period_ns), f"[get_pins {border.array_macro}/ready]"
    lines = [
        "# The array's ready may change at any time, and goes into a synchroniser of two flip-flops: it takes a period",
        "# at most to the first of them, and there is nothing to hold.",
        f"set_max_delay {period} -through {ready}",
        f"set_false_path -hold -through {ready}",
    ]
    pins = [port for port in border.ports if port.timing == "asynchronous"]
    if pins:
        lines += [
            "# So do the pins of the SPI slave.",
            f"set_max_delay {period} -from {_get_ports(pins)}",
            f"set_false_path -hold -from {_get_ports(pins)}",
        ]
    return lines


def _get_ports(ports: Iterable[TopPort]) -> str:
    """Return the query of ports, over as many lines as it needs."""
    names = [f"{port.name}[*]" if port.span else port.name for port in ports]
    if sum(map(len, names)) < SHORT:
        return "[get_ports {" + " ".join(names) + "}]"
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > LONGEST:
            lines.append("")
        lines[-1] += f" {name}"
    return "[get_ports { \\\n" + " \\\n".join(f" {line}" for line in lines) + " }]"


def _ns(time: float) -> str:
    """Return a time in ns as text."""
    return f"{time:.4f}"


def _percent(fraction: float) -> str:
    """Return a fraction in words."""
    return f"{100 * fraction:g} %"
