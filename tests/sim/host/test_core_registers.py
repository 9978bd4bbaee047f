from __future__ import annotations

import asyncio
import inspect
import random
from typing import Any

import pytest

from oscc.core.registers import REGISTERS, Register, register
from oscc.sim.host.core_registers import CoreRegisters, ErrorFields, GridFields

PLAIN = [r for r in REGISTERS if r.count == 1]
WRITABLE = ("read-write", "pulse", "write-1-to-clear")


class Recording:
    """A bus that answers every read with one word, and keeps what it is asked."""

    def __init__(self, word: int = 0) -> None:
        self.word = word
        self.done: list[tuple[int, ...]] = []

    async def read(self, address: int) -> int:
        self.done.append((address,))
        return self.word

    async def write(self, address: int, word: int) -> None:
        self.done.append((address, word))


def call(bus: Recording, method: str, *arguments: Any, **fields: int) -> Any:
    return asyncio.run(getattr(CoreRegisters(bus), method)(*arguments, **fields))


def has_fields(target: Register) -> bool:
    return [field.name for field in target.fields] != ["value"]


def test_there_is_a_method_for_every_access_and_for_nothing_else() -> None:
    expected = {f"read_{r.name.lower()}" for r in REGISTERS if r.access != "pulse"}
    expected |= {f"write_{r.name.lower()}" for r in REGISTERS if r.access in WRITABLE}
    methods = {name for name, _ in inspect.getmembers(CoreRegisters, inspect.iscoroutinefunction)}
    assert methods == expected


@pytest.mark.parametrize("target", [r for r in PLAIN if r.access != "pulse"], ids=lambda r: r.name)
def test_reads_take_the_fields_out_of_their_word(target: Register) -> None:
    for word in (0, 0xFFFF_FFFF, *random.Random(target.name).choices(range(2**32), k=4)):
        bus = Recording(word)
        answer = call(bus, f"read_{target.name.lower()}")
        assert bus.done == [(target.address,)]
        if not has_fields(target):
            assert answer == word
            continue
        for field in target.fields:
            bits = [word >> (field.low + bit) & 1 for bit in range(field.width)]
            assert getattr(answer, field.name) == sum(bit << place for place, bit in enumerate(bits)), field.name


@pytest.mark.parametrize("target", [r for r in PLAIN if r.access in WRITABLE and has_fields(r)], ids=lambda r: r.name)
def test_writes_put_each_field_into_its_place(target: Register) -> None:
    for field in target.fields:
        bus = Recording()
        call(bus, f"write_{target.name.lower()}", **{field.name: 1})
        assert bus.done == [(target.address, 1 << field.low)]
    bus = Recording()
    call(bus, f"write_{target.name.lower()}")
    # What is not given is as after a reset.
    assert bus.done == [(target.address, 0xFFFF if target.name == "WATCHDOG" else 0)]


@pytest.mark.parametrize(
    "target", [r for r in PLAIN if r.access in WRITABLE and not has_fields(r)], ids=lambda r: r.name
)
def test_whole_words_are_written_as_they_are(target: Register) -> None:
    bus = Recording()
    call(bus, f"write_{target.name.lower()}", 0x7654_3210)
    assert bus.done == [(target.address, 0x7654_3210)]


def test_the_schedule_is_an_array_of_words() -> None:
    bus = Recording(5)
    call(bus, "write_schedule", 3, 0x6000_0000)
    assert call(bus, "read_schedule", 63) == 5
    assert bus.done == [(0x40C, 0x6000_0000), (0x4FC,)]


def test_addresses_are_those_of_the_manual() -> None:
    # Spelled out: firmware holds these numbers.
    assert [register(name).address for name in ("ID", "CONTROL", "STATUS", "ERROR", "SEED", "PERIOD", "SCHEDULE")] == [
        0x000,
        0x020,
        0x024,
        0x028,
        0x044,
        0x050,
        0x400,
    ]


def test_fields_give_their_word_back() -> None:
    assert GridFields(rows=56, cols=41).word == 56 | 41 << 16
    bus = Recording(0b101_0010)
    errors = call(bus, "read_error")
    assert isinstance(errors, ErrorFields)
    assert (errors.program_crc, errors.schedule_overrun, errors.busy, errors.unprogrammed) == (1, 1, 1, 0)
    assert errors.word == 0b101_0010


def test_fields_are_named_when_they_are_written() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        call(Recording(), "write_control", 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'halt'"):
        call(Recording(), "write_control", halt=1)
