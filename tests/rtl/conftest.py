"""Tests of one component may stand in several files: what they share is a module beside them, ``*_bench.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
pytest.register_assert_rewrite(
    "tests.rtl.control_plane_bench",
    "tests.rtl.documented_bench",
    "tests.rtl.documented_pages",
    "tests.rtl.firmware.firmware_bench",
    "tests.rtl.firmware.threaded_bench",
    "tests.rtl.host.spi_slave_bench",
    "tests.rtl.readout.readout_bench",
    "tests.rtl.schedule.sequencer_bench",
    "tests.rtl.weights.weight_bank_bench",
    "tests.rtl.weights.weight_store_bench",
    "tests.rtl.wrappers.wrapped_plane_bench",
)
