from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from oscc.rtl.bench.prepared import BenchTimeoutError
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import (
    AxiLiteHost,
    Beat,
    StreamPort,
    StreamRuleError,
    StreamWatch,
    bus_read,
    bus_write,
    frame_beats,
    get_beats,
    no_pause,
    put_beats,
    random_pauses,
    simulate,
    wait,
)
from oscc.rtl.host.axi_lite import AXI_LITE_MEMBERS, SLVERR, AxiLiteFrontEnd


class Queue(wiring.Component):  # type: ignore[misc]
    """A FIFO with a stream at either end; ``spoil`` changes what waits at its output."""

    def __init__(self) -> None:
        super().__init__(
            {
                "in_valid": In(1),
                "in_data": In(8),
                "in_last": In(1),
                "in_ready": Out(1),
                "out_valid": Out(1),
                "out_data": Out(8),
                "out_last": Out(1),
                "out_keep": Out(2),
                "out_ready": In(1),
                "spoil": In(8),
                "withhold": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=9, depth=4)
        m.d.comb += [
            fifo.w_data.eq(self.in_data | (self.in_last << 8)),
            fifo.w_en.eq(self.in_valid),
            self.in_ready.eq(fifo.w_rdy),
            self.out_valid.eq(fifo.r_rdy & ~self.withhold),
            self.out_data.eq(fifo.r_data[:8] ^ self.spoil),
            self.out_last.eq(fifo.r_data[8]),
            self.out_keep.eq(3),
            fifo.r_en.eq(self.out_ready & self.out_valid),
        ]
        return m


class Counter(wiring.Component):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__({"count": Out(8), "odd": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        m.d.comb += self.odd.eq(self.count[0])
        return m


class Words(wiring.Component):  # type: ignore[misc]
    """A register bus with one word, whose writes to odd words are refused."""

    def __init__(self) -> None:
        super().__init__(
            {
                "write_strobe": In(1),
                "write_address": In(10),
                "write_data": In(32),
                "write_mask": In(32),
                "write_response": Out(2),
                "read_strobe": In(1),
                "read_address": In(10),
                "read_data": Out(32),
                "read_response": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(32)
        refused = self.write_address[0]
        m.d.comb += self.write_response.eq(refused << 1)
        with m.If(self.write_strobe & ~refused):
            m.d.sync += word.eq((word & ~self.write_mask) | (self.write_data & self.write_mask))
        with m.If(self.read_strobe):
            m.d.sync += [self.read_data.eq(word), self.read_response.eq(self.read_address[0] << 1)]
        return m


class WordsBehindAxi(wiring.Component):  # type: ignore[misc]
    """`Words` behind the AXI4-Lite front end, with a prefix."""

    def __init__(self) -> None:
        super().__init__({f"bus_{name}": member for name, member in AXI_LITE_MEMBERS.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.front_end = front_end = AxiLiteFrontEnd()
        m.submodules.words = words = Words()
        for name, member in AXI_LITE_MEMBERS.items():
            outside, inside = getattr(self, f"bus_{name}"), getattr(front_end, name)
            m.d.comb += inside.eq(outside) if member.flow == In else outside.eq(inside)
        for name, member in words.signature.members.items():
            here, there = getattr(words, name), getattr(front_end, name)
            m.d.comb += here.eq(there) if member.flow == In else there.eq(here)
        return m


def test_a_bench_that_does_not_end_is_ended() -> None:
    counter = Counter()

    async def bench(context: Any) -> None:
        await wait(context, 200)

    simulate(counter, bench, limit=300)
    with pytest.raises(BenchTimeoutError, match="the benches have not ended within 100 cycles"):
        simulate(counter, bench, limit=100)


def test_an_error_in_a_bench_is_not_swallowed() -> None:
    async def bench(context: Any) -> None:
        await context.tick()
        raise ArithmeticError("in the bench")

    with pytest.raises(ArithmeticError, match="in the bench"):
        simulate(Counter(), bench)


def test_pauses_repeat_with_their_seed() -> None:
    pauses = [random_pauses(3, chance=0.5, longest=4)() for _ in range(2)]
    assert pauses[0] == pauses[1]
    one, other = random_pauses(1, longest=3), random_pauses(2, longest=3)
    drawn = [[pause() for _ in range(200)] for pause in (one, other)]
    assert drawn[0] != drawn[1]
    for values in drawn:
        assert set(values) == {0, 1, 2, 3}
        assert 60 < values.count(0) < 140
    assert no_pause() == 0


def test_frames_have_one_last_beat() -> None:
    assert frame_beats([7, 8, 9]) == [Beat(7), Beat(8), Beat(9, last=True)]
    assert frame_beats([]) == []


@pytest.mark.parametrize("seed", range(4))
def test_streams_arrive_as_they_were_put(seed: int) -> None:
    queue = Queue()
    entry, out = StreamPort.of(queue, "in_"), StreamPort.of(queue, "out_")
    watched, left = StreamWatch(entry), StreamWatch(out)
    first, second = frame_beats(range(20)), frame_beats(range(100, 103))
    taken: list[list[Beat]] = []

    async def put(context: Any) -> None:
        await put_beats(context, entry, first + second, random_pauses(seed))

    async def get(context: Any) -> None:
        taken.append(await get_beats(context, out, pause=random_pauses(seed + 100)))
        taken.append(await get_beats(context, out, count=2, pause=random_pauses(seed + 200)))
        taken.append(await get_beats(context, out))

    simulate(queue, put, get, background=[watched.watch, left.watch])
    assert watched.beats == first + second
    expected = [Beat(beat.data, beat.last, keep=3) for beat in first + second]
    assert left.beats == expected
    assert taken == [expected[:20], expected[20:22], expected[22:]]


def test_back_to_back_beats_take_a_cycle_each() -> None:
    queue = Queue()
    entry, out = StreamPort.of(queue, "in_"), StreamPort.of(queue, "out_")
    left = StreamWatch(out)

    async def put(context: Any) -> None:
        await put_beats(context, entry, frame_beats(range(16)))

    async def get(context: Any) -> None:
        await get_beats(context, out, 16)

    simulate(queue, put, get, background=[left.watch])
    assert left.cycles == list(range(left.cycles[0], left.cycles[0] + 16))


def test_streams_that_stand_still_are_reported() -> None:
    queue = Queue()

    async def put(context: Any) -> None:
        await put_beats(context, StreamPort.of(queue, "in_"), frame_beats(range(9)), limit=20)

    async def get(context: Any) -> None:
        await get_beats(context, StreamPort.of(queue, "out_"), limit=20)

    # The FIFO holds four and its output one more at most.
    with pytest.raises(BenchTimeoutError, match=r"beat [45] was not taken within 20 cycles"):
        simulate(queue, put)
    with pytest.raises(BenchTimeoutError, match="no beat came after the first 0 within 20 cycles"):
        simulate(queue, get)


@pytest.mark.parametrize("how", ["spoil", "withhold"])
def test_a_beat_that_changes_while_it_waits_is_an_error(how: str) -> None:
    queue = Queue()

    async def bench(context: Any) -> None:
        await put_beats(context, StreamPort.of(queue, "in_"), [Beat(5)])
        await wait(context, 4)
        context.set(getattr(queue, how), 1)
        await wait(context, 2)

    with pytest.raises(StreamRuleError, match="taken back or changed in cycle 5"):
        simulate(queue, bench, background=[StreamWatch(StreamPort.of(queue, "out_")).watch])


def test_bus_accesses_and_responses() -> None:
    words = Words()
    seen: list[Any] = []

    async def bench(context: Any) -> None:
        seen.append(await bus_write(context, words, 8, 0x1234_5678))
        seen.append(await bus_write(context, words, 8, 0xFFFF_FFFF, mask=0x0000_FF00))
        seen.append(await bus_write(context, words, 4, 0))
        seen.append(await bus_read(context, words, 8))
        seen.append(await bus_read(context, words, 4))

    simulate(words, bench)
    assert seen == [0, 0, SLVERR, (0x1234_FF78, 0), (0x1234_FF78, SLVERR)]


@pytest.mark.parametrize("seed", range(3))
def test_axi_accesses_and_responses(seed: int) -> None:
    words = WordsBehindAxi()
    seen: list[Any] = []

    async def bench(context: Any) -> None:
        host = AxiLiteHost(context, words, "bus_", random_pauses(seed))
        await host.write(8, 0x1234_5678)
        seen.append(await host.write_with(8, 0xFFFF_FFFF, strobes=0b0010))
        seen.append(await host.write_with(8, 0, strobes=0b1000, address_first=3))
        seen.append(await host.write_with(8, 0x0055_0000, strobes=0b0100, address_first=-3))
        seen.append(await host.write_with(4, 0))
        seen.append(await host.read(8))
        seen.append(await host.read_with(4))
        with pytest.raises(ValueError, match="write of 0x004: response 2"):
            await host.write(4, 0)
        with pytest.raises(ValueError, match="read of 0x004: response 2"):
            await host.read(4)

    simulate(words, bench)
    assert seen == [0, 0, 0, SLVERR, 0x0055_FF78, (0x0055_FF78, SLVERR)]


def test_address_comes_before_the_data_by_as_much_as_was_asked_for() -> None:
    words = WordsBehindAxi()
    recorder = Recorder(address=words.bus_awvalid, data=words.bus_wvalid)

    async def bench(context: Any) -> None:
        host = AxiLiteHost(context, words, "bus_")
        for cycles in (0, 4, -2):
            await host.write_with(8, 1, address_first=cycles)

    simulate(words, bench, background=[recorder.watch])
    pairs = zip(recorder.cycles("address"), recorder.cycles("data"), strict=True)
    assert [data - address for address, data in pairs] == [0, 4, -2]


def test_a_silent_slave_is_reported() -> None:
    class Silent(wiring.Component):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(AXI_LITE_MEMBERS)

        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d.sync += [self.bvalid.eq(0), self.awready.eq(1), self.wready.eq(self.wstrb == 0)]
            return m

    async def write(context: Any) -> None:
        await AxiLiteHost(context, component, limit=10).write(8, 1)

    async def unanswered(context: Any) -> None:
        await AxiLiteHost(context, component, limit=10).write_with(8, 1, strobes=0)

    async def read(context: Any) -> None:
        await AxiLiteHost(context, component, limit=10).read(8)

    for bench, message in (
        (write, "write of 0x008 was not taken within 10 cycles"),
        (unanswered, "no response to the write of 0x008 within 10 cycles"),
        (read, "read of 0x008 was not taken within 10 cycles"),
    ):
        component = Silent()
        with pytest.raises(BenchTimeoutError, match=message):
            simulate(component, bench)
