from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from formal.proof import Mutant
from formal.seeded_bug import module_of, mutated_source, seeded_bug, source_of
from oscc.base.errors import OsccError

WIDER = Mutant("two bits more", "rtl/signals/shapes.py", "(count - 1).bit_length()", "(count - 1).bit_length() + 2")


def test_the_old_text_is_replaced_by_the_new() -> None:
    assert mutated_source(Mutant("b", "rtl/x.py", "a + 1", "a - 1"), "x = a + 1\n") == "x = a - 1\n"


@pytest.mark.parametrize(("source", "count"), [("x = 1\n", 0), ("a + 1\na + 1\n", 2)])
def test_a_text_that_does_not_stand_there_once_is_stale(source: str, count: int) -> None:
    with pytest.raises(OsccError, match=rf"seeded bug 'off by two': its old text occurs {count} times") as raised:
        mutated_source(Mutant("off by two", "rtl/x.py", "a + 1", "a - 1"), source)
    assert (raised.value.code, raised.value.where) == ("formal.stale-mutant", "rtl/x.py")


def test_a_bug_that_changes_nothing_is_refused() -> None:
    with pytest.raises(OsccError, match="changes nothing"):
        mutated_source(Mutant("b", "rtl/x.py", "a", "a"), "a")


@pytest.mark.parametrize("file", ["core/johnson.py", "rtl/axi_lite", "rtl.py"])
def test_only_files_of_the_rtl_are_broken(file: str) -> None:
    with pytest.raises(OsccError, match=r"not in a file of rtl/"):
        module_of(Mutant("b", file, "a", "b"))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(OsccError, match="no such file"):
        source_of(Mutant("b", "rtl/never_written.py", "a", "b"))


def test_every_file_of_the_rtl_meets_the_bug_and_only_inside(tmp_path: Path) -> None:
    shapes = importlib.import_module("oscc.rtl.signals.shapes")
    user = importlib.import_module("oscc.rtl.schedule.instruction_fetch")
    with seeded_bug(WIDER, tmp_path):
        from oscc.rtl.signals import shapes as broken
        from oscc.rtl.signals.shapes import index_shape as direct

        other_user = importlib.import_module("oscc.rtl.schedule.instruction_fetch")
        assert (other_user.index_shape(8).width, direct(8).width, broken.index_shape(8).width) == (5, 5, 5)
    assert sys.modules["oscc.rtl.signals.shapes"] is shapes
    assert sys.modules["oscc.rtl.schedule.instruction_fetch"] is user
    from oscc.rtl.signals import shapes as restored

    assert restored is shapes
    assert user.index_shape(8).width == 3
    assert "+ 2" in (tmp_path / "shapes.py").read_text()


def test_the_source_is_in_place_again_after_a_bug_that_does_not_even_load(tmp_path: Path) -> None:
    shapes = importlib.import_module("oscc.rtl.signals.shapes")
    broken = Mutant("no Python", WIDER.file, WIDER.old, "(count -")
    with pytest.raises(SyntaxError), seeded_bug(broken, tmp_path):
        pass
    assert importlib.import_module("oscc.rtl.signals.shapes") is shapes
