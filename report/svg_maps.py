"""Maps of the grid as SVG: a path per class of values, so that thousands of cells stay small.

A cell is `CELL` units wide. Runs of equal cells in a row are one rectangle of the path. Colours are classes of the
style sheet: ``k0`` to ``k6``, ``none``, ``dead``.
"""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from oscc.report.scales import NONE, Classes
from oscc.report.svg_charts import text_width

CELL = 10
"""Side of a cell, in units of the picture."""

TEXT = 1 / 34
"""Height of the numbers of rows and columns, of the longer side: some 10 pixels where that is as wide as a phone."""


STEPS_OF_NUMBERS = (1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000, 1024, 2048)
"""Rows or columns from one number to the next."""


def style_class(step: int) -> str:
    """Name in the style sheet of a class of values."""
    return "none" if step == NONE else f"k{step}"


def cell_map(classes: Classes, *, name: str, label: str, marks: str = "") -> Markup:
    """Return a map of cells in the colours of their classes.

    Parameters
    ----------
    classes : Classes
        Index int8[rows, cols].
    name : str
        Of the map, for the script: it looks up details under it.
    label : str
        What the map shows, for those who cannot see it.
    marks : str
        SVG to draw above the cells.
    """
    rows, cols = classes.index.shape
    body = "".join(
        f'<path class="{style_class(step)}" d="{_runs(classes.index == step)}"/>'
        for step in np.unique(classes.index).tolist()
    )
    return _frame(rows, cols, f'{body}<path class="mesh" d="{_mesh(rows, cols)}"/>{marks}', name, label)


def boundary_map(columns: Classes, rows: Classes, grid: tuple[int, int], *, name: str, label: str) -> Markup:
    """Return a map of the boundaries between cells, each a stroke where the two cells meet.

    Parameters
    ----------
    columns : Classes
        Index int8[rows, cols - 1]: boundaries between (r, c) and (r, c + 1).
    rows : Classes
        Index int8[rows - 1, cols]: boundaries between (r, c) and (r + 1, c).
    grid : tuple of (int, int)
    name, label : str
        As in `cell_map`.
    """
    strokes: dict[int, list[str]] = {}
    for classes, upright in ((columns, True), (rows, False)):
        for row, col in np.ndindex(classes.index.shape):
            beside, below = f"M{(col + 1) * CELL} {row * CELL + 2}v6", f"M{col * CELL + 2} {(row + 1) * CELL}h6"
            stroke = beside if upright else below
            strokes.setdefault(int(classes.index[row, col]), []).append(stroke)
    ground = f'<rect class="ground" width="{grid[1] * CELL}" height="{grid[0] * CELL}"/>'
    # The fullest come last, so that their round ends lie on top.
    body = "".join(f'<path class="s{step} stroke" d="{"".join(parts)}"/>' for step, parts in sorted(strokes.items()))
    return _frame(*grid, ground + body, name, label)


def crosses(cells: NDArray[np.integer], style: str) -> str:
    """Return a cross over each of some cells, as SVG.

    Parameters
    ----------
    cells : int[n, 2]
        (row, col).
    style : str
        Name in the style sheet.
    """
    parts = (f"M{col * CELL + 2} {row * CELL + 2}l6 6m0-6l-6 6" for row, col in cells.tolist())
    return f'<path class="{style}" d="{"".join(parts)}"/>' if len(cells) else ""


def dots(cells: NDArray[np.integer], style: str) -> str:
    """Return a dot on each of some cells, as SVG.

    Parameters
    ----------
    cells : int[n, 2]
        (row, col).
    style : str
        Name in the style sheet.
    """
    # A stroke of no length with round ends is a dot.
    parts = (f"M{col * CELL + 5} {row * CELL + 5}h0" for row, col in cells.tolist())
    return f'<path class="{style}" d="{"".join(parts)}"/>' if len(cells) else ""


def _runs(mask: NDArray[np.bool_]) -> str:
    """Return rectangles that cover the cells of a mask, a run of neighbours in a row at a time."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    return "".join(
        f"M{col * CELL} {row * CELL}h{(end - col) * CELL}v{CELL}h{(col - end) * CELL}z"
        for (row, col), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def _mesh(rows: int, cols: int) -> str:
    down = "".join(f"M{col * CELL} 0v{rows * CELL}" for col in range(1, cols))
    across = "".join(f"M0 {row * CELL}h{cols * CELL}" for row in range(1, rows))
    return down + across


def _frame(rows: int, cols: int, body: str, name: str, label: str) -> Markup:
    """Return the picture around a map: numbers of rows and columns, an outline, a square for the cell pointed at."""
    width, height = cols * CELL, rows * CELL
    size = round(max(width, height) * TEXT, 2)
    widest = text_width(str(max(rows, cols) - 1), size)
    margin = round(widest + size, 2)
    # A number for every so many that they do not touch, beside each other or below each other.
    step = next(step for step in STEPS_OF_NUMBERS if step * CELL >= widest + size / 2)
    numbers = "".join(
        f'<text x="{col * CELL + 5}" y="{-size / 2:g}" class="n">{col}</text>' for col in range(0, cols, step)
    )
    numbers += "".join(
        f'<text x="{-size / 2:g}" y="{row * CELL + 5 + 0.36 * size:g}" class="n e">{row}</text>'
        for row in range(0, rows, step)
    )
    title = Markup.escape(label)
    box = f"{-margin:g} {-margin:g} {width + margin + 4:g} {height + margin + 4:g}"
    return Markup(
        f'<svg class="map" data-map="{name}" data-rows="{rows}" data-cols="{cols}" tabindex="0" role="img" '
        f'aria-label="{title}" style="--text:{size:g}px" viewBox="{box}">'
        f'{numbers}{body}<rect class="outline" width="{width}" height="{height}"/>'
        f'<rect class="cursor" width="{CELL}" height="{CELL}" hidden="hidden"/></svg>'
    )
