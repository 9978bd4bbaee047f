"""The layers of the project: who may import whom, and what compiling must never import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]
BELOW: dict[str, set[str]] = {
    "base": set(),
    "core": {"base"},
    "compiler": {"core", "base"},
    "rtl": {"core", "base"},
    "models": {"compiler", "core", "base"},
    "sim": {"models", "rtl", "compiler", "core", "base"},
    "report": {"sim", "models", "rtl", "compiler", "core", "base"},
    "cli": {"report", "sim", "models", "rtl", "compiler", "core", "base"},
}
"""Rooms that a room may import from."""

HEAVY = {"torch", "amaranth", "numba", "scipy", "matplotlib", "PIL", "cocotb", "ortools"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts if parts[0] == "oscc" else ("oscc", *parts))


ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
SOURCES = {module_name(path): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
INSIDE = [name for name, path in SOURCES.items() if path.relative_to(ROOT).parts[0] != "oscc"]
"""Modules of all rooms but the interface."""


def room_of(name: str) -> str:
    """The room of a module; ``oscc`` for the interface."""
    return SOURCES[name].relative_to(ROOT).parts[0]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(path: Path, *, for_types: bool) -> set[str]:
    """Modules that a file imports, at the top or within a function; for type checkers only on request."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = str(node.module)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        if for_types or not is_type_checking(node):
            waiting += ast.iter_child_nodes(node)
        else:
            assert isinstance(node, ast.If)
            waiting += node.orelse
    return found


def test_every_room_has_its_place() -> None:
    assert set(ROOMS) == BELOW.keys() | {"oscc"}


@pytest.mark.parametrize("name", INSIDE)
def test_imports_point_downward(name: str) -> None:
    ours = {part for part in imports_of(SOURCES[name], for_types=True) if part in SOURCES and part != "oscc"}
    assert {room_of(part) for part in ours} <= BELOW[room_of(name)] | {room_of(name)}


def test_the_interface_and_the_command_stand_beside_each_other() -> None:
    names = [name for name in SOURCES if room_of(name) == "oscc" and name != "oscc.__main__"]
    assert "oscc.compiling" in names
    for name in names:
        assert not [part for part in imports_of(SOURCES[name], for_types=True) if part.startswith("oscc.cli")]


def test_folders_make_no_circle() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for path in SOURCES.values():
        used = {SOURCES[part].parent for part in imports_of(path, for_types=True) if part in SOURCES}
        here = path.parent.relative_to(ROOT).as_posix()
        graph.add_edges_from((here, other.relative_to(ROOT).as_posix()) for other in used if other != path.parent)
    circles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    assert circles == []


def test_there_are_no_circles() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, path in SOURCES.items():
        graph.add_edges_from((name, used) for used in imports_of(path, for_types=False) if used in SOURCES)
    circles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    assert circles == []


@pytest.mark.parametrize("name", [name for name in INSIDE if room_of(name) in {"base", "core", "compiler"}])
def test_the_compiler_has_light_dependencies(name: str) -> None:
    used = {part.partition(".")[0] for part in imports_of(SOURCES[name], for_types=True)}
    # Compiled loops, and one placer's solver; what was trained on a grid is compiled without them, as a test shows.
    allowed = {"oscc.compiler.place.exact": {"ortools"}, "oscc.base.kernels": {"numba"}}
    assert used & HEAVY == allowed.get(name, set())


def test_kernels_are_compiled_in_one_place() -> None:
    users = [
        name
        for name in SOURCES
        if any(part.split(".")[0] == "numba" for part in imports_of(SOURCES[name], for_types=True))
    ]
    assert users == ["oscc.base.kernels"]


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("oscc.cli")])
def test_verbs_import_what_is_heavy_when_they_run(name: str) -> None:
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    used = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    used |= {str(node.module) for node in top if isinstance(node, ast.ImportFrom)}
    outside = {module for module in used if module.partition(".")[0] not in {"oscc", *sys.stdlib_module_names}}
    ours = {module for module in used if module.startswith("oscc.") and not module.startswith("oscc.cli")}
    assert outside <= {"typer", "typer.core"}
    assert ours <= {"oscc.base.errors"}


def test_every_folder_with_modules_is_a_package() -> None:
    assert [path for path in SOURCES.values() if not (path.parent / "__init__.py").exists()] == []
    assert not (ROOT / "__init__.py").exists()


@pytest.mark.parametrize("verb", ["compile", "check"])
def test_compiling_imports_nothing_heavy(verb: str, example_path: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from oscc.cli.main import main; status = main(sys.argv[1:]);"
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules})); sys.exit(status)"
    )
    arguments = [verb, str(example_path), "--core", "ais-56x56"]
    arguments += ["-o", str(tmp_path / "x")] if verb == "compile" else []
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) & HEAVY == set()
    assert "numpy" in done.stderr.split()


def test_the_layer_check_sees_what_it_should(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import oscc.sim.array.array\n"
        "def f():\n    from oscc.rtl import top\n"
    )
    assert "oscc.rtl.top" in imports_of(source, for_types=False)
    assert "oscc.sim.array.array" not in imports_of(source, for_types=False)
    assert "oscc.sim.array.array" in imports_of(source, for_types=True)
