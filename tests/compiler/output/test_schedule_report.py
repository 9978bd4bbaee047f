from __future__ import annotations

from dataclasses import replace

from oscc.compiler.output.schedule_report import schedule_report
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.program import Program
from oscc.core.spec import CoreSpec


def test_the_report_lists_instructions_and_their_effects(tiny_program: Program, tiny_core: CoreSpec) -> None:
    text = schedule_report(tiny_program, tiny_core)
    runs = [step.operand for step in tiny_program.instructions() if step.operation is Operation.RUN]
    period = 64 + sum(runs)
    lines = text.splitlines()
    assert lines[0] == "Schedule of synthetic-tiny-8x8 on tiny-8x8"
    assert "   3  40000040  init 64" in lines
    assert f"  {period} cycles per sample, {period / 100:.6g} us, {1e8 / period:.6g} samples per second" in lines
    assert "  proven: no commit waits, nothing stalls, every sample has an init and a run" in lines
    assert f"  {0:8d}  [ 3]  init for 64 cycles" in lines
    assert f"  {64:8d}  [ 4]  run for {runs[0]} cycles" in lines
    assert f"  {64 + runs[0]:8d}  [ 6]  load chunk 0" in lines
    samples = [int(line.split()[0]) for line in lines if line.endswith("]  sample")]
    assert samples == [period, 2 * period]


def test_a_schedule_with_findings_is_not_called_proven(tiny_program: Program, tiny_core: CoreSpec) -> None:
    hasty = [
        Instruction(step.operation, 9) if step.operation is Operation.RUN else step
        for step in tiny_program.instructions()
    ]
    text = schedule_report(replace(tiny_program, schedule=encode_schedule(hasty)), tiny_core)
    assert "proven" not in text
    assert "  T006: instruction 1 (commit) waits 5 cycles in every round of the endless repeat" in text


def test_a_schedule_without_samples_has_no_period(tiny_program: Program, tiny_core: CoreSpec) -> None:
    idle = [Instruction(Operation.INIT, 64), Instruction(Operation.STOP)]
    text = schedule_report(replace(tiny_program, schedule=encode_schedule(idle)), tiny_core)
    assert "  no steady state with samples\n" in text
    assert f"  {64:8d}  [ 1]  stop\n" in text
