from __future__ import annotations

from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Fragment, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.signals.port import Port, PortSignature, connect, port_of

ASKING = PortSignature({"zeal": Out(4), "ask": Out(1, init=1), "told": In(3)}, prefix="do_", names={"told": "answer"})
"""Not in the order of the alphabet."""


class Asker(wiring.Component):  # type: ignore[misc]
    def __init__(self, signature: wiring.Signature) -> None:
        super().__init__({"port": signature})

    def elaborate(self, platform: object) -> Module:
        return Module()


def test_signals_are_called_as_the_signature_says_wherever_the_port_is() -> None:
    for signature in (Out(ASKING), In(ASKING)):
        port = wiring.Signature({"port": signature}).create(path=("somewhere", "else")).port
        assert [port.zeal.name, port.ask.name, port.told.name] == ["do_zeal", "do_ask", "answer"]
        assert [len(port.zeal), len(port.ask), len(port.told)] == [4, 1, 3]
        assert [port.zeal.init, port.ask.init] == [0, 1]


def test_without_a_prefix_they_are_called_like_the_members() -> None:
    port: Any = PortSignature({"zeal": Out(4)}).create(path=("somewhere", "else"))
    assert port.zeal.name == "zeal"


@pytest.mark.parametrize("swapped", [False, True])
def test_each_member_is_led_from_who_drives_it_to_the_other(swapped: bool) -> None:
    asker, answerer = Asker(Out(ASKING)), Asker(In(ASKING))
    m = Module()
    m.d.sync += Signal().eq(1)
    m.submodules += [asker, answerer]
    connect(m, *((answerer.port, asker.port) if swapped else (asker.port, answerer.port)))

    async def bench(context: Any) -> None:
        for zeal, told in ((9, 5), (6, 2)):
            context.set(asker.port.zeal, zeal)
            context.set(answerer.port.told, told)
            await wait(context, 1)
            assert (context.get(answerer.port.zeal), context.get(asker.port.told)) == (zeal, told)
            assert context.get(answerer.port.ask) == 1

    simulate(m, bench)


def test_names_that_clash_are_numbered_in_the_order_of_the_declaration() -> None:
    """As Verilog of earlier releases has them; the alphabet would begin with ``answer``, which is ``told``."""
    m = Module()
    first, second = Asker(Out(ASKING)), Asker(In(ASKING))
    m.submodules.first, m.submodules.second = first, second
    connect(m, first.port, second.port)
    text = rtlil.convert_fragment(Fragment.get(m, None), {}, "top", emit_src=False)[0]
    top = text[text.index("module \\top\n") :]
    places = [top.index(f"\\{name}$") for name in ("do_zeal", "do_ask", "answer")]
    numbers = [int(top[place:].split("$")[1].split()[0]) for place in places]
    assert numbers == sorted(numbers)


OTHERS = {
    "wider": (PortSignature({"zeal": Out(5), "ask": Out(1, init=1), "told": In(3)}), r"width"),
    "a member less": (PortSignature({"zeal": Out(4), "ask": Out(1, init=1)}), r"told"),
    "another initial value": (PortSignature({"zeal": Out(4), "ask": Out(1), "told": In(3)}), r"initial value"),
    "the same side": (ASKING.flip(), r"several output members"),
}


@pytest.mark.parametrize("which", OTHERS)
def test_ports_that_do_not_fit_are_refused(which: str) -> None:
    other, message = OTHERS[which]
    m = Module()
    with pytest.raises(wiring.ConnectionError, match=message):
        connect(m, ASKING.create(), other.flip().create())
    assert not Fragment.get(m, None).statements


def test_what_is_no_port_is_refused() -> None:
    m = Module()
    with pytest.raises(AttributeError, match="signature"):
        connect(m, ASKING.create(), Signal())
    Fragment.get(m, None)


def test_the_members_of_a_component_with_a_prefix_are_a_port_of_it() -> None:
    owner = wiring.Signature({"s_zeal": Out(4), "s_ask": Out(1, init=1), "s_told": In(3), "other": In(2)}).create(
        path=("it",)
    )
    port: Any = port_of(owner, ASKING, "s_")
    assert port.signature == ASKING
    assert (port.zeal, port.ask, port.told) == (owner.s_zeal, owner.s_ask, owner.s_told)
    assert isinstance(port, Port)
    m = Module()
    connect(m, port, ASKING.flip().create())
    assert len(Fragment.get(m, None).statements["comb"]) == 3


def test_an_owner_that_lacks_a_member_is_refused() -> None:
    owner = wiring.Signature({"s_zeal": Out(4), "s_ask": Out(1, init=1)}).create(path=("it",))
    with pytest.raises(AttributeError, match="s_told"):
        port_of(owner, ASKING, "s_")
