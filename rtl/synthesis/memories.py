"""The memories of a core, as synthesis finds them before any mapping: what a memory compiler is asked for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

MEMORIES_FILE = "memories.json"

RAM = "ram"
ROM = "rom"


@dataclass(frozen=True)
class MemoryMacro:
    """Memories of one kind and place.

    Parameters
    ----------
    name : str
        Path in the core, ``*`` for a number that tells alike ones apart: ``memory.bank_*.memory``.
    kind : {"ram", "rom"}
        A rom is never written; it becomes logic.
    width : int
        Bits per word.
    depth : int
        Words.
    read_ports, write_ports : int
    count : int
        Instances.
    """

    name: str
    kind: str
    width: int
    depth: int
    read_ports: int
    write_ports: int
    count: int

    @property
    def bits(self) -> int:
        """Return the bits of all instances."""
        return self.width * self.depth * self.count


def memory_script(module: str, source: str) -> list[str]:
    """Return the Yosys commands that leave `MEMORIES_FILE`, and an empty design.

    Parameters
    ----------
    module : str
        Name of the control plane's module.
    source : str
        Its Verilog.
    """
    return [
        f"read_verilog {source}",
        f"hierarchy -check -top {module}",
        "proc",
        "flatten",
        "opt",
        "memory -nomap",
        "select t:$mem_v2",
        f"write_json -selected {MEMORIES_FILE}",
        "design -reset",
    ]


def read_memories(path: Path) -> tuple[MemoryMacro, ...]:
    """Read the memories in a file that `memory_script` left, the largest in all first.

    Parameters
    ----------
    path : Path
    """
    alike: dict[tuple[str, str, int, int, int, int], int] = defaultdict(int)
    for module in json.loads(path.read_text(encoding="utf-8"))["modules"].values():
        for name, cell in module["cells"].items():
            # Case statements that Yosys turned into tables have names of its own; they are logic to everyone else.
            if cell["type"] != "$mem_v2" or cell["hide_name"]:
                continue
            number = {key: int(cell["parameters"][key], 2) for key in ("WIDTH", "SIZE", "RD_PORTS", "WR_PORTS")}
            kind = RAM if number["WR_PORTS"] else ROM
            key = (wildcarded(name), kind, number["WIDTH"], number["SIZE"], number["RD_PORTS"], number["WR_PORTS"])
            alike[key] += 1
    found = [MemoryMacro(*key, count) for key, count in alike.items()]
    return tuple(sorted(found, key=lambda memory: (-memory.bits, memory.name)))


def wildcarded(name: str) -> str:
    """Return a hierarchical name with ``*`` for the numbers that tell alike instances apart.

    Parameters
    ----------
    name : str
    """
    # Amaranth tells names that clash apart by `$` and a number, which depends on everything else in the design.
    return re.sub(r"_\d+(?=[.$\[]|$)", "_*", re.sub(r"\$\d+", "", name))
