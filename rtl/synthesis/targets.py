"""The targets of synthesis, and the search for the largest core that a device holds."""

from __future__ import annotations

import shutil
from pathlib import Path

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.progress import Report
from oscc.core.spec import CoreSpec
from oscc.rtl.synthesis.asic import synthesise_asic
from oscc.rtl.synthesis.ecp5 import ECP5
from oscc.rtl.synthesis.fpga import synthesise_fpga
from oscc.rtl.synthesis.ice40 import ICE40
from oscc.rtl.synthesis.options import DEFAULT_OPTIONS, SynthesisOptions
from oscc.rtl.synthesis.report import SynthesisResult
from oscc.rtl.synthesis.variants import cut_core

DEVICES = {device.target: device for device in (ECP5, ICE40)}

TARGETS = (*DEVICES, "asic")
"""What ``--target`` accepts."""


def check_target_name(target: str) -> None:
    """Refuse what is no target.

    Parameters
    ----------
    target : str

    Raises
    ------
    OsccError
        ``synthesis.target``.
    """
    if target not in TARGETS:
        raise OsccError("synthesis.target", f"'{target}' is no target{did_you_mean(target, TARGETS)}", where="--target")


def synthesise(
    core: CoreSpec,
    target: str,
    folder: Path,
    options: SynthesisOptions = DEFAULT_OPTIONS,
    report: Report | None = None,
) -> SynthesisResult:
    """Synthesise a core for a target.

    Parameters
    ----------
    core : CoreSpec
    target : str
        One of `TARGETS`.
    folder : Path
        Where the tools work and leave their logs.
    options : SynthesisOptions
    report : callable, optional

    Raises
    ------
    OsccError
        What `check_target_name`, `synthesise_asic` and `synthesise_fpga` raise.
    """
    check_target_name(target)
    if target == "asic":
        return synthesise_asic(core, folder, options, report)
    return synthesise_fpga(core, DEVICES[target], folder, options, report)


def synthesise_largest(
    core: CoreSpec,
    target: str,
    folder: Path,
    options: SynthesisOptions = DEFAULT_OPTIONS,
    report: Report | None = None,
) -> SynthesisResult:
    """Synthesise a core with as many of its chunks as the device holds.

    Parameters are those of `synthesise`. When not even one chunk fits, the result is that of all of them.

    Raises
    ------
    OsccError
        What `synthesise` raises.
    """
    whole: SynthesisResult | None = None
    for chunks in range(core.chunks, 0, -1):
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        variant = cut_core(core, chunks=chunks)

        def tell(what: str, done: float, chunks: int = chunks) -> None:
            """Pass on a step with the number of chunks that is being tried."""
            refused = f"; {chunks + 1} did not fit" if chunks < core.chunks else ""
            assert report is not None
            report(f"{chunks} of {core.chunks} chunks{refused}: {what}", done)

        result = synthesise(variant, target, folder, options, None if report is None else tell)
        if result.fits:
            return result
        whole = result if whole is None else whole
    assert whole is not None
    return whole
