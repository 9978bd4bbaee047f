from __future__ import annotations

import json

import pytest

from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.output.quantization_report import quantization_report, quantization_table


@pytest.fixture
def coded(tiny_result: CompileResult) -> CodedGraph:
    assert tiny_result.coded is not None
    return tiny_result.coded


def test_the_report_counts_every_code(coded: CodedGraph) -> None:
    report = quantization_report(coded)
    assert json.loads(json.dumps(report)) == report
    route = coded.placed.route
    used = coded.codes.coupling[:, route.unit_cell[:, 0], route.unit_cell[:, 1], route.slot]
    assert report["groups"]["coupling"]["histogram"] == [
        [code, sum(value == code for value in used.ravel().tolist())] for code in range(-7, 8)
    ]
    for group in ("shil", "field", "detuning"):
        codes = coded.codes[group].ravel().tolist()
        assert report["groups"][group]["histogram"] == [[code, codes.count(code)] for code in range(-7, 8)]


def test_the_report_says_how_time_was_chosen(coded: CodedGraph) -> None:
    time = quantization_report(coded)["time_scale"]
    scale = coded.placed.time_scale
    assert time["run_cycles"] == scale.run_cycles.tolist()
    assert time["active"] in time["bounds_s"]
    assert max(time["bounds_s"].values()) == time["bounds_s"][time["active"]]
    assert len(time["active_by_chunk"]) == 2


def test_the_table_draws_the_histogram(coded: CodedGraph) -> None:
    report = quantization_report(coded)
    report["groups"]["field"]["histogram"] = [[-1, 0], [0, 1000], [1, 1], [2, 500]]
    lines = quantization_table(report).splitlines()
    start = lines.index("Histogram of field")
    assert lines[start + 1 : start + 5] == [
        "    -1     0",
        f"    +0  1000  {'#' * 50}",
        "    +1     1  #",
        f"    +2   500  {'#' * 25}",
    ]


def test_the_table_lines_up(coded: CodedGraph) -> None:
    lines = quantization_table(quantization_report(coded)).splitlines()
    assert lines[0] == "Quantization of synthetic-tiny-8x8 on tiny-8x8"
    start = lines.index("Codes; errors in LSB")
    table = lines[start + 1 : start + 6]
    assert len({len(line) for line in table}) == 1
    assert [line.split()[0] for line in table] == ["group", "coupling", "shil", "field", "detuning"]
    numbers = coded.statistics["shil"]
    assert table[2].split()[2:] == [
        str(numbers.values),
        f"{numbers.rms_lsb:.3f}",
        f"{numbers.max_lsb:.3f}",
        "0",
        str(numbers.zeroed),
        "0",
    ]


def test_a_histogram_of_nothing_has_no_bars(coded: CodedGraph) -> None:
    report = quantization_report(coded)
    for group in report["groups"].values():
        group["histogram"] = [[0, 0]]
    assert "#" not in quantization_table(report)
