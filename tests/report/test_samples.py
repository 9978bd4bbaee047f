from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from oscc.compiler.compile import CompileResult
from oscc.report import pictures, samples
from oscc.report.report_data import FindingCount, Findings, ReportData
from oscc.report.samples import Samples, draw_samples, no_images, write_samples


def test_why_there_are_none(fitting: ReportData, misfit: ReportData) -> None:
    assert no_images(fitting, (8, 8)) == ""
    assert no_images(misfit, None) == "No samples: the model does not fit, so that there is no program to run."
    assert no_images(fitting, (1, 12)) == "No images: 1 x 12 values are read out, which are no image."
    assert no_images(fitting, (5, 1)) == "No images: 5 x 1 values are read out, which are no image."
    family = Findings(1, (FindingCount("F004", 1, True),), ())
    without = dataclasses.replace(misfit, findings=family, family="winfree")
    assert no_images(without, None) == (
        "No samples: there is no hardware for family winfree, so that no array can be simulated."
    )


def test_nothing_is_run_where_there_are_none(
    fitting: ReportData, small_result: CompileResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert small_result.program is not None
    row = dataclasses.replace(small_result.program, image_shape=(1, small_result.program.pixel.shape[0]))
    monkeypatch.setattr("oscc.sim.engines.array.ArrayEngine.run", None)
    found = draw_samples(fitting, small_result.core, row)
    assert found.why_none.startswith("No images: 1 x ")
    assert write_samples(found, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_samples_are_within_black_and_white_and_differ(
    fitting: ReportData, small_result: CompileResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert small_result.program is not None
    monkeypatch.setattr(samples, "SAMPLES", 3)
    told: list[str] = []
    found = draw_samples(fitting, small_result.core, small_result.program, lambda what, done: told.append(what))
    assert found.images.shape == (3, *small_result.program.image_shape)
    assert np.abs(found.images).max() <= 1
    assert len({image.tobytes() for image in found.images}) == 3
    assert set(told) == {"running the array"}
    assert write_samples(found, tmp_path) == ["samples.png"]
    with pytest.raises(ValueError, match="read-only"):
        found.images[0] = 0
    assert Samples.none("why").images.size == 0


def test_what_the_array_cannot_run_has_no_samples_and_the_cause(
    fitting: ReportData, small_result: CompileResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_result.program is not None
    # As for durations of another scale.
    monkeypatch.setattr("oscc.sim.array.array_steps.MOST_STEPS", 1)
    found = draw_samples(fitting, small_result.core, small_result.program)
    assert len(found.images) == 0
    assert found.why_none == (
        "No samples: one run takes more than 1 integration steps: its duration is of no usual scale [model time]."
    )


def test_the_sheet_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    draw = pictures.sheet_bytes

    def counted(images: NDArray[np.float32]) -> bytes:
        told.append(len(images))
        return draw(images)

    monkeypatch.setattr(pictures, "sheet_bytes", counted)
    drawn = Samples(np.zeros((2, 3, 3), np.float32))
    assert write_samples(drawn, tmp_path) == ["samples.png"]
    assert (tmp_path / "samples.png").read_bytes() == drawn.sheet
    assert told == [2]
    assert Samples.none("why").sheet == b""
