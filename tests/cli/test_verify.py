from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import oscc.sim.verify.verify
from oscc.base.errors import OsccError
from oscc.sim.engines.job import CosimJob
from oscc.sim.verify.checks import Verdict
from oscc.sim.verify.verify import VerifyOptions

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

QUICK = ("--engine", "array", "--pixel-samples", "4")


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[VerifyOptions]:
    """Verification replaced by an empty verdict; the options that it was asked for are kept."""
    kept: list[VerifyOptions] = []

    def verify(path: Path, options: VerifyOptions, *more: object) -> Verdict:
        kept.append(options)
        return Verdict(())

    monkeypatch.setattr(oscc.sim.verify.verify, "verify_folder", verify)
    return kept


def test_what_was_compiled_verifies(oscc: Run, folder: Path) -> None:
    before = contents(folder)
    status, out, err = oscc("verify", folder, "--pixel-samples", "4", "--engine", "array", "--engine", "pysim")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["status", "subject", "check", "measured", "limit"]
    table = lines[2 : lines.index("")]
    assert {line.split()[0] for line in table} == {"PASS"}
    assert lines[-1] == f"{len(table)} PASS, 0 FAIL, 0 SKIPPED"
    after = contents(folder)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"verify/verdict.json", "verify/verdict.txt"}
    assert after["verify/verdict.txt"].decode() == out[: out.rindex("\n\n") + 1]
    assert json.loads(after["verify/verdict.json"])["counts"] == {"PASS": len(table), "FAIL": 0, "SKIPPED": 0}


def test_json_is_the_verdict(oscc_json: RunJson, folder: Path) -> None:
    status, content = oscc_json("verify", folder, *QUICK)
    assert status == 0
    assert content == json.loads((folder / "verify" / "verdict.json").read_text())
    assert content["passed"] is True
    # One engine has nobody to agree with.
    assert content["complete"] is False
    assert [line["check"] for line in content["checks"] if line["status"] == "SKIPPED"] == ["engines agree"]


def test_a_failure_is_exit_status_three(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    content = bytearray((folder / "program.bin").read_bytes())
    content[-20] ^= 1
    (folder / "program.bin").write_bytes(content)
    status, out, err = oscc("verify", folder, *QUICK)
    assert (status, err) == (3, "")
    failed = [line for line in out.splitlines() if line.startswith("FAIL ")]
    assert [name in line for name, line in zip(("output files", "program file"), failed, strict=True)] == [True, True]
    assert out.splitlines()[-1] == "1 PASS, 2 FAIL, 1 SKIPPED"
    status, verdict = oscc_json("verify", folder, *QUICK)
    assert (status, verdict["passed"]) == (3, False)
    assert json.loads((folder / "verify" / "verdict.json").read_text()) == verdict


def test_skipped_checks_count_when_they_are_to(oscc: Run, folder: Path) -> None:
    assert oscc("verify", folder, *QUICK)[0] == 0
    status, out, _ = oscc("verify", folder, *QUICK, "--strict")
    assert status == 3
    assert "SKIPPED  array    engines agree" in out
    assert "needs two engines: give --engine twice or more" in out


def test_a_missing_simulator_is_skipped(oscc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: object, job: CosimJob, progress: object = None) -> None:
        raise OsccError("engine.missing", "engine 'icarus' is not installed", hint="install: Debian package iverilog")

    monkeypatch.setattr("oscc.sim.engines.verilog.VerilogEngine.run", missing)
    status, out, _ = oscc("verify", folder, "--engine", "icarus", "-n", "1")
    assert status == 0
    assert "engine 'icarus' is not installed; install: Debian package iverilog" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), VerifyOptions(("array", "pysim"), 2, 64, 0, 0.02)),
        (("--engine", "pysim", "--engine", "array", "--engine", "pysim"), VerifyOptions(("pysim", "array"))),
        (
            ("-n", "5", "--pixel-samples", "7", "--seed", "9", "--max-step", "0.05"),
            VerifyOptions(("array", "pysim"), 5, 7, 9, 0.05),
        ),
    ],
)
def test_options(
    arguments: tuple[str, ...], expected: VerifyOptions, oscc: Run, folder: Path, asked: list[VerifyOptions]
) -> None:
    assert oscc("verify", folder, *arguments)[0] == 0
    assert asked == [expected]


def test_an_unknown_engine_is_refused_before_any_work(oscc: Run, folder: Path, asked: list[Any]) -> None:
    before = contents(folder)
    assert oscc("verify", folder, "--engine", "array", "--engine", "verilater") == (
        1,
        "",
        "oscc: --engine: 'verilater' is not an engine; did you mean 'verilator'?\n",
    )
    assert asked == []
    assert contents(folder) == before


def test_without_pytorch_there_is_no_reference(
    oscc: Run, folder: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert oscc("verify", folder) == (1, "", "oscc: the reference needs PyTorch\npip install 'oscc[torch]'\n")
    assert asked == []


def test_a_folder_that_is_no_output_is_refused(oscc: Run, oscc_json: RunJson, tmp_path: Path) -> None:
    status, content = oscc_json("verify", tmp_path / "absent")
    assert (status, content["error"]["code"], content["error"]["message"]) == (1, "output.not-found", "no such folder")
    assert oscc("verify", tmp_path)[0] == 1
    assert contents(tmp_path) == {}


def test_half_a_verdict_is_never_left(
    oscc: Run, folder: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, content: object) -> None:
        path.write_text("{")
        raise OSError(28, "No space left on device", str(path))

    assert oscc("verify", folder)[0] == 0
    before = contents(folder)
    monkeypatch.setattr("oscc.base.output_folder.write_json", fail)
    status, _, err = oscc("verify", folder)
    assert status == 1
    assert "No space left on device" in err
    assert contents(folder) == before


@pytest.mark.parametrize("arguments", [("-n", "0"), ("--pixel-samples", "0"), ("--max-step", "0")])
def test_wrong_usage(arguments: tuple[str, str], oscc: Run, compiled: Path) -> None:
    status, out, err = oscc("verify", compiled, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("oscc verify: Invalid value for ")
