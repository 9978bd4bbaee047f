from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.rtl.weights import program_ingress, weight_bank
from oscc.rtl.weights.crc32 import Crc32
from oscc.rtl.weights.secded import SecdedDecoder
from oscc.sim.engines.job import CosimJob
from oscc.sim.verify.fault_campaign import (
    DamagedStream,
    Fault,
    Outcome,
    Upset,
    campaign_table,
    draw_streams,
    draw_upsets,
    run_campaign,
)

FULL = os.environ.get("OSCC_CAMPAIGN") == "full"
"""``make campaign`` asks for the full campaign; its table goes to out/campaign.md."""


@pytest.fixture(scope="module")
def job(make_core: Callable[..., CoreSpec], compile_on: Callable[..., CompileResult]) -> CosimJob:
    """Three samples of two short chunks on 3 x 4 cells; in a full campaign four chunks on tiny-8x8."""
    small = make_core(grid=[3, 4], stencil="king", chunks=2, init={"cycles": 20}, readout={"step": [1, 1]})
    core = make_core() if FULL else small
    program = compile_on(core, duration=0.25 if FULL else 0.6).program
    assert program is not None
    return CosimJob(core, program, samples=3, seed=5)


def test_no_upset_and_no_damaged_stream_corrupts_in_silence(job: CosimJob) -> None:
    singles, doubles, streams = (1000, 400, 40) if FULL else (40, 20, 2)
    faults: list[Fault] = [
        *draw_upsets(job, singles, 1, 0),
        *draw_upsets(job, doubles, 2, 0),
        *draw_streams(job, streams, 0),
    ]
    outcomes = run_campaign(job, faults)
    table = campaign_table(faults, outcomes)
    if FULL:
        Path("out").mkdir(exist_ok=True)
        Path("out/campaign.md").write_text(table)
    print(table)
    of = Counter((fault.kind, outcome) for fault, outcome in zip(faults, outcomes, strict=True))
    assert Outcome.SILENT not in outcomes, table
    # What SECDED promises: one flip never stops a sample, two are never taken for one.
    assert of["single-bit upset", Outcome.FLAGGED] == of["double-bit upset", Outcome.CORRECTED] == 0
    # The campaign did reach words that were read afterwards.
    assert of["single-bit upset", Outcome.CORRECTED] > singles / 3
    assert of["double-bit upset", Outcome.FLAGGED] > doubles / 3
    damaged = [outcome for fault, outcome in zip(faults, outcomes, strict=True) if isinstance(fault, DamagedStream)]
    assert set(damaged) <= {Outcome.FLAGGED, Outcome.HARMLESS}
    assert damaged.count(Outcome.FLAGGED) > 0.9 * len(damaged)


class _BlindDecoder(SecdedDecoder):
    """Gives what is stored, and says that it is right."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = Signal.like(self.data)
        with m.If(self.check):
            m.d.sync += first.eq(self.word[: len(self.data)])
        with m.If(self.correct):
            m.d.sync += self.data.eq(first)
        return m


@pytest.mark.skipif(FULL, reason="a full campaign is of the design as it is")
def test_a_decoder_that_does_not_look_lets_upsets_through(job: CosimJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_bank, "SecdedDecoder", _BlindDecoder)
    # Before the samples begin, in the top bit of a code that all chunks use.
    upset = Upset(0, 1, 1, (job.core.coupling_dac.bits - 1, 2))
    assert run_campaign(job, [upset]) == [Outcome.SILENT]


@pytest.mark.skipif(FULL, reason="a full campaign is of the design as it is")
def test_an_ingress_that_does_not_compare_the_crc_lets_damaged_streams_through(
    job: CosimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = job.program.stream()
    spoiled = DamagedStream("flipped", bytes([good[0] ^ 1]) + good[1:])
    assert run_campaign(job, [spoiled]) == [Outcome.FLAGGED]

    class Credulous(Crc32):
        """Always comes to the CRC that is expected of the good stream."""

        def elaborate(self, platform: Any) -> Module:
            m = Module()
            m.d.comb += self.crc.eq(job.program.stream_crc())
            return m

    monkeypatch.setattr(program_ingress, "Crc32", Credulous)
    assert run_campaign(job, [spoiled]) == [Outcome.SILENT]


def test_outcomes_of_chosen_upsets(job: CosimJob) -> None:
    late = 10**6
    chosen = [Upset(0, 0, 0, (0,)), Upset(0, 0, 0, (0, 1)), Upset(0, 2, 1, (job.core.word_bits,))]
    assert run_campaign(job, chosen) == [Outcome.CORRECTED, Outcome.FLAGGED, Outcome.CORRECTED]
    with pytest.raises(ValueError, match=f"delay {late}: the samples had ended by then"):
        run_campaign(job, [Upset(late, 0, 0, (0,))])


def test_drawn_faults_are_the_same_for_the_same_seed_and_within_the_banks(job: CosimJob) -> None:
    core = job.core
    upsets = draw_upsets(job, 200, 2, 7)
    assert upsets == draw_upsets(job, 200, 2, 7) != draw_upsets(job, 200, 2, 8)
    assert {upset.column for upset in upsets} == set(range(core.cols))
    assert {upset.address for upset in upsets} <= set(range(core.bank_depth))
    bits = np.array([upset.bits for upset in upsets])
    assert (bits[:, 0] < bits[:, 1]).all()
    assert bits.min() >= 0
    assert bits.max() == core.word_bits + core.check_bits - 1
    streams = draw_streams(job, 3, 1)
    assert streams == draw_streams(job, 3, 1)
    beat, size = core.stream_width // 8, len(job.program.stream())
    lengths = {(stream.kind, len(stream.stream) - size) for stream in streams}
    assert {kind for kind, extra in lengths if extra == -beat} == {"beat dropped"}
    assert {kind for kind, extra in lengths if extra == beat} == {"beat repeated"}
    assert len({kind for kind, extra in lengths if extra == 0}) == 4


def test_the_table_counts_outcomes_by_kind() -> None:
    faults: list[Fault] = [Upset(0, 0, 0, (1,)), Upset(0, 0, 0, (2,)), DamagedStream("beat dropped", b"")]
    text = campaign_table(faults, [Outcome.CORRECTED, Outcome.UNREAD, Outcome.FLAGGED])
    assert text.splitlines() == [
        "| fault | count | corrected | flagged | not read | harmless | silent corruption |",
        "|---|---|---|---|---|---|---|",
        "| single-bit upset | 2 | 1 | 0 | 1 | 0 | 0 |",
        "| beat dropped | 1 | 0 | 1 | 0 | 0 | 0 |",
    ]
