from __future__ import annotations

import io
from pathlib import Path

import pytest
from vcd.reader import TokenKind, tokenize

from oscc.base.errors import OsccError
from oscc.core.instructions import Instruction, Operation
from oscc.sim.waves.wave_file import Waves, cut_waves

RUN = Instruction(Operation.RUN, 188).encode()

TRACED = f"""$date today $end
$timescale 1ps $end
$scope module TOP $end
$scope module x_core $end
$var wire 1 ! clk $end
$var wire 1 " irq $end
$var reg 4 # _00_ [3:0] $end
$scope module array_macro $end
$var wire 1 $ run $end
$var wire 1 % sample $end
$var wire 9 & load_data [8:0] $end
$upscope $end
$scope module control $end
$scope module sequencer $end
$var wire 1 $ run $end
$scope module fetch $end
$var reg 32 ' fetch__word [31:0] $end
$upscope $end
$upscope $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
x!
0"
bxxxx #
0$
0%
bx &
b0 '
$end
#5000
1!
#10000
0!
1$
b{RUN:b} '
#20000
1"
1%
b1010 &
b11 #
#30000
0%
0$
#40000
0"
"""


def changes_of(path: Path) -> dict[str, list[tuple[int, str]]]:
    """Every signal's values by its name, with their times, as an independent reader finds them."""
    names: dict[str, str] = {}
    scope: list[str] = []
    found: dict[str, list[tuple[int, str]]] = {}
    time = 0
    for token in tokenize(io.BytesIO(path.read_bytes())):
        if token.kind is TokenKind.SCOPE:
            scope.append(token.scope.ident)
        elif token.kind is TokenKind.UPSCOPE:
            scope.pop()
        elif token.kind is TokenKind.VAR:
            name = ".".join([*scope, token.var.reference])
            names[token.var.id_code] = name
            found[name] = []
        elif token.kind is TokenKind.CHANGE_TIME:
            time = token.time_change
        elif token.kind is TokenKind.CHANGE_SCALAR:
            found[names[token.scalar_change.id_code]].append((time, token.scalar_change.value))
        elif token.kind is TokenKind.CHANGE_VECTOR:
            found[names[token.vector_change.id_code]].append((time, str(token.vector_change.value)))
        elif token.kind is TokenKind.CHANGE_STRING:
            found[names[token.string_change.id_code]].append((time, token.string_change.value))
    return found


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    path = tmp_path / "traced.vcd"
    path.write_text(TRACED)
    return path


def test_only_signals_with_a_group_are_kept(traced: Path, tmp_path: Path) -> None:
    signals = cut_waves(traced, Waves(tmp_path / "waves.vcd"))
    assert [signal.path for signal in signals] == [
        "x_core.clk",
        "x_core.irq",
        "x_core.array_macro.run",
        "x_core.array_macro.sample",
        "x_core.array_macro.load_data",
        "x_core.control.sequencer.run",
        "x_core.control.sequencer.fetch.fetch_word",
        "x_core.texts.instruction",
        "x_core.texts.activity",
    ]
    found = changes_of(tmp_path / "waves.vcd")
    assert set(found) == {signal.path for signal in signals}
    # Nanoseconds, whatever the simulator counts; and both names of one signal.
    assert found["x_core.irq"][-2:] == [(20, "1"), (40, "0")]
    assert found["x_core.array_macro.run"][-2:] == found["x_core.control.sequencer.run"][-2:] == [(10, "1"), (30, "0")]
    assert found["x_core.array_macro.load_data"][-1] == (20, "10")
    assert found["x_core.texts.instruction"][-1] == (10, "run:188")
    assert found["x_core.texts.activity"][-3:] == [(10, "run"), (20, "run+sample"), (30, "idle")]


def test_a_window_begins_with_the_values_that_hold_then(traced: Path, tmp_path: Path) -> None:
    cut_waves(traced, Waves(tmp_path / "waves.vcd", first=2, last=2))
    found = changes_of(tmp_path / "waves.vcd")
    times = sorted({time for changes in found.values() for time, value in changes if time})
    assert times == [20]
    assert found["x_core.array_macro.run"][-1] == (20, "1")
    assert found["x_core.texts.instruction"][-1] == (20, "run:188")
    assert found["x_core.texts.activity"][-1] == (20, "run+sample")


def test_a_window_behind_the_end_shows_the_last_values(traced: Path, tmp_path: Path) -> None:
    cut_waves(traced, Waves(tmp_path / "waves.vcd", first=100))
    found = changes_of(tmp_path / "waves.vcd")
    assert found["x_core.irq"][-1] == (1000, "0")


def test_the_same_waves_give_the_same_file(traced: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        cut_waves(traced, Waves(tmp_path / name / "waves.vcd"))
    for suffix in ("vcd", "gtkw", "sucl"):
        one, other = ((tmp_path / name / f"waves.{suffix}").read_bytes() for name in ("a", "b"))
        assert one == other
        # Nothing tells of this machine.
        assert str(tmp_path).encode() not in one


def test_a_trace_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.vcd"
    path.write_text(
        "$timescale 1ns $end\n$scope module tb $end\n$var wire 1 ! clk $end\n$enddefinitions $end\n#0\n1!\n"
    )
    with pytest.raises(OsccError) as caught:
        cut_waves(path, Waves(tmp_path / "waves.vcd"))
    assert caught.value.code == "waves.unreadable"
