"""Seeded bugs: a source file with one text replaced, in the place of the file while a design is built."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from formal.proof import Mutant
from oscc.base.errors import OsccError

PACKAGE = "oscc.rtl"

ADAPT = "adapt the seeded bug to the source as it is now"

STALE_CODES = ("formal.stale-mutant", "formal.mutant-file")
"""Codes of errors that say that the source has outgrown a seeded bug."""


def mutated_source(mutant: Mutant, source: str) -> str:
    """The source with the bug in it.

    Raises
    ------
    OsccError
        ``formal.stale-mutant`` when the old text does not stand exactly once in the source, or nothing would change.
    """
    count = source.count(mutant.old)
    if count != 1:
        raise OsccError(
            "formal.stale-mutant",
            f"seeded bug '{mutant.name}': its old text occurs {count} times, not once",
            where=mutant.file,
            hint=ADAPT,
        )
    if mutant.old == mutant.new:
        raise OsccError(
            "formal.stale-mutant", f"seeded bug '{mutant.name}' changes nothing", where=mutant.file, hint=ADAPT
        )
    return source.replace(mutant.old, mutant.new)


def module_of(mutant: Mutant) -> str:
    """Import name of the file of a mutant.

    Raises
    ------
    OsccError
        ``formal.mutant-file`` when it is no file of the RTL.
    """
    name = "oscc." + mutant.file.removesuffix(".py").replace("/", ".")
    if not (name.startswith(PACKAGE + ".") and mutant.file.endswith(".py")):
        raise OsccError(
            "formal.mutant-file", f"seeded bug '{mutant.name}' is not in a file of rtl/", where=mutant.file, hint=ADAPT
        )
    return name


def source_of(mutant: Mutant) -> str:
    """The file of a mutant as it stands.

    Raises
    ------
    OsccError
        ``formal.mutant-file`` when there is no such file.
    """
    try:
        found = importlib.util.find_spec(module_of(mutant))
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise OsccError(
            "formal.mutant-file", f"seeded bug '{mutant.name}': no such file", where=mutant.file, hint=ADAPT
        )
    return Path(found.origin).read_text(encoding="utf-8")


@contextmanager
def seeded_bug(mutant: Mutant, folder: Path) -> Iterator[None]:
    """While it lasts, importing the mutant's file gives its changed copy, also from within other files of the RTL.

    Every module of the RTL is imported afresh inside, and what was imported before is back in place afterwards. The
    copy is left in the folder, to be read beside the counterexample.

    Raises
    ------
    OsccError
        As `mutated_source` and `module_of`.
    """
    name = module_of(mutant)
    copy = folder / Path(mutant.file).name
    copy.write_text(mutated_source(mutant, source_of(mutant)), encoding="utf-8")
    before = _loaded()
    _forget(before)
    try:
        _load(name, copy)
        yield
    finally:
        _forget(_loaded())
        for module_name, module in before.items():
            sys.modules[module_name] = module
            _show_in_parent(module_name, module)


def _loaded() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name == PACKAGE or name.startswith(PACKAGE + ".")}


def _forget(modules: dict[str, ModuleType]) -> None:
    for name in modules:
        del sys.modules[name]


def _load(name: str, path: Path) -> None:
    importlib.import_module(name.rpartition(".")[0])
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise OsccError("formal.mutant-file", f"{path.name} cannot be loaded")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    _show_in_parent(name, module)
    found.loader.exec_module(module)


def _show_in_parent(name: str, module: ModuleType) -> None:
    """``from package import module`` looks at the package's attribute, not at what is loaded."""
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)
