"""Which Verilog of a core is simulated: the files that stand in a folder, or what is emitted anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.core_modules import SOURCES, core_modules
from oscc.rtl.top import array_module_name, core_module_name


@dataclass(frozen=True)
class CoreVerilog:
    """The Verilog of a core, without its array macro.

    Parameters
    ----------
    files : mapping of str to str
        Text by name, in the order of the file list; names may begin with folders.
    origin : str
        Where they are from, in words.
    """

    files: Mapping[str, str]
    origin: str

    @property
    def text(self) -> str:
        """All files, one behind the other."""
        return "".join(self.files.values())

    def file_with(self, word: str) -> str:
        """Return the name of the first file in which a word stands; empty where there is none.

        Parameters
        ----------
        word : str
        """
        return next((name for name, text in self.files.items() if word in text), "")


def emitted_verilog(core: CoreSpec, why: str = "emitted anew") -> CoreVerilog:
    """Return the Verilog that this version emits for a core.

    Parameters
    ----------
    core : CoreSpec
    why : str
        Its origin, in words.
    """
    return CoreVerilog({f"{SOURCES}/{name}": text for name, text in core_modules(core).items()}, why)


def file_list_name(core: CoreSpec) -> str:
    """Return the name of the list of a core's files: ``ais_56x56_core.f``."""
    return f"{core_module_name(core)}.f"


def read_core_verilog(rtl: Path, core: CoreSpec) -> CoreVerilog | None:
    """Return the Verilog that the file list of a folder names, but for the black box of the array.

    Parameters
    ----------
    rtl : Path
        As ``oscc emit`` fills it.
    core : CoreSpec

    Returns
    -------
    CoreVerilog or None
        None where the folder has no file list.

    Raises
    ------
    OsccError
        ``rtl.file-list`` when the list has something else than names of files in the folder, or of one that cannot be
        read.
    """
    path = rtl / file_list_name(core)
    if not path.is_file():
        return None
    black_box = f"{array_module_name(core)}_stub.v"
    names = [line.split("//")[0].strip() for line in _read(path, path).splitlines()]
    names = [name for name in names if name and not name.startswith("#")]
    for name in names:
        if name.startswith(("-", "+", "/")) or ".." in Path(name).parts:
            raise OsccError(
                "rtl.file-list",
                f"'{name}' is no name of a file in {rtl.name}/",
                where=str(path),
                hint="list Verilog files, one a line, relative to the list",
            )
    files = {name: _read(rtl / name, path) for name in names if Path(name).name != black_box}
    return CoreVerilog(files, f"{rtl.name}/, {len(files)} file{'s' if len(files) != 1 else ''}")


def _read(path: Path, listed_in: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        hint = "oscc emit writes all files again"
        raise OsccError("rtl.file-list", f"{path.name}: {error.strerror}", where=str(listed_in), hint=hint) from None


def changed_files(found: CoreVerilog, core: CoreSpec) -> list[str]:
    """Return the files that are not those that this version emits, for chips or for FPGAs; none where all of them are.

    Parameters
    ----------
    found : CoreVerilog
    core : CoreSpec

    Returns
    -------
    list of str
        Names of files that differ, are missing, or are not emitted.
    """
    changed = _differing(found.files, core, initial=False)
    # Files for FPGAs have initial blocks, which the others have none of.
    if changed and not _differing(found.files, core, initial=True):
        return []
    return changed


def _differing(files: Mapping[str, str], core: CoreSpec, *, initial: bool) -> list[str]:
    wanted = {f"{SOURCES}/{name}": text for name, text in core_modules(core, initial=initial).items()}
    return [name for name in dict.fromkeys([*wanted, *files]) if files.get(name) != wanted.get(name)]
