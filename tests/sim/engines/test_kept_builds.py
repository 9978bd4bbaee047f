from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from oscc.sim.engines import kept_builds
from oscc.sim.engines.kept_builds import KeptBuilds, build_cache, build_or_fetch
from oscc.sim.engines.verilog_build import VerilogBuild

pytest.importorskip("cocotb")

BUILD = VerilogBuild("verilator", "core", {"core.v": "module core; endmodule\n"}, public={}, optimize="-O0")


def built(folder: Path, content: bytes = b"program") -> Path:
    (folder / "build").mkdir(parents=True, exist_ok=True)
    (folder / "build" / "core").write_bytes(content)
    (folder / "build" / "large.cpp").write_bytes(b"x" * 1000)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = build_cache()
    assert found == tmp_path / "cache" / "oscc" / "builds"
    return found


def test_a_build_comes_back_as_a_program(cache: Path, tmp_path: Path) -> None:
    kept = KeptBuilds(cache)
    assert not kept.fetch(BUILD, tmp_path / "new")
    kept.keep(BUILD, built(tmp_path / "old"))
    assert kept.fetch(BUILD, tmp_path / "new")
    program = tmp_path / "new" / "build" / "core"
    assert program.read_bytes() == b"program"
    assert os.access(program, os.X_OK)
    # What it was made of is not kept.
    assert sorted(file.name for file in (cache / kept.key(BUILD)).iterdir()) == ["build.json", "program"]
    assert sorted(cache.iterdir()) == [cache / kept.key(BUILD)]


@pytest.mark.parametrize("change", [{"sources": {"core.v": "// edited\n"}}, {"waves": True}, {"public": None}])
def test_a_build_of_something_else_is_not_taken(change: dict[str, object], cache: Path, tmp_path: Path) -> None:
    kept = KeptBuilds(cache)
    kept.keep(BUILD, built(tmp_path / "old"))
    assert not kept.fetch(dataclasses.replace(BUILD, **change), tmp_path / "new")  # type: ignore[arg-type]


def test_another_version_of_a_tool_builds_anew(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptBuilds(cache)
    kept.keep(BUILD, built(tmp_path / "old"))
    monkeypatch.setattr(kept_builds, "version", lambda package: "0.0")
    assert not kept.fetch(BUILD, tmp_path / "new")


@pytest.mark.parametrize("damage", ["program", "build.json"])
def test_a_damaged_build_is_not_taken_and_goes(damage: str, cache: Path, tmp_path: Path) -> None:
    kept = KeptBuilds(cache)
    kept.keep(BUILD, built(tmp_path / "old"))
    (cache / kept.key(BUILD) / damage).write_bytes(b"prog")
    assert not kept.fetch(BUILD, tmp_path / "new")
    assert list(cache.iterdir()) == []


def test_whoever_comes_second_keeps_what_is_there(cache: Path, tmp_path: Path) -> None:
    kept = KeptBuilds(cache)
    kept.keep(BUILD, built(tmp_path / "one", b"first"))
    kept.keep(BUILD, built(tmp_path / "two", b"second"))
    assert kept.fetch(BUILD, tmp_path / "new")
    assert (tmp_path / "new" / "build" / "core").read_bytes() == b"first"
    assert len(list(cache.iterdir())) == 1


def test_what_was_used_longest_ago_goes_first(cache: Path, tmp_path: Path) -> None:
    # Enough for three, with what is said of each.
    kept = KeptBuilds(cache, most_bytes=1000)
    builds = [dataclasses.replace(BUILD, top="core", arguments=(f"-D{n}",)) for n in range(3)]
    for age, build in zip((30, 20, 10), builds, strict=True):
        kept.keep(build, built(tmp_path / "old", b"x" * 200))
        now = (cache / kept.key(build) / "build.json").stat().st_mtime
        os.utime(cache / kept.key(build) / "build.json", (now - age, now - age))
    # Its use makes it the youngest.
    assert kept.fetch(builds[0], tmp_path / "new")
    kept.keep(dataclasses.replace(BUILD, arguments=("-D9",)), built(tmp_path / "old", b"x" * 200))
    assert [kept.fetch(build, tmp_path / "new") for build in builds] == [True, False, True]


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "oscc" / "builds"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert build_cache() is None
    folder.chmod(0o700)
    assert build_cache() == folder


def test_a_build_is_made_once(cache: Path, tmp_path: Path) -> None:
    made: list[Path] = []

    def run(folder: Path, wanted: VerilogBuild) -> bool:
        def build() -> None:
            made.append(built(folder, wanted.optimize.encode()))

        return build_or_fetch(wanted, folder, build)

    assert [run(tmp_path / name, BUILD) for name in ("a", "b")] == [False, True]
    assert made == [tmp_path / "a"]
    # One that is better optimised serves, too; the other way round it does not.
    fast = dataclasses.replace(BUILD, optimize="-O2")
    assert not run(tmp_path / "c", fast)
    assert run(tmp_path / "d", BUILD)
    assert (tmp_path / "d" / "build" / "core").read_bytes() == b"-O2"
    # Icarus builds in no time.
    icarus = dataclasses.replace(BUILD, simulator="icarus")
    assert [run(tmp_path / name, icarus) for name in ("e", "f")] == [False, False]
