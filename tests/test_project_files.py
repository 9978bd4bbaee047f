"""Files about the project itself agree with pyproject.toml, which is where versions are written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]


def yaml_of(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def pinned_ruff() -> str:
    (pin,) = (each for each in PROJECT["optional-dependencies"]["dev"] if each.startswith("ruff=="))
    return str(pin)


def test_hooks_run_ruff_of_the_version_that_lint_runs() -> None:
    hooks = [hook for repository in yaml_of(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format"]
    for hook in hooks:
        assert hook["additional_dependencies"] == [pinned_ruff()]
    commands = [hook["entry"].removesuffix(" --force-exclude") for hook in hooks]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert commands == ["ruff check", "ruff format"]
    assert all(f"$(BIN)/{command} " in makefile for command in commands)


def test_the_citation_is_of_this_version() -> None:
    citation = yaml_of("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]
    assert citation["title"].startswith("oscc: ")
    assert citation["message"]
    assert citation["cff-version"] == "1.2.0"


def test_the_lowest_python_is_said_once() -> None:
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {lowest}" in PROJECT["classifiers"]
    assert PYPROJECT["tool"]["mypy"]["python_version"] == lowest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + lowest.replace(".", "")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_targets_of_make_that_are_named_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets
    assert {"test", "lint"} <= named
