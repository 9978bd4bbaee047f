"""Host bridge of the wrappers: an access is made once, and only its own answer is given."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from formal.bench import elaborated, free, past, register_of
from formal.cores import small_core
from formal.proof import Mutant, Proof

DATA, LAST, IMAGE = 0x1008, 0x100C, 0x1010
"""Addresses of the window in docs/integration.md: PROGRAM_DATA, PROGRAM_LAST, IMAGE_DATA."""


def build() -> Module:
    """A bus that may give up at any time, and a core that takes and answers after any number of cycles."""
    from oscc.rtl.wrappers.host_bridge import HostBridge

    m = Module()
    bridge = HostBridge(small_core())
    m.submodules.bridge = fragment = elaborated(bridge)
    access, axil = bridge.access, bridge.axil
    _drive_bus(m, access)
    have_address, have_data, reading = _drive_core(m, bridge)

    # The access that the bus asks for without a break: whether it has been begun, and whether the core has answered.
    begun, answered = Signal(), Signal()
    error, word = Signal(), Signal(32)
    is_register = access.address < 0x1000
    begins = (axil.awvalid & ~past(m, axil.awvalid, "aw_before")) | (axil.arvalid & ~past(m, axil.arvalid, "ar_before"))
    answers = axil.bvalid | axil.rvalid
    with m.If(begins):
        m.d.sync += begun.eq(1)
    with m.If(answers):
        m.d.sync += [answered.eq(begun | begins), word.eq(axil.rdata)]
        m.d.sync += error.eq(Mux(axil.bvalid, axil.bresp[1], axil.rresp[1]))
    with m.If(~access.request | access.done):
        m.d.sync += [begun.eq(0), answered.eq(0)]

    with m.If(access.done):
        m.d.comb += Assert(access.request)
        with m.If(is_register):
            m.d.comb += [Assert(begun & answered), Assert(access.error == error)]
            m.d.comb += Assert(access.write | (access.word == word))
        with m.Else():
            m.d.comb += Assert(~begun)
    # An access begins with what is asked for now, and not again before it is done.
    asked, wrote = past(m, is_register & access.request, "asked"), past(m, access.write, "wrote")
    with m.If(begins):
        m.d.comb += [Assert(~begun & asked), Assert(wrote == axil.awvalid)]
    # An answer follows at once: nothing that is complete is held back.
    m.d.comb += Assert(~(answered & access.request) | access.done)
    _axi_rules(m, axil)
    _window_rules(m, bridge)

    # What induction has to know besides: a write or a read is under way, on either side of the handshake, or none.
    writes, reads = axil.awvalid | have_address, axil.arvalid | reading
    busy, completed = register_of(fragment, "register_busy"), register_of(fragment, "completed")
    given_up = register_of(fragment, "given_up")
    m.d.comb += [
        Assert(writes == (axil.wvalid | have_data)),
        Assert(~((axil.awvalid & have_address) | (axil.wvalid & have_data) | (axil.arvalid & reading))),
        Assert(~(writes & reads)),
        Assert(busy == (writes | reads)),
        Assert(~(busy & completed)),
        Assert(~(given_up & (begun | begins))),
        Assert(~(busy & access.request & ~given_up) | begun | begins),
        Assert(~(begun & ~answered & access.request) | busy),
        Assert(~(begun & access.request) | is_register),
        Assert(~((begun | begins) & access.request & axil.awvalid) | (axil.awaddr == access.address[:12])),
        Assert(~((begun | begins) & access.request & axil.arvalid) | (axil.araddr == access.address[:12])),
        Assert(~((begun | begins) & access.request & busy) | (access.write == writes)),
        Assert(~(answered & access.request) | completed),
    ]

    m.d.comb += [
        Cover(access.done & access.write & is_register & access.error),
        Cover(access.done & ~access.write & (access.address == 0x0ABC)),
        Cover(access.done & (access.address == DATA) & ~access.error),
        Cover(begins & past(m, given_up, "gave_up")),
        Cover(bridge.images.ready),
    ]
    return m


def _drive_bus(m: Module, access: Any) -> None:
    """What is asked for is anything, but stays as it is while the request does and is not done."""
    asked = Cat(access.write, access.address, access.data, access.strobes)
    for name in ("request", "write", "address", "data", "strobes"):
        m.d.comb += getattr(access, name).eq(free(m, name, getattr(access, name).shape()))
    waits = past(m, access.request & ~access.done, "waits")
    before = past(m, asked, "asked_before")
    m.d.comb += Assume(~(waits & access.request) | (asked == before))


def _drive_core(m: Module, bridge: Any) -> tuple[Signal, Signal, Signal]:
    """A core takes and answers when it likes, but answers only what it has taken, and once.

    Returns whether it has taken an address of a write, data of a write, and the address of a read.
    """
    axil = bridge.axil
    for name in ("awready", "wready", "arready", "bvalid", "bresp", "rvalid", "rresp", "rdata"):
        m.d.comb += getattr(axil, name).eq(free(m, name, getattr(axil, name).shape()))
    for name in ("valid", "data", "keep", "last", "user"):
        m.d.comb += getattr(bridge.images, name).eq(free(m, f"images_{name}", getattr(bridge.images, name).shape()))
    m.d.comb += bridge.program.ready.eq(free(m, "program_ready", 1))
    have_address, have_data, reading = Signal(), Signal(), Signal()
    with m.If(axil.bvalid):
        m.d.sync += [have_address.eq(0), have_data.eq(0)]
    with m.If(axil.rvalid):
        m.d.sync += reading.eq(0)
    with m.If(axil.awvalid & axil.awready):
        m.d.sync += have_address.eq(1)
    with m.If(axil.wvalid & axil.wready):
        m.d.sync += have_data.eq(1)
    with m.If(axil.arvalid & axil.arready):
        m.d.sync += reading.eq(1)
    m.d.comb += [Assume(~axil.bvalid | (have_address & have_data)), Assume(~axil.rvalid | reading)]
    return have_address, have_data, reading


def _axi_rules(m: Module, axil: Any) -> None:
    """A channel keeps what it offers until it is taken; answers are taken at once."""
    for name, payload in (
        ("aw", axil.awaddr),
        ("w", Cat(axil.wdata, axil.wstrb)),
        ("ar", axil.araddr),
    ):
        valid, ready = getattr(axil, f"{name}valid"), getattr(axil, f"{name}ready")
        stalled, before = past(m, valid & ~ready, f"{name}_stalled"), past(m, payload, f"{name}_payload")
        m.d.comb += Assert(~stalled | (valid & (payload == before)))
    m.d.comb += Assert(axil.bready & axil.rready)


def _window_rules(m: Module, bridge: Any) -> None:
    """A beat of an image is taken once, by a read of its register; a beat of a program stays until it is taken."""
    access, program = bridge.access, bridge.program
    with m.If(bridge.images.ready):
        m.d.comb += Assert(access.request & ~access.done & ~access.write & (access.address[2:] == IMAGE >> 2))
    taken = past(m, bridge.images.ready, "taken")
    m.d.comb += Assert(~(taken & access.request) | access.done)
    beat = Cat(program.data, program.last)
    stalled, before = past(m, program.valid & ~program.ready, "beat_stalled"), past(m, beat, "beat_before")
    m.d.comb += Assert(~stalled | (program.valid & (beat == before)))
    # No beat without a write of one of its registers, which ends it where it should.
    offered = program.valid & ~past(m, program.valid, "valid_before")
    wrote = past(m, access.request & access.write & (access.strobes == 0xF), "put")
    where = past(m, access.address[2:], "put_address")
    with m.If(offered):
        m.d.comb += Assert(wrote & ((where == DATA >> 2) | (where == LAST >> 2)))
        m.d.comb += Assert(program.last == (where == LAST >> 2))


FILE = "rtl/wrappers/host_bridge.py"

PROOFS = (
    Proof(
        name="host-bridge",
        component="HostBridge, StreamWindow",
        claim="an access that a bus asks for without a break is made once, with its own address and direction, and "
        "done in the cycle after its own answer, with that word and error; one that the bus gives up is never "
        "answered; what AXI4-Lite is offered stays until it is taken; a beat of an image is taken once, by a read of "
        "its register, and a beat of a program comes from a write of its registers and stays until it is taken",
        parameters="streams of 32 bits; core and bus free, the core answers only what it has taken",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=12,
        quick=True,
        mutants=(
            Mutant(
                "answers what was given up",
                FILE,
                "completed.eq(access.request & ~given_up)",
                "completed.eq(access.request)",
                depth=12,
            ),
            Mutant(
                "begins again when done",
                FILE,
                "start.eq(access.request & ~axil.busy & ~completed)",
                "start.eq(access.request & ~axil.busy)",
                depth=12,
            ),
            Mutant(
                "data taken back with the address",
                FILE,
                "with m.If(axil.wready):",
                "with m.If(axil.awready):",
                depth=12,
            ),
            Mutant(
                "beat of an image taken without a read",
                "rtl/wrappers/stream_window.py",
                "take.eq(reads & self._addressed(IMAGE_DATA) & self.images.valid)",
                "take.eq(self._addressed(IMAGE_DATA) & self.images.valid)",
                depth=12,
            ),
        ),
    ),
)
