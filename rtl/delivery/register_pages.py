"""What PeakRDL makes from the register map: pages to browse and a UVM register model; needs extra ``registers``."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError, did_you_mean
from oscc.base.file_output import write_text
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.system_rdl import map_name, system_rdl

if TYPE_CHECKING:
    from systemrdl.node import AddrmapNode

HTML, UVM = "html", "uvm"

_NEEDS = {HTML: ("systemrdl", "peakrdl_html"), UVM: ("systemrdl", "peakrdl_uvm")}
"""Python modules that each kind of page needs."""


def page_kinds() -> tuple[str, ...]:
    """Return every kind that `write_register_pages` knows."""
    return tuple(_NEEDS)


def write_register_pages(core: CoreSpec, folder: Path, kinds: Sequence[str] = (HTML, UVM)) -> list[str]:
    """Make pages of a core's registers into a folder.

    ``html`` gives ``html/index.html`` with all that it shows, ``uvm`` the package ``<core>_ral_pkg.sv``. The same
    core and the same releases of PeakRDL give the same bytes; another release may write other ones, so that these files
    are not part of what is promised byte-identical.

    Parameters
    ----------
    core : CoreSpec
    folder : Path
        Made when it is not there.
    kinds : sequence of str
        Of `page_kinds`.

    Returns
    -------
    list of str
        Files that were written, relative to the folder with forward slashes, sorted.

    Raises
    ------
    OsccError
        ``registers.kind`` for a kind that is not known, ``registers.missing`` when PeakRDL is not installed. Nothing
        is written then.
    """
    for kind in kinds:
        if kind not in _NEEDS:
            raise OsccError("registers.kind", f"'{kind}' is no kind of register pages{did_you_mean(kind, _NEEDS)}")
    missing = sorted({name for kind in kinds for name in _NEEDS[kind] if importlib.util.find_spec(name) is None})
    if missing:
        raise OsccError(
            "registers.missing",
            f"register pages need the Python package {' and '.join(name.replace('_', '-') for name in missing)}",
            hint="install: pip install 'oscc[registers]'",
        )
    folder.mkdir(parents=True, exist_ok=True)
    text = system_rdl(core)
    top = compiled_map(text)
    written = []
    if HTML in kinds:
        _write_html(top, folder / "html", text)
        written += [path.relative_to(folder).as_posix() for path in (folder / "html").rglob("*") if path.is_file()]
    if UVM in kinds:
        name = f"{map_name(core).removesuffix('_registers')}_ral_pkg.sv"
        _write_uvm(top, folder / name)
        written.append(name)
    return sorted(written)


def compiled_map(text: str) -> AddrmapNode:
    """Return the address map of a SystemRDL text, elaborated. The compiler reads files only.

    Parameters
    ----------
    text : str
        With one address map at its top.
    """
    from systemrdl.compiler import RDLCompiler

    with scratch_folder("oscc-registers-") as scratch:
        source = scratch / "registers.rdl"
        write_text(source, text)
        compiler = RDLCompiler()
        compiler.compile_file(str(source))
        return compiler.elaborate().top


def _write_html(top: AddrmapNode, folder: Path, text: str) -> None:
    """Write the pages to browse."""
    from peakrdl_html import HTMLExporter

    # The exporter puts the time of the build behind the addresses of its files, so that a browser does not show old
    # ones. A number that follows from the content does the same.
    content_number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    exporter = HTMLExporter(user_context={"build_ts": content_number}, generate_source_links=False)
    exporter.export(top, str(folder))


def _write_uvm(top: AddrmapNode, path: Path) -> None:
    """Write the UVM register model."""
    from peakrdl_uvm import UVMExporter

    UVMExporter().export(top, str(path))
