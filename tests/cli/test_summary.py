from __future__ import annotations

from typing import Any

import pytest

from oscc.cli.summary import print_summary, print_what_if
from oscc.compiler.feasibility.advice.entry import WhatIfEntry
from oscc.compiler.feasibility.what_if import WhatIf

FITS: dict[str, Any] = {
    "feasible": True,
    "model": "m",
    "core": "c",
    "nodes": 5,
    "couplings": 6,
    "chunks": 2,
    "max_degree": 3,
    "findings": [],
    "placement": "mirror",
    "tau_s": 2e-6,
    "tau_s_per_chunk": [1e-6, 1e-6],
    "tau_active_bound": "shil",
    "run_cycles": [100, 100],
    "cycles_per_sample": 264,
    "quantization": {"rms_lsb": 0.28871, "max_lsb": 0.5, "clipped": 1, "zeroed": 2, "sign_changed": 3},
}


def test_a_model_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(FITS, {"program": "p.bin"})
    assert capsys.readouterr().out.splitlines() == [
        "m on c: fits",
        "  model                  5 nodes, 6 couplings, 2 chunks",
        "  couplings into a node  at most 3",
        "  placement              mirror",
        "  time scale             2 x 100 cycles, tau 1e-06 s, decided by shil",
        "  cycles per sample      264",
        "  coupling error         0.289 LSB rms, 0.500 LSB at most",
        "  coupling codes         1 clipped, 2 zeroed, 3 of another sign",
        "  program                p.bin",
    ]


WARNINGS = [
    {"code": "W003", "message": "m", "advice": "a", "numbers": {}},
    {"code": "W005", "message": "m", "advice": "a", "numbers": {}},
]


def test_a_model_that_fits_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    use: dict[str, float] = {
        "parameters": 8,
        "not_zero": 7,
        "codes_not_zero": 6,
        "codes_used": 3,
        "codes_available": 15,
    }
    use |= {"smallest_lsb": 0.25, "largest_lsb": 6.96}
    content = {"groups": {"coupling": use, "field": {**use, "not_zero": 0}}}
    print_summary({**FITS, "warnings": WARNINGS, "code_use": content}, {"program": "p.bin"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "m on c: fits, with 2 warnings"
    assert lines[-2:] == [
        "  coupling in use        6 of 8 not 0 (75.0 %), 3 of 15 codes; 0.25 to 6.96 LSB",
        "  program                p.bin",
    ]


def test_chunks_of_different_length_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary({**FITS, "run_cycles": [100, 50], "tau_s_per_chunk": [1e-6, 5e-7]}, {})
    assert "100 + 50 cycles, tau 1e-06, 5e-07 s, decided by shil" in capsys.readouterr().out


@pytest.mark.parametrize(("count", "more"), [(1, ""), (2, " (and 1 more cause)"), (3, " (and 2 more causes)")])
def test_the_first_line_names_the_first_cause(count: int, more: str, capsys: pytest.CaptureFixture[str]) -> None:
    short = {key: FITS[key] for key in ("model", "core", "nodes", "couplings", "chunks", "max_degree")}
    print_summary({**short, "feasible": False, "findings": [{"message": "it is too large"}] * count}, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"m on c: does not fit: it is too large{more}"
    assert len(lines) == 3


def test_what_was_not_tried_stands_in_a_table_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    entries = (
        WhatIfEntry("option", "use --placer anneal", {}),
        WhatIfEntry("split", "split nodes into copies: --copies", {"spare_cells": 3}, tried=False),
    )
    print_what_if(WhatIf(None, entries))
    assert capsys.readouterr().out.splitlines() == [
        "what would make it fit",
        "  1  use --placer anneal: no more hardware",
        "what may make it fit (not tried)",
        "  2  split nodes into copies: --copies: 3 cells to spare",
    ]
