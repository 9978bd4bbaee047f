"""An SPI slave with registers behind it, for the tests of several files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.bench.spi_simulation import SpiHost, SpiTiming
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.spi_slave import SpiSlave

FACTOR = 0x9E37_79B1


def content(address: int) -> int:
    """What the registers of the bench read as."""
    return FACTOR * (address // 4 + 1) % 2**32


def response_of(address: int) -> int:
    """What they answer to the access of a byte address: each response somewhere."""
    return (OKAY, SLVERR, DECERR)[address // 4 % 3]


def expected_response(address: int) -> int:
    """What the host should see."""
    if address % 4:
        return SLVERR
    return response_of(address) if address < 4096 else DECERR


class Bench:
    """The slave before registers whose answers stand there only in the cycle in which they are due."""

    def __init__(self) -> None:
        self.slave = slave = SpiSlave()
        self.reset = Signal()
        self.module = module = Module()
        module.submodules.slave = ResetInserter(self.reset)(slave)
        due, last = Signal(), Signal(10)
        module.d.sync += [due.eq(slave.read_strobe), last.eq(slave.read_address)]

        def answer(address: Any) -> Any:
            third = address % 3
            return (third == 1) * SLVERR + (third == 2) * DECERR

        module.d.comb += [slave.write_response.eq(1), slave.read_response.eq(1), slave.read_data.eq(0x5555_5555)]
        with module.If(slave.write_strobe):
            module.d.comb += slave.write_response.eq(answer(slave.write_address))
        with module.If(due):
            module.d.comb += [slave.read_response.eq(answer(last)), slave.read_data.eq(FACTOR * (last + 1))]
        self.strobe = Signal()
        module.d.comb += self.strobe.eq(slave.write_strobe | slave.read_strobe)
        # Byte address and word of every write, byte address and None of every read, in the order of the bus.
        self.accesses: list[tuple[int, int | None]] = []

    def run(self, bench: Callable[[Any], Any], **recorded: Any) -> Recorder:
        record = Recorder(**recorded)
        background = [self._watch, *([record.watch] if recorded else [])]
        simulate(self.module, bench, background=background, limit=200_000)
        return record

    def host(self, bench: Callable[[SpiHost], Any], timing: SpiTiming | None = None, **recorded: Any) -> Recorder:
        """Run a bench that needs nothing but a host."""

        async def whole(context: Any) -> None:
            host = SpiHost(context, self.slave, timing=timing)
            await host.idle()
            await bench(host)

        return self.run(whole, **recorded)

    async def _watch(self, context: Any) -> None:
        """Note what happens on the bus; strobes are too far apart to be taken for one."""
        slave = self.slave
        while True:
            await context.posedge(self.strobe)
            assert context.get(slave.write_strobe) != context.get(slave.read_strobe)
            if context.get(slave.write_strobe):
                assert context.get(slave.write_mask) == 0xFFFF_FFFF
                self.accesses.append((4 * context.get(slave.write_address), context.get(slave.write_data)))
            else:
                self.accesses.append((4 * context.get(slave.read_address), None))
            await context.tick()
            assert not context.get(self.strobe), "a strobe lasts one cycle"
