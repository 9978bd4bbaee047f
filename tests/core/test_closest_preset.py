from __future__ import annotations

from oscc.core.closest_preset import closest_preset
from oscc.core.spec_file import load_core


def test_the_closest_preset_is_another_core() -> None:
    core = load_core("ais-56x56")
    found = closest_preset(core, lambda other: True)
    assert found is not None
    assert found.name != core.name
    # The same core by another name, or with defects, is not another one.
    for same in (core.changed(name="mine"), core.changed(name="mine", defects={"cells": [[0, 0]]})):
        assert closest_preset(same, lambda other: True) == found


def test_another_core_of_a_presets_name_may_use_it() -> None:
    mine = load_core("tiny-8x8").changed(chunks=1)
    found = closest_preset(mine, lambda other: other.chunks > 1)
    assert found is not None
    assert found.name == "tiny-8x8"


def test_there_may_be_none() -> None:
    assert closest_preset(load_core("tiny-8x8"), lambda other: False) is None


def test_a_core_with_inputs_is_not_used_instead_of_one_without() -> None:
    found = closest_preset(load_core("ising-56x56"), lambda other: other.name in ("driven-56x56", "king-48x41"))
    assert found is not None
    assert found.name == "king-48x41"


def test_a_core_with_inputs_has_a_closest_one_too() -> None:
    found = closest_preset(load_core("driven-56x56"), lambda other: True)
    assert found is not None
    assert found.driven
