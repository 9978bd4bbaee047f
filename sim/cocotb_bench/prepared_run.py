"""What an emitted folder has for a bench: the core, and, of a compilation, its program and what should come out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.errors import OsccError
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.standalone import FOLDER as BENCH_FOLDER
from oscc.rtl.delivery.standalone_data import SETTINGS, setting_index

CORE_FILE = "core.yaml"
"""By which an emitted folder is known."""


@dataclass(frozen=True, eq=False)
class ProgramImage:
    """What a host loads into a core. Implements `oscc.sim.host.host.Loadable`.

    Parameters
    ----------
    content : bytes
        The program stream, beat after beat.
    schedule : uint32[I]
        Encoded instructions. Read-only.
    """

    content: bytes
    schedule: NDArray[np.uint32]

    def __post_init__(self) -> None:
        freeze(self)

    def stream(self) -> bytes:
        """Return the program stream."""
        return self.content

    def stream_crc(self) -> int:
        """Compute the CRC-32 of the stream, for register PROGRAM_CRC."""
        return zlib.crc32(self.content)


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A program, the samples to take with it, and the codes to expect.

    Parameters
    ----------
    program : ProgramImage
    seed, first_sample : int
        For registers SEED and FIRST_SAMPLE.
    limit : int
        Clock cycles to wait for a beat of an image.
    step_cycles : Fraction
        Integration step of the array with which the codes were computed [clock cycles].
    codes : uint8[samples, frame rows, frame cols]
        Read-only.
    """

    program: ProgramImage
    seed: int
    first_sample: int
    limit: int
    step_cycles: Fraction
    codes: NDArray[np.uint8]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def samples(self) -> int:
        """Return the number of samples whose codes are known."""
        return len(self.codes)


def emitted_folder(where: str | Path) -> Path:
    """Return the emitted folder in which a file or folder is.

    Parameters
    ----------
    where : str or Path
        Such as ``__file__`` of a bench in it, or the folder itself.

    Raises
    ------
    OsccError
        ``bench.no-core``.
    """
    start = Path(where).resolve()
    for folder in (start, *start.parents):
        if (folder / CORE_FILE).is_file():
            return folder
    raise OsccError(
        "bench.no-core",
        f"neither it nor a folder above it holds {CORE_FILE}",
        where=str(where),
        hint="give the folder rtl/ that oscc emit writes",
    )


def read_core(where: str | Path) -> CoreSpec:
    """Return the core of an emitted folder.

    Parameters
    ----------
    where : str or Path
        As `emitted_folder` takes it.

    Raises
    ------
    OsccError
        What `emitted_folder` and `load_core` raise.
    """
    return load_core(emitted_folder(where) / CORE_FILE)


def has_run(where: str | Path) -> bool:
    """Return whether an emitted folder has a program: it does where a compilation was emitted.

    Parameters
    ----------
    where : str or Path
        As `emitted_folder` takes it.

    Raises
    ------
    OsccError
        What `emitted_folder` raises.
    """
    return (emitted_folder(where) / BENCH_FOLDER / "program.hex").is_file()


def read_run(where: str | Path) -> PreparedRun:
    """Return the program of an emitted folder, with the samples to take and the codes to expect.

    Parameters
    ----------
    where : str or Path
        As `emitted_folder` takes it.

    Raises
    ------
    OsccError
        ``bench.no-program`` where a core was emitted without one, ``bench.data`` for a file that is missing or
        damaged, and what `read_core` raises.
    """
    folder, core = emitted_folder(where) / BENCH_FOLDER, read_core(where)
    if not has_run(where):
        raise OsccError(
            "bench.no-program",
            "there is no program: a core was emitted, not a compilation",
            where=str(folder),
            hint="oscc emit DIR, where DIR is the folder of oscc compile",
        )
    settings = _words(folder / "settings.hex", 32)
    if len(settings) != len(SETTINGS):
        raise _damaged(folder / "settings.hex", f"holds {len(settings)} words, expected {len(SETTINGS)}")

    def setting(name: str) -> int:
        return settings[setting_index(name)]

    beat = core.stream_width // 8
    beats = _words(folder / "program.hex", core.stream_width)
    program = ProgramImage(
        content=b"".join(word.to_bytes(beat, "little") for word in beats),
        schedule=np.array(_words(folder / "schedule.hex", 32), dtype=np.uint32),
    )
    if program.stream_crc() != setting("program_crc"):
        raise _damaged(folder / "program.hex", "its CRC-32 is not that of settings.hex")
    if program.schedule.size != setting("schedule_length"):
        raise _damaged(folder / "schedule.hex", "its length is not that of settings.hex")
    codes = _words(folder / "codes.hex", 8)
    shape = (setting("samples"), *core.frame_shape)
    if len(codes) != int(np.prod(shape)):
        raise _damaged(folder / "codes.hex", f"holds {len(codes)} codes, expected {int(np.prod(shape))}")
    if not setting("step_denominator") or not setting("step_numerator"):
        raise _damaged(folder / "settings.hex", "the integration step is no fraction above 0")
    return PreparedRun(
        program=program,
        seed=setting("seed"),
        first_sample=setting("first_sample"),
        limit=setting("limit"),
        step_cycles=Fraction(setting("step_numerator"), setting("step_denominator")),
        codes=np.array(codes, dtype=np.uint8).reshape(shape),
    )


def prepare_run(core: CoreSpec, program: Program, samples: int, seed: int = 0, first_sample: int = 0) -> PreparedRun:
    """Return a run of a program that no emitted folder has; its codes are those of engine ``array``.

    Parameters
    ----------
    core : CoreSpec
    program : Program
        For this core; `read_program` reads ``program.bin`` of a compilation.
    samples : int
        At least 1.
    seed, first_sample : int
        Key of the initial noise and number of the first sample.

    Raises
    ------
    HostError
        When the program's schedule does not deliver that many samples.
    """
    # The kernels of the array are loaded only where something runs.
    from oscc.sim.standalone_run import standalone_run

    run = standalone_run(core, program, samples, seed, first_sample)
    image = ProgramImage(program.stream(), program.schedule)
    return PreparedRun(image, seed, first_sample, run.limit, run.step_cycles, run.codes)


def _words(path: Path, bits: int) -> list[int]:
    """Return the words of a file as ``$readmemh`` reads it, a word per line, comments behind ``//``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        words = [int(text, 16) for line in lines if (text := line.partition("//")[0].strip())]
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _damaged(path, "holds something that is no hexadecimal number") from None
    if any(not 0 <= word < 1 << bits for word in words):
        raise _damaged(path, f"holds a number that does not fit {bits} bits")
    return words


def _damaged(path: Path, what: str) -> OsccError:
    """Return the error of a data file."""
    return OsccError("bench.data", what, where=str(path), hint="emit the compilation anew")
