"""Kinds of findings and of warnings: each is declared once, and the manual says what the declarations say."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.findings import FindingKind, kinds_table
from oscc.compiler.findings.of_codes import WarningKind
from oscc.compiler.findings.of_graphs import FirstIndex
from oscc.compiler.findings.of_routes import FAR_COUPLING, NodeCell
from oscc.compiler.findings.table import KINDS

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("base", "core", "compiler", "rtl", "models", "sim", "report", "cli")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
CODE = re.compile(r"[GLCRKFSQPTYBW][0-9]{3}")

OF_FIT = re.compile(r"[RCFS]|L0(?!0[345])")
"""Codes that docs/feasibility.md lists: why a model does not fit. The others are in docs/architecture.md."""


def module_name(path: Path) -> str:
    return ".".join(("oscc", *path.relative_to(ROOT).with_suffix("").parts))


def declares_kinds(path: Path) -> bool:
    return path.name.endswith("findings.py") or path.parent.name == "findings"


def declared(kind: type[Any]) -> dict[str, tuple[str, Any]]:
    """All kinds by code, each with the name that it is declared by."""
    found: dict[str, tuple[str, Any]] = {}
    for path in filter(declares_kinds, SOURCES):
        module = importlib.import_module(module_name(path))
        made = {
            target.id
            for node in ast.parse(path.read_text()).body
            for target in (getattr(node, "targets", None) or [getattr(node, "target", None)])
            if isinstance(target, ast.Name)
        }
        for name in sorted(made):
            value = getattr(module, name)
            if isinstance(value, kind):
                assert value.code not in found, f"{value.code} is declared twice"
                found[value.code] = (name, value)
    return found


FINDINGS = declared(FindingKind)
WARNINGS = declared(WarningKind)


def test_all_kinds_are_found() -> None:
    assert len(FINDINGS) == 84
    assert sorted(WARNINGS) == [f"W00{number}" for number in range(1, 7)]
    assert all(CODE.fullmatch(code) for code in (*FINDINGS, *WARNINGS))
    assert {code: kind for code, (_, kind) in FINDINGS.items() if not code.startswith("Y")} == KINDS


@pytest.mark.parametrize("code", [*FINDINGS, *WARNINGS])
def test_the_place_of_a_kind_uses_it(code: str) -> None:
    name, kind = {**FINDINGS, **WARNINGS}[code]
    tree = ast.parse(Path(str(inspect.getsourcefile(importlib.import_module(kind.place)))).read_text())
    assert name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", [path for path in SOURCES if not declares_kinds(path)], ids=module_name)
def test_codes_stand_in_declarations_alone(path: Path) -> None:
    constants = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    assert [each for each in constants if isinstance(each, str) and CODE.fullmatch(each)] == []


@pytest.mark.parametrize("code", [code for code, (_, kind) in FINDINGS.items() if kind.check])
def test_checks_exist_and_share_no_code_with_what_they_check(code: str) -> None:
    kind: FindingKind[Any] = FINDINGS[code][1]
    for path, parameters in ((kind.check, ["witness", "subject"]), (kind.count, ["placed"])):
        if not path:
            continue
        module, _, name = path.partition(":")
        function = getattr(importlib.import_module(module), name)
        assert list(inspect.signature(function).parameters) == parameters
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
        used = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        ours = {each for each in used if each.startswith("oscc.")}
        allowed = ("oscc.compiler.feasibility.witnesses.", "oscc.compiler.ir.", "oscc.core.spec")
        assert kind.place not in ours
        assert all(each.startswith(allowed) for each in ours)


def test_the_manual_lists_every_kind() -> None:
    kinds: list[FindingKind[Any]] = [kind for _, kind in FINDINGS.values()]
    kinds.sort(key=lambda kind: ("RLCFSGKQPTYB".index(kind.code[0]), kind.code))
    fit = [kind for kind in kinds if OF_FIT.match(kind.code)]
    assert kinds_table(fit) in (ROOT / "docs" / "feasibility.md").read_text()
    assert kinds_table(kind for kind in kinds if kind not in fit) in (ROOT / "docs" / "architecture.md").read_text()


def test_the_manual_lists_every_warning() -> None:
    rows = re.findall(r"^\| (W\d{3}) \| ([^|]*) \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    assert rows == [(code, kind.title) for code, (_, kind) in sorted(WARNINGS.items())]


@pytest.mark.parametrize(
    ("witness", "fits"),
    [
        ({"node": 3, "cell": [1, 2]}, True),
        ({"node": 3}, False),
        ({"node": 3, "cell": [1, 2], "more": 1}, False),
        ({"node": 3, "cell": (1, 2)}, False),
        ({"node": "3", "cell": [1, 2]}, False),
    ],
)
def test_witnesses_are_held_to_their_declaration(
    witness: dict[str, Any], fits: bool, is_form: Callable[[Any, Any], bool]
) -> None:
    assert is_form(NodeCell, witness) is fits
    assert not is_form(FirstIndex, witness)


def test_a_finding_with_another_witness_fails_every_test() -> None:
    with pytest.raises(AssertionError, match="R001: the witness is none of those declared"):
        FAR_COUPLING.finding("far", "train it anew", {"coupling": 3})  # type: ignore[arg-type]
