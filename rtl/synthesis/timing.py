"""Timing as nextpnr reports it: the critical path hop by hop, and how far each part of a core is from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from oscc.rtl.synthesis.harness import CORE_INSTANCE
from oscc.rtl.synthesis.memories import wildcarded

MAX_ENDPOINTS = 20
"""Parts of a core whose worst path is listed."""

ROUNDING_NS = 0.01
"""By how much a delay may exceed the period only for having been rounded."""

# What Yosys appends to the name of a signal to name the cells and nets around it: a type of cell, or a pin of a memory.
_CELL_SUFFIX = re.compile(
    r"_(LUT4|TRELLIS_FF|PFUMX|L6MUX21|CCU2C|TRELLIS_DPR16X4|MULT18X18D|SB_[A-Z]\w*?"
    r"|DO[AB]\d+|[RW](DATA|ADDR|CLKE))(_.*)?$"
)
# What nextpnr appends when it packs a cell.
_PACKED_SUFFIX = re.compile(r"\$(tr_io|DPRAM_COMB|RAMW_SLICE|TRELLIS_|SB_|nextpnr|conn).*$")


@dataclass(frozen=True)
class Hop:
    """A step of a path.

    Parameters
    ----------
    kind : str
        ``clk-to-q``, ``routing``, ``logic`` or ``setup``.
    delay_ns : float
    cell : str
        Cell at the end of the step, named after the signal of the generator that it is nearest to.
    port : str
        Its pin.
    """

    kind: str
    delay_ns: float
    cell: str
    port: str


@dataclass(frozen=True)
class TimingPath:
    """A path from one register or memory to another.

    Parameters
    ----------
    start, end : str
        Register, memory or pin, by the generator's name.
    delay_ns : float
        From the clock edge at its start to the one at its end, setup included.
    logic_levels : int
        Cells that it goes through.
    hops : tuple of Hop
    """

    start: str
    end: str
    delay_ns: float
    logic_levels: int
    hops: tuple[Hop, ...]

    @property
    def routing_ns(self) -> float:
        """Return the part of the delay that is wires."""
        return round(sum(hop.delay_ns for hop in self.hops if hop.kind == "routing"), 3)


@dataclass(frozen=True)
class Endpoint:
    """The latest arrival at the registers of one name.

    Parameters
    ----------
    name : str
        With ``*`` for numbers that tell alike ones apart.
    delay_ns : float
    """

    name: str
    delay_ns: float


@dataclass(frozen=True)
class Timing:
    """What placement and routing reached.

    Parameters
    ----------
    target_mhz, achieved_mhz : float
    critical_path : TimingPath
        The longest from register to register.
    reset_path : TimingPath or None
        The longest from a pin, which is the reset's; it does not count in ``achieved_mhz``.
    endpoints : tuple of Endpoint
        The latest arrivals, one per name, the latest first; at most `MAX_ENDPOINTS`.
    """

    target_mhz: float
    achieved_mhz: float
    critical_path: TimingPath
    reset_path: TimingPath | None
    endpoints: tuple[Endpoint, ...]

    @property
    def met(self) -> bool:
        """Return whether the target was reached."""
        return self.achieved_mhz >= self.target_mhz


def read_timing(report: dict[str, Any]) -> Timing:
    """Read timing from the JSON report of nextpnr (``--report``, ``--detailed-timing-report``) of one clock.

    Parameters
    ----------
    report : dict
    """
    (clock,) = report["fmax"].values()
    paths = {(_edge(path["from"]), _edge(path["to"])): path["path"] for path in report["critical_paths"]}
    reset = paths.get(("async", "clock"))
    return Timing(
        target_mhz=round(clock["constraint"], 2),
        achieved_mhz=round(clock["achieved"], 2),
        critical_path=_path(paths["clock", "clock"]),
        reset_path=None if reset is None else _path(reset),
        endpoints=tuple(_endpoints(report["detailed_net_timings"], 1000 / clock["achieved"])),
    )


def readable_name(cell: str) -> str:
    """Return the generator's name of a cell or net after technology mapping, as far as it can be told.

    Parameters
    ----------
    cell : str
        Such as ``core.sequencer.fetch.decode_LUT4_D_Z``, which comes from ``sequencer.fetch.decode``.
    """
    name = _CELL_SUFFIX.sub("", _PACKED_SUFFIX.sub("", cell))
    inside = name.removeprefix(f"{CORE_INSTANCE}.")
    return inside if inside != name else f"harness.{name}"


def _edge(event: str) -> str:
    """Return ``clock`` for an event that is an edge of the clock, ``async`` for one of a pin."""
    return "async" if event == "<async>" else "clock"


def _path(hops: Iterable[dict[str, Any]]) -> TimingPath:
    """Return a path from the hops of nextpnr's report."""
    read = tuple(
        Hop(hop["type"], round(hop["delay"], 3), readable_name(hop["to"]["cell"]), hop["to"]["port"]) for hop in hops
    )
    return TimingPath(
        start=read[0].cell,
        end=read[-1].cell,
        delay_ns=round(sum(hop.delay_ns for hop in read), 3),
        logic_levels=sum(hop.kind == "logic" for hop in read),
        hops=read,
    )


def _endpoints(nets: Iterable[dict[str, Any]], period_ns: float) -> list[Endpoint]:
    """Return the latest arrivals, one per name, the latest first."""
    # Where reset and a register meet in a table, nextpnr gives the later of both arrivals. That of the reset's pin,
    # which does not count, is told by coming later than the clock's period allows.
    latest: dict[str, float] = {}
    for net in nets:
        if _edge(net["event"]) == "async":
            continue
        for endpoint in net["endpoints"]:
            if _edge(endpoint["event"]) == "clock" and endpoint["delay"][1] <= period_ns + ROUNDING_NS:
                name = wildcarded(readable_name(endpoint["cell"]))
                latest[name] = max(latest.get(name, 0.0), endpoint["delay"][1])
    worst = sorted(latest.items(), key=lambda entry: (-entry[1], entry[0]))[:MAX_ENDPOINTS]
    return [Endpoint(name, round(delay, 3)) for name, delay in worst]
