"""A distribution that adds a placer, a front end, an engine and a family, used by the command and by the interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

PLUG_IN = """
import dataclasses

import numpy as np

from oscc.compiler.frontends.front_ends import ProblemReader
from oscc.compiler.frontends.ising_problem import max_cut
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.placer import Placing
from oscc.compiler.route.routing import routed_graph
from oscc.core.families import KURAMOTO


class PegPlacer:
    name = "pegs"

    def __init__(self, search):
        self.search = search

    def place(self, graph, core):
        if self.search.seed == 13:
            raise ValueError("unlucky")
        cell = np.stack(np.divmod(np.arange(graph.nodes, dtype=np.int32), np.int32(core.cols)), axis=1)
        cell = cell if graph.position is None else graph.position
        return Placing(routed_graph(PlacedGraph(graph, core, cell, self.name)))


def parse_edges(text, *, name, where):
    ends = np.array([line.split() for line in text.splitlines()], dtype=np.int32)
    labels = tuple(range(int(ends.max()) + 1))
    return max_cut(name, ends[:, 0].copy(), ends[:, 1].copy(), np.ones(len(ends)), labels)


EDGES = ProblemReader(parse_edges, (".edges",))


class EchoEngine:
    name = "other"

    def run(self, job, progress=None):
        from oscc.sim.engines.array import ArrayEngine

        return ArrayEngine().run(job, progress)


def make_echo(verilog):
    return EchoEngine()


TWINS = dataclasses.replace(KURAMOTO, name="twins")
"""

ENTRIES = """
[oscc.placers]
pegs = oscc_pegs:PegPlacer
lost = oscc_pegs:NothingOfTheKind

[oscc.frontends]
edges = oscc_pegs:EDGES

[oscc.engines]
echo = oscc_pegs:make_echo

[oscc.families]
twins = oscc_pegs:TWINS
"""

RUN = """
import json, sys, threading
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from oscc.cli import progress
from oscc.cli.main import main
progress.LINE_EVERY_S = threading.TIMEOUT_MAX
found = []
for words in json.loads(sys.argv[1]):
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(words)
    found.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(found))
"""
"""Several commands in one process: what is installed is looked at once."""

Commands = Callable[..., list[tuple[int, str, str]]]


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """``commands([...], [...])``: status, output and errors of commands where the distribution is installed."""
    site = tmp_path / "site"
    info = site / "oscc_pegs-0.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: oscc-pegs\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (site / "oscc_pegs.py").write_text(PLUG_IN)

    def run(*words: list[str]) -> list[tuple[int, str, str]]:
        environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200", "TERMINAL_WIDTH": "200"}
        command = [sys.executable, "-c", RUN, json.dumps(words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return [(status, out, err) for status, out, err in json.loads(done.stdout)]

    return run


def manifest_of(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / "manifest.json").read_text())
    assert isinstance(content, dict)
    return content


def test_what_another_distribution_adds_is_used_by_its_name(
    commands: Commands, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    write_checkpoint(tmp_path / "m.safetensors", make_graph(tiny_core, family="kuramoto"))
    (tmp_path / "ring.edges").write_text("0 1\n1 2\n2 3\n0 3\n")
    ring = ["ring.edges", "--core", "ising-56x56", "-o", "ring"]
    found = commands(
        ["compile", "m.safetensors", "--core", "tiny-8x8", "--placer", "pegs", "-o", "pegs"],
        ["compile", *ring],
        ["solve", "ring", "-n", "8", "--json"],
        ["cosim", "ring", "--engine", "echo", "--json"],
        ["compile", "--help"],
        ["verify", "--help"],
    )
    assert [(status, err) for status, _, err in found] == [(0, "")] * len(found)
    (_, pegs, _), _, (_, solved, _), (_, echo, _), (_, compile_help, _), (_, verify_help, _) = found
    assert "placement              pegs\n" in pegs
    assert manifest_of(tmp_path / "pegs")["inputs"]["options"]["placer"] == "pegs"
    assert manifest_of(tmp_path / "ring")["inputs"]["problem"]["frontend"] == "edges"
    assert json.loads(solved)["values"]["best"] == 4.0
    assert (json.loads(echo)["engine"], json.loads(echo)["output"]) == ("echo", "ring/cosim-echo")
    assert "anneal, exact, lost or pegs" in compile_help
    assert "checkpoint, graphml, gset, bqm or edges" in compile_help
    assert "array, pysim, icarus, verilator or echo" in verify_help
    used = {"oscc.placers": {"pegs": "oscc-pegs 0.3"}}
    assert manifest_of(tmp_path / "pegs")["inputs"]["extensions"] == used
    assert manifest_of(tmp_path / "ring")["inputs"]["extensions"] == {"oscc.frontends": {"edges": "oscc-pegs 0.3"}}


def test_what_is_broken_is_told_in_two_lines(
    commands: Commands, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    write_checkpoint(tmp_path / "m.safetensors", make_graph(tiny_core))
    check = ["check", "m.safetensors", "--core", "tiny-8x8", "--placer"]
    lost, unlucky, near = commands([*check, "lost"], [*check, "pegs", "--seed", "13"], [*check, "peg"])
    hint = "it is no part of oscc: ask its authors, or uninstall it\n"
    assert lost[0] == unlucky[0] == near[0] == 1
    assert lost[2] == (
        "oscc: entry points oscc.placers: placer 'lost' of oscc-pegs 0.3 cannot be imported: AttributeError: "
        f"module 'oscc_pegs' has no attribute 'NothingOfTheKind'\n{hint}"
    )
    assert (
        unlucky[2]
        == f"oscc: entry points oscc.placers: placer 'pegs' of oscc-pegs 0.3 failed: ValueError: unlucky\n{hint}"
    )
    assert near[2] == "oscc: --placer: 'peg' is no placer; did you mean 'pegs'?\n"


def test_a_family_is_known_by_its_name(
    commands: Commands, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    graph = make_graph(tiny_core, family="kuramoto")
    path = tmp_path / "m.safetensors"
    write_checkpoint(path, graph)
    content = path.read_bytes()
    # The length of the header stays: both names have as many characters as blanks make up for.
    path.write_bytes(content.replace(b'\\"kuramoto\\"', b'\\"twins\\"   '))
    words = ["compile", "m.safetensors", "--core", "tiny-8x8", "-o", "twins", "--json"]
    ((status, out, err),) = commands(words)
    assert (status, err) == (0, "")
    assert json.loads(out)["family"] == "twins"
    assert manifest_of(tmp_path / "twins")["inputs"]["extensions"] == {"oscc.families": {"twins": "oscc-pegs 0.3"}}
