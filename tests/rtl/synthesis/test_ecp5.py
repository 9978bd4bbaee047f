from __future__ import annotations

from oscc.rtl.synthesis.ecp5 import ECP5


def test_the_device_is_the_slowest_grade_of_the_largest_part() -> None:
    assert ECP5.part == "LFE5U-85F, speed grade 6, CABGA756"
    assert ECP5.arguments[:5] == ("--85k", "--speed", "6", "--package", "CABGA756")
    assert ECP5.synthesis == "synth_ecp5"


def test_what_the_harness_is_made_of_is_subtracted() -> None:
    # The harness has LUTs and flip-flops only.
    subtracted = {resource.bel: resource.harness_cells for resource in ECP5.resources}
    assert subtracted == {"TRELLIS_COMB": ("LUT4",), "TRELLIS_FF": ("TRELLIS_FF",), "DP16KD": (), "MULT18X18D": ()}
