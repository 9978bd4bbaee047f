"""The options of the time scale, which `oscc check` and `oscc compile` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oscc.cli.choice_names import completing

if TYPE_CHECKING:
    from oscc.compiler.passes.time_scale import ScaleOptions

Tau = Literal["common", "per-chunk"]

TauOption = Annotated[
    Tau,
    typer.Option(
        "--tau",
        help="One time scale for all chunks, or one for each, which shortens weak chunks; not with a given tau, by "
        "--tau-s or by the model.",
    ),
]
TauSecondsOption = Annotated[
    float | None,
    typer.Option(
        "--tau-s",
        metavar="SECONDS",
        help="Seconds per unit of model time, instead of the model's own time scale, or of the smallest possible.",
    ),
]
ClipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--clip",
        metavar="GROUP",
        help="Let a DAC group exceed its full scale and saturate: coupling, shil, field or detuning; repeatable.",
        autocompletion=completing("groups"),
    ),
]


def parse_scale_options(tau: Tau, tau_s: float | None, clip: list[str] | None) -> ScaleOptions:
    """Return the options of the scale pass.

    Raises
    ------
    OsccError
        As `ScaleOptions` raises it.
    """
    from oscc.compiler.passes.time_scale import ScaleOptions

    return ScaleOptions(per_chunk=tau == "per-chunk", clip=tuple(dict.fromkeys(clip or ())), tau_s=tau_s)
