"""`import oscc` as a whole: what it offers, what it loads, and that a type checker understands it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import oscc

ROOT = Path(__file__).resolve().parents[2]

HEAVY = {"torch", "amaranth", "numba", "networkx", "pydantic", "numpy", "yaml", "typer", "rich", "matplotlib", "PIL"}

FUNCTIONS = {
    "load_core",
    "read_model",
    "check",
    "compile",
    "emit",
    "sample",
    "cosim",
    "verify",
    "solve",
    "train",
    "evaluate",
}

DOWNSTREAM = """
import numpy as np
from numpy.typing import NDArray

import oscc

core: oscc.CoreSpec = oscc.load_core("tiny-8x8")
compiled: oscc.Compiled = oscc.compile("m.safetensors", core, placer="anneal", seed=3, clip=["shil"])
images: NDArray[np.float32] = oscc.sample(compiled, n=4).images
graph: oscc.CouplingGraph = compiled.model
verdict: bool = oscc.verify(compiled, engines=["array"]).passed
best: float = oscc.solve("out/square", n=8).value
version: str = oscc.__version__
try:
    oscc.check(graph, "tiny-8x8").to_dict()
except oscc.OsccError as error:
    print(error.code)
"""

MISTAKES = """
oscc.compile("m.safetensors", 3)
oscc.compile("m.safetensors", "tiny-8x8", placr="anneal")
oscc.sample(4.5)
print(oscc.sample("out").image)
oscc.nothing
"""


def loaded_by(code: str) -> set[str]:
    script = f"import sys; {code}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_is_loaded_before_it_is_needed() -> None:
    loaded = loaded_by("import oscc")
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert {name for name in loaded if name.startswith("oscc.")} == set()
    more = loaded_by("import oscc; oscc.compile")
    assert "oscc.compiling" in more
    assert not {name.partition(".")[0] for name in more} & {"torch", "amaranth", "numba", "matplotlib", "PIL", "typer"}


def test_it_offers_what_it_says() -> None:
    assert set(oscc.__all__) >= FUNCTIONS
    assert set(dir(oscc)) == set(oscc.__all__)
    assert oscc.__version__ == version("oscc")
    for name in oscc.__all__:
        assert getattr(oscc, name) is not None
    for name in FUNCTIONS:
        assert callable(getattr(oscc, name))
        assert "Raises" in str(getattr(oscc, name).__doc__)
    with pytest.raises(AttributeError, match="module 'oscc' has no attribute 'compil'"):
        oscc.compil  # type: ignore[attr-defined]  # noqa: B018


def test_rooms_are_still_reached() -> None:
    assert importlib.import_module("oscc.compiler.compile").__name__ == "oscc.compiler.compile"
    # A room of the same name would hide a function.
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert not (rooms | {path.stem for path in (ROOT / "oscc").glob("*.py")}) & set(oscc.__all__)


def test_it_is_a_command_too() -> None:
    done = subprocess.run([sys.executable, "-m", "oscc", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"oscc {version('oscc')}\n"


def checked_types(script: str, folder: Path) -> str:
    pytest.importorskip("mypy", reason="needs mypy")
    # As an installed package looks: one folder with all rooms in it.
    package = folder / "oscc"
    package.mkdir()
    for path in (*ROOT.glob("*/__init__.py"), *(ROOT / "oscc").iterdir()):
        source = path.parent if path.parent.parent == ROOT and path.parent.name != "oscc" else path
        if not (package / source.name).exists():
            (package / source.name).symlink_to(source)
    (folder / "downstream.py").write_text(script)
    # Types of torch take longest, and are not asked for.
    (folder / "mypy.ini").write_text(
        "[mypy]\nstrict = True\n"
        "[mypy-oscc.*]\nfollow_imports = silent\nignore_errors = True\n"
        "[mypy-torch.*,numba.*,amaranth.*,pydantic.*,matplotlib.*]\n"
        "follow_imports = skip\nignore_missing_imports = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "downstream.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_a_type_checker_understands_it(tmp_path: Path) -> None:
    """One run for both, since each takes seconds: what is right passes, and what is wrong does not."""
    begin = len(DOWNSTREAM.splitlines())
    found = checked_types(DOWNSTREAM + MISTAKES, tmp_path).splitlines()
    told = {int(line.split(":")[1]) - begin: line for line in found if ": error: " in line}
    words = {
        2: 'Argument 2 to "compile" has incompatible type "int"',
        3: 'Unexpected keyword argument "placr" for "compile"; did you mean "placer"?',
        4: 'Argument 1 to "sample" has incompatible type "float"',
        5: '"Samples" has no attribute "image"; maybe "images"?',
        6: 'Module has no attribute "nothing"',
    }
    assert told.keys() == words.keys(), found
    assert all(words[line] in told[line] for line in words)
