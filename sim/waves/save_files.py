"""Files beside a VCD file that make viewers show its signals in groups: a save file of GTKWave, commands of Surfer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from oscc.base.file_output import write_text
from oscc.sim.waves.signals import GROUPS, WaveSignal, shown_place


def gtkwave_save(signals: Sequence[WaveSignal], file: str) -> str:
    """Return a save file of GTKWave: ``gtkwave FILE SAVE``, called in the folder of the two.

    Parameters
    ----------
    signals : sequence of WaveSignal
    file : str
        Name of the VCD file.
    """
    from vcd.gtkw import GTKWSave

    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(file, abspath=False)
    save.treeopen(f"{signals[0].scope[0]}.")
    for group in GROUPS:
        members = [signal for signal in signals if signal.group == group]
        with save.group(group):
            for signal in sorted((signal for signal in members if signal.shown), key=_order):
                save.trace(*_gtkwave_name(signal))
    return text.getvalue()


def _gtkwave_name(signal: WaveSignal) -> tuple[str, None, None, str]:
    name = signal.path if signal.width <= 1 else f"{signal.path}[{signal.width - 1}:0]"
    return name, None, None, "hex" if signal.width else "ascii"


def surfer_commands(signals: Sequence[WaveSignal]) -> str:
    """Return a command file of Surfer: ``surfer FILE --command-file COMMANDS``.

    A state file of Surfer has the same, but in a form that is that of one version: the places of signals in its own
    tables are in it.

    Parameters
    ----------
    signals : sequence of WaveSignal
    """
    lines = []
    for group in GROUPS:
        members = sorted((signal for signal in signals if signal.group == group and signal.shown), key=_order)
        lines += [f"divider_add {group}", *(f"variable_add {signal.path}" for signal in members)]
    return "\n".join([*lines, "zoom_fit", ""])


def _order(signal: WaveSignal) -> tuple[int, int, str]:
    """Return where a signal stands in its group: texts first, then as `shown_place` has it."""
    return int(signal.width != 0), shown_place(signal), signal.name


def write_save_files(path: Path, signals: Sequence[WaveSignal]) -> None:
    """Write the save file of GTKWave and the commands of Surfer beside a VCD file, under its name.

    Parameters
    ----------
    path : Path
        Of the VCD file.
    signals : sequence of WaveSignal
    """
    write_text(path.with_suffix(".gtkw"), gtkwave_save(signals, path.name))
    write_text(path.with_suffix(".sucl"), surfer_commands(signals))
