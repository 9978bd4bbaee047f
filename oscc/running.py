"""Programs that run: images from the behavioural array, and from the RTL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError
from oscc.base.output_folder import read_output_folder
from oscc.base.path_kind import kind_of
from oscc.compiler.compile import CompileResult
from oscc.compiler.output.recompile import recompile
from oscc.compiling import Compiled, read_model
from oscc.core.program import Program
from oscc.core.program_folder import read_program_of
from oscc.core.spec import CoreSpec
from oscc.given import ACCEPTED_COMPILATION, MOST_SAMPLES, Model, only_oscc_errors, path_of, whole_number

if TYPE_CHECKING:
    from oscc.sim.cosimulation import Cosimulation

Progress: TypeAlias = Callable[[str, float], None]
"""Called with what is being done, and how far it is, 0 to 1."""

CompiledOrFolder: TypeAlias = Compiled | str | os.PathLike[str]
"""What `oscc.compile` returned, or the path of an output folder."""


@dataclass(frozen=True, eq=False, repr=False)
class Samples:
    """Images of a model. The array is read-only; ``numpy.asarray`` of the record is the images.

    Parameters
    ----------
    images : float32[n, rows, cols]
        Pixels, nominally within -1 (black) and 1 (white).
    title : str
        What they are of.
    seed, first : int
        Key of the initial noise, and number of the first sample.
    seconds : float
        Wall time.
    """

    images: NDArray[np.float32]
    title: str
    seed: int
    first: int
    seconds: float

    def __post_init__(self) -> None:
        freeze(self)

    def __len__(self) -> int:
        return len(self.images)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.images, dtype=dtype, copy=copy)

    def to_dict(self) -> dict[str, Any]:
        """Return how they were drawn as JSON, as ``oscc sample --json`` prints it, but for where the sheet is."""
        return {"samples": len(self.images), "seed": self.seed, "first": self.first, "seconds": self.seconds}

    def save(self, path: str | os.PathLike[str], columns: int = 8) -> Path:
        """Write the images as one picture, and return its path.

        Parameters
        ----------
        path : str or path
            Its suffix gives the format.
        columns : int
            Images beside each other.

        Raises
        ------
        OsccError
            When the file cannot be written, there is no such format, or ``columns`` is no whole number from 1.
        """
        from oscc.report.pictures import check_sheet_target, sample_sheet

        target, columns = Path(path), whole_number("columns", columns, 1)
        check_sheet_target(target, self.images.shape, columns)
        sample_sheet(self.images, target, columns)
        return target

    def __repr__(self) -> str:
        count, rows, cols = self.images.shape
        return f"<Samples: {count} images of {rows} x {cols} pixels, {self.title}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import samples_html

        return samples_html(self.title, self.images)


@dataclass(frozen=True, eq=False, repr=False)
class Cosimulated:
    """Images that a program gave on an engine, beside those of the PyTorch reference.

    Parameters
    ----------
    cosimulation : Cosimulation
        With the record of the engine.
    """

    cosimulation: Cosimulation

    @property
    def images(self) -> NDArray[np.float32]:
        """What the read-out delivered, float32[n, rows, cols]."""
        return self.cosimulation.images.astype(np.float32)

    @property
    def reference(self) -> NDArray[np.float32] | None:
        """The same images of the PyTorch reference, float32[n, rows, cols]; None where PyTorch is not installed."""
        found = self.cosimulation.reference
        return None if found is None else found.astype(np.float32)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Read-out codes as the host received them, uint8[n, frame rows, frame cols]."""
        return self.cosimulation.record.codes

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc cosim --json`` prints it, but for where it was written."""
        return self.cosimulation.to_dict()

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write what ``oscc cosim`` writes into ``cosim-ENGINE/`` of an output folder, and return that.

        Parameters
        ----------
        folder : str or path
            An output folder of oscc.

        Raises
        ------
        OsccError
            When it is none, or cannot be written.
        """
        from oscc.report.cosim_files import write_cosimulation

        return write_cosimulation(Path(folder), self.cosimulation)

    def __repr__(self) -> str:
        job, record = self.cosimulation.job, self.cosimulation.record
        return f"<Cosimulated: {job.samples} images of {job.program.name} on {job.core.name}, engine {record.engine}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import cosimulation_html

        return cosimulation_html(self.cosimulation)


@dataclass(frozen=True, eq=False)
class Runnable:
    """A core and a program for it, and what the program was compiled from.

    Parameters
    ----------
    core : CoreSpec
    program : Program
    result : callable
        Returns the result of compiling, with all levels; of a folder it is computed anew.
    folder : Path or None
        The output folder that was given.
    """

    core: CoreSpec
    program: Program
    result: Callable[[], CompileResult]
    folder: Path | None


def runnable(compiled: CompiledOrFolder, progress: Progress | None = None) -> Runnable:
    """Return what can be run of a compilation.

    Parameters
    ----------
    compiled : Compiled, str or path
    progress : callable, optional

    Raises
    ------
    OsccError
        When the model does not fit, or the folder is no whole compilation.
    """
    if isinstance(compiled, Compiled):
        result = compiled.result
        return Runnable(compiled.core, compiled.program, lambda: result, None)
    folder = path_of("of", compiled, ACCEPTED_COMPILATION)
    core, program = read_program_of(folder)
    return Runnable(core, program, lambda: recompile(read_output_folder(folder), progress), folder)


@only_oscc_errors
def sample(
    of: CompiledOrFolder | Model,
    n: int = 64,
    *,
    seed: int = 0,
    first: int = 0,
    full_precision: bool = False,
    progress: Progress | None = None,
) -> Samples:
    """Draw images: of a program on the behavioural array, or of a model in model time, without a core.

    Parameters
    ----------
    of : Compiled, path of an output folder, or a model as `oscc.read_model` takes it
    n : int
        How many.
    seed : int
        Key of the initial noise.
    first : int
        Number of the first sample; only of a program.
    full_precision : bool
        Without codes of weights and of phases, for comparison.
    progress : callable, optional

    Raises
    ------
    OsccError
        When the model does not fit, or something is wrong with what was given.
    """
    n, seed, first = whole_number("n", n, 1, MOST_SAMPLES), whole_number("seed", seed), whole_number("first", first)
    begun = time.perf_counter()
    if not isinstance(of, Compiled) and (not isinstance(of, str | os.PathLike) or _is_model(of)):
        from oscc.models.quality.sampling import Conditions, draw_images

        if first:
            raise OsccError("argument.value", "the samples of a model are drawn from their first on", where="first")
        # A problem is refused here: it is lowered for a core, and none is named.
        graph = read_model(of)
        images = draw_images(graph, Conditions(seed=seed), n, progress)
        return Samples(images, graph.name, seed, 0, time.perf_counter() - begun)
    ready = runnable(of, progress)
    if full_precision:
        from oscc.sim.array.full_precision import full_precision_images

        timed = ready.result().timed
        assert timed is not None, "a model that fits has a time scale"
        found = full_precision_images(timed, n, seed=seed, first_sample=first, progress=progress)
    else:
        from oscc.sim.sampling import sample_program

        found = sample_program(ready.core, ready.program, n, seed=seed, first=first, progress=progress)
    title = f"{ready.program.name} on {ready.core.name}"
    return Samples(found.astype(np.float32), title, seed, first, time.perf_counter() - begun)


@only_oscc_errors
def cosim(
    of: CompiledOrFolder,
    engine: str = "pysim",
    n: int = 1,
    *,
    seed: int = 0,
    first: int = 0,
    waves: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Cosimulated:
    """Run a program through the RTL with the behavioural array attached, and read the images out.

    Of a folder, engines ``icarus`` and ``verilator`` simulate the Verilog in its ``rtl/``, where it has one.

    Parameters
    ----------
    of : Compiled or path of an output folder
    engine : str
        ``array``, ``pysim``, ``icarus``, ``verilator``, or one that is installed besides.
    n : int
        How many images.
    seed, first : int
        Key of the initial noise, and number of the first sample.
    waves : str or path, optional
        VCD file to write; a save file of GTKWave (.gtkw) and commands of Surfer (.sucl) come beside it.
    progress : callable, optional

    Raises
    ------
    OsccError
        When there is no such engine, or it is not installed; when the core refuses the program. Its cause is a
        `SimulatorLogs` with the whole logs where a simulator failed.
    """
    from oscc.base.file_output import check_file_target
    from oscc.sim.cosimulation import check_engine_named, check_waves_of, cosimulate
    from oscc.sim.emission import RTL_FOLDER
    from oscc.sim.engines.core_sources import read_core_verilog
    from oscc.sim.engines.job import CosimJob
    from oscc.sim.waves.wave_file import Waves

    n, seed, first = whole_number("n", n, 1, MOST_SAMPLES), whole_number("seed", seed), whole_number("first", first)
    check_engine_named(engine)
    ready = runnable(of, progress)
    verilog = None if ready.folder is None else read_core_verilog(ready.folder / RTL_FOLDER, ready.core)
    wanted = None
    if waves is not None:
        check_waves_of(engine)
        wanted = Waves(Path(waves))
        check_file_target(wanted.path)
    job = CosimJob(ready.core, ready.program, n, seed=seed, first_sample=first, waves=wanted)
    return Cosimulated(cosimulate(job, engine, lambda: ready.result().codes, progress, verilog))


def _is_model(path: str | os.PathLike[str]) -> bool:
    # A file that says nothing of what it is, is left to the reader of models.
    return kind_of(Path(path)).name in ("checkpoint", "problem", "file")
