"""Masters of the buses that wrappers offer, for benches in Amaranth's simulator."""

from __future__ import annotations

from typing import Any, Protocol

from oscc.rtl.bench.prepared import BenchTimeoutError
from oscc.rtl.bench.simulation import Pause, no_pause, wait


class RefusedError(Exception):
    """A bus answered an access with an error; the message has the address."""


class BusHost(Protocol):
    """Makes accesses on a bus that has an answer for each: word and whether it was refused."""

    async def access(self, address: int, word: int | None = None, strobes: int = 0xF) -> tuple[int, bool]:
        """Write a word, or read where there is none; return what was read, and whether it was refused."""


class WordAccesses:
    """Reads and writes that must be accepted. Implements `oscc.sim.host.core_registers.RegisterBus`.

    Parameters
    ----------
    host : BusHost
    """

    def __init__(self, host: BusHost) -> None:
        self._host = host

    async def write(self, address: int, word: int) -> None:
        """Write a word.

        Raises
        ------
        BenchTimeoutError
        RefusedError
        """
        _, refused = await self._host.access(address, word)
        if refused:
            raise RefusedError(f"write of 0x{address:04X}")

    async def read(self, address: int) -> int:
        """Read a word.

        Raises
        ------
        BenchTimeoutError
        RefusedError
        """
        word, refused = await self._host.access(address)
        if refused:
            raise RefusedError(f"read of 0x{address:04X}")
        return word


class ApbHost:
    """Makes APB4 transfers.

    Parameters
    ----------
    context : simulator context
    component : wiring.Component
        With members ``psel``, ``penable`` and so on.
    pause : Pause
        Cycles before each transfer.
    limit : int
        Cycles to wait for ``pready``.
    """

    def __init__(self, context: Any, component: Any, pause: Pause = no_pause, limit: int = 150) -> None:
        self._context, self._port, self._pause, self._limit = context, component, pause, limit
        self.cycles = 0

    async def access(self, address: int, word: int | None = None, strobes: int = 0xF) -> tuple[int, bool]:
        """Make a transfer; attribute ``cycles`` then has the length of its access phase.

        Raises
        ------
        BenchTimeoutError
        """
        context, port = self._context, self._port
        await wait(context, self._pause())
        context.set(port.paddr, address)
        context.set(port.pwrite, word is not None)
        context.set(port.pwdata, word or 0)
        context.set(port.pstrb, strobes if word is not None else 0)
        context.set(port.psel, 1)
        await context.tick()
        context.set(port.penable, 1)
        for cycle in range(self._limit):
            *_, ready, read, error = await context.tick().sample(port.pready, port.prdata, port.pslverr)
            if ready:
                context.set(port.psel, 0)
                context.set(port.penable, 0)
                self.cycles = cycle + 1
                return int(read), bool(error)
        raise BenchTimeoutError(f"no pready at 0x{address:04X} within {self._limit} cycles")


class WishboneHost:
    """Makes classic Wishbone cycles.

    Parameters
    ----------
    context : simulator context
    component : wiring.Component
        With members ``cyc``, ``stb`` and so on.
    pause : Pause
        Cycles before each bus cycle; without one, ``stb`` stays high from one to the next.
    limit : int
        Cycles to wait for an answer.
    """

    def __init__(self, context: Any, component: Any, pause: Pause = no_pause, limit: int = 150) -> None:
        self._context, self._port, self._pause, self._limit = context, component, pause, limit
        self.cycles = 0

    async def access(self, address: int, word: int | None = None, strobes: int = 0xF) -> tuple[int, bool]:
        """Make a bus cycle; attribute ``cycles`` then has its length.

        Raises
        ------
        BenchTimeoutError
        ValueError
            When the address is none of a word.
        """
        if address % 4:
            raise ValueError(f"0x{address:04X} is no multiple of 4, and Wishbone addresses count words")
        context, port = self._context, self._port
        pause = self._pause()
        if pause:
            await self.idle(pause)
        context.set(port.adr, address // 4)
        context.set(port.we, word is not None)
        context.set(port.dat_w, word or 0)
        context.set(port.sel, strobes)
        context.set(port.cyc, 1)
        context.set(port.stb, 1)
        for cycle in range(self._limit):
            *_, ack, error, read = await context.tick().sample(port.ack, port.err, port.dat_r)
            if ack or error:
                self.cycles = cycle + 1
                return int(read), bool(error)
        raise BenchTimeoutError(f"no answer at 0x{address:04X} within {self._limit} cycles")

    async def idle(self, cycles: int) -> None:
        """Give the bus free for some cycles."""
        self._context.set(self._port.stb, 0)
        self._context.set(self._port.cyc, 0)
        await wait(self._context, cycles)
