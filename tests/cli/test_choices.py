from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from oscc.cli.choice_names import KINDS
from oscc.cli.choices import list_verb

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

ROOT = Path(__file__).resolve().parents[2]


def test_every_kind_is_listed(oscc: Run, oscc_json: RunJson) -> None:
    status, content = oscc_json("list")
    assert (status, list(content)) == (0, list(KINDS))
    status, out, err = oscc("list")
    assert (status, err) == (0, "")
    for names in content.values():
        assert names
        assert all(name in out for name in names)


def test_one_kind_alone(oscc: Run, oscc_json: RunJson) -> None:
    presets = sorted(path.stem for path in (ROOT / "core" / "presets").glob("*.yaml"))
    assert oscc_json("list", "cores") == (0, {"cores": presets})
    assert oscc("list", "groups")[1] == "choices\n  groups (--clip)  coupling, shil, field, detuning\n"


def test_an_unknown_kind(oscc: Run) -> None:
    status, out, err = oscc("list", "placer")
    assert (status, out) == (1, "")
    assert err == "oscc list: 'placer' is no kind of choice; did you mean 'placers'?\n"


def test_what_an_engine_lacks_is_said(oscc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"icarus": "iverilog"}
    monkeypatch.setattr("oscc.sim.engines.registry.missing_for", lambda name: lacking.get(name, ""))
    assert "array, pysim, icarus (install iverilog), verilator" in oscc("list", "engines")[1]


def test_the_help_names_every_kind() -> None:
    kind = get_type_hints(list_verb, include_extras=True)["kind"].__metadata__[0]
    assert set(re.findall(r"[a-z]+", kind.help)) >= set(KINDS)
