"""Cores that are emitted: Verilog, and everything that a hardware team takes over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from oscc.base.path_kind import kind_of
from oscc.compiling import Compiled
from oscc.core.spec import CoreSpec
from oscc.given import (
    ACCEPTED_COMPILATION,
    ACCEPTED_CORE,
    MOST_SAMPLES,
    Core,
    core_of,
    names_of,
    only_oscc_errors,
    path_of,
    whole_number,
)
from oscc.running import CompiledOrFolder, Progress, runnable


@dataclass(frozen=True, eq=False, repr=False)
class Emitted:
    """The files of a core.

    Parameters
    ----------
    core : CoreSpec
    files : mapping of str to str
        Text by relative name.
    """

    core: CoreSpec
    files: Mapping[str, str]

    @property
    def verilog(self) -> str:
        """The Verilog of the core: all of its modules, those that are used before those that use them."""
        from oscc.rtl.delivery.core_modules import SOURCES
        from oscc.rtl.top import core_module_name

        listed = self.files[f"{core_module_name(self.core)}.f"].splitlines()
        return "\n".join(self.files[name] for name in listed if name.startswith(f"{SOURCES}/"))

    def to_dict(self) -> dict[str, Any]:
        """Return what was emitted as JSON, as ``oscc emit --json`` prints it, but for where it is."""
        sizes = {f"rtl/{name}": len(text.encode()) for name, text in sorted(self.files.items())}
        return {"core": self.core.name, "files": list(sizes), "bytes": sum(sizes.values())}

    def save(self, folder: str | os.PathLike[str], *, register_pages: bool = False) -> Path:
        """Write the files into ``rtl/`` of a folder, and return that.

        Parameters
        ----------
        folder : str or path
            New, empty, one that oscc made, or a compilation for the same core, whose other files stay.
        register_pages : bool
            PeakRDL's HTML pages and UVM model of the registers, too.

        Raises
        ------
        OsccError
            When the folder must not or cannot be written; ``emit.other-core`` for a compilation for another core.
        """
        from oscc.base.output_folder import check_target
        from oscc.sim.emission import RTL_FOLDER, compiled_core, refuse_other_core, write_emitted

        target = Path(folder)
        check_target(target)
        theirs = compiled_core(target)
        if theirs is not None:
            refuse_other_core(theirs, self.core, target, "emit into a folder of its own")
        write_emitted(target, self.core, self.files, compiled=theirs is not None, register_pages=register_pages)
        return target / RTL_FOLDER

    def __repr__(self) -> str:
        return f"<Emitted: {len(self.files)} files of {self.core.name}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import emitted_html

        return emitted_html(self.core, self.files)


@only_oscc_errors
def emit(
    of: CompiledOrFolder | Core,
    *,
    n: int = 2,
    seed: int = 0,
    wrappers: Sequence[str] = (),
    initial_values: bool = False,
    progress: Progress | None = None,
) -> Emitted:
    """Emit a core: Verilog, constraints, black box of the array, register files, firmware, test benches, assertions.

    Parameters
    ----------
    of : Compiled, path of an output folder, name or path of a core, or CoreSpec
        The test bench of a compilation has the program, and initial phases and expected codes of some samples.
    n : int
        Samples of the test bench.
    seed : int
        Key of their initial noise.
    wrappers : sequence of str
        Top modules around the core for other buses: ``axi``, ``apb``, ``wishbone``.
    initial_values : bool
        Give registers and memories the content with which an FPGA begins, by initial blocks.
    progress : callable, optional

    Raises
    ------
    OsccError
        When something is wrong with what was given.
    """
    from oscc.rtl.delivery.emit_options import EmitOptions
    from oscc.rtl.delivery.wrappers import checked_wrappers
    from oscc.sim.emission import BenchOptions, emit_files

    asked = EmitOptions(tuple(checked_wrappers(names_of("wrappers", wrappers))), bool(initial_values))
    n, seed = whole_number("n", n, 1, MOST_SAMPLES), whole_number("seed", seed)
    accepted = f"{ACCEPTED_COMPILATION}; or a core: {ACCEPTED_CORE}"
    if isinstance(of, Compiled) or (
        not isinstance(of, CoreSpec) and kind_of(path_of("of", of, accepted)).name == "compilation"
    ):
        ready = runnable(of, progress)
        bench = BenchOptions(ready.program, n, seed)
        return Emitted(ready.core, MappingProxyType(emit_files(ready.core, bench, progress, asked)))
    core = core_of(of)
    return Emitted(core, MappingProxyType(emit_files(core, None, progress, asked)))
