"""The samples of a report: a sheet of images from the behavioural array, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError
from oscc.base.file_output import write_bytes
from oscc.compiler.findings.of_fit import NO_HARDWARE

if TYPE_CHECKING:
    from oscc.base.progress import Report
    from oscc.core.program import Program
    from oscc.core.spec import CoreSpec
    from oscc.report.report_data import ReportData

SAMPLES = 64
"""Images of a sheet."""

SEED = 0
"""Key of the initial noise."""

FILE = "samples.png"


@dataclass(frozen=True, eq=False)
class Samples:
    """Images from the array. Arrays are read-only.

    Parameters
    ----------
    images : float32[n, rows, cols]
        Pixels within -1 (black) and 1 (white); none where there is nothing to show.
    why_none : str
        A sentence; empty where there are images.
    """

    images: NDArray[np.float32]
    why_none: str = ""

    def __post_init__(self) -> None:
        freeze(self)

    @cached_property
    def sheet(self) -> bytes:
        """The images as one picture, PNG; empty without images."""
        from oscc.report.pictures import sheet_bytes

        return sheet_bytes(self.images) if len(self.images) else b""

    @classmethod
    def none(cls, why: str) -> Samples:
        """Return no images, and why."""
        return cls(np.zeros((0, 0, 0), np.float32), why)


def no_images(data: ReportData, image_shape: tuple[int, int] | None) -> str:
    """Return why a report shows no images; empty where it can.

    Parameters
    ----------
    data : ReportData
    image_shape : tuple of (int, int) or None
        Rows and columns of the program's images; None without a program.
    """
    if any(cause.code == NO_HARDWARE.code for cause in data.findings.by_code):
        return f"No samples: there is no hardware for family {data.family}, so that no array can be simulated."
    if image_shape is None:
        return "No samples: the model does not fit, so that there is no program to run."
    if min(image_shape) < 2:
        return f"No images: {image_shape[0]} x {image_shape[1]} values are read out, which are no image."
    return ""


def draw_samples(data: ReportData, core: CoreSpec, program: Program, progress: Report | None = None) -> Samples:
    """Draw the samples of a program: `SAMPLES` of the array from seed `SEED`, as ``oscc sample`` draws them.

    Parameters
    ----------
    data : ReportData
        Of the same compilation.
    core : CoreSpec
    program : Program
    progress : callable, optional

    Returns
    -------
    Samples
        None of them, and the cause, where the array cannot run the program.
    """
    if why := no_images(data, program.image_shape):
        return Samples.none(why)
    # The kernels are only loaded where something is drawn.
    from oscc.sim.sampling import sample_program

    try:
        images = sample_program(core, program, SAMPLES, seed=SEED, progress=progress)
    except OsccError as error:
        # The rest of the report does not depend on it.
        return Samples.none(f"No samples: {error.message}.")
    return Samples(images.astype(np.float32))


def write_samples(samples: Samples, folder: Path) -> list[str]:
    """Write the sheet, ``samples.png``, where there are images; returns the names of what was written.

    Parameters
    ----------
    samples : Samples
    folder : Path
    """
    if not samples.sheet:
        return []
    write_bytes(folder / FILE, samples.sheet)
    return [FILE]
