"""Compiler, control plane and verification for analog oscillator computers.

The functions of this module do what the verbs of the command ``oscc`` do, in memory: they take models and cores as
objects or as paths, and return records. Nothing heavy is imported before a function that needs it is called.
"""

from __future__ import annotations

import logging as _logging
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oscc.base.errors import OsccError as OsccError
    from oscc.compiler.ir.graph import CouplingGraph as CouplingGraph
    from oscc.compiling import Checked as Checked
    from oscc.compiling import Compiled as Compiled
    from oscc.compiling import check as check
    from oscc.compiling import compile as compile
    from oscc.compiling import load_core as load_core
    from oscc.compiling import read_model as read_model
    from oscc.core.spec import CoreSpec as CoreSpec
    from oscc.emitting import Emitted as Emitted
    from oscc.emitting import emit as emit
    from oscc.running import Cosimulated as Cosimulated
    from oscc.running import Samples as Samples
    from oscc.running import cosim as cosim
    from oscc.running import sample as sample
    from oscc.solving import Solved as Solved
    from oscc.solving import solve as solve
    from oscc.training import Evaluated as Evaluated
    from oscc.training import Trained as Trained
    from oscc.training import evaluate as evaluate
    from oscc.training import train as train
    from oscc.verifying import Verified as Verified
    from oscc.verifying import verify as verify

    __version__: str

# Whoever uses the package decides what becomes of its log.
_logging.getLogger(__name__).addHandler(_logging.NullHandler())

__all__ = [
    "Checked",
    "Compiled",
    "CoreSpec",
    "Cosimulated",
    "CouplingGraph",
    "Emitted",
    "Evaluated",
    "OsccError",
    "Samples",
    "Solved",
    "Trained",
    "Verified",
    "__version__",
    "check",
    "compile",
    "cosim",
    "emit",
    "evaluate",
    "load_core",
    "read_model",
    "sample",
    "solve",
    "train",
    "verify",
]

_HOME = {
    "CoreSpec": "core.spec",
    "CouplingGraph": "compiler.ir.graph",
    "OsccError": "base.errors",
    **dict.fromkeys(("Checked", "Compiled", "check", "compile", "load_core", "read_model"), "compiling"),
    **dict.fromkeys(("Emitted", "emit"), "emitting"),
    **dict.fromkeys(("Cosimulated", "Samples", "cosim", "sample"), "running"),
    **dict.fromkeys(("Solved", "solve"), "solving"),
    **dict.fromkeys(("Evaluated", "Trained", "evaluate", "train"), "training"),
    **dict.fromkeys(("Verified", "verify"), "verifying"),
}
"""Where each name comes from, below this package; it is imported when the name is first asked for."""


if not TYPE_CHECKING:
    # A type checker knows the names from above, and none besides.

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            found: object = version("oscc")
        elif name in _HOME:
            found = getattr(_import_module(f"oscc.{_HOME[name]}"), name)
        else:
            raise AttributeError(f"module 'oscc' has no attribute '{name}'")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
