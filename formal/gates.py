"""Gates: a core as generic cells, proved and simulated: ``python formal/gates.py [--core SPEC] [--markdown FILE]``.

Three steps, a line of the table for each module: the Verilog of each module is proved to do what its component says;
each module as a netlist of generic cells is proved to do what its Verilog says; and the two benches that need no Python
run on the whole netlist in Icarus Verilog. A module with a seeded bug is proved, too: it must fail.

Exit status: 0 when everything passes and every seeded bug is found; 1 for an error; 3 when something fails.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from formal.equivalence import Pair, Verdict, core_pairs, prove, prove_netlist
from formal.netlist import MEMORIES, MODELS, NETLIST, Netlist, synthesise
from formal.netlist_bench import BenchResult, run_outsider, run_standalone
from formal.sby import ROOT
from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

SCRATCH = ROOT / "build" / "gates"


@dataclass(frozen=True)
class Row:
    """What is known of a module.

    Parameters
    ----------
    pair : Pair
    verilog : Verdict
        The module against its component.
    bug : Verdict
        The module with a seeded bug against its component: it must fail.
    netlist : Verdict or None
        Its cells against the module; None for a memory, which stays as it is.
    cells : int
    """

    pair: Pair
    verilog: Verdict
    bug: Verdict
    netlist: Verdict | None
    cells: int

    @property
    def passed(self) -> bool:
        """Whether everything is proved, and the seeded bug was found."""
        return self.verilog.passed and not self.bug.passed and (self.netlist is None or self.netlist.passed)

    def cells_of_table(self) -> tuple[str, ...]:
        """Return the line of the table."""
        kept = "memory" if self.netlist is None else _word(self.netlist)
        seconds = sum(one.seconds for one in (self.verilog, self.bug, self.netlist) if one is not None)
        return (
            self.pair.name,
            _word(self.verilog),
            "not found" if self.bug.passed else "found",
            kept,
            str(self.cells) if self.netlist is not None else "",
            f"{seconds:.1f}",
        )


HEAD = ("module", "bits proved, Verilog", "seeded bug", "bits proved, netlist", "cells", "seconds")


def _word(verdict: Verdict) -> str:
    return f"{verdict.proved}" if verdict.passed else f"FAIL: {verdict.why}"


def with_bug(pair: Pair) -> Pair:
    """Return a pair whose module has an assignment, or the input of an instance, inverted.

    Parameters
    ----------
    pair : Pair

    Raises
    ------
    AssertionError
        When the module has neither.
    """
    start = pair.verilog.index(f"module {pair.name} (")
    head, body = pair.verilog[:start], pair.verilog[start:]
    # The last one: what comes first in a block may be overwritten.
    for kind in (r"^ +[\w\[\]:]+ <= ([^;]*);", r"^ *assign [\w\[\]:]+ = ([^;]*);"):
        if places := list(re.finditer(kind, body, re.M)):
            low, high = places[-1].span(1)
            return replace(pair, verilog=f"{head}{body[:low]}~({body[low:high]}){body[high:]}")
    outputs = set().union(*pair.children.values()) | {"clk", "rst"}
    for pin in re.finditer(r"^ +\.(\w+)\((\w+)\)", body, re.M):
        if pin[1] not in outputs:
            return replace(pair, verilog=f"{head}{body[: pin.start(2)]}~{body[pin.start(2) :]}")
    raise AssertionError(f"{pair.name} has nothing to invert")


def prove_row(pair: Pair, netlist: Netlist, scratch: Path) -> Row:
    """Prove all that is to be proved of a module.

    Parameters
    ----------
    pair : Pair
    netlist : Netlist
        Of its core.
    scratch : Path
        Gets a folder for each proof.
    """

    def folder(kind: str) -> Path:
        """Return a new folder of a proof."""
        path = scratch / pair.name / kind
        path.mkdir(parents=True)
        return path

    cells = None if MEMORIES in pair.name else prove_netlist(pair, netlist, folder("netlist"))
    return Row(
        pair,
        prove(pair, folder("verilog")),
        prove(with_bug(pair), folder("bug")),
        cells,
        netlist.cells.get(pair.name, 0),
    )


def run(core: CoreSpec, scratch: Path, jobs: int, told: Callable[[str], None]) -> tuple[list[Row], list[BenchResult]]:
    """Do all three steps.

    Parameters
    ----------
    core : CoreSpec
    scratch : Path
        Emptied; keeps designs and logs.
    jobs : int
        Proofs and benches at a time.
    told : callable
        Gets a line for each module and bench.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "netlist").mkdir(parents=True)
    netlist = synthesise(core, scratch / "netlist")
    told(f"{sum(netlist.cells.values())} cells in {len(netlist.cells)} modules, {len(netlist.memories)} memories")
    sources = [netlist.folder / name for name in (NETLIST, MODELS, *netlist.memories)]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running = [pool.submit(run_standalone, core, sources, scratch / "bench")]
        if core == load_core("tiny-8x8"):
            running.append(pool.submit(run_outsider, sources, scratch / "outsider"))
        rows = []
        for row in pool.map(lambda pair: prove_row(pair, netlist, scratch), core_pairs(core)):
            rows.append(row)
            told("  ".join(row.cells_of_table()))
        benches = [bench.result() for bench in running]
    for bench in benches:
        told(f"{bench.name}: {bench.last} ({bench.seconds:.1f} s)")
    return rows, benches


def markdown(core: CoreSpec, rows: Sequence[Row], benches: Sequence[BenchResult], command: str) -> str:
    """Return the results as a page of the manual.

    Parameters
    ----------
    core : CoreSpec
    rows : sequence of Row
    benches : sequence of BenchResult
    command : str
    """
    lines = [
        "# Gates",
        "",
        f"Made by `{command}` for `{core.name}`. Seconds are wall time on a shared machine (measured).",
        "",
        "A line for each module of the core. *Bits proved, Verilog*: bits of registers, nets and outputs",
        "of the emitted module that are proved equal to those of the component that it was written from,",
        "for any inputs and any content of the registers. *Seeded bug*: the same proof of a module in",
        "which one assignment, or the input of an instance, is inverted; it must fail. *Bits proved,",
        "netlist*: the module as a netlist of the generic cells of `rtl/synthesis/cells.lib` against its",
        "Verilog; memories stay as they are. Instances and memories are cut out on both sides alike, so",
        "that all lines together are the core. Initial contents play no part.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(row.cells_of_table())} |" for row in rows),
        "",
        f"In all {sum(row.cells for row in rows):,} cells, each module counted once.",
        "",
        "The netlist, with the behavioural memories, in Icarus Verilog:",
        "",
        "| bench | what it says | seconds |",
        "|---|---|---|",
        *(f"| {bench.name} | {bench.last} | {bench.seconds:.1f} |" for bench in benches),
        "",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status."""
    parser = argparse.ArgumentParser(prog="formal/gates.py", description="Prove and simulate a core as generic cells.")
    parser.add_argument("--core", default="tiny-8x8", metavar="SPEC", help="preset or file (default tiny-8x8)")
    parser.add_argument("--scratch", type=Path, default=SCRATCH, metavar="DIR", help="default: build/gates")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="proofs at a time (default 1)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="results as a page for docs/")
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        core = load_core(options.core)
        rows, benches = run(core, options.scratch, options.jobs, lambda line: print(line, flush=True))
        if options.markdown:
            text = markdown(core, rows, benches, "make gates")
            options.markdown.write_text(text, encoding="utf-8")
    except (OsccError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    failed = [row.pair.name for row in rows if not row.passed] + [one.name for one in benches if not one.passed]
    print(f"{'FAIL: ' + ', '.join(failed) if failed else 'PASS'}, {time.monotonic() - begun:.0f} s")
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
