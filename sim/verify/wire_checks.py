"""The check of the wires in an output folder; no simulation."""

from __future__ import annotations

import dataclasses

from oscc.base.errors import OsccError
from oscc.base.output_folder import WIRES, OutputFolder
from oscc.compiler.compile import CompileResult
from oscc.compiler.route.route_checker import check_route
from oscc.compiler.route.wires_file import read_wires
from oscc.sim.verify.checks import CheckLine, judge, skipped

NAME = "wires"
SUBJECT = "program"
LIMIT = "each joins its cells on tracks of its own"


def check_wires(folder: OutputFolder, compiled: CompileResult) -> CheckLine:
    """Return the line ``wires``: every wire of the folder, followed by `check_route` on the placement made anew.

    Parameters
    ----------
    folder : OutputFolder
    compiled : CompileResult
        The model compiled anew; it must fit.
    """
    if WIRES not in folder.manifest["outputs"]:
        return skipped(NAME, SUBJECT, f"the folder was made before {WIRES} was; compile it again")
    try:
        routes, track = read_wires(folder.wires)
    except OsccError as error:
        return judge(NAME, SUBJECT, False, "not readable", LIMIT, str(error).replace("\n", "; "))
    placed = compiled.routed
    assert placed is not None, "a model that fits is routed"
    route = dataclasses.replace(placed.route, wires=routes)
    finding = next(check_route(dataclasses.replace(placed, route=route), track), None)
    return judge(
        NAME,
        SUBJECT,
        finding is None,
        f"{routes.wires} wires over {track.size} boundaries",
        LIMIT,
        "" if finding is None else f"{finding.code}: {finding.message}",
    )
