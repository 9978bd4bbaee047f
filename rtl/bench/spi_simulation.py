"""The SPI host of benches: drives the pins of `oscc.rtl.host.spi_slave.SpiSlave` regardless of the core's clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from oscc.rtl.bench.prepared import CLOCK_S
from oscc.rtl.host.spi_slave import READ, SCLK_DIVIDER, STATUS, WRITE

Duration = Callable[[], float]
"""A time in clock cycles of the core, not an integer number of them; a new one at every call."""

SETUP_CYCLES = 1.0
"""Clock cycles before the rising edge of sclk at which the host samples MISO."""

LEAST_LOW, LEAST_HIGH, LEAST_SELECT = 4.0, 2.0, 2.0
"""Limits of the slave, in clock cycles: low and high part of sclk, and times around the edges of cs_n."""


class SpiRefusedError(Exception):
    """The core refused an access.

    Attributes
    ----------
    response : int
        Of the bus: 2 SLVERR, 3 DECERR.
    """

    def __init__(self, message: str, response: int) -> None:
        super().__init__(message)
        self.response = response


class SpiStatusError(Exception):
    """What came in place of a status byte is none; the message has it."""


@dataclass(frozen=True)
class SpiTiming:
    """When a host moves its pins.

    Parameters
    ----------
    low, high : Duration
        Of each part of each bit; ``low`` must be longer than `SETUP_CYCLES`.
    select : Duration
        From the fall of cs_n to the first bit, from the last edge to its rise, and from there to its next fall.
    """

    low: Duration
    high: Duration
    select: Duration

    @classmethod
    def steady(cls, divider: float = SCLK_DIVIDER) -> SpiTiming:
        """Return the times of an sclk that is the core's clock divided by a number, half high and half low."""
        half = divider / 2
        return cls(lambda: half, lambda: half, lambda: half)

    @classmethod
    def jittering(cls, seed: int, stretch: float = 4.0) -> SpiTiming:
        """Draw each time anew from the shortest allowed one up to ``stretch`` times that; the same for the same seed.

        A quarter of them are the shortest allowed.
        """
        generator = random.Random(seed)

        def at_least(shortest: float) -> Duration:
            """Return times of the shortest allowed one and more."""
            return lambda: shortest * max(1.0, generator.uniform(1.0 - (stretch - 1.0) / 3.0, stretch))

        return cls(at_least(LEAST_LOW), at_least(LEAST_HIGH), at_least(LEAST_SELECT))


class SpiHost:
    """Makes accesses by SPI frames, in mode 0. Implements `oscc.sim.host.core_registers.RegisterBus`, and more.

    Give ``cs_n`` its idle level, `idle`, before the first frame.

    Parameters
    ----------
    context : simulator context
    component : wiring.Component
        With the pins of `oscc.rtl.host.spi_slave.SPI_MEMBERS`.
    prefix : str
        With which the names of the pins begin: nothing, or ``spi_``.
    timing : SpiTiming, optional
        The highest sclk without it.
    """

    def __init__(self, context: Any, component: Any, prefix: str = "", timing: SpiTiming | None = None) -> None:
        self._context = context
        self._timing = SpiTiming.steady() if timing is None else timing
        self._sclk, self._cs_n, self._mosi, self._miso, self._miso_enable = (
            getattr(component, prefix + name) for name in ("sclk", "cs_n", "mosi", "miso", "miso_enable")
        )

    async def _let_pass(self, cycles: float) -> None:
        """Let clock cycles of the core pass, not a whole number of them."""
        await self._context.delay(cycles * CLOCK_S)

    async def idle(self) -> None:
        """Lift cs_n for as long as the slave needs to see it."""
        self._context.set(self._cs_n, 1)
        await self._let_pass(self._timing.select())

    async def transfer(self, sent: Sequence[int], bits: int | None = None) -> list[int | None]:
        """Make one frame, byte against byte.

        Parameters
        ----------
        sent : sequence of int
            Bytes for MOSI.
        bits : int, optional
            Lift cs_n after so many bits, be the frame complete or not.

        Returns
        -------
        list of int or None
            The bytes from MISO; None for one that is cut short or during which nobody drove MISO all the time.
        """
        context = self._context
        bits = 8 * len(sent) if bits is None else bits
        context.set(self._cs_n, 0)
        await self._let_pass(self._timing.select())
        seen: list[int | None] = []
        for number in range(bits):
            context.set(self._mosi, sent[number // 8] >> (7 - number % 8) & 1)
            await self._let_pass(self._timing.low() - SETUP_CYCLES)
            seen.append(int(context.get(self._miso)) if context.get(self._miso_enable) else None)
            await self._let_pass(SETUP_CYCLES)
            context.set(self._sclk, 1)
            await self._let_pass(self._timing.high())
            context.set(self._sclk, 0)
        await self._let_pass(self._timing.select())
        await self.idle()
        return [_byte(seen[start : start + 8]) for start in range(0, 8 * len(sent), 8)]

    async def write_words(self, address: int, words: Sequence[int]) -> list[int]:
        """Write words to ascending addresses in one frame; the response to each.

        Raises
        ------
        SpiStatusError
        """
        sent = [WRITE, *address.to_bytes(2, "big")]
        for word in words:
            sent += [*word.to_bytes(4, "big"), 0, 0]
        seen = await self.transfer(sent)
        return [_response(status, f"write of 0x{address:04X}") for status in seen[8::6]]

    async def read_words(self, address: int, count: int) -> list[tuple[int, int]]:
        """Read words from ascending addresses in one frame; word and response of each.

        Raises
        ------
        SpiStatusError
        """
        seen = await self.transfer([READ, *address.to_bytes(2, "big"), *[0] * 6 * count])
        answers = []
        for start in range(4, len(seen), 6):
            response = _response(seen[start], f"read of 0x{address:04X}")
            word = 0
            for byte in seen[start + 1 : start + 5]:
                if byte is None:
                    raise SpiStatusError(f"read of 0x{address:04X}: MISO was released within the data")
                word = 256 * word + byte
            answers.append((word, response))
        return answers

    async def write(self, address: int, word: int) -> None:
        """Write a word that must be accepted.

        Raises
        ------
        SpiRefusedError
        SpiStatusError
        """
        (response,) = await self.write_words(address, [word])
        if response:
            raise SpiRefusedError(f"write of 0x{address:04X}: response {response}", response)

    async def read(self, address: int) -> int:
        """Read a word that must exist.

        Raises
        ------
        SpiRefusedError
        SpiStatusError
        """
        ((word, response),) = await self.read_words(address, 1)
        if response:
            raise SpiRefusedError(f"read of 0x{address:04X}: response {response}", response)
        return word


def _byte(bits: Sequence[int | None]) -> int | None:
    """Return eight bits, highest first, as a byte; None when one is missing."""
    byte = 0
    for bit in bits:
        if bit is None:
            return None
        byte = 2 * byte + bit
    return byte if len(bits) == 8 else None


def _response(status: int | None, what: str) -> int:
    """Return the response in a status byte."""
    if status is None or status & ~3 != STATUS:
        found = "nothing" if status is None else f"0x{status:02X}"
        raise SpiStatusError(f"{what}: {found} in place of the status byte")
    return status & 3
