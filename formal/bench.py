"""What the properties of a proof are written with, beside Amaranth's own Assert, Assume and Cover.

A design under proof has one clock and no reset input: it starts from the initial values of its registers, which are
their reset values. (`formal.sby` makes the clock domain.)
"""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Fragment, Module, Shape, Signal, Value
from amaranth.hdl._ast import Assign, SignalDict, SignalSet
from amaranth.hdl._xfrm import StatementTransformer

from oscc.base.errors import OsccError


def free(m: Module, name: str, shape: Any) -> Signal:
    """A signal that is anything, in every cycle anew: an input that the environment drives as it likes."""
    signal = Signal(shape, name=name)
    m.d.comb += signal.eq(AnySeq(Shape.cast(shape)))
    return signal


def chosen(m: Module, name: str, shape: Any) -> Signal:
    """A signal that is anything, but the same in all cycles: what is proved of it is proved of every value."""
    signal = Signal(shape, name=name)
    m.d.comb += signal.eq(AnyConst(Shape.cast(shape)))
    return signal


def past(m: Module, value: Any, name: str, init: int = 0) -> Signal:
    """The value of the cycle before; ``init`` in the first cycle."""
    cast = Value.cast(value)
    before = Signal(cast.shape(), name=name, init=init)
    m.d.sync += before.eq(cast)
    return before


def started(m: Module) -> Signal:
    """Low in the first cycle, high ever after: whether `past` holds a value."""
    signal = Signal(name="started")
    m.d.sync += signal.eq(1)
    return signal


def elaborated(component: Any) -> Fragment:
    """The component as a fragment, whose registers `register_of` finds. Add the fragment as the submodule.

    An invariant for induction often needs a register that is no member of the component.
    """
    return Fragment.get(component, None)


def combinational(component: Any) -> Fragment:
    """The component with each register replaced by a wire: for a pipeline without feedback, all of it in one cycle.

    A register that is not enabled reads as its initial value.
    """
    fragment = elaborated(component)
    statements = fragment.statements.pop("sync")
    fragment.statements.setdefault("comb", type(statements)(())).extend(statements)
    return fragment


def one_step(component: Any) -> tuple[Fragment, dict[str, tuple[Signal, Signal]]]:
    """The component as the logic of one step: each of its registers, by name, as its value now and its next value.

    The values now are for the bench to drive: what is proved with all of them free is proved of every step. Only for
    a component without submodules that assigns its registers as a whole.
    """
    fragment = elaborated(component)
    step = _Step()
    statements = step(fragment.statements.pop("sync"))
    keep = [after.eq(now) for now, after in step.registers.values()]
    combinational = fragment.statements.setdefault("comb", type(statements)(()))
    combinational.extend([*keep, *statements])
    return fragment, {now.name: (now, after) for now, after in step.registers.values()}


class _Step(StatementTransformer):  # type: ignore[misc]  # Amaranth has no types
    """Sends what is assigned to a register to another signal: its next value."""

    def __init__(self) -> None:
        self.registers: SignalDict = SignalDict()

    def on_Assign(self, stmt: Any) -> Any:  # noqa: N802
        if stmt.lhs not in self.registers:
            self.registers[stmt.lhs] = (stmt.lhs, Signal.like(stmt.lhs, name_suffix="_next"))
        return Assign(self.registers[stmt.lhs][1], stmt.rhs)


def register_of(fragment: Fragment, name: str, *, width: int = 0, place: int = 0) -> Signal:
    """The signal of that name that the fragment itself drives, submodules left out.

    Of signals that are made in one statement, ``a, b = Signal(), Signal()``, Amaranth names only the last. With
    ``width``, other widths are left out, and a name that is not there stands for a nameless signal of that width: the
    one in that place, counted from 0 in the order in which they are made.

    Raises
    ------
    OsccError
        ``formal.register`` when there is no such signal, or more than one.
    """
    # Signals cannot be hashed; SignalSet compares them by identity.
    driven = SignalSet(
        signal
        for statements in fragment.statements.values()
        for statement in statements
        for signal in statement._lhs_signals()
    )
    found = [signal for signal in driven if signal.name == name and (not width or len(signal) == width)]
    if not found and width:
        nameless = [signal for signal in driven if signal.name.startswith("$") and len(signal) == width]
        found = sorted(nameless, key=lambda signal: signal.duid)[place : place + 1]
    if len(found) != 1:
        raise OsccError(
            "formal.register",
            f"{len(found)} signals are called '{name}'; there are {', '.join(sorted({s.name for s in driven}))}",
            hint="an invariant names a register of the component: adapt it to the source as it is now",
        )
    return found[0]
