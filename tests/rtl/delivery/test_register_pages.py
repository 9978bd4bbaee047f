from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.core.registers import REGISTERS
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.register_pages import page_kinds, write_register_pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Folder and file names of everything for tiny-8x8."""
    folder = tmp_path_factory.mktemp("pages") / "registers"
    return folder, write_register_pages(load_core("tiny-8x8"), folder)


def test_what_is_written_is_named(pages: tuple[Path, list[str]]) -> None:
    folder, names = pages
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == there
    assert {"html/index.html", "tiny_8x8_ral_pkg.sv"} <= set(names)


def test_the_uvm_model_has_a_class_for_every_register(pages: tuple[Path, list[str]]) -> None:
    text = (pages[0] / "tiny_8x8_ral_pkg.sv").read_text()
    assert "\npackage tiny_8x8_ral_pkg;" in text
    classes = re.findall(r"class (\w+) extends uvm_reg;", text)
    assert classes == [f"tiny_8x8_registers__{entry.name}" for entry in REGISTERS]


PRINT_HASHES = """
import hashlib, sys
from pathlib import Path
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.register_pages import write_register_pages
for name in write_register_pages(load_core("tiny-8x8"), Path("here")):
    print(name, hashlib.sha256((Path("here") / name).read_bytes()).hexdigest())
"""


def test_the_bytes_do_not_depend_on_time_process_or_folder(pages: tuple[Path, list[str]], tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONHASHSEED": "20011"}
    command = [sys.executable, "-c", PRINT_HASHES]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    folder, names = pages
    assert done.stdout.splitlines() == [
        f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()}" for name in names
    ]


def test_no_path_of_this_machine_gets_in(pages: tuple[Path, list[str]]) -> None:
    for name in pages[1]:
        content = (pages[0] / name).read_bytes()
        assert b"oscc-registers-" not in content, name
        assert str(pages[0]).encode() not in content, name


def test_one_kind_alone(tmp_path: Path) -> None:
    assert write_register_pages(load_core("tiny-8x8"), tmp_path, ["uvm"]) == ["tiny_8x8_ral_pkg.sv"]
    assert write_register_pages(load_core("tiny-8x8"), tmp_path / "none", []) == []
    assert page_kinds() == ("html", "uvm")


def test_an_unknown_kind_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as raised:
        write_register_pages(load_core("tiny-8x8"), tmp_path / "x", ["uvm", "htm"])
    assert str(raised.value) == "'htm' is no kind of register pages; did you mean 'html'?"
    assert raised.value.code == "registers.kind"
    assert not (tmp_path / "x").exists()


def test_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "peakrdl_uvm" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(OsccError) as raised:
        write_register_pages(load_core("tiny-8x8"), tmp_path / "x")
    assert str(raised.value) == (
        "register pages need the Python package peakrdl-uvm\ninstall: pip install 'oscc[registers]'"
    )
    assert raised.value.code == "registers.missing"
    assert not (tmp_path / "x").exists()
    # What does not need it is made all the same.
    assert "html/index.html" in write_register_pages(load_core("tiny-8x8"), tmp_path / "x", ["html"])
