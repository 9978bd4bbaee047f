from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from oscc.core.instructions import MAX_UNTIMED, SCHEDULE_DEPTH
from oscc.core.registers import (
    ADDRESS_BITS,
    ALL_REGISTERS,
    CORE_ID,
    DRIVEN_MAP_VERSION,
    DRIVEN_REGISTERS,
    ERROR_CAUSES,
    IRQ_CAUSES,
    MAP_VERSION,
    REGISTERS,
    Register,
    error_causes_of,
    map_version_of,
    register,
    registers_of,
)
from oscc.core.spec import CoreSpec


def test_addresses_are_aligned_ascending_and_within_the_space() -> None:
    assert all(entry.address % 4 == 0 for entry in ALL_REGISTERS)
    assert all(one.address + 4 * one.count <= other.address for one, other in pairwise(ALL_REGISTERS))
    assert REGISTERS[-1].address + 4 * REGISTERS[-1].count <= 2**ADDRESS_BITS


def test_names_are_unique() -> None:
    names = [entry.name for entry in ALL_REGISTERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("entry", ALL_REGISTERS, ids=lambda entry: entry.name)
def test_fields_ascend_without_overlap_within_32_bits(entry: object) -> None:
    fields = entry.fields  # type: ignore[attr-defined]
    assert all(one.low + one.width <= other.low for one, other in pairwise(fields))
    assert fields[-1].low + fields[-1].width <= 32
    assert len({field.name for field in fields}) == len(fields)
    for field in fields:
        assert bin(field.mask).count("1") == field.width
        assert field.mask >> field.low == 2**field.width - 1


def test_the_identity_spells_the_name() -> None:
    assert CORE_ID.to_bytes(4, "big") == b"OSCC"
    assert f"0x{CORE_ID:08X}" in register("ID").fields[0].description
    assert register("VERSION").fields[0].description == str(MAP_VERSION)


def test_every_interrupt_cause_can_be_enabled() -> None:
    enable = register("IRQ_ENABLE")
    assert [(field.name, field.low) for field in enable.fields] == [(cause.name, cause.low) for cause in IRQ_CAUSES]


def test_what_refuses_a_start_has_an_error_cause() -> None:
    causes = {cause.name for cause in ERROR_CAUSES}
    assert {"unprogrammed", "program_crc", "illegal_instruction"} <= causes
    assert next(entry for entry in REGISTERS if entry.name == "ERROR").fields == ERROR_CAUSES


def test_the_schedule_memory_holds_what_the_instructions_allow() -> None:
    assert register("SCHEDULE").count == SCHEDULE_DEPTH
    assert 2 ** register("SCHEDULE_LENGTH").field("value").width > SCHEDULE_DEPTH
    overrun = register("ERROR").field("schedule_overrun").description
    assert {4: "four"}[MAX_UNTIMED] in overrun


def test_looking_up_what_does_not_exist() -> None:
    assert register("CONTROL").field("abort").low == 1
    with pytest.raises(KeyError, match="CONTORL"):
        register("CONTORL")
    with pytest.raises(StopIteration):
        register("CONTROL").field("nothing")


def _bits(registers: tuple[Register, ...]) -> set[tuple[str, int, str, int, int]]:
    return {(r.name, r.address, f.name, f.low, f.width) for r in registers for f in r.fields}


def test_a_driven_core_has_all_registers_of_a_plain_one_and_more(make_core: Callable[..., CoreSpec]) -> None:
    plain, driven = make_core(), make_core(inputs=4)
    assert (map_version_of(plain), map_version_of(driven)) == (MAP_VERSION, DRIVEN_MAP_VERSION) == (3, 4)
    assert registers_of(driven) == DRIVEN_REGISTERS
    versions = [registers_of(core)[1].fields[0].description for core in (plain, driven)]
    assert versions == ["3", "4"]
    more = _bits(registers_of(driven)) - _bits(registers_of(plain))
    assert _bits(registers_of(plain)) < _bits(registers_of(driven))
    assert {(name, field) for name, address, field, _, _ in more if address < 0x80} == {
        ("CONTROL", "flush"),
        ("STATUS", "input_ready"),
        ("STATUS", "feeding"),
        ("ERROR", "inputs_late"),
        ("ERROR", "input_vector"),
        ("ERROR", "input_parity"),
    }
    assert {address for _, address, _, _, _ in more if address >= 0x80} == set(range(0x80, 0xA4, 4))


def test_causes_of_a_plain_core_are_those_of_before(make_core: Callable[..., CoreSpec]) -> None:
    assert [cause.low for cause in error_causes_of(make_core())] == list(range(11))
    assert [cause.low for cause in error_causes_of(make_core(inputs=4))] == list(range(14))
