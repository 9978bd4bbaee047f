"""Options of the benches: which of them run on Verilator too, and a build with coverage."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cocotb benches")
    group.addoption("--all-benches", action="store_true", help="run every bench on Verilator too, not only some")
    group.addoption("--coverage-folder", type=Path, help="all on Verilator, with its coverage collected here")
