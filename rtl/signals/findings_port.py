"""The findings port: what was found wrong in the weight memory."""

from __future__ import annotations

from amaranth.lib.wiring import Out

from oscc.rtl.signals.port import PortSignature


def findings_port_signature() -> PortSignature:
    """Return the findings, seen from who counts them; called alike in Verilog.

    ``uncorrectable``
        High for one cycle per row that holds an uncorrectable word.
    ``corrected_words``, ``uncorrectable_words``, ``scrubbed_words``, ``self_test_failures``
        Counters that stay at their highest value.
    ``fault_address``, ``fault_column``
        The first row with an uncorrectable word, and the lowest such column of it.
    ``failure_address``, ``failure_column``
        The same for the self-test.
    """
    counters = ("corrected_words", "uncorrectable_words", "scrubbed_words", "self_test_failures")
    places = ("fault_address", "fault_column", "failure_address", "failure_column")
    return PortSignature(
        {"uncorrectable": Out(1), **dict.fromkeys(counters, Out(32)), **dict.fromkeys(places, Out(16))}
    )
