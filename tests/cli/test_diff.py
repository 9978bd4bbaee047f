from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.core.spec import CoreSpec

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def clipped(oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """The model of `compiled`, with a time scale at which couplings clip."""
    arguments = ("--core", "tiny-8x8", "--tau-s", "1e-7", "--clip", "coupling", "--clip", "shil")
    more = ("--clip", "field", "--clip", "detuning")
    status, out, err = oscc("compile", tiny_checkpoint, *arguments, *more, "-o", tmp_path / "clipped")
    assert status == 0, out + err
    return tmp_path / "clipped"


def test_the_same_twice(oscc: Run, compiled: Path) -> None:
    status, out, err = oscc("diff", compiled, compiled)
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "verdict fits" in lines
    assert "program the same" in lines
    assert "cells moved 0 of 64 nodes" in lines
    assert not any(line.startswith("warned of") for line in lines)


def test_another_time_scale(oscc_json: RunJson, compiled: Path, clipped: Path) -> None:
    status, content = oscc_json("diff", compiled, clipped)
    assert status == 0
    assert content["measures"]["clipped"]["before"] == 0
    assert content["measures"]["clipped"]["after"] > 0
    assert content["measures"]["tau_s"]["after"] < content["measures"]["tau_s"]["before"]
    assert content["codes_changed_share"] > 0
    assert "exceeded" not in content
    # Everything clips, and that is said of the second.
    assert content["warnings"]["before"] == {}
    assert content["warnings"]["after"]["W004"] == 4
    assert content["measures"]["warnings"]["after"] == sum(content["warnings"]["after"].values())


def test_warnings_are_compared(oscc: Run, compiled: Path, clipped: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("schema: oscc.thresholds/1\nwarnings: 3\n")
    status, out, _ = oscc("diff", compiled, clipped, "--thresholds", limits)
    assert status == 3
    assert "warned of" in out
    assert "none -> 4 of W004" in out
    assert oscc("diff", clipped, compiled, "--thresholds", limits)[0] == 0


def test_codes_of_another_width_are_said(
    oscc: Run, compiled: Path, tmp_path: Path, make_core: Callable[..., CoreSpec], tiny_checkpoint: Path
) -> None:
    core = tmp_path / "core.yaml"
    core.write_text(yaml.safe_dump(make_core().with_coupling_bits(5).model_dump(mode="json", by_alias=True)))
    assert oscc("compile", tiny_checkpoint, "--core", core, "-o", tmp_path / "five")[0] == 0
    _, text, _ = oscc("diff", compiled, compiled)
    assert "code step" not in text
    status, text, _ = oscc("diff", compiled, tmp_path / "five")
    assert status == 0
    (line,) = (line for line in text.splitlines() if "code step" in line)
    assert re.fullmatch(r"  coupling code step +[0-9. ]+ -> [0-9. ]+; codes count by what they are worth", line)


def test_thresholds_decide_the_status(
    oscc: Run, oscc_json: RunJson, compiled: Path, clipped: Path, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("schema: oscc.thresholds/1\nclipped: 0\npeak_demand: 0\n")
    status, out, _ = oscc("diff", compiled, clipped, "--thresholds", limits)
    assert status == 3
    assert "1 exceeded" in out
    assert "at most 0 is allowed" in out
    status, content = oscc_json("diff", clipped, compiled, "--thresholds", limits)
    assert (status, content["exceeded"]) == (0, [])


def test_faults_are_one_line(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    status, _, err = oscc("diff", compiled, tmp_path / "none")
    assert status == 1
    assert "no such folder" in err
    (tmp_path / "limits.yaml").write_text("schema: oscc.thresholds/1\nclip: 0\n")
    status, _, err = oscc("diff", compiled, compiled, "--thresholds", tmp_path / "limits.yaml")
    assert status == 1
    assert "clip: unknown key" in err
