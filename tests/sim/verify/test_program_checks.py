from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.instructions import Operation, encode_schedule
from oscc.core.program import Program
from oscc.sim.verify.checks import CheckLine, Status
from oscc.sim.verify.program_checks import check_program

NAMES = ["origin", "time scale", "schedule", "banks", "codes of the model", "pixels of the model"]


def lines_of(result: CompileResult, **changes: Any) -> dict[str, CheckLine]:
    assert result.program is not None
    program = dataclasses.replace(result.program, **changes)
    lines = check_program(program, result.core, result)
    assert [line.name for line in lines] == NAMES
    assert {line.subject for line in lines} == {"program"}
    return {line.name: line for line in lines}


def red(lines: dict[str, CheckLine]) -> list[str]:
    return [name for name, line in lines.items() if line.status is Status.FAIL]


def program_of(result: CompileResult) -> Program:
    assert result.program is not None
    return result.program


def with_runs(program: Program, change: Callable[[int], int]) -> np.ndarray:
    """The schedule with the cycles of every run changed."""
    return encode_schedule(
        dataclasses.replace(step, operand=change(step.operand)) if step.operation is Operation.RUN else step
        for step in program.instructions()
    )


def test_nothing_is_wrong_with_what_was_compiled(tiny_result: CompileResult) -> None:
    lines = lines_of(tiny_result)
    assert {line.status for line in lines.values()} == {Status.PASS}
    assert {line.detail for line in lines.values()} == {""}
    core, graph = tiny_result.core, tiny_result.graph
    assert lines["origin"].measured == f"core {core.hash[:8]}, model {graph.model_hash[:8]}"
    assert lines["time scale"].measured == "tau 6.25e-07 s, runs [125, 125, 125, 125]"
    assert lines["schedule"].measured == "564 cycles per sample, no wait in steady state"
    assert lines["schedule"].limit == "at most 1000 cycles"
    assert lines["codes of the model"].measured == "0 of 256 words differ"
    assert lines["pixels of the model"].measured == "16 pixels"


def test_one_changed_code(tiny_result: CompileResult) -> None:
    words = program_of(tiny_result).words.copy()
    before = int.from_bytes(words[6, 2 * 8 + 3].tobytes(), "little")
    # Between code 1 and code 2 nothing becomes illegal.
    place = next(place for place in range(24) if before >> 4 * place & 7 in (1, 2))
    after = before ^ 3 << 4 * place
    words[6, 2 * 8 + 3] = np.frombuffer(after.to_bytes(16, "little"), dtype=np.uint8)
    lines = lines_of(tiny_result, words=words)
    assert red(lines) == ["codes of the model"]
    line = lines["codes of the model"]
    assert line.measured == "1 of 256 words differ"
    assert line.detail == f"first at cell (3, 6), chunk 2: word {after:#x}, expected {before:#x}"


@pytest.mark.parametrize("name", ["spec_hash", "model_hash"])
def test_another_origin(tiny_result: CompileResult, name: str) -> None:
    lines = lines_of(tiny_result, **{name: "ab" * 32})
    assert lines["origin"].status is Status.FAIL
    assert "abababab" in lines["origin"].measured
    assert lines["origin"].detail == f"not as the model compiled anew: {name} ({name} is {'ab' * 32})"


def test_another_run(tiny_result: CompileResult) -> None:
    lines = lines_of(tiny_result, schedule=with_runs(program_of(tiny_result), lambda cycles: cycles + 1))
    assert red(lines) == ["time scale", "schedule"]
    assert lines["schedule"].detail == "the instructions differ from those of the model compiled anew"
    assert lines["time scale"].measured == "tau 6.25e-07 s, runs [126, 126, 126, 126]"
    assert lines["time scale"].detail.startswith("B007: the schedule runs [126, 126, 126, 126] cycles, but tau gives")


def test_another_tau(tiny_result: CompileResult) -> None:
    lines = lines_of(tiny_result, tau_s=program_of(tiny_result).tau_s * 2)
    assert red(lines) == ["time scale"]
    assert lines["time scale"].detail.startswith("B006: coupling, chunk 0: ")
    assert lines["time scale"].detail.endswith("more)")


def test_a_time_scale_that_agrees_with_itself_but_not_with_the_model(tiny_result: CompileResult) -> None:
    # 126 cycles instead of 125, tau and code steps to match: nothing in the program contradicts it.
    program = program_of(tiny_result)
    changes = {"tau_s": program.tau_s * 126 / 125, "lsb": program.lsb.map(lambda lsb: lsb * 126 / 125)}
    lines = lines_of(tiny_result, schedule=with_runs(program, lambda cycles: cycles + 1), **changes)
    assert red(lines) == ["time scale", "schedule"]
    assert lines["time scale"].detail.startswith("tau is [6.3")
    assert "the model compiled anew has [6.25e-07, 6.25e-07," in lines["time scale"].detail


def test_durations_that_are_not_those_of_the_model(tiny_result: CompileResult) -> None:
    # A longer duration and longer runs: the reference would be run just as long, so that no simulation can see it.
    program = program_of(tiny_result)
    longer = {"chunk_duration": program.chunk_duration * 126 / 125}
    lines = lines_of(tiny_result, schedule=with_runs(program, lambda cycles: cycles + 1), **longer)
    assert red(lines) == ["origin", "time scale", "schedule"]
    assert lines["time scale"].detail.startswith("chunk_duration is [2.016, ")
    assert lines["time scale"].detail.endswith("the model compiled anew has [2.0, 2.0, 2.0, 2.0]")


def test_a_schedule_that_waits(tiny_result: CompileResult) -> None:
    lines = lines_of(tiny_result, schedule=with_runs(program_of(tiny_result), lambda cycles: 9))
    assert red(lines) == ["time scale", "schedule"]
    assert lines["schedule"].measured.endswith("findings")
    assert lines["schedule"].detail.startswith("T006: ")


def test_illegal_words(tiny_result: CompileResult) -> None:
    words = program_of(tiny_result).words.copy()
    words[2, 5, 0] = 0x08
    lines = lines_of(tiny_result, words=words)
    assert red(lines) == ["banks", "codes of the model"]
    assert lines["banks"].detail.startswith("B003: bank 2: minus zero")


def test_other_pixels(tiny_result: CompileResult) -> None:
    pixel = program_of(tiny_result).pixel.copy()
    pixel[[0, 1]] = pixel[[1, 0]]
    lines = lines_of(tiny_result, pixel=pixel)
    assert red(lines) == ["pixels of the model"]
    assert lines["pixels of the model"].detail == "the pixel map differs"
    assert red(lines_of(tiny_result, image_shape=(2, 8))) == ["pixels of the model"]


def test_banks_of_another_shape(tiny_result: CompileResult) -> None:
    words = program_of(tiny_result).words
    lines = lines_of(tiny_result, words=words[:, :24])
    assert red(lines) == ["banks", "codes of the model"]
    assert lines["codes of the model"].detail == "banks of shape [8, 24, 16], expected [8, 32, 16]"
    assert lines["banks"].detail == "B002: words: shape [8, 24, 16], expected [8, 32, 16]"


def test_a_program_of_fewer_chunks(tiny_result: CompileResult, compile_on: Callable[..., CompileResult]) -> None:
    other = program_of(compile_on(tiny_result.core, seed=1, chunks=2))
    lines = {line.name: line for line in check_program(other, tiny_result.core, tiny_result)}
    assert red(lines) == ["origin", "time scale", "schedule", "codes of the model"]
    assert "the model compiled anew has" in lines["time scale"].detail
