"""AXI4-Lite front end: every request is answered exactly once, and acts exactly once."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from formal.bench import elaborated, free, past, register_of
from formal.proof import Mutant, Proof

OKAY, SLVERR = 0, 2
"""From the AXI4 specification, table A3-4."""

HOLD_CYCLES = 2
"""How long the environment may hold the front end off the register bus at a time."""


def build_writes() -> Module:
    """Writes: a scoreboard of its own follows the AW, W and B handshakes."""
    from oscc.rtl.host.axi_lite import AxiLiteFrontEnd

    m = Module()
    front_end = AxiLiteFrontEnd()
    m.submodules.front_end = fragment = elaborated(front_end)
    held = _drive(m, front_end)
    address_bits = len(front_end.awaddr)

    takes_address = front_end.awvalid & front_end.awready
    takes_data = front_end.wvalid & front_end.wready
    answers = front_end.bvalid & front_end.bready

    # What was asked and is not yet answered; whether the register bus has seen it, and what it answered.
    have_address, have_data, acted = Signal(), Signal(), Signal()
    address, data, strobes = Signal(address_bits), Signal(32), Signal(4)
    response = Signal(2)
    with m.If(answers):
        m.d.sync += [have_address.eq(0), have_data.eq(0), acted.eq(0)]
    with m.If(takes_address):
        m.d.sync += [have_address.eq(1), address.eq(front_end.awaddr)]
    with m.If(takes_data):
        m.d.sync += [have_data.eq(1), data.eq(front_end.wdata), strobes.eq(front_end.wstrb)]
    with m.If(front_end.write_strobe):
        m.d.sync += [acted.eq(1), response.eq(front_end.write_response)]
    aligned = address[:2] == 0
    complete = have_address & have_data

    # One request at a time, and the next is taken as soon as the last is answered.
    m.d.comb += [Assert(front_end.awready == ~have_address), Assert(front_end.wready == ~have_data)]
    # No response without a request; none before an aligned request has acted, and never an act for an unaligned one.
    with m.If(front_end.bvalid):
        m.d.comb += [Assert(complete), Assert(acted == aligned)]
        m.d.comb += Assert(front_end.bresp == Mux(aligned, response, SLVERR))
    with m.If(front_end.write_strobe):
        m.d.comb += [
            Assert(complete & aligned & ~acted & ~front_end.bvalid & ~front_end.hold),
            Assert(Cat(0, 0, front_end.write_address)[:address_bits] == address),
            Assert(front_end.write_data == data),
            Assert(front_end.write_mask == Cat(strobe.replicate(8) for strobe in strobes)),
        ]
    # A response comes one cycle after the request is complete, and whatever the register bus was held for.
    waited = Signal(range(HOLD_CYCLES + 3))
    m.d.sync += waited.eq(Mux(complete & ~front_end.bvalid, waited + 1, 0))
    m.d.comb += Assert(waited <= 1 + HOLD_CYCLES)
    _stable(m, front_end.bvalid, front_end.bready, front_end.bresp, "b")

    # What induction has to know besides.
    with m.If(have_address & ~front_end.bvalid):
        m.d.comb += Assert(register_of(fragment, "address", width=address_bits) == address)
    with m.If(have_data & ~front_end.bvalid):
        m.d.comb += Assert(front_end.write_data == data)
        m.d.comb += Assert(front_end.write_mask == Cat(strobe.replicate(8) for strobe in strobes))
    m.d.comb += Assert(~acted | front_end.bvalid)
    m.d.comb += Assert(~(complete & ~front_end.bvalid) | (waited <= held))
    with m.If(front_end.bvalid):
        m.d.comb += Assert(~register_of(fragment, "have_address", width=1) & ~register_of(fragment, "have_data"))

    m.d.comb += [
        Cover(answers & aligned & (strobes == 0b0110)),
        Cover(answers & ~aligned),
        Cover(answers & (response == 3) & aligned),
        Cover(takes_address & have_data),
        Cover(takes_data & have_address),
        Cover(past(m, front_end.bvalid & ~front_end.bready, "bvalid_before") & answers),
    ]
    return m


def build_reads() -> Module:
    """Reads: a scoreboard of its own follows the AR and R handshakes."""
    from oscc.rtl.host.axi_lite import AxiLiteFrontEnd

    m = Module()
    front_end = AxiLiteFrontEnd()
    m.submodules.front_end = fragment = elaborated(front_end)
    held = _drive(m, front_end)
    address_bits = len(front_end.araddr)

    takes = front_end.arvalid & front_end.arready
    answers = front_end.rvalid & front_end.rready
    pending, acted = Signal(), Signal()
    address, data, response = Signal(address_bits), Signal(32), Signal(2)
    with m.If(answers):
        m.d.sync += [pending.eq(0), acted.eq(0)]
    with m.If(takes):
        m.d.sync += [pending.eq(1), address.eq(front_end.araddr)]
    with m.If(front_end.read_strobe):
        m.d.sync += acted.eq(1)
    # The registers answer in the cycle after the strobe.
    strobed = past(m, front_end.read_strobe, "strobed")
    with m.If(strobed):
        m.d.sync += [data.eq(front_end.read_data), response.eq(front_end.read_response)]
    aligned = address[:2] == 0

    m.d.comb += Assert(front_end.arready == ~pending)
    with m.If(front_end.rvalid):
        m.d.comb += [Assert(pending), Assert(acted == aligned)]
        m.d.comb += Assert(front_end.rresp == Mux(aligned, response, SLVERR))
        m.d.comb += Assert(front_end.rdata == Mux(aligned, data, 0))
    with m.If(front_end.read_strobe):
        m.d.comb += [
            Assert(pending & aligned & ~acted & ~front_end.rvalid & ~front_end.hold),
            Assert(Cat(0, 0, front_end.read_address)[:address_bits] == address),
        ]
    waited = Signal(range(HOLD_CYCLES + 4))
    m.d.sync += waited.eq(Mux(pending & ~front_end.rvalid, waited + 1, 0))
    m.d.comb += Assert(waited <= 2 + HOLD_CYCLES)
    _stable(m, front_end.rvalid, front_end.rready, Cat(front_end.rdata, front_end.rresp), "r")

    # What induction has to know besides: a read waits, was sent to the registers, or is answered.
    sent = register_of(fragment, "waiting")
    waits = pending & ~sent & ~front_end.rvalid
    m.d.comb += [Assert(pending | ~acted), Assert(~waits | (~acted & (waited <= held)))]
    reading = register_of(fragment, "reading", width=1, place=1)
    m.d.comb += Assert(waits == reading)
    with m.If(sent):
        m.d.comb += Assert(pending & ~front_end.rvalid & (acted == aligned) & (strobed == aligned))
        m.d.comb += Assert(waited <= 1 + HOLD_CYCLES)
    with m.If(pending):
        m.d.comb += Assert(register_of(fragment, "wanted") == address)

    m.d.comb += [
        Cover(answers & aligned & (front_end.rdata == 0x0123_4567)),
        Cover(answers & ~aligned),
        Cover(answers & (response == 3) & aligned),
        Cover(past(m, front_end.rvalid & ~front_end.rready, "rvalid_before") & answers),
    ]
    return m


def _drive(m: Module, front_end: Any) -> Signal:
    """Everything that comes from the master and from the register bus is free; a hold ends in bounded time.

    Returns for how many cycles the front end has been held off the bus.
    """
    for name, member in front_end.signature.members.items():
        if member.flow.name == "In":
            m.d.comb += getattr(front_end, name).eq(free(m, name, member.shape))
    held = Signal(range(HOLD_CYCLES + 1))
    m.d.sync += held.eq(Mux(front_end.hold, held + 1, 0))
    m.d.comb += [Assume(~front_end.hold | (held < HOLD_CYCLES)), Assert(held <= HOLD_CYCLES)]
    return held


def _stable(m: Module, valid: Any, ready: Any, payload: Any, name: str) -> None:
    """While valid and not ready, valid and the payload stay."""
    stalled = past(m, valid & ~ready, f"{name}_stalled")
    before = past(m, payload, f"{name}_payload")
    with m.If(stalled):
        m.d.comb += [Assert(valid), Assert(payload == before)]


FILE = "rtl/host/axi_lite.py"
PARAMETERS = f"held off the register bus for at most {HOLD_CYCLES} cycles at a time"

PROOFS = (
    Proof(
        name="axi-lite-writes",
        component="AxiLiteFrontEnd",
        claim="every write is answered once, in bounded time, and acts on the register bus once, with its own address, "
        "data and mask, never while the bus is another's; unaligned ones get SLVERR and do not act; no response "
        "without a request; BVALID and BRESP are stable until taken",
        parameters=PARAMETERS,
        build=build_writes,
        mode="prove",
        depth=3,
        cover_depth=12,
        quick=True,
        mutants=(
            Mutant(
                "acts before the data are there",
                FILE,
                "act.eq(have_address & have_data & ~self.bvalid",
                "act.eq(have_address & ~self.bvalid",
                depth=12,
            ),
            Mutant(
                "acts while the bus is another's",
                FILE,
                "act.eq(have_address & have_data & ~self.bvalid & ~self.hold)",
                "act.eq(have_address & have_data & ~self.bvalid)",
                depth=12,
            ),
            Mutant(
                "unaligned write acts",
                FILE,
                "self.write_strobe.eq(act & (address[:2] == 0))",
                "self.write_strobe.eq(act & (address[:1] == 0))",
                depth=12,
            ),
            Mutant(
                "response withdrawn",
                FILE,
                "with m.If(self.bvalid & self.bready):",
                "with m.If(self.bvalid):",
                depth=12,
            ),
        ),
    ),
    Proof(
        name="axi-lite-reads",
        component="AxiLiteFrontEnd",
        claim="every read is answered once, in bounded time, with what the register bus gave for its own address; it "
        "never acts while the bus is another's; unaligned ones get SLVERR and do not act; no response without a "
        "request; RVALID, RDATA and RRESP are stable until taken",
        parameters=PARAMETERS,
        build=build_reads,
        mode="prove",
        depth=3,
        cover_depth=12,
        quick=True,
        mutants=(
            Mutant(
                "address not held",
                FILE,
                "self.arready.eq(~reading & ~waiting & ~self.rvalid)",
                "self.arready.eq(~reading & ~self.rvalid)",
                depth=12,
            ),
            Mutant(
                "acts while the bus is another's",
                FILE,
                "with m.If(reading & ~self.hold):",
                "with m.If(reading):",
                depth=12,
            ),
            Mutant(
                "data of a later cycle",
                FILE,
                "m.d.sync += [waiting.eq(0), self.rvalid.eq(1), self.rdata.eq(self.read_data)]",
                "m.d.sync += [waiting.eq(0), self.rvalid.eq(1)]\n        with m.If(self.rvalid):\n"
                "            m.d.sync += self.rdata.eq(self.read_data)",
                depth=12,
            ),
            Mutant(
                "unaligned read answers OKAY",
                FILE,
                "m.d.sync += [self.rdata.eq(0), self.rresp.eq(SLVERR)]",
                "m.d.sync += self.rdata.eq(0)",
                depth=12,
            ),
        ),
    ),
)
