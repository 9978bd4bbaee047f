"""Synthesis figures: an ECP5 against the number of columns, area in generic cells, a small core on an iCE40.

Where a placement misses the clock, the next seed is tried, and all are in the table: placement is random, and a single
cell far from its path costs more than what seeds differ by otherwise. Takes hours of one processor for all of it; what
was done before, of the same inputs, is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis import floorplan
from oscc.rtl.synthesis.asic import asic_script, library_text
from oscc.rtl.synthesis.fpga import fpga_script
from oscc.rtl.synthesis.harness import control_plane_verilog, harness_verilog
from oscc.rtl.synthesis.options import SynthesisOptions
from oscc.rtl.synthesis.report import markdown, markdown_table
from oscc.rtl.synthesis.targets import DEVICES, TARGETS, synthesise
from oscc.rtl.synthesis.tools import YOSYS, find_tool, tool_folder
from oscc.rtl.synthesis.variants import cut_core

RESULTS = Path(__file__).resolve().parents[1] / "out" / "bench" / "synthesis"
SEEDS = (2, 1, 3)
"""Of the placement, in the order in which they are tried."""

COLUMNS = (8, 16, 24, 32, 40, 48, 56)


HEADER = """# Synthesis of the control plane

Made by `make synth` (`python benchmarks/bench_synthesis.py`); how it is done, and what limits the clock, is in
[verification.md](verification.md#synthesis). Clocks are after placement and routing for the core's 100 MHz; resources
and area are those of the core without the harness.
"""


def bench_cores(target: str, columns: Iterable[int]) -> list[CoreSpec]:
    """The cores that are synthesised for a target."""
    if target == "ecp5":
        return [cut_core(load_core("ais-56x56"), columns=count) for count in columns]
    if target == "asic":
        return [load_core(name) for name in ("tiny-8x8", "king-48x41", "ais-56x56")]
    return [cut_core(load_core("tiny-8x8"), columns=2, chunks=1)]


def inputs_key(core: CoreSpec, target: str) -> str:
    """SHA-256 of all that a result depends on but the seed: Verilog, commands, device, tools."""
    parts: list[object] = [control_plane_verilog(core), harness_verilog(core), core.clock_hz]
    if target == "asic":
        parts += [asic_script(core), library_text(), find_tool(YOSYS).version()]
    else:
        device = DEVICES[target]
        # The floorplan is code: its source stands for it.
        parts += [fpga_script(core, device), device.arguments, device.block_rams, inspect.getsource(floorplan)]
        parts += [find_tool(tool).version() for tool in (YOSYS, device.router)]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def figures(core: CoreSpec, target: str, results: Path, seed: int) -> dict[str, Any]:
    """The result for a core, from an earlier run of the same inputs if there is one."""
    key = inputs_key(core, target)
    path = results / f"{target}-{core.name}-seed-{seed}.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known.get("inputs_sha256") == key:
            return known
    with tool_folder() as folder:
        result = synthesise(core, target, folder, SynthesisOptions(seed=seed, timeout_s=6 * 3600.0))
    content = {"inputs_sha256": key, **result.as_dict()}
    results.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
    return content


def attempts(core: CoreSpec, target: str, results: Path, seeds: Iterable[int]) -> list[dict[str, Any]]:
    """The results for a core, of one seed after the other until its clock is met; one where there is no clock."""
    found = []
    for seed in seeds:
        found.append(figures(core, target, results, seed))
        timing = found[-1]["timing"]
        if target != "ecp5" or timing is None or timing["met"]:
            break
    return found


def fpga_table(contents: Iterable[dict[str, Any]]) -> str:
    """A row per placement: clock, resources without the harness, the critical path."""
    rows: list[tuple[object, ...]] = []
    header: list[str] = []
    for content in contents:
        resources = content["resources"]
        header = ["core", "columns", "seed", "MHz", *(resource["name"] for resource in resources)]
        header += ["block RAMs with a place of the floorplan", "harness", "critical path"]
        timing = content["timing"]
        path = timing["critical_path"] if timing else None
        clock = f"{timing['achieved_mhz']:.1f}" if timing else "does not fit"
        where = f"{path['start']} to {path['end']}: {path['delay_ns']:.1f} ns" if path else ""
        used = [f"{resource['used']:,} of {resource['available']:,}" for resource in resources]
        harness = ", ".join(f"{count} {name}" for name, count in content["harness_cells"].items())
        core = content["core"]
        rows.append(
            (core["name"], core["grid"][1], content["seed"], clock, *used, content["floorplanned"], harness, where)
        )
    return markdown_table(header, rows)


def asic_table(contents: Iterable[dict[str, Any]]) -> str:
    """A row per core: area in NAND2 equivalents, and the memories that are left out of it."""
    rows = []
    for content in contents:
        area = content["area"]
        rams = [memory for memory in content["memories"] if memory["kind"] == "ram"]
        listed = ", ".join(f"{ram['count']} x {ram['depth']} x {ram['width']}" for ram in rams)
        bits = sum(ram["bits"] for ram in rams)
        flip_flops = content["cells"].get("DFF", 0)
        rows.append(
            (
                content["core"]["name"],
                f"{area['total']:,.0f}",
                f"{area['sequential']:,.0f}",
                f"{flip_flops:,}",
                f"{bits:,}",
                listed,
            )
        )
    header = (
        "core",
        "area [NAND2]",
        "of it flip-flops",
        "flip-flops",
        "memory bits",
        "memories (number x words x bits)",
    )
    return markdown_table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be given again")
    parser.add_argument("--columns", type=int, action="append", help="for ecp5: only so many; may be given again")
    parser.add_argument("--seed", type=int, action="append", help="of the placement; may be given again")
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args()
    # Others may want the processor, too.
    os.nice(10)
    tables = {"ecp5": fpga_table, "ice40": fpga_table, "asic": asic_table}
    parts = []
    for target in given.target or TARGETS:
        cores = bench_cores(target, given.columns or COLUMNS)
        contents = [content for core in cores for content in attempts(core, target, given.results, given.seed or SEEDS)]
        device, tools = contents[0]["device"], ", ".join(contents[0]["tools"])
        parts.append(f"## Target {target}\n\n{device} ({tools}).\n\n{tables[target](contents)}\n")
        print(parts[-1], flush=True)
    if given.markdown is not None:
        given.markdown.write_text("\n".join([HEADER, *parts]), encoding="utf-8")


if __name__ == "__main__":
    main()
