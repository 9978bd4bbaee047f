"""The registers that only driven cores have."""

from __future__ import annotations

from typing import Any

import pytest

from oscc.core.registers import DRIVEN_REGISTERS, REGISTERS, Register, register, registers_of
from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import bus_read, bus_write, simulate
from oscc.rtl.control_plane import register_constants
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.register_block import RegisterBlock, member_name

CORE = load_core("driven-8x8")
ALL_ONES = 0xFFFF_FFFF
ADDED = [entry for entry in DRIVEN_REGISTERS if entry.driven]


def block_of(name: str) -> RegisterBlock:
    core = load_core(name)
    return RegisterBlock(register_constants(core), registers_of(core))


@pytest.mark.parametrize("entry", ADDED, ids=lambda entry: entry.name)
def test_each_answers_on_a_driven_core_and_is_unknown_on_others(entry: Register) -> None:
    writable = entry.access == "read-write"
    mask = sum(field.mask for field in entry.fields)
    driven, plain = block_of("driven-8x8"), block_of("tiny-8x8")

    async def on_driven(context: Any) -> None:
        if entry.access == "read":
            for field in entry.fields:
                context.set(getattr(driven, member_name(entry, field.name)), field.mask >> field.low)
        assert await bus_write(context, driven, entry.address, ALL_ONES) == (OKAY if writable else SLVERR)
        expected = CORE.inputs if entry.access == "constant" else mask
        assert await bus_read(context, driven, entry.address) == (expected, OKAY)

    async def on_plain(context: Any) -> None:
        assert await bus_write(context, plain, entry.address, ALL_ONES) == DECERR
        assert await bus_read(context, plain, entry.address) == (0, DECERR)

    simulate(driven, on_driven)
    simulate(plain, on_plain)


def test_flush_is_a_command_of_driven_cores_alone() -> None:
    driven, plain = block_of("driven-8x8"), block_of("tiny-8x8")
    assert not hasattr(plain, "control_flush")

    async def bench(context: Any) -> None:
        assert await bus_write(context, driven, register("CONTROL").address, 1 << 5) == OKAY
        assert context.get(driven.control_flush)
        assert not context.get(driven.control_start)
        await context.tick()
        assert not context.get(driven.control_flush)

    async def without(context: Any) -> None:
        # A bit that is none there: ignored, as all of them.
        assert await bus_write(context, plain, register("CONTROL").address, 1 << 5) == OKAY
        assert not any(context.get(getattr(plain, f"control_{name}")) for name in ("start", "load", "self_test"))

    simulate(driven, bench)
    simulate(plain, without)


@pytest.mark.parametrize("cause", ["inputs_late", "input_vector", "input_parity"])
def test_the_causes_of_driven_cores_are_sticky(cause: str) -> None:
    driven = block_of("driven-8x8")
    error = register("ERROR")

    async def bench(context: Any) -> None:
        context.set(getattr(driven, f"error_{cause}_set"), 1)
        await context.tick()
        context.set(getattr(driven, f"error_{cause}_set"), 0)
        assert await bus_read(context, driven, error.address) == (error.field(cause).mask, OKAY)
        await bus_write(context, driven, error.address, error.field(cause).mask)
        assert await bus_read(context, driven, error.address) == (0, OKAY)

    simulate(driven, bench)


def test_both_kinds_tell_the_version_of_their_map() -> None:
    for name, version in (("tiny-8x8", 3), ("driven-8x8", 4)):
        block = block_of(name)

        async def bench(context: Any, block: RegisterBlock = block, version: int = version) -> None:
            assert await bus_read(context, block, register("VERSION").address) == (version, OKAY)

        simulate(block, bench)
    assert len(REGISTERS) < len(DRIVEN_REGISTERS)
