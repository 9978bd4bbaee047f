from __future__ import annotations

from oscc.sim.engines.stream_rules import StreamWatch, at


def test_a_sender_may_wait_and_be_kept_waiting() -> None:
    watch = StreamWatch("m_axis_t")
    edges = [(0, 0, 0), (0, 1, 7), (1, 1, 1), (1, 0, 2), (1, 0, 2), (1, 1, 2), (1, 1, 3), (0, 0, 9), (1, 0, 4)]
    assert [watch.see(bool(valid), bool(ready), (beat,)) for valid, ready, beat in edges] == [""] * len(edges)


def test_what_is_offered_must_not_be_withdrawn() -> None:
    watch = StreamWatch("m_axis_t")
    watch.see(True, False, (5,))
    assert watch.see(False, True, (5,)) == "m_axis_tvalid fell before m_axis_tready was high"
    assert watch.see(True, True, (6,)) == ""


def test_what_is_offered_must_not_change() -> None:
    watch = StreamWatch("m_axis_t")
    watch.see(True, False, (5, 0))
    assert watch.see(True, True, (5, 1)) == (
        "m_axis_tdata, m_axis_tlast or m_axis_tuser changed before m_axis_tready was high"
    )


def test_a_message_names_signal_and_cycle() -> None:
    assert at("no image within 10 cycles", "m_axis_tvalid", 1234) == (
        "no image within 10 cycles; m_axis_tvalid, cycle 1,234"
    )
