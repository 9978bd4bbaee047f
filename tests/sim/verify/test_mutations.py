"""Each line of `oscc verify` is seen to fail: damage of a named kind, and the lines that it turns red."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

import oscc.core.weight_word
import oscc.rtl.readout.johnson_decoder
import oscc.sim.array.macro
import oscc.sim.array.phase_readout
import oscc.sim.verify.phase_checks
from oscc.base.output_folder import file_hash
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import Operation, encode_schedule
from oscc.core.johnson import johnson_table
from oscc.core.program import Program
from oscc.core.program_file import read_program, write_program
from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import ControlPlane, host_members
from oscc.rtl.delivery.core_modules import core_modules
from oscc.rtl.weights.weight_bank import WeightBank
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine
from oscc.sim.engines.pysim import PysimBus, PysimEngine
from oscc.sim.engines.registry import engine_named, missing_for
from oscc.sim.verify.verify import EngineFactory, VerifyOptions, verify_folder

PHASES = tuple(f"phases after chunk {chunk}" for chunk in (1, 2, 3, 4))
Tamper = Callable[[Module, CoreSpec, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """8 x 4 cells with 8 couplings each: made ready for simulation in a fraction of the time of tiny-8x8."""
    return make_core(grid=[8, 4], stencil="king")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_graph: Any, core: CoreSpec) -> Path:
    place = tmp_path_factory.mktemp("mutations")
    model = ModelFile.of(make_graph(core, seed=3), Path("model.safetensors"))
    receipt = Receipt(model, {"tau": "common", "tau_s": None, "clip": []})
    write_output(place / "out", compile_model(model.graph, core), receipt)
    return place / "out"


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "out")
    return tmp_path / "out"


class Tampered(wiring.Component):  # type: ignore[misc]
    """A control plane whose signals to the array, or from it, are replaced on the way."""

    def __init__(self, core: CoreSpec, tamper: Tamper) -> None:
        self._core, self._tamper = core, tamper
        super().__init__({**host_members(core), "array": Out(array_signature(core))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.plane = plane = ControlPlane(self._core)
        for name, member in host_members(self._core).items():
            outside, inside = getattr(self, name), getattr(plane, name)
            m.d.comb += inside.eq(outside) if member.flow == wiring.In else outside.eq(inside)
        replaced = self._tamper(m, self._core, plane.array)
        for name, member in array_signature(self._core).members.items():
            outside, inside = getattr(self.array, name), getattr(plane.array, name)
            if member.flow == wiring.In:
                m.d.comb += inside.eq(replaced.get(name, outside))
            else:
                m.d.comb += outside.eq(replaced.get(name, inside))
        return m


UNDAMAGED = PysimEngine()


def undamaged(name: str, verilog: CoreVerilog | None) -> Engine:
    """The engines; the RTL as it is, which is made ready for simulation once."""
    return UNDAMAGED if name == "pysim" else engine_named(name, verilog)


def red_lines(path: Path, engine: EngineFactory = undamaged, **options: Any) -> tuple[str, ...]:
    chosen = {"engines": ("pysim",), "samples": 2, "pixel_samples": 8, **options}
    return verify_folder(path, VerifyOptions(**chosen), engine).red()


def red_with_design(path: Path, tamper: Tamper) -> tuple[str, ...]:
    tampered = PysimEngine(lambda core: Tampered(core, tamper))
    return red_lines(path, lambda name, verilog: tampered if name == "pysim" else engine_named(name, verilog))


def change_program(path: Path, **changes: Any) -> None:
    """Change program.bin as if the compiler had written it so: CRCs and manifest are right."""
    write_program(path / "program.bin", dataclasses.replace(read_program(path / "program.bin"), **changes))
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["outputs"]["program.bin"]["sha256"] = file_hash(path / "program.bin")
    (path / "manifest.json").write_text(json.dumps(manifest))


def changed_schedule(program: Program, change: Callable[[int, int], int]) -> np.ndarray:
    """The schedule with the cycles of each run changed: given the number of the run and its cycles."""
    steps, run = [], 0
    for step in program.instructions():
        if step.operation is Operation.RUN:
            step = dataclasses.replace(step, operand=change(run, step.operand))
            run += 1
        steps.append(step)
    return encode_schedule(steps)


class OtherProgram:
    """An engine that is handed another program than the one under test."""

    name = "pysim"

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
        program = dataclasses.replace(job.program, **self._changes)
        return UNDAMAGED.run(dataclasses.replace(job, program=program))


def test_nothing_is_red_without_damage(folder: Path) -> None:
    assert red_lines(folder, engines=("array", "pysim")) == ()


# Damage to program.bin, its checksums made right again.


def test_flipped_code_bit(copy: Path) -> None:
    words = np.array(read_program(copy / "program.bin").words)
    column, address = 2, 3
    # The lowest magnitude bit of the first slot of that cell that is in use and does not become minus zero.
    nibbles = np.stack([words[column, address] & 15, words[column, address] >> 4], axis=-1).ravel()
    slot = next(slot for slot in range(8) if nibbles[slot] & 7 > 1)
    words[column, address, slot // 2] ^= 1 << (4 * (slot % 2))
    change_program(copy, words=words)
    assert red_lines(copy)[:5] == ("codes of the model", *PHASES)


def test_swapped_columns(copy: Path) -> None:
    words = np.array(read_program(copy / "program.bin").words)
    words[[1, 2]] = words[[2, 1]]
    change_program(copy, words=words)
    assert red_lines(copy)[:5] == ("codes of the model", *PHASES)


def test_reversed_slot_order(copy: Path) -> None:
    words = np.array(read_program(copy / "program.bin").words)
    coupling = words[..., :4]
    words[..., :4] = ((coupling << 4) | (coupling >> 4))[..., ::-1]
    change_program(copy, words=words)
    # Units at the border come to hold codes: such a program is not run.
    assert red_lines(copy) == ("banks", "codes of the model")


def test_chunk_boundary_moved_in_the_program(copy: Path) -> None:
    program = read_program(copy / "program.bin")
    change_program(copy, schedule=changed_schedule(program, lambda run, n: n + (1, -1, 0, 0)[run]))
    assert red_lines(copy)[0] == "time scale"


def test_wrong_tau(copy: Path) -> None:
    change_program(copy, tau_s=read_program(copy / "program.bin").tau_s * 1.5)
    assert "time scale" in red_lines(copy)


def test_permuted_pixels(copy: Path) -> None:
    change_program(copy, pixel=read_program(copy / "program.bin").pixel[::-1])
    assert red_lines(copy) == ("pixels of the model",)


def test_schedule_whose_commit_waits(copy: Path) -> None:
    program = read_program(copy / "program.bin")
    change_program(copy, schedule=changed_schedule(program, lambda run, n: 5 if run == 0 else n))
    red = red_lines(copy)
    assert red == ("time scale", "schedule")


def test_schedule_that_ends_after_two_samples(copy: Path) -> None:
    steps = list(read_program(copy / "program.bin").instructions())
    steps[-2] = dataclasses.replace(steps[-2], count=1)
    change_program(copy, schedule=encode_schedule(steps))
    assert red_lines(copy) == ("schedule",)


def test_other_noise(copy: Path) -> None:
    change_program(copy, init=InitialPhases("uniform", 0.3, 1.0))
    assert red_lines(copy)[0] == "origin"


def test_program_of_another_model(copy: Path) -> None:
    change_program(copy, model_hash="0" * 64)
    assert red_lines(copy) == ("origin",)


# Damage to the file itself.


def test_truncated_file(copy: Path) -> None:
    content = (copy / "program.bin").read_bytes()
    (copy / "program.bin").write_bytes(content[:-100])
    assert red_lines(copy) == ("output files", "program file")


def test_bad_crc_of_the_file(copy: Path) -> None:
    content = bytearray((copy / "program.bin").read_bytes())
    content[-200] ^= 0x10
    (copy / "program.bin").write_bytes(content)
    assert red_lines(copy) == ("output files", "program file")


def test_changed_report(copy: Path) -> None:
    (copy / "reports" / "routing.txt").write_text("fits, believe me\n")
    assert red_lines(copy) == ("output files",)


def emit_into(folder: Path, core: CoreSpec) -> dict[str, str]:
    """The Verilog of a core in ``rtl/``, with its file list; returns the files by their names in ``src/``."""
    (folder / "rtl" / "src").mkdir(parents=True)
    files = core_modules(core)
    for name, text in files.items():
        (folder / "rtl" / "src" / name).write_text(text)
    listed = "".join(f"src/{name}\n" for name in files)
    (folder / "rtl" / "tiny_8x8_core.f").write_text(f"// files\n{listed}tiny_8x8_array_stub.v\n")
    return files


def test_emitted_core_that_was_edited(copy: Path, core: CoreSpec) -> None:
    text = emit_into(copy, core)["tiny_8x8_core.v"]
    # The engine does not come into it.
    assert red_lines(copy, engines=("array",)) == ()
    (copy / "rtl" / "src" / "tiny_8x8_core.v").write_text(text.replace("rdata", "reed_data", 1))
    assert red_lines(copy, engines=("array",)) == ("emitted core",)


def test_emitted_core_without_a_file_list(copy: Path, core: CoreSpec) -> None:
    emit_into(copy, core)
    (copy / "rtl" / "tiny_8x8_core.f").unlink()
    assert red_lines(copy, engines=("array",)) == ("emitted core",)
    (copy / "rtl" / "tiny_8x8_core.f").write_text("src/tiny_8x8_core.v\nsrc/gone.v\n")
    assert red_lines(copy, engines=("array",)) == ("emitted core",)


@pytest.mark.skipif(bool(missing_for("icarus")), reason=f"needs Icarus Verilog: {missing_for('icarus')}")
def test_the_verilog_of_the_folder_is_what_runs(copy: Path, core: CoreSpec) -> None:
    text = emit_into(copy, core)["tiny_8x8_core.v"]
    sound = verify_folder(copy, VerifyOptions(engines=("icarus",), pixel_samples=8), undamaged)
    assert sound.red() == ()
    run = next(line for line in sound.lines if line.name == "run")
    assert run.measured.endswith(f"; rtl/, {len(core_modules(core))} files")
    # All bits of every row are turned on their way to the array.
    turned = text.replace(
        "        .load_data(control_array_load_data),", "        .load_data(~control_array_load_data),"
    )
    assert turned != text
    (copy / "rtl" / "src" / "tiny_8x8_core.v").write_text(turned)
    assert red_lines(copy, engines=("icarus",)) == ("emitted core", "codes at the array", *PHASES)


@pytest.mark.skipif(bool(missing_for("icarus")), reason=f"needs Icarus Verilog: {missing_for('icarus')}")
def test_emitted_core_that_does_not_compile(copy: Path, core: CoreSpec, tmp_path: Path) -> None:
    emit_into(copy, core)
    (copy / "rtl" / "src" / "tiny_8x8_core.v").write_text("\nthis is not Verilog\n")
    keep = tmp_path / "kept"
    keep.mkdir()
    verdict = verify_folder(copy, VerifyOptions(engines=("icarus",), pixel_samples=8), undamaged, keep=keep)
    assert verdict.red() == ("emitted core", "run")
    run = next(line for line in verdict.lines if line.name == "run")
    assert run.detail == (
        "icarus could not build the core: tiny_8x8_core.v, line 2: syntax error; whole log: verify/icarus-build.log"
    )
    assert "syntax error" in (keep / "icarus-build.log").read_text()


# Damage on the way into the hardware.


def test_truncated_stream(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "stream", lambda self: self.words.tobytes()[:-8])
    assert red_lines(copy) == ("run", "pixels", "integration step")


def test_bad_crc_of_the_stream(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Program.stream_crc
    monkeypatch.setattr(Program, "stream_crc", lambda self: right(self) ^ 1)
    verdict = verify_folder(copy, VerifyOptions(engines=("pysim",), pixel_samples=8), undamaged)
    line = next(line for line in verdict.lines if line.name == "run")
    assert verdict.red() == ("run", "pixels", "integration step")
    assert "CRC-32" in line.detail


def test_chunk_boundary_moved_in_the_hardware(copy: Path) -> None:
    program = read_program(copy / "program.bin")
    moved = changed_schedule(program, lambda run, n: n + (1, -1, 0, 0)[run])
    assert red_lines(copy, lambda name, _: OtherProgram(schedule=moved) if name == "pysim" else engine_named(name)) == (
        "commit cycles",
        *PHASES,
    )


# Damage to the hardware.


def test_lost_commit(copy: Path) -> None:
    def lose_the_third(m: Module, core: CoreSpec, array: Any) -> dict[str, Any]:
        count = Signal(8)
        m.d.sync += count.eq(count + array.commit)
        return {"commit": array.commit & (count != 2)}

    assert red_with_design(copy, lose_the_third) == ("codes at the array", "commit cycles", *PHASES)


def test_row_with_the_codes_of_the_row_before(copy: Path) -> None:
    def repeat_row(m: Module, core: CoreSpec, array: Any) -> dict[str, Any]:
        loads, before = Signal(8), Signal.like(array.load_data)
        m.d.sync += loads.eq(loads + (array.load_strobe & (array.load_row == 0)))
        m.d.sync += before.eq(array.load_data)
        return {"load_data": Mux((array.load_row == 5) & (loads == 2), before, array.load_data)}

    red = red_with_design(copy, repeat_row)
    assert red == ("codes at the array", *PHASES[1:])


def test_stale_shadow_row(copy: Path) -> None:
    # The contract of the macro does not let it come to a run.
    red = red_with_design(copy, lambda m, core, array: {"load_strobe": array.load_strobe & (array.load_row != 5)})
    assert red == ("run",)


def test_swapped_columns_of_the_row_bus(copy: Path) -> None:
    def swap(m: Module, core: CoreSpec, array: Any) -> dict[str, Any]:
        words = [array.load_data[at : at + core.word_bits] for at in range(0, core.row_bits, core.word_bits)]
        words[0], words[1] = words[1], words[0]
        return {"load_data": Cat(words)}

    assert red_with_design(copy, swap) == ("codes at the array", *PHASES)


def test_readout_rows_exchanged(copy: Path) -> None:
    def exchange(m: Module, core: CoreSpec, array: Any) -> dict[str, Any]:
        return {"tap_row": Mux(array.tap_row == 1, 2, Mux(array.tap_row == 2, 1, array.tap_row))}

    assert red_with_design(copy, exchange) == ("read-out codes",)


def test_readout_row_off_by_one(copy: Path) -> None:
    # At a sample, row 0 must be selected.
    red = red_with_design(copy, lambda m, core, array: {"tap_row": array.tap_row + 1})
    assert red == ("run",)


def test_sample_one_cycle_late(copy: Path) -> None:
    def delay(m: Module, core: CoreSpec, array: Any) -> dict[str, Any]:
        late = Signal()
        m.d.sync += late.eq(array.sample)
        return {"sample": late}

    assert "commit cycles" in red_with_design(copy, delay)


def test_sample_number_that_stands_still(copy: Path) -> None:
    red = red_with_design(copy, lambda m, core, array: {"noise_index": 0})
    assert red == PHASES


def test_wrong_tap_decode(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rotated(taps: int) -> tuple[int, ...]:
        table = johnson_table(taps)
        return tuple((step + 1) % (2 * taps) for step in table)

    monkeypatch.setattr(oscc.rtl.readout.johnson_decoder, "johnson_table", rotated)
    assert red_lines(copy, engine_named) == ("read-out codes",)


@pytest.mark.parametrize(("flips", "expected"), [(1, ()), (2, ("run",))])
def test_upset_in_a_bank(copy: Path, monkeypatch: pytest.MonkeyPatch, flips: int, expected: tuple[str, ...]) -> None:
    # One flipped bit per word is corrected on the way to the array; two stop the sample before an image is delivered.
    elaborate = WeightBank.elaborate

    def with_upset(self: WeightBank, platform: object) -> Module:
        m = elaborate(self, platform)
        for memory in self.memories:
            m.d.comb += memory.write_data.eq(self.bus.write_word[: memory.bits] ^ ((1 << flips) - 1))
        return m

    monkeypatch.setattr(WeightBank, "elaborate", with_upset)
    assert red_lines(copy, engine_named) == expected


def test_host_that_takes_images_late(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The output FIFO holds one frame: the third init has to wait, and nothing may be lost.
    receive = PysimBus.receive

    async def late(self: PysimBus, limit: int) -> bytes:
        await self.wait(3000)
        return await receive(self, limit)

    monkeypatch.setattr(PysimBus, "receive", late)
    assert red_lines(copy, samples=4) == ("commit cycles", "period", "stalled cycles")


# Damage to the array and to the reading of images.


@pytest.fixture
def reversed_couplings(monkeypatch: pytest.MonkeyPatch) -> None:
    right = oscc.core.weight_word.pattern_values

    def negated(patterns: Any, core: CoreSpec) -> Any:
        values = right(patterns, core)
        return dataclasses.replace(values, coupling=-values.coupling)

    monkeypatch.setattr(oscc.sim.array.macro, "pattern_values", negated)


@pytest.mark.usefixtures("reversed_couplings")
def test_sign_of_the_couplings(copy: Path) -> None:
    assert red_lines(copy)[:4] == PHASES


def test_wrong_decoding_of_codes(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = oscc.sim.array.phase_readout.code_to_pixel
    monkeypatch.setattr(oscc.sim.verify.phase_checks, "code_to_pixel", lambda code, core: -right(code, core))
    assert red_lines(copy, engines=("array",)) == ("pixels",)


def test_engines_that_disagree(copy: Path) -> None:
    class Turned:
        """Delivers the images of another engine in another order, phases included."""

        name = "turned"

        def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
            return engine_named("array").run(dataclasses.replace(job, first_sample=job.first_sample + 7))

    red = red_lines(
        copy, lambda name, _: Turned() if name == "turned" else engine_named(name), engines=("array", "turned")
    )
    assert "engines agree" in red


def test_integration_step_that_is_too_long(copy: Path) -> None:
    red = red_lines(copy, lambda name, _: Coarse(engine_named(name)), engines=("array",))
    assert red == (*PHASES, "pixels", "integration step")


class Coarse:
    """An engine that takes much longer steps than it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self.name, self._engine = engine.name, engine

    def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
        return self._engine.run(dataclasses.replace(job, max_step=25 * job.max_step, integrator="euler"), progress)
