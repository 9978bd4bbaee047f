from __future__ import annotations

import asyncio
import zlib

import numpy as np
import pytest

from oscc.core.drive import Drive
from oscc.core.groups import Groups
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.core.weight_word import pack_words
from oscc.sim.array.array import OscillatorArray
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.transaction_core import TransactionCore
from oscc.sim.host.host import Host, HostError

DRIVEN = load_core("driven-8x8")
INPUTS, INPUT_COUNT = 0x080, 0x084


class Loaded:
    """Zeros, and a schedule that ends at once."""

    schedule = encode_schedule([Instruction(Operation.STOP)])

    def stream(self) -> bytes:
        codes = Groups(np.zeros((8, 16, 8), dtype=np.int8), *(np.zeros((8, 16), dtype=np.int8) for _ in range(3)))
        return pack_words(codes, DRIVEN).tobytes() + Drive.unused(DRIVEN, 2).sections()

    def stream_crc(self) -> int:
        return zlib.crc32(self.stream())


def bus_of(core: CoreSpec) -> TransactionCore:
    return TransactionCore(core, ArrayMacro(core, OscillatorArray(core)), 1)


def test_a_driven_core_is_identified_and_takes_a_program_with_sections() -> None:
    async def flow() -> tuple[int, int, int]:
        bus = bus_of(DRIVEN)
        host = Host(bus, DRIVEN)
        await host.identify()
        await host.load(Loaded())
        await bus.write(INPUT_COUNT, 20)
        return await bus.read(0x004), await bus.read(INPUTS), await bus.read(INPUT_COUNT)

    assert asyncio.run(flow()) == (4, 64, 20)


def test_a_stream_without_the_sections_is_refused() -> None:
    async def flow() -> None:
        program = Loaded()
        await Host(bus_of(DRIVEN), DRIVEN).load(program, program.stream()[: DRIVEN.bank_beats * 8])

    with pytest.raises(HostError, match="TLAST came before or after"):
        asyncio.run(flow())


def test_a_core_without_inputs_has_no_register_of_them(tiny_core: CoreSpec) -> None:
    with pytest.raises(HostError, match="read of 0x080: response 3"):
        asyncio.run(bus_of(tiny_core).read(INPUTS))


def test_a_host_of_a_driven_core_finds_another_map_on_one_without_inputs(tiny_core: CoreSpec) -> None:
    with pytest.raises(HostError, match="register VERSION is 0x00000003, expected 0x00000004"):
        asyncio.run(Host(bus_of(tiny_core), DRIVEN).identify())


def test_errors_that_only_driven_cores_have_are_told_and_cleared() -> None:
    async def flow() -> str:
        bus = bus_of(DRIVEN)
        bus._set("ERROR", "inputs_late")
        host = Host(bus, DRIVEN)
        with pytest.raises(HostError) as caught:
            await host.raise_errors()
        await host.load(Loaded())
        await host.raise_errors()
        return str(caught.value)

    assert asyncio.run(flow()).startswith("a feed got no whole vector within WATCHDOG cycles")
