"""SPI slave front end: the registers of a bare test chip over four wires."""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS
from oscc.rtl.host.axi_lite import DECERR, SLVERR
from oscc.rtl.host.register_bus import REGISTER_BUS_MEMBERS
from oscc.rtl.signals.synchronizer import Synchronizer

WRITE, READ = 0x02, 0x03
"""Command bytes."""

STATUS = 0xA0
"""The status byte, without the response in its lowest two bits. A wire that is stuck gives 0x00 or 0xFF."""

SCLK_DIVIDER = 8
"""The highest sclk is the core's clock divided by this."""

SPI_MEMBERS = {
    "sclk": In(1),
    "cs_n": In(1),
    "mosi": In(1),
    "miso": Out(1),
    "miso_enable": Out(1),
}
"""SPI from the slave's side."""


class _Part(Enum):
    """Part of the frame to which the next bit belongs."""

    IGNORED = 0
    COMMAND = 1
    ADDRESS = 2
    DATA = 3
    TURNAROUND = 4
    ANSWER = 5


class _Frame:
    """Signals that the parts of the slave share."""

    def __init__(self) -> None:
        self.cs_n = Signal()
        self.mosi = Signal()
        """The pins, synchronised."""
        self.rise = Signal()
        self.fall = Signal()
        """Edges of sclk within a frame."""
        self.part = Signal(_Part)
        self.left = Signal(range(40))
        """Bits that are left of the part, less 1."""
        self.writing = Signal()
        self.address = Signal(16)
        self.answer = Signal(40)
        """Status and word: the word to be written first, then what goes out."""
        self.word, self.status = self.answer[:32], self.answer[32:]


class SpiSlave(wiring.Component):
    """Makes register accesses from SPI frames: mode 0, most significant bit first, highest byte first.

    A frame lasts while ``cs_n`` is low:

    =====  ====================  ====================  ========================
    bytes  write (MOSI)          read (MOSI)           answer (MISO)
    =====  ====================  ====================  ========================
    1      command 0x02          command 0x03          0
    2      byte address          byte address          0
    4      data                  (none)                0
    1      turnaround, any       turnaround, any       0
    1      any                   any                   status: 0xA0 + response
    4      (none)                any                   data
    =====  ====================  ====================  ========================

    An access takes 9 bytes. For as long as the host goes on, accesses follow one another, each at an address 4 higher
    (modulo 2^16): everything but command and address is repeated, 6 bytes.

    The response is that of AXI4-Lite: 0 OKAY, 2 SLVERR, 3 DECERR. Unaligned addresses get SLVERR and addresses beyond
    the core's 4 KiB DECERR, without reaching the register bus; the data of a refused read are 0.

    The access is made on the first ``sclk`` edge of its turnaround byte. When ``cs_n`` rises before, it is not made and
    nothing has changed; when it rises later, the access is complete. An unknown command, and a frame during which the
    core was reset, is ignored with MISO released until ``cs_n`` rises. A MISO that nobody drives is told from an answer
    by the status byte, which is neither 0x00 nor 0xFF.

    ``sclk`` is sampled with the core's clock and may be at most 1 / ``SCLK_DIVIDER`` of it, in any phase, with jitter.
    Its low part must last 4 cycles of the clock: a falling edge takes up to 3 to MISO (until it is sampled, second flop
    of the synchroniser, register of MISO), and 1 is left for pads and for the host's set-up time. Its high part must
    last 2 cycles, and so must the time from the fall of ``cs_n`` to the first edge, from the last edge to the rise of
    ``cs_n``, and from there to its next fall: each is then seen, and in this order. MOSI is sampled together with the
    rising edge and must be stable from 1 cycle before to 2 cycles behind it.

    Latency: an access takes effect at most 5 cycles after its ``sclk`` edge. Throughput: an access per 48 bits of
    ``sclk``, the first one of a frame in 72.

    Members
    -------
    sclk, cs_n, mosi : In(1)
        Asynchronous; each goes through two synchronisers.
    miso, miso_enable : Out(1)
        Both leave registers. ``miso`` is to be driven while ``miso_enable`` is high: from 3 cycles after ``cs_n`` fell
        to 3 cycles after it rose.
    write_strobe, write_address, write_data, write_mask, write_response
        Writes, as in `oscc.rtl.host.register_bus`; always whole words. Everything that is driven leaves registers.
    read_strobe, read_address, read_data, read_response
        Reads, as in `oscc.rtl.host.register_bus`. A write and a read are never made together.
    claim : Out(1)
        An access is made in this cycle: high with either strobe.
    """

    def __init__(self) -> None:
        super().__init__({**SPI_MEMBERS, **REGISTER_BUS_MEMBERS, "claim": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        frame = _Frame()
        self._synchronise(m, frame)
        self._receive(m, frame)
        self._access(m, frame)
        self._send(m, frame)
        return m

    def _synchronise(self, m: Module, frame: _Frame) -> None:
        """Bring the pins to the clock and find the edges of sclk.

        ``cs_n`` counts as low after reset, and the frame as one to be ignored, until it was truly seen high.
        """
        cs_n, mosi, rise, fall = frame.cs_n, frame.mosi, frame.rise, frame.fall
        sclk = Signal()
        for name, pin, synchronous in (("sclk", self.sclk, sclk), ("cs_n", self.cs_n, cs_n), ("mosi", self.mosi, mosi)):
            m.submodules[f"{name}_synchronizer"] = synchronizer = Synchronizer()
            m.d.comb += [synchronizer.asynchronous.eq(pin), synchronous.eq(synchronizer.synchronous)]
        sclk_before = Signal()
        m.d.sync += sclk_before.eq(sclk)
        m.d.comb += [rise.eq(sclk & ~sclk_before & ~cs_n), fall.eq(~sclk & sclk_before & ~cs_n)]

    def _receive(self, m: Module, frame: _Frame) -> None:
        """Take bits in; a part of the frame ends when none are left of it."""
        cs_n, mosi, rise, part, left = frame.cs_n, frame.mosi, frame.rise, frame.part, frame.left
        writing, address, word = frame.writing, frame.address, frame.word
        bits = Signal(31)
        received = Signal(32)
        m.d.comb += received.eq(Cat(mosi, bits))
        with m.If(rise):
            m.d.sync += [bits.eq(received), left.eq(left - 1)]

        def begin(following: _Part, width: int) -> list[object]:
            """Return the assignments that begin a part of the frame."""
            return [part.eq(following), left.eq(width - 1)]

        with m.If(rise & (left == 0)), m.Switch(part):
            with m.Case(_Part.COMMAND):
                m.d.sync += writing.eq(received[:8] == WRITE)
                m.d.sync += begin(_Part.ADDRESS, 16)
                with m.If((received[:8] != WRITE) & (received[:8] != READ)):
                    m.d.sync += part.eq(_Part.IGNORED)
            with m.Case(_Part.ADDRESS):
                m.d.sync += address.eq(received[:16])
                with m.If(writing):
                    m.d.sync += begin(_Part.DATA, 32)
                with m.Else():
                    m.d.sync += begin(_Part.TURNAROUND, 8)
            with m.Case(_Part.DATA):
                m.d.sync += [word.eq(received), *begin(_Part.TURNAROUND, 8)]
            with m.Case(_Part.TURNAROUND):
                m.d.sync += [part.eq(_Part.ANSWER), left.eq(Mux(writing, 8, 40) - 1)]
            with m.Case(_Part.ANSWER):
                m.d.sync += address.eq(address + 4)
                with m.If(writing):
                    m.d.sync += begin(_Part.DATA, 32)
                with m.Else():
                    m.d.sync += begin(_Part.TURNAROUND, 8)
        with m.If(cs_n):
            m.d.sync += begin(_Part.COMMAND, 8)

    def _access(self, m: Module, frame: _Frame) -> None:
        """Make the access on the first edge of its turnaround byte, and keep what it is answered with."""
        rise, part, left = frame.rise, frame.part, frame.left
        writing, address, word, status = frame.writing, frame.address, frame.word, frame.status
        act = Signal()
        made = Signal()
        waiting = Signal()
        reached = Signal()
        refusal = Signal(2)
        m.d.sync += [
            act.eq(rise & (part == _Part.TURNAROUND) & (left == 7)),
            # Registers, lest the check of the address lie before the registers' decode within one cycle.
            self.write_strobe.eq(act & writing & reached),
            self.read_strobe.eq(act & ~writing & reached),
            self.claim.eq(act & reached),
            made.eq(act),
            waiting.eq(made & ~writing),
        ]
        m.d.comb += [
            refusal.eq(Mux(address[:2] != 0, SLVERR, DECERR)),
            reached.eq((address[:2] == 0) & (address[ADDRESS_BITS:] == 0)),
            self.write_address.eq(address[2:ADDRESS_BITS]),
            self.write_data.eq(word),
            self.write_mask.eq(0xFFFF_FFFF),
            self.read_address.eq(address[2:ADDRESS_BITS]),
        ]
        with m.If(made & writing):
            m.d.sync += status.eq(STATUS | Mux(reached, self.write_response, refusal))
        with m.If(waiting):
            m.d.sync += status.eq(STATUS | Mux(reached, self.read_response, refusal))
            m.d.sync += word.eq(Mux(reached, self.read_data, 0))

    def _send(self, m: Module, frame: _Frame) -> None:
        """Give bits out, each on a falling edge."""
        cs_n, fall, part, answer = frame.cs_n, frame.fall, frame.part, frame.answer
        with m.If(fall):
            m.d.sync += self.miso.eq(0)
            with m.If(part == _Part.ANSWER):
                m.d.sync += [self.miso.eq(answer[-1]), answer.eq(answer << 1)]
        m.d.sync += self.miso_enable.eq(~cs_n & (part != _Part.IGNORED))
        with m.If(cs_n):
            m.d.sync += self.miso.eq(0)
