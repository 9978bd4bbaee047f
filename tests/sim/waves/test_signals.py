from __future__ import annotations

import pytest

from oscc.core.instructions import Instruction, Operation
from oscc.sim.waves.signals import WaveSignal, activity_text, group_of, instruction_text, plain_name


@pytest.mark.parametrize(
    ("scope", "name", "group"),
    [
        ("x_core", "s_axil_awaddr", "host"),
        ("x_core", "clk", "host"),
        ("x_core", "control_array_run", None),
        ("x_core.control.registers", "seed", "host"),
        ("x_core.control.sequencer", "running", "sequencer"),
        ("x_core.control.sequencer", "clk", None),
        ("x_core.control.sequencer", "_0012_", None),
        ("x_core.control.sequencer", "halt$3", None),
        ("x_core.control.sequencer.fetch", "fetch_word", "sequencer"),
        ("x_core.control.store", "load_row", "loader"),
        ("x_core.control.store.memory.group_0.bank_0", "word", None),
        ("x_core.control.readout.decoder_0", "code", None),
        ("x_core.array_macro", "load_data", "array"),
        ("x_core.array_macro", "seen_load_data", None),
        ("x_core.array_macro", "frame", None),
    ],
)
def test_every_signal_has_its_group_or_is_left_out(scope: str, name: str, group: str | None) -> None:
    assert group_of(scope.split("."), name) == group


def test_a_viewer_shows_what_matters() -> None:
    shown = [
        WaveSignal(tuple(scope.split(".")), name, width, "sequencer").shown
        for scope, name, width in (
            ("x_core", "irq", 1),
            ("x_core", "clk", 1),
            ("x_core.control.sequencer", "running", 1),
            ("x_core.control.sequencer", "may_load", 1),
            ("x_core.texts", "instruction", 0),
        )
    ]
    assert shown == [True, False, True, False, True]


def test_instructions_are_shown_by_name() -> None:
    words = [
        Instruction(Operation.RUN, 188).encode(),
        Instruction(Operation.REPEAT, 3, 7).encode(),
        Instruction(Operation.COMMIT).encode(),
        0,
        15 << 28,
    ]
    assert [instruction_text(word) for word in words] == ["run:188", "repeat:3", "commit", "none", "none"]


def test_activities_are_shown_by_name() -> None:
    assert activity_text({}) == "idle"
    assert activity_text({"run": 1, "sample": 1, "commit": 1, "load_row": 3}) == "run+sample+commit"
    assert activity_text({"init": 1, "load_strobe": 1}) == "init+load"


def test_parts_of_a_port_are_joined_alike() -> None:
    assert plain_name("array__load_row") == "array_load_row"
