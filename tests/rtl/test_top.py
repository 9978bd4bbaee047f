from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import ClockSignal, Elaboratable, Fragment, Module, Shape
from amaranth.lib import wiring

from oscc.core.instructions import Instruction, Operation
from oscc.core.registers import CORE_ID
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl import top
from oscc.rtl.array_port import array_signature
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import AxiLiteHost, Beat, StreamPort, frame_beats, get_beats, put_beats, simulate, wait
from oscc.rtl.control_plane import host_members
from oscc.rtl.top import Core, array_module_name, core_module_name
from oscc.sim.host.core_registers import CoreRegisters


class SeenMacro(Elaboratable):  # type: ignore[misc]
    """Stands in for the black box, which the simulator cannot run; keeps what it was connected to."""

    made: SeenMacro

    def __init__(self, name: str, **ports: Any) -> None:
        self.name = name
        self.ports = ports
        SeenMacro.made = self

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.ports["o_tap_valid"].eq(1), self.ports["o_ready"].eq(1)]
        # All taps of row 0 see a positive cosine, all of row 1 a negative one.
        ones = (1 << len(self.ports["o_tap_data"])) - 1
        with m.If(self.ports["i_tap_row"] == 0):
            m.d.comb += self.ports["o_tap_data"].eq(ones)
        return m


@pytest.fixture
def macro(monkeypatch: pytest.MonkeyPatch) -> type[SeenMacro]:
    monkeypatch.setattr(top, "Instance", SeenMacro)
    return SeenMacro


def test_names_are_those_of_the_core() -> None:
    core = load_core("ais-56x56-diamond")
    assert core_module_name(core) == "ais_56x56_diamond_core"
    assert array_module_name(core) == "ais_56x56_diamond_array"


@pytest.fixture
def small(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(name="small-2", grid=[2, 2], chunks=1, stencil="king", readout={"step": [1, 1]})


def test_the_outside_is_that_of_the_host_and_nothing_else(small: CoreSpec, macro: type[SeenMacro]) -> None:
    core = Core(small)
    assert {name: member.flow for name, member in core.signature.members.items()} == {
        name: member.flow for name, member in host_members(small).items()
    }
    Fragment.get(core, None)


def test_the_macro_is_connected_port_by_port(small: CoreSpec, macro: type[SeenMacro]) -> None:
    Fragment.get(Core(small), None)
    connected = macro.made
    assert connected.name == "small_2_array"
    assert isinstance(connected.ports["i_clk"], ClockSignal)
    expected = {
        f"{'i' if member.flow == wiring.Out else 'o'}_{name}": Shape.cast(member.shape).width
        for name, member in array_signature(small).members.items()
    }
    assert {name: len(value) for name, value in connected.ports.items() if name != "i_clk"} == expected
    assert [name for name in expected if name.startswith("o_")] == ["o_tap_data", "o_tap_valid", "o_ready"]


def test_a_sample_from_the_outside(small: CoreSpec, macro: type[SeenMacro]) -> None:
    core = Core(small)
    schedule = [
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.COMMIT),
        Instruction(Operation.INIT, 5),
        Instruction(Operation.RUN, 7),
        Instruction(Operation.SAMPLE),
        Instruction(Operation.STOP),
    ]
    generator = random.Random(1)
    image = [generator.getrandbits(64) for _ in range(small.program_beats)]
    taken: list[Beat] = []
    # A word of 8 couplings and three codes of 4 bits fits into one beat.
    words = [beat % 2**44 for beat in image]
    recorder: list[Recorder] = []

    async def host(context: Any) -> None:
        axi = AxiLiteHost(context, core, "s_axil_")
        registers = CoreRegisters(axi)
        assert await registers.read_id() == CORE_ID
        await registers.write_program_crc(zlib.crc32(b"".join(beat.to_bytes(8, "little") for beat in image)))
        await registers.write_irq_enable(stopped=1)
        await registers.write_control(load=1)
        await put_beats(context, StreamPort.of(core, "s_axis_t"), frame_beats(image))
        for index, instruction in enumerate(schedule):
            await registers.write_schedule(index, instruction.encode())
        await registers.write_schedule_length(len(schedule))
        await registers.write_seed(3)
        await registers.write_control(start=1)
        taken.extend(await get_beats(context, StreamPort.of(core, "m_axis_t")))
        await wait(context, 3)
        assert context.get(core.irq)

    async def watch(context: Any) -> None:
        names = ("init", "run", "sample", "commit", "load_strobe", "load_row", "load_data", "noise_seed")
        recorder.append(Recorder(**{name: macro.made.ports[f"i_{name}"] for name in names}))
        await recorder[0].watch(context)

    simulate(core, host, background=[watch])
    record = recorder[0]
    assert [len(record.cycles(name)) for name in ("init", "run", "sample", "commit", "load_strobe")] == [5, 7, 1, 1, 2]
    rows = [(record.at(cycle)["load_row"], record.at(cycle)["load_data"]) for cycle in record.cycles("load_strobe")]
    assert rows == [(0, words[0] | words[2] << 44), (1, words[1] | words[3] << 44)]
    assert {record.values("noise_seed")[cycle] for cycle in record.cycles("init")} == {3}
    # Positive cosines at all taps: the phase is just beyond 3/4 of the turn; negative ones: just beyond 1/4.
    assert taken == [Beat(48 | 48 << 8, False, 3), Beat(16 | 16 << 8, True, 3)]
