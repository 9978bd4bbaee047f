"""Option of the benches: a build with coverage, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cocotb benches")
    group.addoption("--coverage-folder", type=Path, help="collect Verilator's line and toggle coverage here")
