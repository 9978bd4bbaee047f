from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.base.extensions import ExtensionTable

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install(NAME, MODULE, **entries)``: a distribution with a module, and entry points of group ``oscc.pets``."""

    def make(name: str, module: str, **entries: str) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        lines = [f"{key.replace('_', '-')} = {value}" for key, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[oscc.pets]", *lines]) + "\n")
        (folder / f"{name}_pets.py").write_text(module)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, f"{name}_pets", raising=False)

    return make


def table() -> ExtensionTable[object]:
    return ExtensionTable("oscc.pets", "pet", {"dog": 1, "ant": 2}, lambda found: isinstance(found, int))


def refused(action: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(OsccError) as caught:
        action()
    assert caught.value.where == "entry points oscc.pets"
    return caught.value.code, caught.value.message


def test_names_are_listed_before_anything_is_imported(install: Install) -> None:
    install("zoo", "raise RuntimeError('not yet')", yak="zoo_pets:YAK", bee="zoo_pets:BEE")
    pets = table()
    # oscc's own in their order, then the others.
    assert list(pets) == ["dog", "ant", "bee", "yak"]
    assert (len(pets), "yak" in pets, "cat" in pets, pets.own) == (4, True, False, ("dog", "ant"))
    assert (pets["dog"], pets.origin("dog"), pets.origin("yak")) == (1, "", "zoo 1.5")


def test_another_distribution_adds_what_it_says(install: Install) -> None:
    install("zoo", "YAK = 7", yak="zoo_pets:YAK")
    pets = table()
    assert (pets["yak"], pets["yak"], dict(pets)) == (7, 7, {"dog": 1, "ant": 2, "yak": 7})
    with pytest.raises(KeyError):
        pets["cat"]


@pytest.mark.parametrize(
    ("module", "value", "message"),
    [
        ("raise RuntimeError('no grass')", "zoo_pets:YAK", "cannot be imported: RuntimeError: no grass"),
        ("import nothing_of_this_name", "zoo_pets:YAK", "cannot be imported: ModuleNotFoundError: No module named "),
        ("YAK = 7", "zoo_pets:GNU", "cannot be imported: AttributeError: module 'zoo_pets' has no attribute 'GNU'"),
        ("YAK = 'hairy'", "zoo_pets:YAK", "zoo_pets:YAK is no pet"),
    ],
)
def test_a_broken_one_is_named_when_it_is_asked_for(module: str, value: str, message: str, install: Install) -> None:
    install("zoo", module, yak=value)
    pets = table()
    assert pets["ant"] == 2
    code, said = refused(lambda: pets["yak"])
    assert code == "extension.broken"
    assert said.startswith("pet 'yak' of zoo 1.5")
    assert message in said


def test_no_name_stands_for_two(install: Install) -> None:
    install("zoo", "YAK = 7", yak="zoo_pets:YAK")
    install("farm", "YAK = 8", yak="farm_pets:YAK")
    code, said = refused(lambda: table()["yak"])
    assert (code, said) == ("extension.name", "pet 'yak' is one of farm 1.5 and of zoo 1.5")


def test_names_of_ours_are_not_taken(install: Install) -> None:
    install("zoo", "DOG = YAK = 7", dog="zoo_pets:DOG", yak="zoo_pets:YAK")
    pets = table()
    assert (pets["dog"], pets.origin("dog"), list(pets)) == (1, "", ["dog", "ant", "yak"])
    assert refused(lambda: pets["yak"]) == ("extension.name", "pet 'dog' of zoo 1.5 has a name of oscc's own")


def test_names_that_could_be_paths_are_passed_over(install: Install) -> None:
    install("zoo", "YAK = 7", **{"../yak": "zoo_pets:YAK", "big yak": "zoo_pets:YAK", "yak.2": "zoo_pets:YAK"})
    assert list(table()) == ["dog", "ant", "yak.2"]


def test_what_fails_later_is_named_too(install: Install) -> None:
    install("zoo", "YAK = 7", yak="zoo_pets:YAK")
    pets = table()

    def fail(name: str, error: Exception, *passing: type[Exception]) -> None:
        with pets.blaming(name, *passing):
            raise error

    assert refused(lambda: fail("yak", ValueError("moo"))) == (
        "extension.failed",
        "pet 'yak' of zoo 1.5 failed: ValueError: moo",
    )
    with pytest.raises(ValueError, match="moo"):
        fail("dog", ValueError("moo"))
    with pytest.raises(ValueError, match="moo"):
        fail("yak", ValueError("moo"), ValueError)
    with pytest.raises(OsccError, match="mine"):
        fail("yak", OsccError("a.b", "mine"))
