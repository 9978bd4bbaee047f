from __future__ import annotations

from oscc.rtl.synthesis.ice40 import ICE40


def test_the_device() -> None:
    assert ICE40.part == "iCE40 HX8K, CT256"
    assert ICE40.arguments[:3] == ("--hx8k", "--package", "ct256")


def test_a_logic_cell_of_the_harness_is_a_flip_flop() -> None:
    # SB_DFF and its variants with enable and reset, by the start of their type.
    subtracted = {resource.bel: resource.harness_cells for resource in ICE40.resources}
    assert subtracted == {"ICESTORM_LC": ("SB_DFF",), "ICESTORM_RAM": ()}
    assert all(kind.startswith("SB_DFF") for kind in ("SB_DFF", "SB_DFFE", "SB_DFFESR"))
    assert not "SB_LUT4".startswith(subtracted["ICESTORM_LC"])
