"""All proofs, in the order in which they run."""

from __future__ import annotations

from formal.proof import Proof
from formal.proofs import (
    axi_lite,
    control_plane,
    crc32,
    host_bridge,
    instruction_fetch,
    johnson_decoder,
    program_ingress,
    readout,
    row_loader,
    sample_delivery,
    schedule_check,
    secded,
    sequencer,
    sequencer_events,
    sequencer_schedules,
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
    *sequencer_events.PROOFS,
    *sequencer_schedules.PROOFS,
    *readout.PROOFS,
    *sample_delivery.PROOFS,
    *watchdog.PROOFS,
    *control_plane.PROOFS,
    *host_bridge.PROOFS,
)
