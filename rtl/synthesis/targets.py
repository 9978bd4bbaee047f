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
from oscc.rtl.synthesis.report import SynthesisResult
from oscc.rtl.synthesis.tools import TIMEOUT_S
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
    *,
    frequency_mhz: float | None = None,
    seed: int = 1,
    timeout_s: float = TIMEOUT_S,
    report: Report | None = None,
) -> SynthesisResult:
    """Synthesis of a core for a target.

    Parameters
    ----------
    core : CoreSpec
    target : str
        One of `TARGETS`.
    folder : Path
        Where the tools work and leave their logs.
    frequency_mhz : float, optional
        Target of placement and routing; the core's clock by default.
    seed : int
        Of the placement.
    timeout_s : float
        For each tool.
    report : callable, optional

    Raises
    ------
    OsccError
        What `check_target_name`, `synthesise_asic` and `synthesise_fpga` raise.
    """
    check_target_name(target)
    if target == "asic":
        return synthesise_asic(core, folder, timeout_s=timeout_s, report=report)
    frequency = core.clock_hz / 1e6 if frequency_mhz is None else frequency_mhz
    return synthesise_fpga(
        core, DEVICES[target], folder, frequency_mhz=frequency, seed=seed, timeout_s=timeout_s, report=report
    )


def synthesise_largest(
    core: CoreSpec,
    target: str,
    folder: Path,
    *,
    frequency_mhz: float | None = None,
    seed: int = 1,
    timeout_s: float = TIMEOUT_S,
    report: Report | None = None,
) -> SynthesisResult:
    """Synthesis of a core with as many of its chunks as the device holds.

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
            refused = f"; {chunks + 1} did not fit" if chunks < core.chunks else ""
            assert report is not None
            report(f"{chunks} of {core.chunks} chunks{refused}: {what}", done)

        result = synthesise(
            variant,
            target,
            folder,
            frequency_mhz=frequency_mhz,
            seed=seed,
            timeout_s=timeout_s,
            report=None if report is None else tell,
        )
        if result.fits:
            return result
        whole = result if whole is None else whole
    assert whole is not None
    return whole
