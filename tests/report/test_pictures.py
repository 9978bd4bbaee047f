from __future__ import annotations

import hashlib
import struct

import matplotlib
import numpy as np
import pytest
from PIL import Image

from oscc.base.errors import OsccError
from oscc.report.pictures import (
    GAP,
    GAP_GREY,
    PLOT_FORMATS,
    SCALE,
    SHEET_FORMATS,
    check_sheet_target,
    cosim_picture,
    grey_levels,
    new_figure,
    routing_picture,
    sample_sheet,
    save_figure,
)


def chunk_names(path):
    """Names of the chunks of a PNG file."""
    data, place, names = path.read_bytes(), 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        names.append(data[place + 4 : place + 8].decode())
        place += 12 + length
    return names


def pixels_of(path, mode):
    with Image.open(path) as picture:
        return np.array(picture.convert(mode)).astype(int)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_cosim(path, seed=0):
    rng = np.random.default_rng(seed)
    rtl, reference = rng.uniform(-1, 1, (2, 6, 7))
    cosim_picture(rtl, reference, path)


def draw_routing(path, capacity=5):
    across_columns = np.arange(12).reshape(4, 3) % 7
    across_rows = np.arange(12).reshape(3, 4) % 5
    routing_picture(across_columns, across_rows, capacity, path)


@pytest.mark.parametrize("suffix", PLOT_FORMATS)
def test_plots_are_the_same_bytes_and_tell_no_versions(suffix, tmp_path):
    for name in "ab":
        figure = new_figure(2.0, 1.0)
        figure.subplots().plot([1, 2])
        save_figure(figure, tmp_path / f"{name}{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    assert content == (tmp_path / f"b{suffix}").read_bytes()
    assert matplotlib.__version__.encode() not in content


@pytest.mark.parametrize("suffix", SHEET_FORMATS)
def test_sheets_show_the_same_in_every_format(suffix, tmp_path):
    sample_sheet(np.full((1, 2, 3), 0.2), tmp_path / f"a{suffix}")
    sheet = pixels_of(tmp_path / f"a{suffix}", "L")
    assert np.abs(sheet[GAP : GAP + 2 * SCALE, GAP : GAP + 3 * SCALE] - 153).max() <= 3


def test_grey_runs_from_black_to_white_and_clips():
    levels = grey_levels(np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 1.5]))
    assert levels.dtype == np.uint8
    assert levels.tolist() == [0, 0, 64, 191, 255, 255]


def test_sheet_places_images_row_by_row(tmp_path):
    images = np.stack([np.full((2, 3), value) for value in (-1.0, 0.2, 1.0)])
    sample_sheet(images, tmp_path / "sheet.png", columns=2)
    sheet = pixels_of(tmp_path / "sheet.png", "L")
    height, width = 2 * SCALE, 3 * SCALE
    assert sheet.shape == (2 * height + 3 * GAP, 2 * width + 3 * GAP)
    first, second = GAP, 2 * GAP + width
    assert (sheet[GAP : GAP + height, first : first + width] == 0).all()
    assert (sheet[GAP : GAP + height, second : second + width] == 153).all()
    below = 2 * GAP + height
    assert (sheet[below : below + height, first : first + width] == 255).all()
    assert (sheet[below : below + height, second:] == GAP_GREY).all()
    assert (sheet[:, :GAP] == GAP_GREY).all()


def test_sheet_keeps_the_orientation_of_an_image(tmp_path):
    image = np.full((1, 4, 5), -1.0)
    image[0, 1, 3] = 1.0
    sample_sheet(image, tmp_path / "sheet.png")
    rows, cols = np.nonzero(pixels_of(tmp_path / "sheet.png", "L") == 255)
    assert (rows.min() - GAP) // SCALE == 1
    assert (cols.min() - GAP) // SCALE == 3
    assert rows.size == SCALE * SCALE


def test_empty_sheet_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a sheet needs at least one image"):
        sample_sheet(np.zeros((0, 4, 4)), tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(("suffix", "most"), [(".jpg", 65_500), (".gif", 65_535), (".webp", 16_383)])
@pytest.mark.parametrize("across", [False, True])
def test_sheets_as_large_as_a_format_takes_are_written_and_larger_ones_refused(across, suffix, most, tmp_path):
    # Images of one pixel: a sheet of n beside each other is 8 n + 4 pixels wide.
    path, fits = tmp_path / f"a{suffix}", (most - GAP) // (SCALE + GAP)
    columns = fits + 1 if across else 1
    check_sheet_target(path, (fits, 1, 1), columns)
    sample_sheet(np.zeros((fits, 1, 1)), path, columns)
    size = (fits * (SCALE + GAP) + GAP, SCALE + 2 * GAP)
    with Image.open(path) as sheet:
        assert sheet.size == (size if across else size[::-1])
    path.unlink()
    for refuse in (
        lambda: check_sheet_target(path, (fits + 1, 1, 1), columns),
        lambda: sample_sheet(np.zeros((fits + 1, 1, 1)), path, columns),
    ):
        with pytest.raises(OsccError, match=f"{SHEET_FORMATS[suffix]} takes at most {most:,} pixels a side") as caught:
            refuse()
        assert caught.value.code == "output.picture-size"
        assert "a.png" in caught.value.hint
        assert not path.exists()


@pytest.mark.parametrize("suffix", [".bmp", ".tiff"])
def test_pictures_of_four_gigabytes_are_refused_where_files_count_in_32_bits(suffix, tmp_path):
    check_sheet_target(tmp_path / f"a{suffix}", (100_000, 28, 28), 8)
    with pytest.raises(OsccError, match=r"takes at most 4,294,901,760 bytes"):
        check_sheet_target(tmp_path / f"a{suffix}", (100_000, 56, 56), 8)
    check_sheet_target(tmp_path / "a.png", (100_000, 56, 56), 1)


@pytest.mark.parametrize("draw", [draw_cosim, draw_routing])
def test_pictures_are_the_same_bytes_every_time_and_say_nothing_else(tmp_path, draw):
    draw(tmp_path / "a.png")
    draw(tmp_path / "b.png")
    assert digest(tmp_path / "a.png") == digest(tmp_path / "b.png")
    assert not {"tEXt", "iTXt", "zTXt", "tIME"} & set(chunk_names(tmp_path / "a.png"))


def test_sheet_is_the_same_bytes_every_time(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8))
    for name in ("a.png", "b.png"):
        sample_sheet(images, tmp_path / name)
    assert digest(tmp_path / "a.png") == digest(tmp_path / "b.png")
    assert set(chunk_names(tmp_path / "a.png")) == {"IHDR", "IDAT", "IEND"}


def test_cosim_picture_shows_its_data(tmp_path):
    draw_cosim(tmp_path / "a.png")
    draw_cosim(tmp_path / "b.png", seed=1)
    assert digest(tmp_path / "a.png") != digest(tmp_path / "b.png")
    assert pixels_of(tmp_path / "a.png", "L").shape == (360, 960)


def test_equal_images_have_a_blank_difference(tmp_path):
    image = np.random.default_rng(0).uniform(-1, 1, (6, 7))
    cosim_picture(image, image, tmp_path / "a.png")
    pixels = pixels_of(tmp_path / "a.png", "RGB")
    # The neutral middle of the difference's colour map, over the area of a picture.
    assert (np.abs(pixels[:, 640:] - 247).max(axis=-1) <= 1).sum() > 10_000


def test_images_of_different_shape_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"the RTL's image is \[2, 3\], the reference \[3, 2\]"):
        cosim_picture(np.zeros((2, 3)), np.zeros((3, 2)), tmp_path / "a.png")


def red_pixels(path):
    pixels = pixels_of(path, "RGB")
    return int(((pixels[..., 0] > 200) & (pixels[..., 1] < 40) & (pixels[..., 2] < 40)).sum())


def test_boundaries_over_capacity_are_red(tmp_path):
    draw_routing(tmp_path / "fits.png", capacity=6)
    draw_routing(tmp_path / "over.png", capacity=5)
    assert red_pixels(tmp_path / "fits.png") == 0
    assert red_pixels(tmp_path / "over.png") > 500


def test_a_single_row_has_no_boundary_between_rows(tmp_path):
    routing_picture(np.ones((1, 4), dtype=int), np.ones((0, 5), dtype=int), 3, tmp_path / "a.png")
    assert pixels_of(tmp_path / "a.png", "L").shape == (440, 960)
