"""A legal run at the ports of a core of 3 rows of 6 codes, edge by edge, and changes that each break one rule.

The port monitors and the SystemVerilog assertions are both held to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Edge = dict[str, int | str]
"""Values on one rising edge, by port; a port that is missing is 0, and ``x`` is unknown."""

CORE_CHANGES = {
    "name": "few",
    "grid": [3, 6],
    "stencil": "king",
    "chunks": 1,
    "readout": {"origin": [0, 0], "step": [1, 1]},
    "init": {"cycles": 20},
    "stream_width": 32,
}
"""Rows of two beats, the second of which has two codes in four lanes."""

EDGES = 40

_LEGAL: dict[str, Mapping[int, int]] = {
    "rst": dict.fromkeys(range(2), 1),
    "ready": dict.fromkeys(range(EDGES), 1),
    "tap_valid": dict.fromkeys(range(EDGES), 1),
    # Three rows, a commit, an init, a run that ends with a sample.
    "load_strobe": {5: 1, 6: 1, 7: 1},
    "load_row": {6: 1, 7: 2},
    "commit": {8: 1},
    "init": {10: 1, 11: 1},
    "noise_seed": {10: 7, 11: 7},
    "noise_index": {10: 3, 11: 3},
    "run": {12: 1, 13: 1, 14: 1},
    "sample": {14: 1},
    "tap_row": {17: 1},
    # A frame of six beats, the first of which waits; then a frame that is cut short.
    "m_axis_tvalid": dict.fromkeys((16, 17, 18, 19, 20, 21, 22, 24), 1),
    "m_axis_tready": dict.fromkeys((17, 18, 19, 20, 21, 22, 24), 1),
    "m_axis_tdata": {16: 0x01020304, 17: 0x01020304, 18: 0x0506, 19: 0x3F000000, 20: 0x0708},
    "m_axis_tkeep": {16: 0xF, 17: 0xF, 18: 0x3, 19: 0xF, 20: 0x3, 21: 0xF, 22: 0x3, 24: 0x1},
    "m_axis_tlast": {22: 1, 24: 1},
    "m_axis_tuser": {24: 1},
    # Two beats of a program, the first of which waits.
    "s_axis_tvalid": dict.fromkeys((4, 5, 6), 1),
    "s_axis_tready": dict.fromkeys((5, 6), 1),
    "s_axis_tdata": {4: 9, 5: 9, 6: 8},
    "s_axis_tlast": {6: 1},
    # A write whose address waits and comes behind the data, and a read whose answer waits.
    "s_axil_awvalid": {26: 1, 27: 1},
    "s_axil_awready": {27: 1},
    "s_axil_awaddr": {26: 0x28, 27: 0x28},
    "s_axil_wvalid": {25: 1, 26: 1},
    "s_axil_wready": {26: 1},
    "s_axil_wdata": {25: 5, 26: 5},
    "s_axil_wstrb": {25: 0xF, 26: 0xF},
    "s_axil_bvalid": {29: 1, 30: 1},
    "s_axil_bready": {30: 1},
    "s_axil_bresp": {29: 2, 30: 2},
    "s_axil_arvalid": {27: 1, 28: 1},
    "s_axil_arready": {28: 1},
    "s_axil_araddr": {27: 0x4C, 28: 0x4C},
    "s_axil_rvalid": {31: 1, 32: 1},
    "s_axil_rready": {32: 1},
    "s_axil_rdata": {31: 77, 32: 77},
    "s_axil_rresp": {31: 0, 32: 0},
}


@dataclass(frozen=True)
class Violation:
    """A change of the legal run.

    Parameters
    ----------
    rule : str
        That it breaks.
    cycle : int
        Edge on which it does so.
    changes : mapping
        New values by port and edge.
    """

    rule: str
    cycle: int
    changes: Mapping[str, Mapping[int, int | str]]


VIOLATIONS = (
    Violation("A001", 12, {"init": {12: 1}, "noise_seed": {12: 7}, "noise_index": {12: 3}}),
    Violation("A002", 9, {"load_strobe": {9: 1}, "load_row": {9: 3}}),
    Violation("A003", 6, {"load_row": {6: 2}}),
    Violation("A004", 8, {"load_strobe": {8: 1}}),
    Violation("A005", 8, {"load_strobe": {7: 0}}),
    Violation("A006", 9, {"commit": {9: 1}}),
    Violation("A006", 15, {"sample": {15: 1}}),
    Violation("A007", 12, {"init": {10: 0, 11: 0}}),
    Violation("A007", 12, {"commit": {8: 0}}),
    Violation("A008", 14, {"tap_row": {14: 1}}),
    Violation("A009", 11, {"noise_seed": {11: 8}}),
    Violation("A009", 11, {"noise_index": {11: 4}}),
    Violation("A010", 10, {"ready": dict.fromkeys(range(3, EDGES), 0)}),
    Violation("A011", 14, {"ready": dict.fromkeys(range(6, EDGES), 0)}),
    Violation("A012", 9, {"sample": {9: "x"}}),
    Violation("A013", 6, {"load_data": {6: "x"}}),
    Violation("A013", 10, {"noise_index": {10: "x"}}),
    Violation("A013", 14, {"tap_row": {14: "x"}}),
    Violation("X001", 2, {"m_axis_tvalid": {2: 1, 3: 1}, "m_axis_tready": {3: 1}}),
    Violation("X002", 17, {"m_axis_tvalid": {17: 0}}),
    Violation("X003", 17, {"m_axis_tdata": {17: 0x01020305}}),
    Violation("X004", 23, {"m_axis_tvalid": {23: "x"}}),
    Violation("X004", 18, {"m_axis_tdata": {18: "x"}}),
    Violation("X004", 22, {"s_axis_tready": {22: "x"}}),
    Violation("X005", 18, {"m_axis_tkeep": {18: 0xF}}),
    Violation("X005", 24, {"m_axis_tkeep": {24: 0x2}}),
    Violation("X006", 22, {"m_axis_tlast": {22: 0}}),
    Violation("X006", 18, {"m_axis_tlast": {18: 1}}),
    Violation("X007", 19, {"m_axis_tuser": {19: 1}}),
    Violation("X008", 19, {"m_axis_tdata": {19: 0x40000000}}),
    Violation("X008", 18, {"m_axis_tdata": {18: 0x10000}}),
    Violation("X009", 5, {"s_axis_tvalid": {5: 0}}),
    Violation("X010", 5, {"s_axis_tdata": {5: 10}}),
    Violation("H001", 2, {"s_axil_bvalid": {2: 1}}),
    Violation("H002", 30, {"s_axil_bvalid": {30: 0}}),
    Violation("H002", 30, {"s_axil_bresp": {30: 0}}),
    Violation("H003", 32, {"s_axil_rvalid": {32: 0}}),
    Violation("H003", 32, {"s_axil_rdata": {32: 78}}),
    Violation("H004", 27, {"s_axil_bvalid": {27: 1, 29: 0, 30: 0}, "s_axil_bready": {27: 1, 30: 0}}),
    Violation("H005", 28, {"s_axil_rvalid": {28: 1, 31: 0, 32: 0}, "s_axil_rready": {28: 1, 32: 0}}),
    Violation("H006", 31, {"s_axil_rresp": {31: 1, 32: 1}}),
    Violation("H007", 22, {"irq": {22: "x"}}),
    Violation("H007", 31, {"s_axil_rdata": {31: "x", 32: "x"}}),
    Violation("H008", 27, {"s_axil_awaddr": {27: 0x2C}}),
    Violation("H009", 26, {"s_axil_wstrb": {26: 3}}),
    Violation("H010", 28, {"s_axil_arvalid": {28: 0}}),
)


def edges_of(violation: Violation | None) -> list[Edge]:
    """The legal run with a change; without one, the legal run."""
    edges: list[Edge] = [
        {port: values[number] for port, values in _LEGAL.items() if number in values} for number in range(EDGES)
    ]
    for port, values in violation.changes.items() if violation else ():
        for number, value in values.items():
            edges[number][port] = value
    return edges
