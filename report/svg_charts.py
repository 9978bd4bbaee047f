"""Bar charts and matrices as SVG, with every bar's number beside it or in its tooltip."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from oscc.report.scales import FULL, OVER, STEPS

WIDTH = 420
HEIGHT = 190
LEFT = 40
"""Least room for the numbers of the upright axis."""

BOTTOM = 38
TOP = 20
MOST_BARS = 64

TEXT = 11
"""Height of the text of charts and matrices in units of the picture, as the style sheet has it."""

GAP = 6
"""Least distance between two labels beside each other."""


def text_width(text: str, size: float = TEXT) -> float:
    """Return the greatest width of a text, in units of the picture: digits are 0.55 to 0.64 of its height."""
    return 0.65 * size * len(text)


def bar_chart(bars: Sequence[tuple[str, int]], *, across: str, up: str, label: str) -> Markup:
    """Draw a histogram.

    Parameters
    ----------
    bars : sequence of (str, int)
        Value or span of each bar, and its count; at least one.
    across, up : str
        What the axes show, with units.
    label : str
        What the chart shows, for those who cannot see it.
    """
    most = max(max(count for _, count in bars), 1)
    ticks = _ticks(most)
    left = max(LEFT, text_width(f"{ticks[-1]:,}") + 10)
    room, floor = (WIDTH - left - 6) / len(bars), HEIGHT - BOTTOM
    numbers = _numbers([count for _, count in bars], room)
    parts = []
    for tick in ticks:
        y = round(floor - tick / most * (floor - TOP), 1)
        parts.append(f'<path class="rule" d="M{left:g} {y}H{WIDTH}"/>')
        parts.append(f'<text class="n e" x="{left - 6:g}" y="{y + 4}">{tick:,}</text>')
    free = 0.0
    for place, (value, count) in enumerate(bars):
        x, width = round(left + place * room + room * 0.1, 2), round(room * 0.8, 2)
        # A bar that stands for anything at all can be seen.
        height = round(max(count / most * (floor - TOP), 1.0 if count else 0.0), 1)
        middle, text = round(x + width / 2, 2), Markup.escape(value)
        parts.append(
            f'<rect class="bar" x="{x}" y="{round(floor - height, 1)}" width="{width}" height="{height}">'
            f"<title>{text}: {count:,}</title></rect>"
        )
        if numbers:
            parts.append(f'<text class="n" x="{middle}" y="{round(floor - height - 4, 1)}">{numbers[place]}</text>')
        # Labels that would run into the one before, or out of the picture, are left out: the bar's own text has them.
        half = text_width(value) / 2
        if middle - half >= free and middle + half <= WIDTH:
            parts.append(f'<text class="n" x="{middle}" y="{floor + 17}">{text}</text>')
            free = middle + half + GAP
    parts.append(f'<path class="axis" d="M{left:g} {floor}H{WIDTH}"/>')
    parts.append(f'<text class="name" x="{(left + WIDTH) / 2:g}" y="{HEIGHT - 4}">{Markup.escape(across)}</text>')
    parts.append(f'<text class="name s" x="2" y="11">{Markup.escape(up)}</text>')
    return _svg("chart", WIDTH, HEIGHT, "".join(parts), label)


def merge_bars(counts: Sequence[tuple[int, int]]) -> list[tuple[str, int]]:
    """Return a histogram of integers as bars: every number from the least to the most, or spans where they are many.

    Parameters
    ----------
    counts : sequence of (int, int)
        Value and how many, values ascending; at least one.
    """
    low, high = counts[0][0], counts[-1][0]
    span = -(-(high - low + 1) // MOST_BARS)
    totals = [0] * (-(-(high - low + 1) // span))
    for value, count in counts:
        totals[(value - low) // span] += count
    if span == 1:
        return [(str(low + place), count) for place, count in enumerate(totals)]
    return [(f"{low + place * span} to {low + (place + 1) * span - 1}", count) for place, count in enumerate(totals)]


MATRIX_CELL = 46


def matrix(
    counts: Sequence[tuple[int, int, int, bool]], *, label: str, most: int | None = None, unit: str = "couplings"
) -> Markup:
    """Return counts by displacement: a cell for each (drow, dcol), the destination in the middle.

    Parameters
    ----------
    counts : sequence of (drow, dcol, count, outside)
        ``outside``: not in the stencil; at least one entry.
    label : str
        What it shows, for those who cannot see it.
    most : int, optional
        Count of the darkest cell; by default the highest there is.
    unit : str
    """
    reach = max(max(abs(drow), abs(dcol)) for drow, dcol, _, _ in counts)
    side = 2 * reach + 1
    cell = MATRIX_CELL if side <= 7 else max(8, 7 * MATRIX_CELL // side)
    highest = max(1, most or max(count for _, _, count, _ in counts))
    numbered = max(text_width(_short(count)) for _, _, count, _ in counts) <= cell - 2
    parts = []
    for drow, dcol, count, outside in counts:
        note = ", outside the stencil" if outside else ""
        step = OVER if outside else min(FULL, -(-count * FULL // highest)) if count else 0
        x, y = (dcol + reach) * cell, (drow + reach) * cell
        parts.append(
            f'<rect class="k{step}" x="{x + 1}" y="{y + 1}" width="{cell - 2}" height="{cell - 2}">'
            f"<title>({drow:+d}, {dcol:+d}): {count:,} {unit}{note}</title></rect>"
        )
        if numbered:
            style = "on" if step >= STEPS - 3 else "n"
            parts.append(f'<text class="v {style}" x="{x + cell / 2}" y="{y + cell / 2 + 4}">{_short(count)}</text>')
    middle = (reach + 0.5) * cell
    parts.append(f'<circle class="middle" cx="{middle}" cy="{middle}" r="{min(cell / 5, 6)}"/>')
    every = max(1, math.ceil((text_width(f"{reach:+d}") + GAP) / cell))
    # The middle, where the destination is, always has its zero.
    for place in (place for place in range(-reach, reach + 1) if place % every == 0):
        at = (place + reach + 0.5) * cell
        parts.append(f'<text class="n" x="{at}" y="-5">{place:+d}</text>')
        parts.append(f'<text class="n e" x="-5" y="{at + 4}">{place:+d}</text>')
    size = side * cell
    return Markup(
        f'<svg class="matrix" role="img" aria-label="{Markup.escape(label)}" '
        f'viewBox="-30 -20 {size + 34} {size + 24}">{"".join(parts)}</svg>'
    )


def distances(displacements: Sequence[tuple[int, int, int | None, int]]) -> list[tuple[int, int]]:
    """Return couplings by the distance between their nodes, max(abs(drow), abs(dcol)): rows [cells, couplings].

    Parameters
    ----------
    displacements : sequence of (drow, dcol, slot, couplings)
    """
    if not displacements:
        return []
    reach: NDArray[np.int64] = np.array([max(abs(drow), abs(dcol)) for drow, dcol, _, _ in displacements])
    counts = np.bincount(reach, weights=[count for *_, count in displacements]).astype(np.int64)
    return [(int(value), int(counts[value])) for value in np.flatnonzero(counts)]


def _numbers(counts: Sequence[int], room: float) -> list[str]:
    """Return the numbers above the bars: whole, else in short, where all have room side by side; else none."""
    for written in ([f"{count:,}" for count in counts], [_short(count) for count in counts]):
        if max(map(text_width, written)) + 2 <= room:
            return written
    return []


def _ticks(most: int) -> list[int]:
    """Return integers of a round step, up to the highest count."""
    size: int = 10 ** (len(str(most)) - 1)
    step = next(step for step in (size // 5, size // 2, size, 2 * size, 5 * size) if step and most / step <= 5)
    return list(range(0, most + 1, step))


def value_text(value: float) -> str:
    """Return a value for people: integers in full, with commas between thousands; others in six digits.

    Parameters
    ----------
    value : float
        Finite.
    """
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def _short(count: int) -> str:
    """Return a count in at most four characters, where it is below ten million."""
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def _svg(style: str, width: int, height: int, body: str, label: str) -> Markup:
    return Markup(
        f'<svg class="{style}" role="img" aria-label="{Markup.escape(label)}" '
        f'viewBox="0 0 {width} {height}">{body}</svg>'
    )
