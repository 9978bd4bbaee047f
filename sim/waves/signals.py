"""Which signals of a core are worth keeping in a wave file, and to which group each belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oscc.core.instructions import Instruction, Operation

GROUPS = ("host", "sequencer", "loader", "array")
"""Groups of signals, in the order of viewers."""

CONTROL, MACRO = "control", "array_macro"
"""Instances in the core: the control plane, and what stands for the array."""

_INSTANCES: Mapping[tuple[str, ...], str] = {
    ("axi_lite",): "host",
    ("registers",): "host",
    ("spi",): "host",
    ("arbiter",): "host",
    ("ingress",): "host",
    ("readout",): "host",
    ("sequencer",): "sequencer",
    ("sequencer", "check"): "sequencer",
    ("sequencer", "fetch"): "sequencer",
    ("ready_watchdog",): "sequencer",
    ("tap_watchdog",): "sequencer",
    ("store",): "loader",
    ("store", "loader"): "loader",
    ("store", "scrubber"): "loader",
    ("store", "march"): "loader",
    ("store", "collector"): "loader",
}
"""Instances in the control plane whose signals are kept; banks, decoders and memories are not."""

_BORDER = re.compile(r"clk|rst|irq|(s_axil|s_axis|m_axis|spi)_\w+", re.ASCII)
_GENERATED = re.compile(r"^[_\\$]|\$|\\")
_UNSHOWN = ("clk", "rst")

FETCHED = "instruction"
"""Added signal: the instruction that is fetched, as text."""

DOING = "activity"
"""Added signal: what the array is told to do, as text."""

ADDED: Mapping[str, str] = {FETCHED: "sequencer", DOING: "array"}
"""Signals that are added, as text, and their groups."""


@dataclass(frozen=True)
class WaveSignal:
    """A signal in a wave file.

    Parameters
    ----------
    scope : tuple of str
        Names of instances, the top first.
    name : str
    width : int
        Bits; 0 for a text.
    group : str
        One of `GROUPS`.
    """

    scope: tuple[str, ...]
    name: str
    width: int
    group: str

    @property
    def path(self) -> str:
        """Its hierarchical name."""
        return ".".join((*self.scope, self.name))

    @property
    def shown(self) -> bool:
        """Whether a viewer shows it at once; the others are in the file for whoever asks for them."""
        if self.name in _UNSHOWN:
            return False
        return len(self.scope) == 1 or self.width == 0 or self.name in _SHOWN.get(self.scope[1:], ())


_SHOWN: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (CONTROL, "sequencer"): (
        *("running", "in_sample", "aborting", "fetch_address", "load_start", "load_busy", "load_complete"),
        *("commit", "init", "run", "sample", "sample_number", "stalled", "stall_cycles", "period"),
    ),
    (CONTROL, "store", "loader"): ("start", "chunk", "busy", "read", "address", "row_valid", "row", "complete"),
    (MACRO,): (
        *("load_strobe", "load_row", "load_data", "commit", "init", "run", "sample", "noise_seed", "noise_index"),
        *("tap_row", "tap_data", "tap_valid", "ready"),
    ),
}
"""What a viewer shows at once of some instances."""


def shown_place(signal: WaveSignal) -> int:
    """Return the place of a signal among those of its instance that a viewer shows.

    Parameters
    ----------
    signal : WaveSignal
        One that is shown.
    """
    names = _SHOWN.get(signal.scope[1:], ())
    return names.index(signal.name) if signal.name in names else 0


def plain_name(name: str) -> str:
    """Return the name of a signal as all engines write it: parts of a port are joined by one underscore.

    Parameters
    ----------
    name : str
    """
    return name.replace("__", "_")


def group_of(scope: Sequence[str], name: str) -> str | None:
    """Return the group of a signal; None for one that is not kept.

    Parameters
    ----------
    scope : sequence of str
        Names of instances, the core first.
    name : str
    """
    if _GENERATED.search(name):
        return None
    inner = tuple(scope[1:])
    if not inner:
        return "host" if _BORDER.fullmatch(name) else None
    if inner == (MACRO,):
        # The rest is the bench's own.
        return None if name.startswith("seen_") or name in ("frame", "levels", "cycle", *_UNSHOWN) else "array"
    return _INSTANCES.get(inner[1:]) if inner[0] == CONTROL and name not in _UNSHOWN else None


def instruction_text(word: int) -> str:
    """Return an instruction as text without blanks: ``run:188``, ``repeat:0``.

    Parameters
    ----------
    word : int
        As the schedule memory holds it; ``none`` where it is no instruction.
    """
    try:
        step = Instruction.decode(word)
    except ValueError:
        return "none"
    name = step.operation.name.lower()
    takes = (Operation.LOAD, Operation.INIT, Operation.RUN, Operation.REPEAT)
    return f"{name}:{step.operand}" if step.operation in takes else name


def activity_text(levels: Mapping[str, int]) -> str:
    """Return what the array is told to do in a clock cycle: ``run+load`` or ``idle``.

    Parameters
    ----------
    levels : mapping of str to int
        Values of the signals of the macro by their names; others are taken to be low.
    """
    names = {"init": "init", "run": "run", "sample": "sample", "commit": "commit", "load_strobe": "load"}
    return "+".join(shown for name, shown in names.items() if levels.get(name)) or "idle"
