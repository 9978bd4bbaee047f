"""All proofs, in the order in which they run."""

from __future__ import annotations

from formal.proof import Proof
from formal.proofs import axi_lite, johnson_decoder, secded

PROOFS: tuple[Proof, ...] = (
    *johnson_decoder.PROOFS,
    *secded.PROOFS,
    *axi_lite.PROOFS,
)
