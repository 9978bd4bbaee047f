"""Compiling the model of an output folder anew: what its program ought to be."""

from __future__ import annotations

from oscc.base.errors import OsccError
from oscc.base.output_folder import OutputFolder
from oscc.base.progress import Report, labelled
from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.spec_file import load_core


def recompile(folder: OutputFolder, report: Report | None = None) -> CompileResult:
    """Compile the folder's model for the folder's core, with the options that its manifest records.

    Parameters
    ----------
    folder : OutputFolder
    report : callable, optional
        Told what is being done.

    Returns
    -------
    CompileResult
        One that fits.

    Raises
    ------
    OsccError
        ``output.manifest`` when the options are missing, ``output.infeasible`` when the model does not fit, or what
        reading the checkpoint and the core raises.
    """
    try:
        recorded = folder.manifest["inputs"]["options"]
        options = ScaleOptions(
            per_chunk=recorded["tau"] == "per-chunk", clip=tuple(recorded["clip"]), tau_s=recorded["tau_s"]
        )
        # A search that found a placement finds the same one without a limit of time. Folders from before there were
        # placers to choose from do not name one.
        seed = recorded.get("place_seed", 0)
        if type(seed) is not int or seed < 0:
            raise TypeError
        placing = PlaceOptions(
            recorded.get("placer", "auto"), seed, report=labelled(report, "compiling the model anew")
        )
    except (KeyError, TypeError):
        raise OsccError(
            "output.manifest", "the manifest does not say how it was compiled", where=str(folder.path)
        ) from None
    result = compile_model(read_checkpoint(folder.model), load_core(folder.core), options, placing=placing)
    if result.program is None:
        raise OsccError("output.infeasible", "the model in it does not fit the core in it", where=str(folder.path))
    return result
