"""All proofs, in the order in which they run."""

from __future__ import annotations

from formal.proof import Proof
from formal.proofs import (
    axi_lite,
    crc32,
    instruction_fetch,
    johnson_decoder,
    program_ingress,
    readout,
    row_loader,
    schedule_check,
    secded,
    sequencer,
    watchdog,
)

PROOFS: tuple[Proof, ...] = (
    *johnson_decoder.PROOFS,
    *secded.PROOFS,
    *crc32.PROOFS,
    *program_ingress.PROOFS,
    *axi_lite.PROOFS,
    *row_loader.PROOFS,
    *schedule_check.PROOFS,
    *instruction_fetch.PROOFS,
    *sequencer.PROOFS,
    *readout.PROOFS,
    *watchdog.PROOFS,
)
