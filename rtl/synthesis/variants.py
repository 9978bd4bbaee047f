"""Smaller variants of a core, for figures against its size and for a device that does not hold all of it."""

from __future__ import annotations

from pydantic import ValidationError

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec


def cut_core(core: CoreSpec, *, columns: int | None = None, chunks: int | None = None) -> CoreSpec:
    """Return a core with fewer columns, or with room for fewer chunks; everything else stays.

    Parameters
    ----------
    core : CoreSpec
    columns, chunks : int, optional
        At least 1, at most what the core has; its own number by default.

    Returns
    -------
    CoreSpec
        Named ``<name>-<columns>-columns-<chunks>-chunks``, with only what was changed; the core itself when nothing
        was.

    Raises
    ------
    OsccError
        ``synthesis.variant`` when there are not as many, or the smaller core is not a valid one.
    """
    name = core.name
    for option, given, has in (("columns", columns, core.cols), ("chunks", chunks, core.chunks)):
        if given is None or given == has:
            continue
        if not 1 <= given <= has:
            raise OsccError(
                "synthesis.variant", f"{core.name} has {has} {option}, {given} were asked for", where=f"--{option}"
            )
        name += f"-{given}-{option}"
    if name == core.name:
        return core
    cols = core.cols if columns is None else columns
    defects = {
        kind: [place for place in places if place[1] < cols]
        for kind, places in core.defects.model_dump(mode="json").items()
    }
    try:
        return core.changed(
            name=name, grid=[core.rows, cols], chunks=core.chunks if chunks is None else chunks, defects=defects
        )
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise OsccError("synthesis.variant", f"{name} is no core: {message}", where=core.name) from None
