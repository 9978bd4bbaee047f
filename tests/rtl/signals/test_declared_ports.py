"""Every port that components share: its members, who drives them, and what they are called in Verilog."""

from __future__ import annotations

import pytest
from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec_file import load_core
from oscc.rtl.signals.drive_port import drive_port_signature
from oscc.rtl.signals.fetch_port import fetch_port_signature
from oscc.rtl.signals.findings_port import findings_port_signature
from oscc.rtl.signals.frame_port import frame_port_signature
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.load_port import load_port_signature
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.signals.shadow_port import shadow_port_signature
from oscc.rtl.signals.tap_port import tap_port_signature
from oscc.rtl.signals.word_port import word_port_signature

TINY = load_core("tiny-8x8")
"""8 x 8 cells, 4 chunks, words of 108 bits with 8 check bits, beats of 8 bytes; of every second row and column, 8 taps
in each of 4 sub-phases are read."""


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        (drive_port_signature(), "init>1 run>1 sample>1 commit>1"),
        (fetch_port_signature(64), "fetch_address>6 fetch_word<32"),
        (fetch_port_signature(4), "fetch_address>2 fetch_word<32"),
        (
            findings_port_signature(),
            "uncorrectable>1 corrected_words>32 uncorrectable_words>32 scrubbed_words>32 self_test_failures>32 "
            "fault_address>16 fault_column>16 failure_address>16 failure_column>16",
        ),
        (frame_port_signature(), "readout_start>1 discarded>1 readout_busy<1 readout_room<1"),
        (frame_port_signature(prefix="", discard="discard"), "start>1 discard>1 busy<1 room<1"),
        (load_port_signature(TINY), "load_start>1 chunk>2 load_taken>1 load_busy<1 load_complete<1"),
        (load_port_signature(TINY, prefix=""), "start>1 chunk>2 taken>1 busy<1 complete<1"),
        (shadow_port_signature(TINY), "load_row>3 load_strobe>1 load_data>864"),
        (tap_port_signature(TINY), "tap_data<128 tap_valid<1 tap_row>2"),
        (word_port_signature(TINY), "write_enable>8 write_address>5 write_word>116"),
        (program_stream_signature(TINY), "stream_valid>1 stream_data>64 stream_last>1 stream_ready<1"),
        (
            image_stream_signature(TINY),
            "stream_valid>1 stream_data>64 stream_keep>8 stream_last>1 stream_user>1 stream_ready<1",
        ),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)
def test_members_directions_widths_and_names(signature: wiring.Signature, expected: str) -> None:
    port = signature.create()
    found = [
        f"{getattr(port, name).name}{'>' if member.flow == wiring.Out else '<'}{Shape.cast(member.shape).width}"
        for name, member in signature.members.items()
    ]
    assert found == expected.split()
