"""Options of the verbs that read and place a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from oscc.compiler.passes.place import PlaceOptions

FrontEndOption = Annotated[
    str | None,
    typer.Option(
        "--frontend",
        metavar="NAME",
        help="How MODEL is read: checkpoint, graphml, gset or bqm; by its suffix if left out.",
        show_default=False,
    ),
]
PlacerOption = Annotated[
    str,
    typer.Option(
        "--placer",
        metavar="NAME",
        help="auto, identity, symmetry, growth, anneal, or exact (small models; can prove that nothing fits).",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the placer's search.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.0, help="Longest search of the placer.", show_default=False),
]


def parse_place_options(
    placer: str, seed: int, timeout_s: float | None, report: Callable[[str, float], None] | None
) -> PlaceOptions:
    """How a model is placed, from the command line.

    Parameters
    ----------
    placer : str
    seed : int
    timeout_s : float or None
    report : callable or None
        As `oscc.cli.progress.progress_bar` gives it.

    Raises
    ------
    OsccError
        ``placer.unknown``.
    """
    from oscc.compiler.passes.place import PlaceOptions

    return PlaceOptions(placer, seed, timeout_s, report)


def recorded_place_options(options: PlaceOptions) -> dict[str, Any]:
    """What a manifest says of them."""
    return {"placer": options.placer, "place_seed": options.seed, "place_timeout_s": options.timeout_s}
