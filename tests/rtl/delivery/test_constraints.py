from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.border.top_ports import TopPort
from oscc.rtl.delivery.constraints import Border, constraint_files, core_border
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.wrappers import WRAPPERS

tkinter: Any = pytest.importorskip("tkinter", reason="needs Tcl: Python's tkinter")
needs_sta = pytest.mark.skipif(shutil.which("sta") is None, reason="needs OpenSTA: Debian package opensta")

Declared = dict[str, tuple[str, int]]
"""Direction and width of each port, by its name."""


@pytest.fixture(scope="module")
def few(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """Six cells, with SPI: every kind of port is there."""
    return make_core(name="few-1", grid=[2, 3], stencil="king", chunks=1, spi=True, clock_hz=125e6)


@pytest.fixture(scope="module")
def files(few: CoreSpec) -> dict[str, str]:
    """What is emitted for it, with all wrappers."""
    return emit_core(few, None, EmitOptions(tuple(WRAPPERS)))


def border(core: CoreSpec, name: str) -> Border:
    """The core's own border, or that of a wrapper."""
    if name == "core":
        return core_border(core)
    top = WRAPPERS[name].top(core)
    return Border(top.name, core, top.ports, "core/array_macro")


def prefix(name: str) -> str:
    return "few_1_core" if name == "core" else f"wrappers/few_1_{name}"


def ports_in(verilog: str, module: str) -> Declared:
    """The ports of a module as the Verilog declares them, in its list or behind it."""
    (body,) = re.findall(rf"^module {module}\s*\((.*?)^endmodule", verilog, re.M | re.S)
    found = re.findall(
        r"^\s*(?:\(\*.*?\*\)\s*)?(input|output)\s+(?:wire\s+|reg\s+)?(?:\[(\d+):(\d+)\]\s*)?(\w+)", body, re.M
    )
    return {name: (direction, int(high or 0) - int(low or 0) + 1) for direction, high, low, name in found}


def verilog_ports(files: dict[str, str], name: str) -> Declared:
    module = Path(prefix(name)).name
    text = "\n".join(text for path, text in files.items() if path.endswith(".v"))
    return ports_in(text, module)


class Sdc:
    """What an SDC says, found out by a Tcl interpreter whose commands write down what they are called with."""

    def __init__(self, text: str) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._tcl = tkinter.Tcl()
        for name in (
            "create_clock",
            "set_clock_uncertainty",
            "set_input_delay",
            "set_output_delay",
            "set_max_delay",
            "set_false_path",
            "set_units",
            "set_input_transition",
            "set_load",
            "set_max_transition",
        ):
            self._tcl.createcommand(name, lambda *given, name=name: self.calls.append((name, *map(str, given))))
        for name in ("get_ports", "get_pins", "get_clocks", "get_cells"):
            self._tcl.createcommand(name, lambda *given, name=name: f"{name} {given[-1]}")
        self._tcl.createcommand("current_design", lambda: "design")
        self._tcl.eval(text)

    def of(self, command: str, *options: str) -> list[tuple[str, ...]]:
        """The calls of a command with all of some options."""
        return [call for call in self.calls if call[0] == command and set(options) <= set(call)]

    def ports(self, *calls: tuple[str, ...]) -> list[str]:
        """The ports that calls name, with what follows a name."""
        queries = [part for call in calls for part in call if part.startswith("get_ports ")]
        return [name for query in queries for name in query.removeprefix("get_ports ").split()]


NAMES = ("core", *WRAPPERS)


@pytest.mark.parametrize("name", NAMES)
def test_the_ports_are_those_of_the_verilog(few: CoreSpec, files: dict[str, str], name: str) -> None:
    described = {port.name: (port.direction, port.width) for port in border(few, name).ports}
    assert described == verilog_ports(files, name)


@pytest.mark.parametrize("name", NAMES)
def test_every_port_is_constrained_once_and_every_name_exists(files: dict[str, str], name: str) -> None:
    declared = verilog_ports(files, name)
    sdc = Sdc(files[f"{prefix(name)}.sdc"])
    covered: list[str] = []
    for command, direction in (("set_input_delay", "input"), ("set_output_delay", "output")):
        for bound in ("-max", "-min"):
            named = sdc.ports(*sdc.of(command, bound))
            for each in named:
                plain = each.removesuffix("[*]")
                assert declared[plain][0] == direction
                # One bit is no vector, and several are named together.
                assert each.endswith("[*]") == (declared[plain][1] > 1)
            assert len(set(named)) == len(named)
            covered += named if bound == "-max" else []
        assert sdc.ports(*sdc.of(command, "-max")) == sdc.ports(*sdc.of(command, "-min"))
    (clock,) = sdc.ports(*sdc.of("create_clock"))
    asynchronous = sdc.ports(*sdc.of("set_max_delay"))
    assert asynchronous == sdc.ports(*sdc.of("set_false_path", "-hold")) == ["spi_sclk", "spi_cs_n", "spi_mosi"]
    everything = [*(each.removesuffix("[*]") for each in covered), clock, *asynchronous]
    assert sorted(everything) == sorted(declared)


@pytest.mark.parametrize("name", NAMES)
def test_exceptions_are_for_what_is_synchronised_alone(files: dict[str, str], name: str) -> None:
    sdc = Sdc(files[f"{prefix(name)}.sdc"])
    macro = "array_macro" if name == "core" else "core/array_macro"
    for command in ("set_max_delay", "set_false_path"):
        origins = [call[-2:] for call in sdc.of(command)]
        assert origins == [
            ("-through", f"get_pins {macro}/ready"),
            ("-from", "get_ports spi_sclk spi_cs_n spi_mosi"),
        ]
    # There is no exception without a bound: nothing but hold is ever let go.
    assert sdc.of("set_false_path") == sdc.of("set_false_path", "-hold")
    assert {call[1] for call in sdc.of("set_max_delay")} == {"8.0000"}


def test_a_core_without_spi_has_one_exception() -> None:
    text = constraint_files(core_border(load_core("tiny-8x8")))["tiny_8x8_core.sdc"]
    assert "spi" not in text
    assert len(Sdc(text).of("set_max_delay")) == 1


def test_times_are_the_stated_fractions_of_the_period(few: CoreSpec) -> None:
    sdc = Sdc(constraint_files(core_border(few))["few_1_core.sdc"])
    (clock,) = sdc.of("create_clock")
    assert clock[1:5] == ("-name", "clk", "-period", "8.0000")
    # 5 % and 1 % of uncertainty, 40 % outside, 5 % until an input changes.
    assert [call[1:3] for call in sdc.of("set_clock_uncertainty")] == [("-setup", "0.4000"), ("-hold", "0.0800")]
    for command, bound, expected in (
        ("set_input_delay", "-max", "3.2000"),
        ("set_input_delay", "-min", "0.4000"),
        ("set_output_delay", "-max", "3.2000"),
        ("set_output_delay", "-min", "0.0000"),
    ):
        assert {call[call.index(bound) + 1] for call in sdc.of(command, bound)} == {expected}


@pytest.mark.parametrize(("clock_hz", "period"), [(100e6, "10.0000"), (1e9 / 3, "3.0000"), (1e6, "1000.0000")])
def test_the_period_follows_the_clock(make_core: Callable[..., CoreSpec], clock_hz: float, period: str) -> None:
    text = constraint_files(core_border(make_core(clock_hz=clock_hz)))["tiny_8x8_core.sdc"]
    assert f"create_clock -name clk -period {period} [get_ports clk]\n" in text


@pytest.mark.parametrize("name", NAMES)
def test_what_only_some_tools_read_stands_apart(files: dict[str, str], name: str) -> None:
    declared = verilog_ports(files, name)
    asic = Sdc(files[f"{prefix(name)}_asic.sdc"])
    inputs = {port for port, (direction, _) in declared.items() if direction == "input"}
    (clock,) = Sdc(files[f"{prefix(name)}.sdc"]).of("create_clock")
    driven = {each.removesuffix("[*]") for each in asic.ports(*asic.of("set_input_transition"))}
    assert driven == inputs - {clock[-1].removeprefix("get_ports ")}
    loaded = {each.removesuffix("[*]") for each in asic.ports(*asic.of("set_load"))}
    assert loaded == set(declared) - inputs
    assert {call[0] for call in Sdc(files[f"{prefix(name)}.sdc"]).calls} == {
        "create_clock",
        "set_clock_uncertainty",
        "set_input_delay",
        "set_output_delay",
        "set_max_delay",
        "set_false_path",
    }
    # Vivado's has exceptions alone, for each synchroniser.
    xdc = Sdc(files[f"{prefix(name)}.xdc"])
    assert [call[0] for call in xdc.calls] == ["set_max_delay", "set_false_path"] * 4
    assert xdc.of("set_false_path") == xdc.of("set_false_path", "-hold")


def test_the_patterns_for_vivado_name_first_flip_flops_of_the_verilog(files: dict[str, str]) -> None:
    patterns = re.findall(r"NAME =~ \*(\w+)/(\w+)\*/D", files["few_1_core.xdc"])
    verilog = "\n".join(text for name, text in files.items() if name.startswith("src/"))
    instances = ["array_ready_synchronizer", "sclk_synchronizer", "cs_n_synchronizer", "mosi_synchronizer"]
    assert patterns == [(instance, "stage_0") for instance in instances for _ in range(2)]
    for instance, register in patterns:
        (module,) = re.findall(rf"^ +(\w+) {instance} \($", verilog, re.M)
        (body,) = re.findall(rf"^module {module} \((.*?)^endmodule", verilog, re.M | re.S)
        assert re.search(rf'\(\* ASYNC_REG = "TRUE" \*\) reg {register};', body)
        # It is the first: it takes what is asynchronous.
        assert f"{register} <= asynchronous;" in body


CELLS = """
library (bench) {
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; capacitive_load_unit (1, pf);
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20; slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80; slew_upper_threshold_pct_fall : 80;
  cell (DFF) {
    area : 1;
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; }
    pin (CK) { direction : input; capacitance : 0.001; clock : true; }
    pin (D) { direction : input; capacitance : 0.001;
      timing () { related_pin : "CK"; timing_type : setup_rising;
        rise_constraint (scalar) { values ("0.1"); } fall_constraint (scalar) { values ("0.1"); } }
      timing () { related_pin : "CK"; timing_type : hold_rising;
        rise_constraint (scalar) { values ("0.05"); } fall_constraint (scalar) { values ("0.05"); } }
    }
    pin (Q) { direction : output; function : "IQ";
      timing () { related_pin : "CK"; timing_type : rising_edge;
        cell_rise (scalar) { values ("0.2"); } cell_fall (scalar) { values ("0.2"); }
        rise_transition (scalar) { values ("0.1"); } fall_transition (scalar) { values ("0.1"); } }
    }
  }
  cell (MACRO) { area : 1; pin (ready) { direction : output; } }
}
"""


def netlist(top: str, ports: tuple[TopPort, ...], macro: str) -> str:
    """Gates with the ports of a top module: a flip-flop behind each input bit and before each output bit."""
    (clock,) = (port.name for port in ports if port.timing == "clock")
    lines = [f"module {top} ({', '.join(port.name for port in ports)});"]
    lines += [f"  {port.direction} {port.span} {port.name};" for port in ports]
    lines.append(f"  wire held;\n  DFF ff_held (.CK({clock}), .D(held), .Q(held));")
    for port in ports:
        for bit in range(port.low, port.low + port.width) if port.timing != "clock" else ():
            signal, pin = (f"{port.name}[{bit}]" if port.span else port.name), f"{port.name}_{bit}"
            side = f".D({signal})" if port.direction == "input" else f".Q({signal}), .D(held)"
            lines.append(f"  DFF ff_{pin} (.CK({clock}), {side});")
    inner = "" if "/" not in macro else f"module inner (clk);\n  input clk;\n{_ready('clk')}endmodule\n"
    lines.append(_ready(clock) if not inner else f"  inner core (.clk({clock}));")
    return "\n".join([*lines, "endmodule", inner])


def _ready(clock: str) -> str:
    return f"  wire ready;\n  MACRO array_macro (.ready(ready));\n  DFF ff_ready (.CK({clock}), .D(ready));\n"


@needs_sta
@pytest.mark.parametrize("name", NAMES)
def test_opensta_reads_them_and_finds_nothing_unconstrained(few: CoreSpec, tmp_path: Path, name: str) -> None:
    given = border(few, name)
    (tmp_path / "cells.lib").write_text(CELLS)
    (tmp_path / "top.v").write_text(netlist(given.top, given.ports, given.array_macro))
    texts = constraint_files(given)
    for path, text in texts.items():
        (tmp_path / path).write_text(text)
    script = [
        "read_liberty cells.lib",
        "read_verilog top.v",
        f"link_design {given.top}",
        f"read_sdc {given.top}.sdc",
        f"read_sdc {given.top}_asic.sdc",
        'puts "checked"',
        "check_setup -verbose",
        'puts "timed"',
        "report_checks -path_delay max -from [get_ports spi_mosi]",
        "exit",
    ]
    (tmp_path / "check.tcl").write_text("\n".join(script) + "\n")
    done = subprocess.run(
        ["sta", "-no_splash", "-exit", "check.tcl"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = done.stdout
    assert done.returncode == 0, said
    read, rest = said.split("checked\n")
    checked, timed = rest.split("timed\n")
    assert not re.search("warning|error", read, re.I), read
    # What is synchronised has a bound instead of a clock that it is relative to; nothing else lacks one.
    pins = ["spi_cs_n", "spi_mosi", "spi_sclk"]
    inside = given.array_macro.removesuffix("array_macro")
    assert re.findall(r"^ {2}(\S+)$", checked, re.M) == [
        *pins,
        *sorted([f"{inside}ff_ready/D", *(f"ff_{pin}_0/D" for pin in pins)]),
    ], checked
    assert re.search(r"^\s*8\.00\s+8\.00 +max_delay", timed, re.M), timed
