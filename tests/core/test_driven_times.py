from __future__ import annotations

import hashlib
import json

import pytest
from pydantic import ValidationError

from oscc.core.driven_times import decided_after, feedback_cycles, least_settle_cycles, look_cycles
from oscc.core.spec_file import load_core


def test_plain_cores_are_what_they_were() -> None:
    core = load_core("tiny-8x8")
    content = json.loads(core.canonical_json())
    assert "inputs" not in content
    assert not core.driven
    assert core.program_beats == 8 * 32 * 2
    # The hash that programs of earlier releases carry.
    assert core.hash == hashlib.sha256(core.canonical_json().encode()).hexdigest()
    assert core.section_beats == (0, 0, 0)
    assert core.loader_latency == 1 + 5


def test_a_driven_core_is_another_core_and_counts_its_sections() -> None:
    core = load_core("driven-8x8")
    assert json.loads(core.canonical_json())["inputs"] == 64
    assert core.hash != core.changed(inputs=63).hash
    assert core.section_beats == (64, 2 * 64, 8)
    # 8 couplings of 4 bits, SHIL 4, field 8, detuning 4: 48 bits, one beat.
    assert core.program_beats == 8 * 16 + 64 + 128 + 8
    assert core.loader_latency == 1 + 5 + 1
    narrow = core.changed(stream_width=32)
    assert narrow.section_beats == (2 * 64, 2 * 64, 8 * 2)


def test_looks_and_feedback_take_what_is_said() -> None:
    core = load_core("driven-8x8")
    assert look_cycles(core, 8) == 8 * (1 + 3) + 8
    assert least_settle_cycles(core, 8) == 120
    assert decided_after(core, 2, 5) == 5 * 16
    assert feedback_cycles(64) == 72


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"inputs": 65}, "inputs: 65 for 64 cells"),
        ({"inputs": 4097}, "less than or equal to 4096"),
        ({"inputs": -1}, "greater than or equal to 0"),
        ({"inputs": True}, "inputs"),
        ({"init": {"cycles": 6}}, r"shorter than the fetch of the run that follows \(7\)"),
    ],
)
def test_inputs_that_no_core_has(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        load_core("driven-8x8").changed(**keys)
