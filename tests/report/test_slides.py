from __future__ import annotations

import dataclasses
from pathlib import Path

from PIL import Image

from oscc.report.report_data import ReportData
from oscc.report.slides import write_slides


def test_pictures_of_what_there_is(fitting: ReportData, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        names = write_slides(fitting, folder)
    assert sorted(names) == sorted(file.name for file in first.iterdir())
    assert set(names) == {"degree.png", "boundaries.png", "distributions.png", "defects.png", "solutions.png"}
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()
        with Image.open(first / name) as picture:
            assert picture.format == "PNG"
            assert picture.width >= 600
            colours = picture.convert("RGB").getcolors(1_000_000)
            assert colours is not None
            assert len(colours) > 20


def test_what_is_missing_has_no_picture(misfit: ReportData, tmp_path: Path) -> None:
    assert set(write_slides(misfit, tmp_path)) == {"degree.png", "boundaries.png", "distributions.png"}
    assert write_slides(dataclasses.replace(misfit, routing=None), tmp_path) == []
