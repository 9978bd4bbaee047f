"""What the tests of every folder share: small cores, synthetic models, the trained example."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

# The thread pools of numba and torch fight on few cores; it is read when numba is first imported.
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.findings.of_codes import CodeWarning, WarningKind
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import family_named
from oscc.core.initial_phases import InitialPhases
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

# The same examples in every run; OSCC_HYPOTHESIS=search looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("OSCC_HYPOTHESIS", "repeatable"))

LONGEST = ("suite/test_suite", "cocotb/test_benches")
"""Files with tests that take a minute. They come first, so that no processor is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    assert all((here / f"{name}.py").is_file() for name in LONGEST), "a file of LONGEST has another name now"

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).with_suffix("").as_posix() if item.path.is_relative_to(here) else ""
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def _is_form(form: Any, content: Any) -> bool:
    """Whether content is what a type declares, as JSON has it: the keys of a typed dict, no others, and their types."""
    if form in (Any, dict):
        return True
    if is_typeddict(form):
        hints = get_type_hints(form)
        return (
            isinstance(content, dict)
            and form.__required_keys__ <= content.keys() <= hints.keys()
            and all(_is_form(hints[key], value) for key, value in content.items())
        )
    outer, inner = get_origin(form), get_args(form)
    if outer is UnionType:
        return any(_is_form(each, content) for each in inner)
    if outer is list:
        return type(content) is list and all(_is_form(inner[0], each) for each in content)
    if outer is dict:
        parts = content.items() if type(content) is dict else [(None, None)]
        return all(_is_form(inner[0], key) and _is_form(inner[1], value) for key, value in parts)
    # A whole number may stand for any.
    return type(content) in ((int, float) if form is float else (form,))


@pytest.fixture(scope="session")
def is_form() -> Callable[[Any, Any], bool]:
    """``is_form(form, content)``: whether content is what a typed dict declares."""
    return _is_form


@pytest.fixture(scope="session", autouse=True)
def declared_witnesses() -> Iterator[None]:
    """Hold every finding and every warning that any test leads to, to what its kind declares."""
    finding, warning = FindingKind.finding, WarningKind.warning

    def made(kind: FindingKind[Any], message: Any, fix: Any, witness: Any) -> Finding:
        assert any(_is_form(form, witness) for form in kind.witness), (
            f"{kind.code}: the witness is none of those declared: {witness}"
        )
        return finding(kind, message, fix, witness)

    def warned(kind: WarningKind[Any], message: str, advice: str, numbers: dict[str, Any]) -> CodeWarning:
        assert _is_form(kind.numbers, numbers), f"{kind.code}: the numbers are not those declared: {numbers}"
        return warning(kind, message, advice, numbers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FindingKind, "finding", made)
        patch.setattr(WarningKind, "warning", warned)
        yield


EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "kurashil-mnist-56x56.safetensors"


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merge(merged[key], value) if isinstance(value, dict) and key in merged else value
    return merged


def _make_core(preset: str = "tiny-8x8", **changes: Any) -> CoreSpec:
    described = load_core(preset).model_dump(mode="json", by_alias=True)
    if {"stencil", "couplings"} & changes.keys() and "tracks_per_boundary" not in changes:
        del described["tracks_per_boundary"]
    return CoreSpec.model_validate(_merge(described, changes))


def _couplings_on(core: CoreSpec, node_at: np.ndarray, density: float, rng: np.random.Generator) -> np.ndarray:
    """Pairs (src, dst), int32[E, 2], sorted by (dst, src): every living unit, thinned to ``density``.

    On a reciprocal core both directions of a pair are kept or left out together.
    """
    dead = set(core.defects.slots)
    pairs = []
    for row, col in np.argwhere(node_at >= 0).tolist():
        for slot, (drow, dcol) in enumerate(core.unit_stencil.offsets):
            source = (row + drow, col + dcol)
            if not (0 <= source[0] < core.rows and 0 <= source[1] < core.cols) or node_at[source] < 0:
                continue
            if (row, col, slot) in dead or rng.random() >= density:
                continue
            pairs.append((int(node_at[source]), int(node_at[row, col])))
            if core.couplings == "reciprocal":
                pairs.append((int(node_at[row, col]), int(node_at[source])))
    pairs.sort(key=lambda pair: (pair[1], pair[0]))
    return np.array(pairs, dtype=np.int32).reshape(-1, 2)


def _make_graph(
    core: CoreSpec,
    *,
    seed: int = 0,
    chunks: int | None = None,
    family: str = "kurashil",
    density: float = 1.0,
    duration: float = 2.0,
    positions: bool = True,
    time_scale_s: tuple[float, ...] | None = None,
) -> CouplingGraph:
    rng = np.random.default_rng(seed)
    declared = family_named(family)
    chunks = core.chunks if chunks is None else chunks
    node_at = np.full((core.rows, core.cols), -1, dtype=np.int32)
    alive = np.ones(node_at.shape, dtype=bool)
    for cell in core.defects.cells:
        alive[cell] = False
    node_at[alive] = np.arange(int(alive.sum()))
    position = np.argwhere(alive).astype(np.int32)
    nodes = len(position)
    pairs = _couplings_on(core, node_at, density, rng)

    weight = rng.uniform(-1.0, 1.0, (chunks, len(pairs))).astype(np.float32)
    if core.couplings == "reciprocal":
        edge_of = {pair: edge for edge, pair in enumerate(map(tuple, pairs.tolist()))}
        partner = np.array([edge_of[dst, src] for src, dst in pairs.tolist()], dtype=np.int64)
        weight = weight[:, np.minimum(np.arange(len(pairs)), partner)]
    spans = {"shil": (0.0, 1.5), "field": (-1.0, 1.0), "detuning": (-0.5, 0.5)}
    per_node: dict[str, Any] = {}
    for name, (low, high) in spans.items():
        drawn = rng.uniform(low, high, (chunks, nodes)).astype(np.float32)
        per_node[name] = drawn if name in declared.node_parameters else np.zeros_like(drawn)

    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    readable = node_at[row0::drow, col0::dcol]
    pixels = readable[readable >= 0]
    return CouplingGraph(
        name=f"synthetic-{core.name}",
        family=family,
        image_shape=core.frame_shape if pixels.size == readable.size else (1, int(pixels.size)),
        init=InitialPhases(
            kind=core.init.kind,
            mean=0.0,
            std=core.init.std_rad if core.init.kind == "normal" else float(np.pi / np.sqrt(3.0)),
        ),
        src=pairs[:, 0],
        dst=pairs[:, 1],
        weight=weight,
        chunk_duration=np.full(chunks, duration, dtype=np.float32),
        position=position if positions else None,
        readout=pixels.astype(np.int32),
        time_scale_s=time_scale_s,
        **per_node,
    )


@pytest.fixture(scope="session")
def shared_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AbstractContextManager[Path]]:
    """``with shared_build(name) as folder:`` a folder of this run of pytest, for one of its processes at a time.

    For what takes long to build and is used in several places: whoever comes first builds it.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"

    @contextmanager
    def folder(name: str) -> Iterator[Path]:
        (root / name).mkdir(parents=True, exist_ok=True)
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield root / name

    return folder


@pytest.fixture(scope="session")
def bench_core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """4 x 6 cells, all readable: two banks of different width, rows of two beats, some unused bytes; SPI.

    The core of the cocotb benches, which Verilator builds once for all that need one.
    """
    readout = {"origin": [0, 0], "step": [1, 1]}
    return make_core(name="bench-4x6", grid=[4, 6], readout=readout, init={"cycles": 20}, stream_width=32, spi=True)


@pytest.fixture(scope="session")
def make_core() -> Callable[..., CoreSpec]:
    """``make_core(preset="tiny-8x8", **changes)``: a preset with changes, sections merged.

    ``make_core(grid=[6, 5], chunks=2, coupling_dac={"bits": 3})``; the tracks follow the stencil unless they are given.
    """
    return _make_core


@pytest.fixture(scope="session")
def make_graph() -> Callable[..., CouplingGraph]:
    """``make_graph(core, seed=0, chunks=None, family="kurashil", density=1.0, duration=2.0, positions=True, ...)``.

    A valid model that fits the core at identity: a node on every living cell, a coupling in every living unit (thinned
    to ``density``), couplings sorted by (dst, src), the readable cells as pixels, equal weights both ways on a
    reciprocal core. Uniform weights: K in [-1, 1), S in [0, 1.5), h in [-1, 1), w in [-0.5, 0.5) [rad per model time];
    what the family does not read is zero. With 4 chunks of 2.0, tau fits the full scales of the presets.
    """
    return _make_graph


@pytest.fixture(scope="session")
def tiny_core() -> CoreSpec:
    """Preset tiny-8x8."""
    return load_core("tiny-8x8")


@pytest.fixture(scope="session")
def prototype_path() -> Path:
    """The model whose phases were computed elsewhere: `tests/sim/data/golden-prototype-56x56.npz`."""
    return Path(__file__).parent / "sim" / "data" / "prototype-56x56.safetensors"


@pytest.fixture(scope="session")
def example_path() -> Path:
    """The trained 56 x 56 example."""
    return EXAMPLE


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
    return compile_model(read_checkpoint(tiny_model), tiny_core)


@pytest.fixture(scope="session")
def tiny_program(tiny_result: CompileResult) -> Program:
    """Its program."""
    assert tiny_result.program is not None
    return tiny_result.program


@pytest.fixture(scope="session")
def compile_on(
    tmp_path_factory: pytest.TempPathFactory, make_graph: Callable[..., CouplingGraph]
) -> Callable[..., CompileResult]:
    """``compile_on(core, **graph)``: the program of a synthetic model, made as `make_graph` makes it."""

    def compiled(core: CoreSpec, **graph: Any) -> CompileResult:
        path = tmp_path_factory.mktemp("model") / "model.safetensors"
        write_checkpoint(path, make_graph(core, **graph))
        result = compile_model(read_checkpoint(path), core)
        assert result.program is not None, result.findings
        return result

    return compiled


@pytest.fixture(scope="session")
def small_core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """A core of 3 x 4 cells, every one readable, that simulates in a tenth of a second."""
    return make_core(
        grid=[3, 4], stencil="king", chunks=2, init={"cycles": 20}, readout={"origin": [0, 0], "step": [1, 1]}
    )


@pytest.fixture(scope="session")
def small_result(small_core: CoreSpec, compile_on: Callable[..., CompileResult]) -> CompileResult:
    """A model of two short chunks that fills `small_core`."""
    return compile_on(small_core, duration=0.6)
