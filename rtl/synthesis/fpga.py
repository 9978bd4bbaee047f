"""Synthesis, placement and routing for an FPGA: what its targets have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.base.file_output import write_text
from oscc.base.findings import Finding
from oscc.base.progress import Report
from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.findings import TOO_LARGE, TOO_SLOW
from oscc.rtl.synthesis.floorplan import BlockRamSites, places_of, with_places
from oscc.rtl.synthesis.harness import (
    control_plane_module_name,
    control_plane_verilog,
    harness_module_name,
    harness_verilog,
)
from oscc.rtl.synthesis.memories import MEMORIES_FILE, memory_script, read_memories
from oscc.rtl.synthesis.options import DEFAULT_OPTIONS, SynthesisOptions
from oscc.rtl.synthesis.report import Resource, SynthesisResult
from oscc.rtl.synthesis.timing import Timing, read_timing
from oscc.rtl.synthesis.tools import YOSYS, find_tool

CORE_FILE = "core.v"
HARNESS_FILE = "harness.v"
NETLIST_FILE = "netlist.json"
STAT_FILE = "stat.json"
REPORT_FILE = "report.json"

KEPT_APART = "*_weight_group* *_weight_bank*"
"""Modules of `WeightGroup` and `WeightBank`, as a selection of Yosys: synthesised one by one. Beside one another their
registers would hold the same words, be taken for one, and drive the banks of all columns."""

_UTILISATION = re.compile(r"^Info:\s+(\w+):\s+(\d+)\s*/\s*(\d+)\s+\d+%")


@dataclass(frozen=True)
class FpgaResource:
    """Something that a device has a number of.

    Parameters
    ----------
    name : str
        For people.
    bel : str
        What nextpnr calls it.
    harness_cells : tuple of str
        Cells of Yosys, by the start of their type, of which the harness takes one such resource each.
    """

    name: str
    bel: str
    harness_cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class FpgaDevice:
    """A device, and how the tools are told about it.

    Parameters
    ----------
    target : str
        As ``--target`` names it.
    part : str
        For people: device, speed grade and package.
    synthesis : str
        Command of Yosys.
    router : str
        Name of the placement and routing tool.
    arguments : tuple of str
        Which device it places for.
    resources : tuple of FpgaResource
    block_rams : BlockRamSites or None
        Where they are, when those of the weight banks are to be given places.
    preparation : tuple of str
        Commands of Yosys before the synthesis.
    """

    target: str
    part: str
    synthesis: str
    router: str
    arguments: tuple[str, ...]
    resources: tuple[FpgaResource, ...]
    block_rams: BlockRamSites | None = None
    preparation: tuple[str, ...] = ()


def fpga_script(core: CoreSpec, device: FpgaDevice) -> list[str]:
    """Return the commands for Yosys: memories, synthesis with the core kept apart from the harness, netlist.

    Parameters
    ----------
    core : CoreSpec
    device : FpgaDevice
    """
    inner, top = control_plane_module_name(core), harness_module_name(core)
    return [
        *memory_script(inner, CORE_FILE),
        f"read_verilog {HARNESS_FILE} {CORE_FILE}",
        f"hierarchy -check -top {top}",
        *device.preparation,
        # To each the other is a black box: nothing is optimised over the boundary, and each is counted alone.
        f"setattr -mod -set keep_hierarchy 1 {inner} {KEPT_APART}",
        f"{device.synthesis} -top {top}",
        f"setattr -mod -unset keep_hierarchy {KEPT_APART}",
        "flatten",
        f"tee -q -o {STAT_FILE} stat -json",
        f"setattr -mod -unset keep_hierarchy {inner}",
        "flatten",
        "opt_clean -purge",
        f"write_json {NETLIST_FILE}",
    ]


def synthesise_fpga(
    core: CoreSpec,
    device: FpgaDevice,
    folder: Path,
    options: SynthesisOptions = DEFAULT_OPTIONS,
    report: Report | None = None,
) -> SynthesisResult:
    """Return utilisation and timing of a core on a device, without the harness.

    Parameters
    ----------
    core : CoreSpec
    device : FpgaDevice
    folder : Path
        Where the tools work and leave their logs, ``yosys.log`` and ``nextpnr.log``.
    options : SynthesisOptions
    report : callable, optional

    Returns
    -------
    SynthesisResult
        With finding Y001 and without timing when the core does not fit; with Y002 when it is slower than the target.

    Raises
    ------
    OsccError
        ``synthesis.missing``, ``synthesis.tool`` or ``synthesis.timeout``.
    """
    yosys, router = find_tool(YOSYS), find_tool(device.router)
    write_text(folder / CORE_FILE, control_plane_verilog(core))
    write_text(folder / HARNESS_FILE, harness_verilog(core))
    write_text(folder / "synthesis.ys", "\n".join(fpga_script(core, device)) + "\n")
    yosys.run(["-s", "synthesis.ys"], folder, "yosys.log", options.timeout_s, report)
    counted = json.loads((folder / STAT_FILE).read_text(encoding="utf-8"))
    cells = module_cells(counted, control_plane_module_name(core))
    harness_cells = module_cells(counted, harness_module_name(core))
    del harness_cells[control_plane_module_name(core)]
    floorplanned = _floorplan(device, folder)
    (folder / REPORT_FILE).unlink(missing_ok=True)
    arguments = router_arguments(core, device, options)
    status = router.attempt(arguments, folder, "nextpnr.log", options.timeout_s, report)
    packed = packed_utilisation((folder / "nextpnr.log").read_text(encoding="utf-8", errors="replace"))
    resources = _resources(device, packed, harness_cells)
    findings = _too_small(device, resources)
    timing = None
    if status == 0:
        timing = read_timing(json.loads((folder / REPORT_FILE).read_text(encoding="utf-8")))
        findings = _too_slow(timing)
    elif not findings:
        raise router.failure(status, folder, "nextpnr.log")
    return SynthesisResult(
        target=device.target,
        device=device.part,
        core=core,
        tools=(yosys.version(), router.version()),
        seed=options.seed,
        resources=resources,
        cells=cells,
        harness_cells=harness_cells,
        floorplanned=floorplanned,
        memories=read_memories(folder / MEMORIES_FILE),
        timing=timing,
        findings=tuple(findings),
    )


def router_arguments(core: CoreSpec, device: FpgaDevice, options: SynthesisOptions) -> list[str]:
    """Return the arguments of the placement and routing tool.

    Parameters
    ----------
    core : CoreSpec
    device : FpgaDevice
    options : SynthesisOptions
    """
    files = ("--json", NETLIST_FILE, "--report", REPORT_FILE, "--detailed-timing-report")
    target = ("--freq", f"{options.target_mhz(core):g}", "--timing-allow-fail")
    return [*device.arguments, *files, *target, "--seed", str(options.seed)]


def module_cells(stat: dict[str, Any], module: str) -> dict[str, int]:
    """Count the cells of a module by type, from ``stat -json`` of Yosys, without what is no hardware.

    Parameters
    ----------
    stat : dict
    module : str
    """
    by_type: dict[str, int] = stat["modules"][f"\\{module}"]["num_cells_by_type"]
    return {name: count for name, count in sorted(by_type.items()) if name != "$scopeinfo"}


def packed_utilisation(log: str) -> dict[str, tuple[int, int]]:
    """Read used and available of each resource from nextpnr's log, which has them also when placement fails.

    Parameters
    ----------
    log : str

    Returns
    -------
    dict of str to (int, int)
    """
    found = {}
    for line in log.splitlines():
        if match := _UTILISATION.match(line):
            found[match[1]] = (int(match[2]), int(match[3]))
    return found


def _floorplan(device: FpgaDevice, folder: Path) -> int:
    """Give the block RAMs of the weight banks their places in the netlist; return how many have one."""
    if device.block_rams is None:
        return 0
    netlist = json.loads((folder / NETLIST_FILE).read_text(encoding="utf-8"))
    places = places_of(netlist, device.block_rams)
    write_text(folder / NETLIST_FILE, json.dumps(with_places(netlist, places)))
    return len(places)


def _resources(
    device: FpgaDevice, packed: Mapping[str, tuple[int, int]], harness_cells: Mapping[str, int]
) -> tuple[Resource, ...]:
    """Return what the core takes of each resource, the harness subtracted."""
    resources = []
    for resource in device.resources:
        used, available = packed.get(resource.bel, (0, 0))
        harness = sum(
            count
            for name, count in harness_cells.items()
            if resource.harness_cells and name.startswith(resource.harness_cells)
        )
        resources.append(Resource(resource.name, resource.bel, used - harness, harness, available))
    return tuple(resources)


def _too_small(device: FpgaDevice, resources: tuple[Resource, ...]) -> list[Finding]:
    """Return a finding per resource of which the device has too little."""
    return [
        TOO_LARGE.finding(
            f"does not fit {device.part}: {resource.total} of {resource.available} {resource.name}",
            "use fewer columns (--columns) or chunks (--chunks, --fit), or a larger device",
            {"resource": resource.bel, "needed": resource.total, "available": resource.available},
            # Other tools pack otherwise.,
        )
        for resource in resources
        if resource.total > resource.available
    ]


def _too_slow(timing: Timing) -> list[Finding]:
    """Return a finding where the target was not reached."""
    if timing.met:
        return []
    path = timing.critical_path
    return [
        TOO_SLOW.finding(
            f"{timing.achieved_mhz:g} MHz, {timing.target_mhz:g} MHz were asked for: {path.delay_ns:g} ns from "
            f"{path.start} to {path.end}",
            "see the critical path; another --seed moves the figure by a few per cent",
            {"achieved_mhz": timing.achieved_mhz, "target_mhz": timing.target_mhz, "critical_path_ns": path.delay_ns},
        )
    ]
