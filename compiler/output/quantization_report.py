"""The quantization report: time scale, code steps, errors and a histogram of the codes, as JSON and as text."""

from __future__ import annotations

from typing import Any

from oscc.compiler.ir.coded import CodedGraph
from oscc.core.groups import GROUPS

SCHEMA = "oscc.quantization/1"
"""Content of key ``schema`` of the report."""

BAR = 50
"""Length of the longest bar of a histogram, in characters."""


def quantization_report(coded: CodedGraph) -> dict[str, Any]:
    """Return what scaling and quantization did to a model, as JSON; the same for the same codes.

    Parameters
    ----------
    coded : CodedGraph

    Returns
    -------
    dict
        ``schema``; ``model``, ``core``; ``time_scale``: ``tau_s``, ``run_cycles``, ``active_by_chunk`` (one per chunk),
        ``active`` and ``bounds_s``; ``groups``: for each group ``bits``, ``full_scale_rad_s``, ``forbidden``, ``lsb``
        (rad per unit of model time, one per chunk), the numbers of `GroupStatistics` and ``histogram``, rows [code,
        count].
    """
    core, scale = coded.placed.core, coded.placed.time_scale
    groups = {}
    for group in GROUPS:
        dac, numbers = core.dac(group), coded.statistics[group]
        groups[group] = {
            "bits": dac.bits,
            "full_scale_rad_s": dac.full_scale_rad_s,
            "forbidden": list(dac.forbidden),
            "lsb": coded.lsb[group].tolist(),
            **numbers.as_dict(),
            "histogram": [[code - dac.top_code, count] for code, count in enumerate(numbers.histogram)],
        }
    return {
        "schema": SCHEMA,
        "model": coded.placed.graph.name,
        "core": core.name,
        "time_scale": {
            "tau_s": scale.tau_s.tolist(),
            "run_cycles": scale.run_cycles.tolist(),
            "active_by_chunk": list(scale.active_by_chunk),
            "active": scale.active,
            "bounds_s": scale.bounds_s,
        },
        "groups": groups,
    }


def quantization_table(report: dict[str, Any]) -> str:
    """Return a quantization report as plain text, for reading.

    Parameters
    ----------
    report : dict
        As `quantization_report` returns it.
    """
    scale = report["time_scale"]
    lines = [f"Quantization of {report['model']} on {report['core']}", "", "Time scale"]
    lines += _aligned(
        [
            ["chunk", "tau [s]", "run [cycles]", "decided by"],
            *(
                [str(chunk), f"{tau:.6g}", str(cycles), active]
                for chunk, (tau, cycles, active) in enumerate(
                    zip(scale["tau_s"], scale["run_cycles"], scale["active_by_chunk"], strict=True)
                )
            ),
        ]
    )
    lines += ["", "Smallest tau that each bound allows"]
    lines += _aligned([["bound", "tau [s]"], *([name, f"{tau:.6g}"] for name, tau in scale["bounds_s"].items())])
    lines += ["", "Codes; errors in LSB"]
    columns = ("values", "rms_lsb", "max_lsb", "clipped", "zeroed", "sign_changed")
    table = [["group", "bits", "values", "rms", "max", "clipped", "zeroed", "sign changed"]]
    for group, numbers in report["groups"].items():
        cells = [f"{numbers[name]:.3f}" if name.endswith("_lsb") else str(numbers[name]) for name in columns]
        table.append([group, str(numbers["bits"]), *cells])
    lines += _aligned(table)
    for group, numbers in report["groups"].items():
        lines += ["", f"Histogram of {group}"]
        lines += _bars(numbers["histogram"])
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _aligned(table: list[list[str]]) -> list[str]:
    """Return rows of cells as lines: the first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


def _bars(histogram: list[list[int]]) -> list[str]:
    most = max((count for _, count in histogram), default=0) or 1
    digits = len(str(most))
    # A code that occurs at all has a bar of at least one character.
    return [f"  {code:+4d}  {count:>{digits}}  {'#' * -(-count * BAR // most)}" for code, count in histogram]
