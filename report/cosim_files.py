"""What ``oscc cosim`` leaves in an output folder: codes, pictures and a record."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np

from oscc.base.file_output import write_bytes
from oscc.base.output_folder import replace_subfolder, write_json
from oscc.report.pictures import cosim_picture, sample_sheet
from oscc.sim.cosimulation import Cosimulation
from oscc.sim.engines.recorded_run import ABOUT, write_recorded


def write_cosimulation(folder: Path, found: Cosimulation, beside: Path | None = None) -> Path:
    """Write a co-simulation into ``cosim-ENGINE/`` of an output folder, and return that.

    Parameters
    ----------
    folder : Path
        An output folder of oscc.
    found : Cosimulation
    beside : Path, optional
        Folder with more files of the run, which are moved along.

    Raises
    ------
    OsccError
        As `replace_subfolder` raises it.
    """
    record = found.record
    name = f"cosim-{record.engine}"
    with replace_subfolder(folder, name) as target:
        codes = io.BytesIO()
        np.save(codes, record.codes)
        write_bytes(target / "codes.npy", codes.getvalue())
        sample_sheet(found.images, target / "sheet.png")
        if found.reference is not None:
            source = record.engine if record.engine == "array" else f"RTL in {record.engine}"
            cosim_picture(found.images[0], found.reference[0], target / "cosim.png", source)
        result = found.to_dict()
        result["record_sha256"] = write_recorded(target, record)
        for file in sorted(beside.iterdir()) if beside is not None else ():
            shutil.move(file, target / file.name)
        # Wall times are of this run alone, and the same run gives the same files.
        write_json(target / ABOUT, {key: value for key, value in result.items() if "seconds" not in key})
    return folder / name
