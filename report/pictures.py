"""Pictures: sheets of samples, an image of the RTL beside its reference, the wire demand of a routing.

A picture is written in the format that its name asks for. The same data gives the same bytes: files carry neither times
nor versions.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oscc.base.errors import OsccError, one_line
from oscc.base.file_output import write_bytes
from oscc.base.output_folder import check_file_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALE = 4
"""Side of a pixel of a sample on a sheet, in pixels of the sheet."""

GAP = 4
"""Width of the gap between two samples and around the sheet, in pixels of the sheet."""

GAP_GREY = 96

SHEET_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    "": "PNG",
}
"""What Pillow calls the format of a suffix; without one, a sheet is PNG."""

PLOT_FORMATS = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".svg": "svg",
    ".pdf": "pdf",
    "": "png",
}
"""What matplotlib calls the format of a suffix; without one, a plot is PNG."""

_MOST_PIXELS = {"JPEG": 65_500, "GIF": 65_535, "WEBP": 16_383}
"""The longest side of a picture in a format, or in what writes it; the others end beyond any sheet."""

_MOST_BYTES = {"BMP": 2**32 - 2**16, "TIFF": 2**32 - 2**16}
"""The most bytes of a grey picture: such a file counts them in 32 bits, and has a header."""

_SAVE_OPTIONS: Mapping[str, dict[str, Any]] = {
    "PNG": {"optimize": True},
    "JPEG": {"quality": 95},
    "WEBP": {"lossless": True},
}
_METADATA: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
"""What would name versions and times, by format."""

DOTS_PER_INCH = 100


def check_sheet_target(path: Path, shape: Sequence[int] | None = None, columns: int = 8) -> None:
    """Refuse a path at which no sheet of samples can be written, before any work is done.

    Parameters
    ----------
    path : Path
    shape : sequence of int, optional
        Of the images that are to come: their number, rows and columns; without it, any sheet is taken to fit.
    columns : int
        Images beside each other.

    Raises
    ------
    OsccError
        ``output.format`` for a suffix that no format has, ``output.picture-size`` for a sheet that is larger than its
        format takes, and what `check_file_beside` raises.
    """
    kind = _format_of(path, SHEET_FORMATS)
    if shape is not None:
        _check_size(path, kind, shape, columns)
    check_file_beside(path)


def _check_size(path: Path, kind: str, shape: Sequence[int], columns: int) -> None:
    height, width = _sheet_size(shape, columns)
    most = _MOST_PIXELS.get(kind)
    if most is not None and max(height, width) > most:
        limit = f"{kind} takes at most {most:,} pixels a side"
    elif height * (width + 3) > _MOST_BYTES.get(kind, math.inf):
        limit = f"{kind} takes at most {_MOST_BYTES[kind]:,} bytes"
    else:
        return
    raise OsccError(
        "output.picture-size",
        f"the sheet is {width:,} x {height:,} pixels; {limit}",
        where=str(path),
        hint=f"name a .png, such as {one_line(path.with_suffix('.png').name)}, or draw fewer images or other --columns",
    )


def _sheet_size(shape: Sequence[int], columns: int) -> tuple[int, int]:
    """Return height and width of a sheet, in its pixels."""
    count, height, width = shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    return rows * (height * SCALE + GAP) + GAP, columns * (width * SCALE + GAP) + GAP


def check_plot_target(path: Path) -> None:
    """Refuse a path at which no plot can be written, as `check_sheet_target` does."""
    _format_of(path, PLOT_FORMATS)
    check_file_beside(path)


def _format_of(path: Path, formats: Mapping[str, str]) -> str:
    suffix = path.suffix.lower()
    if suffix not in formats:
        accepted = ", ".join(name for name in formats if name)
        raise OsccError(
            "output.format", f"'{path.suffix}' is no format of a picture; accepted: {accepted}", where=str(path)
        )
    return formats[suffix]


def grey_levels(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return grey levels, uint8[...]: -1 is black (0), 1 is white (255), what lies beyond is clipped.

    Parameters
    ----------
    images : float[...]
        Pixels, nominally within -1 and 1.
    """
    levels: NDArray[np.uint8] = np.rint((np.clip(images, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)
    return levels


def sample_sheet(images: NDArray[Any], path: Path, columns: int = 8) -> None:
    """Write samples as a sheet, row by row, with thin gaps.

    Parameters
    ----------
    images : float[n, height, width]
        Pixels within -1 (black) and 1 (white); at least one image.
    path : Path
        Its suffix, one of `SHEET_FORMATS`, gives the format.
    columns : int
        Images beside each other; the last row may stay incomplete.

    Raises
    ------
    OsccError
        ``output.format``, ``output.picture-size``, and what `write_bytes` raises.
    ValueError
        When there is no image.
    """
    kind = _format_of(path, SHEET_FORMATS)
    if len(images):
        _check_size(path, kind, images.shape, columns)
    write_bytes(path, sheet_bytes(images, columns, kind))


def sheet_bytes(images: NDArray[Any], columns: int = 8, kind: str = "PNG") -> bytes:
    """Return a sheet of samples as the content of a picture's file.

    Parameters
    ----------
    images : float[n, height, width]
        Pixels within -1 (black) and 1 (white); at least one image.
    columns : int
        Images beside each other; the last row may stay incomplete.
    kind : str
        A value of `SHEET_FORMATS`.

    Raises
    ------
    ValueError
        When there is no image.
    """
    if len(images) == 0:
        raise ValueError("a sheet needs at least one image")
    levels = grey_levels(images).repeat(SCALE, axis=1).repeat(SCALE, axis=2)
    count, height, width = levels.shape
    sheet = np.full(_sheet_size(images.shape, columns), GAP_GREY, dtype=np.uint8)
    columns = min(columns, count)
    for place, image in enumerate(levels):
        top, left = GAP + place // columns * (height + GAP), GAP + place % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, format=kind, **_SAVE_OPTIONS.get(kind, {}))
    return content.getvalue()


def cosim_picture(rtl: NDArray[Any], reference: NDArray[Any], path: Path, source: str = "RTL") -> None:
    """Write an image of the RTL, its reference, and RTL minus reference, side by side; PNG.

    Parameters
    ----------
    rtl, reference : float[height, width]
        Pixels within -1 and 1.
    path : Path
    source : str
        Where the first image comes from, for its title.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    if rtl.shape != reference.shape:
        raise ValueError(f"the RTL's image is {list(rtl.shape)}, the reference {list(reference.shape)}")
    difference = np.asarray(rtl, dtype=np.float64) - reference
    figure = new_figure(9.6, 3.6)
    left, middle, right = figure.subplots(1, 3)
    for axes, image, title in ((left, rtl, f"{source}, decoded read-out"), (middle, reference, "PyTorch reference")):
        show_map(figure, axes, image, title, cmap="gray", vmin=-1.0, vmax=1.0)
    bound = max(float(np.abs(difference).max()), 1e-6)
    title = f"difference, mean |d| = {np.abs(difference).mean():.4f}"
    show_map(figure, right, difference, title, cmap="RdBu_r", vmin=-bound, vmax=bound)
    save_figure(figure, path)


def routing_picture(
    demand_across_columns: NDArray[Any], demand_across_rows: NDArray[Any], capacity: int, path: Path
) -> None:
    """Write the wire demand of every cell boundary as two heat maps, with the capacity as the end of the scale; PNG.

    A boundary over capacity is marked in red.

    Parameters
    ----------
    demand_across_columns : int[rows, cols - 1]
        Wires over the boundary between (r, c) and (r, c + 1).
    demand_across_rows : int[rows - 1, cols]
        Wires over the boundary between (r, c) and (r + 1, c).
    capacity : int
        Tracks per boundary.
    path : Path
    """
    figure = new_figure(9.6, 4.4)
    both = ((demand_across_columns, "between columns"), (demand_across_rows, "between rows"))
    for axes, (demand, between) in zip(figure.subplots(1, 2), both, strict=True):
        peak = int(demand.max()) if demand.size else 0
        title = f"wires {between}: peak {peak} of {capacity}"
        if demand.size == 0:
            axes.set_title(f"{title} (no boundary)", fontsize=9)
            axes.set_axis_off()
            continue
        over = np.ma.masked_less_equal(demand, capacity)
        show_map(figure, axes, demand, title, cmap="viridis", vmin=0, vmax=max(capacity, 1))
        # The low end of this colour map is red, and nothing is above the low end.
        axes.imshow(over, cmap="autumn", vmin=peak, vmax=peak + 1, interpolation="nearest")
        axes.set_xlabel("column", fontsize=8)
        axes.set_ylabel("row", fontsize=8)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """Return a figure [inches] with a canvas of its own: nothing is shared with pyplot, no display is needed."""
    # Where it finds no place for its cache it takes a temporary one, which is good enough, and warns of it.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # Half a second to import, and the sheets do without.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def show_map(figure: Figure, axes: Axes, image: NDArray[Any], title: str, **style: Any) -> None:
    """Draw a map with its scale beside it; ``style`` goes to matplotlib's ``imshow``."""
    shown = axes.imshow(image, interpolation="nearest", **style)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    figure.colorbar(shown, ax=axes, shrink=0.7).ax.tick_params(labelsize=7)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix (`PLOT_FORMATS`), the same bytes whenever it is drawn."""
    import matplotlib

    kind, content = _format_of(path, PLOT_FORMATS), io.BytesIO()
    for axes in figure.axes:
        # A name in it may hold signs that matplotlib would read as a formula.
        axes.title.set_parse_math(False)
    with matplotlib.rc_context({"svg.hashsalt": "oscc"}):
        figure.savefig(content, format=kind, metadata=_METADATA.get(kind))
    write_bytes(path, content.getvalue())
