from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import Finding
from oscc.base.progress import Report
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis import targets
from oscc.rtl.synthesis.ecp5 import ECP5
from oscc.rtl.synthesis.findings import TOO_LARGE
from oscc.rtl.synthesis.options import SynthesisOptions
from oscc.rtl.synthesis.report import SynthesisResult
from oscc.rtl.synthesis.targets import TARGETS, check_target_name, synthesise, synthesise_largest


def result_of(core: CoreSpec, *, fits: bool = True) -> SynthesisResult:
    findings = () if fits else (Finding(TOO_LARGE, ("too large",), ("use less",)),)
    return SynthesisResult("ecp5", "d", core, (), {}, (), findings=findings)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, SynthesisOptions]]:
    """Synthesis for a device that holds two chunks; what was asked of it is kept."""
    calls: list[tuple[str, int, SynthesisOptions]] = []

    def fpga(
        core: CoreSpec, device: Any, folder: Path, options: SynthesisOptions, report: Report | None
    ) -> SynthesisResult:
        assert list(folder.iterdir()) == []
        (folder / "left").mkdir()
        (folder / "yosys.log").write_text("x")
        if report is not None:
            report("yosys: Executing", 0.0)
        calls.append((device.target, core.chunks, options))
        return result_of(core, fits=core.chunks <= 2)

    monkeypatch.setattr(targets, "synthesise_fpga", fpga)
    return calls


def test_the_clock_of_the_core_is_the_target(asked: list[Any], tmp_path: Path) -> None:
    core = load_core("tiny-8x8")
    synthesise(core, "ecp5", tmp_path)
    assert asked == [("ecp5", 4, SynthesisOptions(None, 1, 3600.0))]


def test_what_is_given_is_passed_on(asked: list[Any], tmp_path: Path) -> None:
    synthesise(load_core("tiny-8x8"), "ice40", tmp_path, SynthesisOptions(frequency_mhz=12.5, seed=9, timeout_s=5.0))
    assert asked == [("ice40", 4, SynthesisOptions(12.5, 9, 5.0))]


def test_the_largest_that_fits_is_found_from_above(asked: list[Any], tmp_path: Path) -> None:
    told: list[str] = []
    result = synthesise_largest(load_core("tiny-8x8"), "ecp5", tmp_path, report=lambda what, done: told.append(what))
    assert told == [
        "4 of 4 chunks: yosys: Executing",
        "3 of 4 chunks; 4 did not fit: yosys: Executing",
        "2 of 4 chunks; 3 did not fit: yosys: Executing",
    ]
    assert [chunks for _, chunks, _ in asked] == [4, 3, 2]
    assert (result.core.name, result.core.chunks, result.fits) == ("tiny-8x8-2-chunks", 2, True)


def test_when_nothing_fits_the_whole_core_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried = []

    def fpga(core: CoreSpec, *_: Any, **__: Any) -> SynthesisResult:
        tried.append(core.chunks)
        return result_of(core, fits=False)

    monkeypatch.setattr(targets, "synthesise_fpga", fpga)
    result = synthesise_largest(load_core("tiny-8x8"), "ecp5", tmp_path)
    assert tried == [4, 3, 2, 1]
    assert (result.core.chunks, result.fits) == (4, False)


def test_an_asic_has_no_clock_to_meet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []
    monkeypatch.setattr(targets, "synthesise_asic", lambda *given: seen.append(given))
    core = load_core("tiny-8x8")
    options = SynthesisOptions(timeout_s=3.0)
    synthesise(core, "asic", tmp_path, options)
    assert seen == [(core, tmp_path, options, None)]


def test_names_of_targets() -> None:
    assert TARGETS == ("ecp5", "ice40", "asic")
    assert targets.DEVICES["ecp5"] is ECP5
    check_target_name("asic")
    with pytest.raises(OsccError) as caught:
        check_target_name("ecp")
    assert str(caught.value) == "--target: 'ecp' is no target; did you mean 'ecp5'?"
