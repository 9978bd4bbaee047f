from __future__ import annotations

from oscc.sim.waves.save_files import gtkwave_save, surfer_commands
from oscc.sim.waves.signals import WaveSignal

CORE = ("x_core",)
SEQUENCER = ("x_core", "control", "sequencer")
SIGNALS = [
    WaveSignal(CORE, "clk", 1, "host"),
    WaveSignal(CORE, "s_axil_awaddr", 12, "host"),
    WaveSignal(SEQUENCER, "run", 1, "sequencer"),
    WaveSignal(SEQUENCER, "running", 1, "sequencer"),
    WaveSignal(SEQUENCER, "may_load", 1, "sequencer"),
    WaveSignal((*CORE, "texts"), "instruction", 0, "sequencer"),
    WaveSignal((*CORE, "array_macro"), "init", 1, "array"),
]


def test_gtkwave_shows_groups_in_their_order() -> None:
    lines = gtkwave_save(SIGNALS, "waves.vcd").splitlines()
    assert '[dumpfile] "waves.vcd"' in lines
    names = [line for line in lines if line.startswith(("x_core.", "-"))]
    assert names == [
        *("-host", "x_core.s_axil_awaddr[11:0]", "-host"),
        *("-sequencer", "x_core.texts.instruction"),
        *("x_core.control.sequencer.running", "x_core.control.sequencer.run", "-sequencer"),
        *("-loader", "-loader"),
        *("-array", "x_core.array_macro.init", "-array"),
    ]


def test_surfer_shows_the_same() -> None:
    assert surfer_commands(SIGNALS).splitlines() == [
        "divider_add host",
        "variable_add x_core.s_axil_awaddr",
        "divider_add sequencer",
        "variable_add x_core.texts.instruction",
        "variable_add x_core.control.sequencer.running",
        "variable_add x_core.control.sequencer.run",
        "divider_add loader",
        "divider_add array",
        "variable_add x_core.array_macro.init",
        "zoom_fit",
    ]
