"""What the benches of generated hardware share: running a simulation, streams, register accesses."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oscc.rtl.bench.prepared import Bench, BenchTimeoutError, Simulation

Pause = Callable[[], int]
"""Clock cycles to let pass before the next transfer."""


class StreamRuleError(Exception):
    """A stream took back or changed a beat before it was taken; the message says in which cycle."""


def simulate(design: Any, *benches: Bench, background: Sequence[Bench] = (), limit: int = 20_000) -> None:
    """Run a design until every bench has ended: a `Simulation` that runs once.

    Parameters
    ----------
    design : Elaboratable
        With a ``sync`` domain.
    *benches : Bench
    background : sequence of Bench
        Run along for as long as the benches do.
    limit : int
        Clock cycles that the benches may take together.

    Raises
    ------
    BenchTimeoutError
        When a bench has not ended within the limit.
    """
    Simulation(design).run(*benches, background=background, limit=limit)


async def wait(context: Any, cycles: int) -> None:
    """Let clock cycles pass.

    Unlike ``context.tick().repeat(cycles)``, it can be given up half-way, when another bench fails.
    """
    for _ in range(cycles):
        await context.tick()


def no_pause() -> int:
    """Return no pause: transfers back to back."""
    return 0


def random_pauses(seed: int, chance: float = 0.5, longest: int = 4) -> Pause:
    """Return pauses of 1 to ``longest`` cycles, each with a chance; the same for the same seed.

    Parameters
    ----------
    seed : int
    chance : float
        Of a pause before a transfer.
    longest : int
        Cycles.
    """
    generator = random.Random(seed)
    return lambda: generator.randint(1, longest) if generator.random() < chance else 0


@dataclass(frozen=True)
class Beat:
    """One transfer of a stream.

    Parameters
    ----------
    data : int
    last : bool
    keep : int
        One bit per byte; 0 where the stream has no such signal.
    user : bool
        On the last beat: the frame is not an image.
    """

    data: int
    last: bool = False
    keep: int = 0
    user: bool = False


def frame_beats(words: Iterable[int]) -> list[Beat]:
    """Return words as the beats of one frame, the last one marked."""
    beats = [Beat(word) for word in words]
    return [*beats[:-1], Beat(beats[-1].data, last=True)] if beats else []


@dataclass(frozen=True)
class StreamPort:
    """The signals of a stream.

    Parameters
    ----------
    valid, ready, data, last : Value
    keep, user : Value, optional
    """

    valid: Any
    ready: Any
    data: Any
    last: Any
    keep: Any = None
    user: Any = None

    @classmethod
    def of(cls, component: Any, prefix: str = "") -> StreamPort:
        """Return the stream of a port, or of the members of a component that begin with a prefix: ``s_axis_t``."""
        names = ("valid", "ready", "data", "last", "keep", "user")
        return cls(*(getattr(component, f"{prefix}{name}", None) for name in names))

    @property
    def payload(self) -> tuple[Any, ...]:
        """Return what belongs to a beat: data, last and, where they exist, keep and user."""
        return tuple(value for value in (self.data, self.last, self.keep, self.user) if value is not None)

    def beat(self, payload: Sequence[int]) -> Beat:
        """Return a beat from the values of `payload`."""
        data, last, *rest = payload
        keep = rest.pop(0) if self.keep is not None else 0
        return Beat(data, bool(last), keep, bool(rest and rest[0]))


async def put_beats(
    context: Any, port: StreamPort, beats: Iterable[Beat], pause: Pause = no_pause, limit: int = 1000
) -> None:
    """Offer beats one after another, each until it is taken.

    Parameters
    ----------
    context : simulator context
    port : StreamPort
        Whose ``ready`` the design drives.
    beats : iterable of Beat
    pause : Pause
        Cycles without an offer before each beat.
    limit : int
        Cycles to wait for a beat to be taken.

    Raises
    ------
    BenchTimeoutError
    """
    for number, beat in enumerate(beats):
        await wait(context, pause())
        context.set(port.data, beat.data)
        context.set(port.last, beat.last)
        context.set(port.valid, 1)
        await _until(context, port.ready, limit, f"beat {number} was not taken")
        context.set(port.valid, 0)
        context.set(port.last, 0)


async def get_beats(
    context: Any, port: StreamPort, count: int | None = None, pause: Pause = no_pause, limit: int = 1000
) -> list[Beat]:
    """Take beats.

    Parameters
    ----------
    context : simulator context
    port : StreamPort
        Whose ``ready`` the bench drives.
    count : int, optional
        Beats to take; without it, all up to the next one that is marked as the last.
    pause : Pause
        Cycles without ``ready`` before each beat.
    limit : int
        Cycles to wait for a beat.

    Raises
    ------
    BenchTimeoutError
    """
    beats: list[Beat] = []
    while len(beats) < count if count is not None else not (beats and beats[-1].last):
        await wait(context, pause())
        context.set(port.ready, 1)
        payload = await _until(context, port.valid, limit, f"no beat came after the first {len(beats)}", *port.payload)
        context.set(port.ready, 0)
        beats.append(port.beat(payload))
    return beats


class StreamWatch:
    """Notes every beat that passes and checks that none is taken back or changed while it waits.

    Give `watch` to `simulate` as a background bench.

    Parameters
    ----------
    port : StreamPort
    """

    def __init__(self, port: StreamPort) -> None:
        self._port = port
        self.beats: list[Beat] = []
        self.cycles: list[int] = []

    async def watch(self, context: Any) -> None:
        """Note the beats of each cycle: a background bench.

        Raises
        ------
        StreamRuleError
        """
        port, waiting, cycle = self._port, None, 0
        async for _, _, valid, ready, *payload in context.tick().sample(port.valid, port.ready, *port.payload):
            if waiting is not None and (not valid or payload != waiting):
                raise StreamRuleError(f"the beat that waited was taken back or changed in cycle {cycle}")
            waiting = payload if valid and not ready else None
            if valid and ready:
                self.beats.append(port.beat(payload))
                self.cycles.append(cycle)
            cycle += 1


class AxiLiteHost:
    """Makes AXI4-Lite accesses. Implements `oscc.sim.host.core_registers.RegisterBus`, and more.

    Parameters
    ----------
    context : simulator context
    component : wiring.Component
    prefix : str
        With which the names of the members begin: nothing, or ``s_axil_``.
    pause : Pause
        Delay of each channel's transfer.
    limit : int
        Cycles to wait for an answer.
    """

    def __init__(
        self, context: Any, component: Any, prefix: str = "", pause: Pause = no_pause, limit: int = 100
    ) -> None:
        self._context = context
        self._component = component
        self._prefix = prefix
        self._pause = pause
        self._limit = limit

    def _signal(self, name: str) -> Any:
        """Return a signal of the port."""
        return getattr(self._component, self._prefix + name)

    async def write_with(self, address: int, word: int, strobes: int = 0xF, address_first: int | None = None) -> int:
        """Write, and return the response.

        Parameters
        ----------
        address : int
            In bytes.
        word : int
        strobes : int
            One bit per byte.
        address_first : int, optional
            Cycles by which the address comes before the data; negative for data first. Without it each is delayed by
            a pause of its own.

        Raises
        ------
        BenchTimeoutError
        """
        context = self._context
        context.set(self._signal("awaddr"), address)
        context.set(self._signal("wdata"), word)
        context.set(self._signal("wstrb"), strobes)
        if address_first is None:
            delays = {"aw": self._pause(), "w": self._pause()}
        else:
            delays = {"aw": max(0, -address_first), "w": max(0, address_first)}
        for cycle in range(self._limit):
            if not delays:
                break
            for channel, delay in delays.items():
                context.set(self._signal(f"{channel}valid"), cycle >= delay)
            *_, address_taken, word_taken = await context.tick().sample(
                self._signal("awvalid") & self._signal("awready"), self._signal("wvalid") & self._signal("wready")
            )
            for channel, taken in (("aw", address_taken), ("w", word_taken)):
                if taken:
                    context.set(self._signal(f"{channel}valid"), 0)
                    del delays[channel]
        else:
            raise BenchTimeoutError(f"write of 0x{address:03X} was not taken within {self._limit} cycles")
        (response,) = await self._answer("b", f"no response to the write of 0x{address:03X}", "bresp")
        return response

    async def read_with(self, address: int) -> tuple[int, int]:
        """Read, and return word and response.

        Raises
        ------
        BenchTimeoutError
        """
        context = self._context
        await wait(self._context, self._pause())
        context.set(self._signal("araddr"), address)
        context.set(self._signal("arvalid"), 1)
        await _until(context, self._signal("arready"), self._limit, f"read of 0x{address:03X} was not taken")
        context.set(self._signal("arvalid"), 0)
        word, response = await self._answer("r", f"no response to the read of 0x{address:03X}", "rdata", "rresp")
        return word, response

    async def write(self, address: int, word: int) -> None:
        """Write a word that must be accepted.

        Raises
        ------
        BenchTimeoutError
        ValueError
            When the response is an error.
        """
        response = await self.write_with(address, word)
        if response:
            raise ValueError(f"write of 0x{address:03X}: response {response}")

    async def read(self, address: int) -> int:
        """Read a word that must exist.

        Raises
        ------
        BenchTimeoutError
        ValueError
            When the response is an error.
        """
        word, response = await self.read_with(address)
        if response:
            raise ValueError(f"read of 0x{address:03X}: response {response}")
        return word

    async def _answer(self, channel: str, what: str, *names: str) -> tuple[int, ...]:
        """Take the transfer of a response channel."""
        await wait(self._context, self._pause())
        self._context.set(self._signal(f"{channel}ready"), 1)
        signals = [self._signal(name) for name in names]
        values = await _until(self._context, self._signal(f"{channel}valid"), self._limit, what, *signals)
        self._context.set(self._signal(f"{channel}ready"), 0)
        return values


async def bus_write(context: Any, block: Any, address: int, word: int, mask: int = 0xFFFF_FFFF) -> int:
    """Write on the register bus, in one cycle, and return the response.

    Parameters
    ----------
    context : simulator context
    block : wiring.Component
        With the members of `oscc.rtl.host.register_block.RegisterBlock`.
    address : int
        In bytes.
    word, mask : int
    """
    context.set(block.write_address, address // 4)
    context.set(block.write_data, word)
    context.set(block.write_mask, mask)
    context.set(block.write_strobe, 1)
    *_, response = await context.tick().sample(block.write_response)
    context.set(block.write_strobe, 0)
    return int(response)


async def bus_read(context: Any, block: Any, address: int) -> tuple[int, int]:
    """Read on the register bus, in two cycles, and return word and response.

    Parameters
    ----------
    context : simulator context
    block : wiring.Component
        With the members of `oscc.rtl.host.register_block.RegisterBlock`.
    address : int
        In bytes.
    """
    context.set(block.read_address, address // 4)
    context.set(block.read_strobe, 1)
    await context.tick()
    context.set(block.read_strobe, 0)
    *_, word, response = await context.tick().sample(block.read_data, block.read_response)
    return int(word), int(response)


async def _until(context: Any, condition: Any, limit: int, what: str, *signals: Any) -> tuple[int, ...]:
    """Let cycles pass up to the first at whose end a condition holds; the values of signals in that cycle."""
    for _ in range(limit):
        _, _, holds, *values = await context.tick().sample(condition, *signals)
        if holds:
            return tuple(map(int, values))
    raise BenchTimeoutError(f"{what} within {limit} cycles")
