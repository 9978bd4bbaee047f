"""The rules at the ports of a core, checked edge by edge: the macro's contract, the streams, the register bus.

They are those of `oscc.core.array_contract` and `oscc.core.interface_contract`. What a checker sees of an edge are the
values that the ports have just before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from oscc.core.array_contract import READY_LATENCY, rule
from oscc.core.interface_contract import MACRO_SIGNALS, interface_rule
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro_contract import EdgeInputs, MacroContract, MacroContractError

Pins = Callable[[str], int | None]
"""Gives the value of a port; None where any bit of it is unknown."""


class PortRuleError(Exception):
    """A rule at the ports was broken; the message names rule, cycle and signals.

    Attributes
    ----------
    rule : str
        Code of the rule: ``A009``.
    cycle : int
        Number of the rising edge.
    signals : mapping of str to (int or None)
        Values on that edge of the ports that the rule is about; None for unknown ones.
    """

    def __init__(self, code: str, cycle: int, signals: Mapping[str, int | None]) -> None:
        statement = rule(code).statement if code in MACRO_SIGNALS else interface_rule(code).statement
        shown = ", ".join(f"{name} {'unknown' if value is None else hex(value)}" for name, value in signals.items())
        super().__init__(f"{code}: {statement}; broken in cycle {cycle}: {shown}")
        self.rule = code
        self.cycle = cycle
        self.signals = dict(signals)


class PortRules(Protocol):
    """Rules of one interface, with what has to be remembered for them."""

    def broken(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of the rules that an edge breaks, and remember the edge.

        Parameters
        ----------
        pins : Pins
            Values just before the edge.
        """


def check_edge(rules: PortRules, pins: Pins, cycle: int) -> None:
    """Take one rising edge.

    Parameters
    ----------
    rules : PortRules
    pins : Pins
    cycle : int
        Number of the edge, for the message.

    Raises
    ------
    PortRuleError
        For the first rule that the edge breaks.
    """
    for code in rules.broken(pins):
        names = MACRO_SIGNALS[code] if code in MACRO_SIGNALS else interface_rule(code).signals
        raise PortRuleError(code, cycle, {name: pins(name) for name in names})


class MacroRules:
    """The contract of the array macro, at the macro's ports: A001 and up.

    It counts once all strobes have been low. Every edge has to be shown.

    Parameters
    ----------
    core : CoreSpec
    """

    _STROBES = ("load_strobe", "commit", "init", "run", "sample")

    def __init__(self, core: CoreSpec) -> None:
        self._contract = MacroContract(core)
        self._armed = False
        self._edge = 0
        self._unready = 0
        self._was_init = 0

    def broken(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of the rules that an edge breaks, and remember the edge."""
        self._edge += 1
        self._unready = 0 if pins("ready") == 1 else self._unready + 1
        strobes = {name: pins(name) for name in self._STROBES}
        if not self._armed:
            self._armed = all(value == 0 for value in strobes.values())
            self._was_init = strobes["init"] or 0
            return
        known = {name: value for name, value in strobes.items() if value is not None}
        if len(known) < len(strobes):
            yield "A012"
            return
        payload: dict[str, int] = {}
        for strobe, names in (
            ("load_strobe", ("load_row", "load_data")),
            ("init", ("noise_seed", "noise_index")),
            ("sample", ("tap_row",)),
        ):
            for name in names if known[strobe] else ():
                value = pins(name)
                if value is None:
                    yield "A013"
                    return
                payload[name] = value
        seen: dict[str, Any] = {name: bool(value) for name, value in known.items()} | payload
        try:
            self._contract.check(EdgeInputs(cycle=self._edge, **seen))
        except MacroContractError as error:
            # The message begins with the code of the rule.
            yield str(error)[:4]
        if known["init"] and not self._was_init and self._unready >= READY_LATENCY:
            yield "A010"
        if (known["init"] or known["run"]) and self._unready > READY_LATENCY:
            yield "A011"
        self._was_init = known["init"]


class _Held:
    """An offer of a channel that waits to be taken.

    Parameters
    ----------
    valid, ready : str
        Ports of the handshake.
    payload : tuple of str
        Ports that have to stay as they are meanwhile.
    """

    def __init__(self, valid: str, ready: str, payload: tuple[str, ...]) -> None:
        self.valid = valid
        self.ready = ready
        self.payload = payload
        self._waiting: tuple[int | None, ...] | None = None

    def withdrawn(self, pins: Pins) -> bool:
        """Return whether an offer that waited is no longer made."""
        return self._waiting is not None and pins(self.valid) != 1

    def changed(self, pins: Pins) -> bool:
        """Return whether an offer that waited has another payload."""
        if self._waiting is None or pins(self.valid) != 1:
            return False
        return self._waiting != tuple(pins(name) for name in self.payload)

    def taken(self, pins: Pins) -> bool:
        """Return whether an offer is taken on this edge."""
        return pins(self.valid) == 1 and pins(self.ready) == 1

    def remember(self, pins: Pins, resting: bool) -> None:
        """Remember the edge.

        Parameters
        ----------
        pins : Pins
        resting : bool
            Whether the reset was on: then nothing waits.
        """
        waits = not resting and pins(self.valid) == 1 and pins(self.ready) != 1
        self._waiting = tuple(pins(name) for name in self.payload) if waits else None


class _Reset:
    """What is remembered of the reset."""

    def __init__(self) -> None:
        self.seen = False
        self.was_on = False

    def working(self, pins: Pins) -> bool:
        """Return whether the core works: the reset is off, and was on before."""
        return self.seen and pins("rst") == 0

    def remember(self, pins: Pins) -> None:
        """Remember the edge."""
        self.was_on = pins("rst") == 1
        self.seen = self.seen or self.was_on


class StreamRules:
    """The rules of the program and image streams: X001 and up.

    Parameters
    ----------
    core : CoreSpec
    """

    _PAYLOAD = ("m_axis_tdata", "m_axis_tkeep", "m_axis_tlast", "m_axis_tuser")

    def __init__(self, core: CoreSpec) -> None:
        lanes = core.codes_per_beat
        tail = core.frame_shape[1] - (core.row_beats - 1) * lanes
        self._lanes = lanes
        self._steps = core.readout.phase_steps
        self._keep = [(1 << lanes) - 1] * (core.row_beats - 1) + [(1 << tail) - 1]
        self._beats = core.frame_beats
        self._beat = 0
        self._reset = _Reset()
        self._images = _Held("m_axis_tvalid", "m_axis_tready", self._PAYLOAD)
        self._program = _Held("s_axis_tvalid", "s_axis_tready", ("s_axis_tdata", "s_axis_tlast"))

    def broken(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of the rules that an edge breaks, and remember the edge."""
        if self._reset.was_on and pins("m_axis_tvalid") != 0:
            yield "X001"
        working = self._reset.working(pins)
        if working:
            yield from self._broken_offers(pins)
            yield from self._broken_beat(pins)
        if pins("rst") == 1:
            self._beat = 0
        elif self._images.taken(pins):
            self._beat = 0 if pins("m_axis_tlast") == 1 else self._beat + 1
        self._images.remember(pins, not working)
        self._program.remember(pins, not working)
        self._reset.remember(pins)

    def _broken_offers(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of rules on handshakes."""
        if self._images.withdrawn(pins):
            yield "X002"
        if self._images.changed(pins):
            yield "X003"
        if pins("m_axis_tvalid") is None or pins("s_axis_tready") is None:
            yield "X004"
        if self._program.withdrawn(pins):
            yield "X009"
        if self._program.changed(pins):
            yield "X010"

    def _broken_beat(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of rules on the beat that is offered."""
        if pins("m_axis_tvalid") != 1:
            return
        data, keep, last, user = (pins(name) for name in self._PAYLOAD)
        if data is None or keep is None or last is None or user is None:
            yield "X004"
            return
        if keep != self._keep[self._beat % len(self._keep)] and not (user and keep == 1):
            yield "X005"
        if last != (self._beat == self._beats - 1) and not (last and user):
            yield "X006"
        if user and not last:
            yield "X007"
        for lane in range(self._lanes):
            byte = data >> 8 * lane & 0xFF
            if byte and (not keep >> lane & 1 or byte >= self._steps):
                yield "X008"
                return


class RegisterRules:
    """The rules of the register bus, AXI4-Lite: H001 and up.

    Parameters
    ----------
    core : CoreSpec
    """

    _KNOWN = ("s_axil_awready", "s_axil_wready", "s_axil_arready", "s_axil_bvalid", "s_axil_rvalid", "irq")

    def __init__(self, core: CoreSpec) -> None:
        def channel(name: str, *payload: str) -> _Held:
            prefix = f"s_axil_{name}"
            return _Held(f"{prefix}valid", f"{prefix}ready", tuple(f"{prefix}{field}" for field in payload))

        self._reset = _Reset()
        self._address = channel("aw", "addr")
        self._word = channel("w", "data", "strb")
        self._wrote = channel("b", "resp")
        self._wanted = channel("ar", "addr")
        self._read = channel("r", "data", "resp")
        self._owed = {"aw": 0, "w": 0, "ar": 0}

    def broken(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of the rules that an edge breaks, and remember the edge."""
        if self._reset.was_on and (pins("s_axil_bvalid"), pins("s_axil_rvalid")) != (0, 0):
            yield "H001"
        working = self._reset.working(pins)
        if working:
            yield from self._broken_answers(pins)
            for code, channel in (("H008", self._address), ("H009", self._word), ("H010", self._wanted)):
                if channel.withdrawn(pins) or channel.changed(pins):
                    yield code
        if pins("rst") == 1:
            self._owed = {"aw": 0, "w": 0, "ar": 0}
        else:
            wrote, read = self._wrote.taken(pins), self._read.taken(pins)
            self._owed["aw"] += self._address.taken(pins) - wrote
            self._owed["w"] += self._word.taken(pins) - wrote
            self._owed["ar"] += self._wanted.taken(pins) - read
        for channel in (self._address, self._word, self._wrote, self._wanted, self._read):
            channel.remember(pins, not working)
        self._reset.remember(pins)

    def _broken_answers(self, pins: Pins) -> Iterator[str]:
        """Yield the codes of rules on the core's answers."""
        if self._wrote.withdrawn(pins) or self._wrote.changed(pins):
            yield "H002"
        if self._read.withdrawn(pins) or self._read.changed(pins):
            yield "H003"
        writing, reading = pins("s_axil_bvalid") == 1, pins("s_axil_rvalid") == 1
        if writing and not (self._owed["aw"] > 0 and self._owed["w"] > 0):
            yield "H004"
        if reading and not self._owed["ar"] > 0:
            yield "H005"
        answers = [pins("s_axil_bresp")] if writing else []
        answers += [pins("s_axil_rresp")] if reading else []
        if 1 in answers:
            yield "H006"
        known = [*answers, *(pins(name) for name in self._KNOWN), *([pins("s_axil_rdata")] if reading else [])]
        if None in known:
            yield "H007"
