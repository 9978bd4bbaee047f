"""What is kept of a run that fails: the whole logs of the simulator, and the waves up to there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.sim.engines.simulator_log import logs_of


@contextmanager
def failures_kept(folder: Path) -> Iterator[Path]:
    """Provide a folder for the files of a run; when the block fails, they and the simulator's logs are kept.

    Parameters
    ----------
    folder : Path
        Gets what is kept; it is made where there is something to keep, and its other files stay.

    Yields
    ------
    Path
        An empty folder, which is removed in the end.

    Raises
    ------
    OsccError
        That of the block, with the names of what was kept.
    """
    with scratch_folder("oscc-run-") as scratch:
        try:
            yield scratch
        except OsccError as error:
            for name, text in logs_of(error).items():
                write_text(scratch / name, text)
            kept = sorted(file.name for file in scratch.iterdir() if file.is_file())
            if not kept:
                raise
            folder.mkdir(exist_ok=True)
            for name in kept:
                shutil.move(scratch / name, folder / name)
            told = f"kept: {', '.join(str(folder / name) for name in kept)}"
            hint = f"{error.hint}; {told}" if error.hint else told
            raise OsccError(error.code, error.message, where=error.where, hint=hint) from error.__cause__
