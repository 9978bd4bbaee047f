from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Fragment, Module, Signal
from amaranth.lib.wiring import Out

from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.host.register_bus import REGISTER_BUS_MEMBERS, connect_register_bus, register_bus_signature

ASKED = {
    "write_strobe": 1,
    "write_address": 0x2A5,
    "write_data": 0x1234_5678,
    "write_mask": 0xFF00_00FF,
    "read_strobe": 1,
    "read_address": 0x15A,
}
ANSWERED = {"write_response": 2, "read_data": 0x8765_4321, "read_response": 3}


def test_the_bus_has_its_members_and_no_other() -> None:
    assert set(REGISTER_BUS_MEMBERS) == {*ASKED, *ANSWERED}
    assert {name for name, member in REGISTER_BUS_MEMBERS.items() if member.flow == Out} == set(ASKED)
    # 4 KiB in words.
    assert len(register_bus_signature().create().write_address) == 10


@pytest.mark.parametrize("side", ["master", "slave"])
def test_questions_go_to_the_slave_and_answers_to_the_master(side: str) -> None:
    """Either end may be seen from inside of who has it as a member, that is flipped."""
    signature = register_bus_signature()
    master = signature.create(path=("master",)) if side == "master" else signature.flip().create(path=("master",))
    slave = signature.create(path=("slave",))
    m = Module()
    m.d.sync += Signal().eq(1)
    connect_register_bus(m, master, slave)

    async def bench(context: Any) -> None:
        for inverted in (False, True):
            asked, answered = (
                {name: value ^ (2 ** len(getattr(slave, name)) - 1) * inverted for name, value in values.items()}
                for values in (ASKED, ANSWERED)
            )
            for name, value in asked.items():
                context.set(getattr(master, name), value)
            for name, value in answered.items():
                context.set(getattr(slave, name), value)
            await wait(context, 1)
            assert {name: context.get(getattr(slave, name)) for name in asked} == asked
            assert {name: context.get(getattr(master, name)) for name in answered} == answered

    simulate(m, bench)


def test_who_lacks_a_member_cannot_be_connected() -> None:
    m = Module()
    with pytest.raises(AttributeError, match="write_strobe"):
        connect_register_bus(m, register_bus_signature().create(), object())
    # Amaranth warns of modules that nobody elaborates.
    Fragment.get(m, None)
