"""What the tests of the compiler share: a small model, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.program import Program
from oscc.core.spec import CoreSpec


@pytest.fixture(scope="session")
def tiny_model(
    tmp_path_factory: pytest.TempPathFactory, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> Path:
    """Checkpoint of a model of two chunks that fits tiny-8x8."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_checkpoint(path, make_graph(tiny_core, chunks=2, density=0.6))
    return path


@pytest.fixture(scope="session")
def tiny_result(tiny_model: Path, tiny_core: CoreSpec) -> CompileResult:
    """That model, compiled."""
    return compile_model(tiny_model, tiny_core)


@pytest.fixture(scope="session")
def tiny_program(tiny_result: CompileResult) -> Program:
    """Its program."""
    assert tiny_result.program is not None
    return tiny_result.program
