"""A model in training on the core that it is trained for."""

from __future__ import annotations

from oscc.base.child_process import scratch_folder
from oscc.compiler.compile import CompileResult, check_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec


def check_on_core(graph: CouplingGraph, core: CoreSpec) -> CompileResult:
    """Return what checking a model for a core comes to.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    with scratch_folder() as folder:
        model = folder / "model.safetensors"
        write_checkpoint(model, graph)
        return check_model(model, core)
