from __future__ import annotations

import re

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from formal.bench import chosen, combinational, elaborated, free, one_step, past, register_of
from formal.sby import design_text
from oscc.base.errors import OsccError


class Counter(wiring.Component):  # type: ignore[misc]
    """Counts enabled cycles; two of its registers are made in one statement."""

    def __init__(self) -> None:
        super().__init__({"enable": In(1), "count": Out(4)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nameless, other, named = Signal(3), Signal(3), Signal(3)
        m.d.sync += [nameless.eq(1), other.eq(2), named.eq(3)]
        with m.If(self.enable):
            m.d.sync += self.count.eq(self.count + 1)
        return m


def test_free_changes_and_chosen_does_not() -> None:
    m = Module()
    free(m, "anything", 3)
    chosen(m, "something", 5)
    text = design_text(m)
    assert re.search(r"cell \$anyseq .*\n.*WIDTH 3\n.*\\anything", text)
    assert re.search(r"cell \$anyconst .*\n.*WIDTH 5\n.*\\something", text)


def test_past_is_a_register() -> None:
    m = Module()
    past(m, free(m, "anything", 3), "before", init=5)
    text = design_text(m)
    assert re.search(r"init 3'101\n\s+wire width 3 \\before", text)
    assert text.count("cell $dff") == 1


def test_registers_are_found_by_name_or_by_width_and_place() -> None:
    fragment = elaborated(Counter())
    assert register_of(fragment, "count").shape().width == 4
    assert register_of(fragment, "named", width=3).name == "named"
    first, second = (register_of(fragment, "whatever", width=3, place=place) for place in (0, 1))
    assert first is not second
    assert not {first.name, second.name} & {"named", "count"}


@pytest.mark.parametrize("asked", [{"name": "cuont"}, {"name": "cuont", "width": 3, "place": 2}])
def test_a_register_that_is_not_there_is_an_error_in_words(asked: dict[str, int | str]) -> None:
    fragment = elaborated(Counter())
    with pytest.raises(OsccError, match=r"0 signals are called 'cuont'; there are .*count") as raised:
        register_of(fragment, **asked)  # type: ignore[arg-type]
    assert raised.value.code == "formal.register"


def test_combinational_leaves_no_register() -> None:
    class Pipe(wiring.Component):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__({"given": In(1), "late": Out(1)})

        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d.sync += self.late.eq(self.given)
            return m

    for transform, registers in ((elaborated, 1), (combinational, 0)):
        m = Module()
        pipe = Pipe()
        m.submodules.pipe = transform(pipe)
        m.d.comb += pipe.given.eq(free(m, "given", 1))
        assert design_text(m).count("cell $dff") == registers


def test_one_step_opens_the_loop() -> None:
    m = Module()
    counter = Counter()
    m.submodules.counter, registers = one_step(counter)
    now, after = registers["count"]
    m.d.comb += [now.eq(free(m, "now", 4)), counter.enable.eq(free(m, "enable", 1))]
    assert now is counter.count
    assert after.name == "count_next"
    assert "cell $dff" not in design_text(m)
